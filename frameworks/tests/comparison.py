# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Compare results with PyTorch's own native path in float64, to the rounding of the type.

The bound on the error comes from the sums themselves. Computed in any order,
a f32 sum of n products is off by at most n u times the sum of the products'
magnitudes, u = 2**-24 (Higham, Accuracy and Stability of Numerical Algorithms,
chapter 3). The same function gives both: on absolute values the magnitudes, on
ones the numbers of terms. So it must be made of sums of products only, without
subtraction: convolutions and all their derivatives are.
"""

import math

import torch

UNIT_ROUNDOFF = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-8}
ACCUMULATION = UNIT_ROUNDOFF[torch.float32]  # bf16 is summed in f32, too
FEW = 4  # roundings beside those of the sum: adding the bias, joining partial sums


def natively(function, tensors, change):
    """Call a function on changed float64 copies of tensors (None stays None) without oneDNN."""
    changed = [None if tensor is None else change(tensor.detach().double()) for tensor in tensors]
    with torch.backends.mkldnn.flags(enabled=False):
        return function(*changed)


def exact_and_bound(function, tensors):
    """([exact results], [bounds on the errors of f32 ones]) of a function that returns a list."""
    exact = natively(function, tensors, lambda tensor: tensor)
    magnitudes = natively(function, tensors, torch.abs)
    terms = natively(function, tensors, torch.ones_like)
    return exact, [(n + FEW) * ACCUMULATION * size for n, size in zip(terms, magnitudes)]


def check_sums(function, tensors, results):
    """Compare results = function(*tensors), a list, with the exact ones."""
    exact, bounds = exact_and_bound(function, tensors)
    assert len(results) == len(exact)
    for index, (result, bound) in enumerate(zip(results, bounds)):
        assert result.shape == exact[index].shape
        error = (result.double() - exact[index]).abs()
        if result.dtype != torch.float32:
            bound = bound + UNIT_ROUNDOFF[result.dtype] * (exact[index].abs() + bound)
        wrong = ~(error <= bound)  # NaN is wrong
        worst = float((error / bound)[wrong].nan_to_num(math.inf).max()) if wrong.any() else 0
        assert not wrong.any(), (f"result {index}: {int(wrong.sum())} of {wrong.numel()} elements "
                                 f"are off by up to {worst:.2g} times the bound")


def with_gradients(operation, wanted=None):
    """Make of dst = operation(*tensors) a function of (*tensors, diff_dst) that returns
    [dst, *gradients]: of all tensors that are not None, or of those with True in `wanted`.
    """
    def function(*arguments):
        *tensors, diff_dst = arguments
        chosen = wanted or [True] * len(tensors)
        leaves = [None if tensor is None else tensor.detach().requires_grad_(want)
                  for tensor, want in zip(tensors, chosen)]
        dst = operation(*leaves)
        sources = [leaf for leaf in leaves if leaf is not None and leaf.requires_grad]
        gradients = torch.autograd.grad(dst, sources, diff_dst.to(dst.dtype)) if sources else ()
        return [dst.detach(), *gradients]
    return function


def diff_dst_of(operation, tensors):
    """A random gradient of the shape and type of operation(*tensors)."""
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False):
        return torch.randn_like(operation(*tensors))


def of_module(module):
    """(operation, parameters) with operation(src, *parameters) what the module computes."""
    names, parameters = zip(*module.named_parameters())

    def operation(src, *values):
        return torch.func.functional_call(module, dict(zip(names, values)), (src,))
    return operation, [parameter.detach() for parameter in parameters]


def check_training(operation, tensors, recording, wanted=None, native=0):
    """Forward and gradients on oneDNN, compared; and that oneDNN ran them."""
    function = with_gradients(operation, wanted)
    tensors = [*tensors, diff_dst_of(operation, tensors)]
    with recording() as recorded:
        results = function(*tensors)
    check_sums(function, tensors, results)
    recorded.check(native)
    return results
