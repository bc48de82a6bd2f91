# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Convolve sequences of many widths, as inference or as training steps, and print how much the
resident size has grown over the last of them, in KiB.

    widths.py inference|training WIDTHS_BEFORE WIDTHS
"""

import ctypes
import gc
import pathlib
import sys

import torch
from torch import nn


def resident_kib():
    """This process's memory, without what malloc keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0])


def run_widths(module, widths, training):
    """One call of each width."""
    for width in widths:
        with torch.set_grad_enabled(training):
            result = module(torch.ones(2, 3, width))
            if training:
                result.sum().backward()


def main():
    """Read the command line."""
    mode, before, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    module = nn.Conv1d(3, 5, 7)
    first = 50
    run_widths(module, range(first, first + before), mode == "training")
    start = resident_kib()
    run_widths(module, range(first + before, first + before + count), mode == "training")
    print(f"\n{resident_kib() - start}")


main()
