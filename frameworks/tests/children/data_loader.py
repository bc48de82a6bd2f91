# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""A data set that convolves in its workers, after the parent has used oneDNN with its threads.

    data_loader.py FOLDER    an empty one, for what the workers print
"""

import os
import pathlib
import sys

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

FOLDER = pathlib.Path(sys.argv[1])
torch.manual_seed(0)
FILTER = nn.Conv1d(5, 7, 9, padding=4).requires_grad_(False)
# The parent has used the first width already, the second is new to the workers.
SOURCES = [torch.randn(2, 5, width) for width in (200, 300) * 4]


class Filtered(Dataset):
    """Filtered sequences."""

    def __len__(self):
        return len(SOURCES)

    def __getitem__(self, index):
        return FILTER(SOURCES[index])


def print_apart(worker):
    """Send a worker's output to a file of its own: lines of two would mix in one pipe."""
    file = os.open(FOLDER / str(worker), os.O_WRONLY | os.O_CREAT)
    os.dup2(file, sys.stdout.fileno())


def main():
    """Compare what the workers computed with what the parent does."""
    FILTER(SOURCES[0])
    loader = DataLoader(Filtered(), batch_size=None, num_workers=2, worker_init_fn=print_apart,
                        multiprocessing_context="fork")
    for index, filtered in enumerate(loader):
        torch.testing.assert_close(filtered, FILTER(SOURCES[index]))
    for file in sorted(FOLDER.iterdir()):
        print(file.read_text(encoding="utf-8"), end="")


main()
