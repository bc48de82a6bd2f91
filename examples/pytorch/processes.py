# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""What a process under torchrun needs to know and do: its place, its cores, its group."""

import contextlib
import os

import numpy
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel


class ProcessesError(Exception):
    """A sentence for the user: why these processes can't run here."""


def rank():
    """This process's number; 0 reports."""
    return int(os.environ.get("RANK", 0))


def count():
    """How many processes train together, on all machines."""
    return int(os.environ.get("WORLD_SIZE", 1))


def under_torchrun():
    """Whether torchrun started this process."""
    return "LOCAL_RANK" in os.environ


def pin():
    """Keep this process and its threads on its share of the cores allowed; return how many.

    The processes of a machine share its cores evenly, each taking neighbours.
    """
    local_rank = int(os.environ.get("LOCAL_RANK", 0))
    local_count = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    allowed = sorted(os.sched_getaffinity(0))
    if local_count > len(allowed):
        raise ProcessesError(f"{local_count} processes have {len(allowed)} core(s) here: start "
                             "at most one process per core")
    cores = numpy.array_split(allowed, local_count)[local_rank].tolist()
    os.sched_setaffinity(0, cores)
    return len(cores)


@contextlib.contextmanager
def group():
    """Join the processes that torchrun started, if it did."""
    if not under_torchrun():
        yield
        return
    distributed.init_process_group("gloo")
    try:
        yield
    finally:
        distributed.destroy_process_group()


def replicate(network):
    """Return the network as it is to be trained: gradients are averaged over all processes."""
    if not under_torchrun():
        return network
    return DistributedDataParallel(network, gradient_as_bucket_view=True)


def mean(value):
    """Average a number over all processes."""
    if not under_torchrun():
        return value
    total = torch.tensor(value, dtype=torch.float64)
    distributed.all_reduce(total)
    return total.item() / count()
