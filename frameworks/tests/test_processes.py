# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Several Python threads, worker processes, other settings, and memory over many widths."""

import concurrent.futures
import threading

import pytest
import torch
from torch import nn

import comparison

THREADS = 8


def test_threads_at_once(recording, on_plugin):
    """Each thread trains at its own width and then at all others', new to oneDNN, in one module."""
    module = nn.Conv1d(6, 9, 7, padding=3, dilation=2)
    operation, parameters = comparison.of_module(module)
    training = comparison.with_gradients(operation)
    problems = []
    for index in range(THREADS):
        tensors = [torch.randn(2, 6, 101 + 37 * index), *parameters]
        problems.append([*tensors, comparison.diff_dst_of(operation, tensors)])
    start = threading.Barrier(THREADS)

    def work(first):
        start.wait()
        return [(index, training(*problems[index]))
                for index in ((first + step) % THREADS for step in range(THREADS))]
    with recording(noted=False) as recorded, concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        done = [item for items in pool.map(work, range(THREADS)) for item in items]
    recorded.check_count(3 * THREADS**2)
    firsts = {}
    for index, results in done:
        comparison.check_sums(training, problems[index], results)
        for result, first in zip(results, firsts.setdefault(index, results)):
            assert not on_plugin or torch.equal(result, first)


def test_data_loader_workers(run_child, tmp_path):
    """Forked from a process that has computed already; each worker has one thread."""
    child = run_child("data_loader.py", tmp_path)
    # 1 in the parent, 8 in the workers, and 8 in the parent to compare with.
    child.check_count(17)


@pytest.mark.parametrize("isa, name", [("AVX2", "brdnn:avx2"), ("SSE41", "")])
def test_instruction_set(isa, name, run_child, on_plugin):
    """oneDNN's own limit is followed; below AVX2 the built-in computes."""
    child = run_child("train.py", ONEDNN_MAX_CPU_ISA=isa)
    assert len(child.runs) == 3
    names = {run.impl for run in child.runs}
    if on_plugin and name:
        assert names == {name}
    else:
        assert not any("brdnn" in name for name in names)


def test_switched_off(run_child):
    child = run_child("train.py", BRDNN_ENABLE="0")
    assert len(child.runs) == 3
    assert not any("brdnn" in run.impl for run in child.runs)


def test_policy_takes_a_genomics_layer(run_child):
    """Without BRDNN_TAKE=all, as users have it."""
    run_child("train.py", BRDNN_TAKE="").check_count(3)


def test_fewer_threads_than_planned(run_child):
    """A plan for 7 threads, of which OpenMP gives 2."""
    run_child("train.py", OMP_NUM_THREADS="7", OMP_THREAD_LIMIT="2").check_count(3)


def test_without_primitive_cache(run_child):
    run_child("train.py", ONEDNN_PRIMITIVE_CACHE_CAPACITY="0").check_count(3)


# PyTorch keeps the 1,024 convolutions used last of each pass, oneDNN as many
# primitives. So 1,600 widths fill all that, and each new one replaces an old one.
WIDTHS_BEFORE, WIDTHS = 1600, 1000
# The smallest piece of code that could be left behind is a page of 4 KiB; half is noise.
LIMIT_KIB = WIDTHS * 4 / 2


def growth_kib(child):
    """What the child measured: growth of its resident size over the last widths, in KiB."""
    return float(child.output.split()[-1])


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_memory_is_flat_over_widths(mode, run_child, on_plugin):
    """The stock library, measured just the same, grows by 3 to 7 KiB with each new width."""
    child = run_child("widths.py", mode, WIDTHS_BEFORE, WIDTHS)
    child.check_who_ran()
    assert not on_plugin or growth_kib(child) < LIMIT_KIB


def test_memory_of_widths_would_show(run_child):
    """The measure above sees what is kept: with caches that never fill, all is."""
    child = run_child("widths.py", "inference", 100, WIDTHS, LRU_CACHE_CAPACITY="1000000",
                      ONEDNN_PRIMITIVE_CACHE_CAPACITY="1000000")
    assert growth_kib(child) > LIMIT_KIB
