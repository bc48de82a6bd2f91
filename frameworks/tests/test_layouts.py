# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Tensors that are views of others, empty or unbatched, and gradients that not all want."""

import itertools

import pytest
import torch
import torch.nn.functional as F

import comparison

MB, IC, OC, KW, IW = 3, 7, 9, 5, 90

# name: a view of shape (n, c, w), of memory that it doesn't fill, or not in order.
VIEWS = {
    "contiguous": torch.randn,
    "channels_last": lambda n, c, w: torch.randn(n, w, c).transpose(1, 2),
    "reversed_order": lambda n, c, w: torch.randn(w, c, n).permute(2, 1, 0),
    "part_of_width": lambda n, c, w: torch.randn(n, c, w + 40)[:, :, 13:13 + w],
    "every_second_position": lambda n, c, w: torch.randn(n, c, 2 * w)[:, :, ::2],
    "part_of_channels": lambda n, c, w: torch.randn(n, c + 4, w)[:, 3:3 + c],
    "part_of_channels_last": lambda n, c, w: torch.randn(n, w, c + 4)[:, :, 3:3 + c].mT,
    "every_second_image": lambda n, c, w: torch.randn(2 * n, c, w)[1::2],
    "unaligned": lambda n, c, w: torch.randn(n * c * w + 1)[1:].view(n, c, w),
    "broadcast_images": lambda n, c, w: torch.randn(1, c, w).expand(n, c, w),
    "broadcast_channels": lambda n, c, w: torch.randn(n, 1, w).expand(n, c, w),
    "broadcast_width": lambda n, c, w: torch.randn(n, c, 1).expand(n, c, w),
    "one_value": lambda n, c, w: torch.randn(1, 1, 1).expand(n, c, w),
    "overlapping_frames": lambda n, c, w: torch.randn(n * w + c).as_strided((n, c, w), (w, 1, 1)),
}


def convolution(src, wei, bias):
    """A convolution whose ends are padded."""
    return F.conv1d(src, wei, bias, padding=3, dilation=2)


def transposed(src, wei, bias):
    """A transposed convolution with a stride."""
    return F.conv_transpose1d(src, wei, bias, stride=3, padding=2)


# (operation, shape of its weights)
OPERATIONS = {"conv1d": (convolution, (OC, IC, KW)),
              "conv_transpose1d": (transposed, (IC, OC, KW))}


@pytest.fixture(params=OPERATIONS)
def operation(request):
    """(operation, its weights, its bias)."""
    function, wei_shape = OPERATIONS[request.param]
    return function, torch.randn(wei_shape), torch.randn(OC)


@pytest.mark.parametrize("view", VIEWS)
def test_src_is_a_view(view, operation, recording):
    function, *parameters = operation
    comparison.check_training(function, [VIEWS[view](MB, IC, IW), *parameters], recording)


@pytest.mark.parametrize("view", VIEWS)
def test_weights_are_a_view(view, operation, recording):
    function, wei, bias = operation
    tensors = [torch.randn(MB, IC, IW), VIEWS[view](*wei.shape), bias]
    comparison.check_training(function, tensors, recording)


@pytest.mark.parametrize("view", VIEWS)
def test_diff_dst_is_a_view(view, operation, recording):
    function, *parameters = operation
    tensors = [torch.randn(MB, IC, IW), *parameters]
    diff_dst = VIEWS[view](*function(*tensors).shape)
    training = comparison.with_gradients(function)
    with recording() as recorded:
        results = training(*tensors, diff_dst)
    comparison.check_sums(training, [*tensors, diff_dst], results)
    recorded.check()


@pytest.mark.parametrize("wanted", itertools.product([True, False], repeat=3),
                         ids=lambda wanted: "".join("-+"[want] for want in wanted))
def test_gradients_of_some(wanted, operation, recording):
    """src, weights, bias: + wants a gradient."""
    function, *parameters = operation
    results = comparison.check_training(function, [torch.randn(MB, IC, IW), *parameters],
                                        recording, wanted)
    assert len(results) == 1 + sum(wanted)


def test_gradient_of_a_sum(operation, recording):
    """The gradient that sum() sends back has a stride of 0 everywhere."""
    def training(*tensors):
        leaves = [tensor.detach().requires_grad_() for tensor in tensors]
        return torch.autograd.grad(function(*leaves).sum(), leaves)
    function, *parameters = operation
    tensors = [torch.randn(MB, IC, IW), *parameters]
    with recording() as recorded:
        results = training(*tensors)
    comparison.check_sums(training, tensors, results)
    recorded.check()


def test_gradients_of_gradients(operation, recording):
    """Each is a sum of convolutions of what is given, which check_sums needs."""
    def training(src, wei, bias, diff_dst, *directions):
        leaves = [tensor.detach().requires_grad_() for tensor in (src, wei, bias, diff_dst)]
        dst = function(*leaves[:3])
        first = torch.autograd.grad(dst, leaves[:3], leaves[3], create_graph=True)
        return torch.autograd.grad(first, [*leaves[:2], leaves[3]], directions)
    function, *parameters = operation
    tensors = [torch.randn(MB, IC, IW), *parameters]
    tensors += [torch.randn_like(function(*tensors)), *map(torch.randn_like, tensors)]
    with recording() as recorded:
        results = training(*tensors)
    comparison.check_sums(training, tensors, results)
    recorded.check()


def test_no_images(operation, recording):
    """Nothing reaches oneDNN, the gradient of the weights is 0."""
    function, *parameters = operation
    _, _, diff_wei, diff_bias = comparison.check_training(
        function, [torch.randn(0, IC, IW), *parameters], recording, native=3)
    assert not diff_wei.any() and not diff_bias.any()


@pytest.mark.parametrize("width, native", [(90, 3), (5000, 0)])
def test_unbatched(width, native, operation, recording):
    """One image: PyTorch keeps it to itself unless it has more than 20,480 elements."""
    function, *parameters = operation
    comparison.check_training(function, [torch.randn(IC, width), *parameters], recording,
                              native=native)


def test_dst_is_contiguous(operation, recording):
    function, *parameters = operation
    with recording() as recorded:
        dst = function(torch.randn(MB, IC, IW), *parameters)
    assert dst.is_contiguous()
    recorded.check()


@pytest.mark.parametrize("special", [float("inf"), float("nan"), 3e38, 1e-41])
def test_special_values_stay_where_they_belong(special, operation, recording):
    """An infinity, NaN or extreme value changes the outputs that it takes part in, no others."""
    function, *parameters = operation
    src = torch.randn(MB, IC, IW)
    disturbed = src.clone()
    disturbed[1, 3, 40] = special
    with recording() as recorded:
        plain, result = function(src, *parameters), function(disturbed, *parameters)
    exact = comparison.natively(lambda *t: function(*t), [disturbed, *parameters], lambda t: t)
    concerned = exact != comparison.natively(lambda *t: function(*t), [src, *parameters],
                                             lambda t: t)
    assert torch.equal(result[~concerned], plain[~concerned])
    assert torch.equal(result.isfinite(), exact.to(torch.float32).isfinite())
    recorded.check()
