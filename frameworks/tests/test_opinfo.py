# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""PyTorch's own samples for its operators, which come with its package."""

import pytest
import torch

import comparison

common = pytest.importorskip("torch.testing._internal.common_methods_invocations",
                             reason="PyTorch's samples need python3-setuptools")

NAMES = ("nn.functional.conv1d", "nn.functional.conv_transpose1d")


def samples(name, dtype):
    """(operation, tensors) of each sample of an operator."""
    info = next(info for info in common.op_db if info.name == name)
    for sample in info.sample_inputs("cpu", dtype, requires_grad=False):
        tensors = [sample.input, *sample.args]
        yield lambda *t, info=info, sample=sample: info.op(*t, **sample.kwargs), tensors


def repeated(operation, tensors):
    """The sample with its image twice where it has one: PyTorch sends small f32 problems to
    oneDNN only from two images on."""
    src, *parameters = tensors
    src = src if src.dim() == 3 else src[None]
    return operation, [torch.cat([src, src.flip(2)]), *parameters]


@pytest.mark.parametrize("name", NAMES)
def test_samples(name, dtype, recording):
    """As they are: some of f32 are too small for PyTorch to ask oneDNN."""
    passes = kept = 0
    for operation, tensors in samples(name, dtype):
        function = comparison.with_gradients(operation)
        arguments = [*tensors, comparison.diff_dst_of(operation, tensors)]
        with recording() as recorded:
            results = function(*arguments)
        comparison.check_sums(function, arguments, results)
        recorded.check(recorded.native)
        passes += len(recorded.runs)
        kept += recorded.native
    assert passes > 0 and (dtype == torch.float32 or kept == 0), f"{passes} on oneDNN, {kept} not"


@pytest.mark.parametrize("name", NAMES)
def test_samples_of_two_images(name, recording):
    """All of them go to oneDNN."""
    for operation, tensors in samples(name, torch.float32):
        comparison.check_training(*repeated(operation, tensors), recording)
