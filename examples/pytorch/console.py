# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""What the command lines here share: numbers that must be positive, and progress bars."""

import argparse
import sys

import tqdm


def positive(text):
    """The type of an option that counts something."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return int(text)


def bar(items=None, **options):
    """A progress bar that goes when it is done; without a terminal, a line every 20 seconds."""
    interval = 0.1 if sys.stderr.isatty() else 20
    return tqdm.tqdm(items, leave=False, mininterval=interval, maxinterval=60, **options)
