# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""nn.Conv1d, nn.ConvTranspose1d and nn.Conv2d of height 1: forward and all gradients.

PyTorch keeps small f32 problems of one image and one group to itself, so that
sources here have at least 2 images, or more than 20,480 elements.
"""

import random

import pytest
import torch
from torch import nn

import comparison

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")

# name: (shape of src, arguments of the module).
CONVOLUTIONS = {
    "genomics": ((2, 15, 300), dict(out=15, kw=51, padding="same", dilation=8)),
    "genomics_first": ((2, 1, 400), dict(out=15, kw=51, padding="same", dilation=8)),
    "genomics_last": ((2, 15, 400), dict(out=1, kw=51, padding="same", dilation=8)),
    "dna": ((3, 4, 250), dict(out=40, kw=17)),
    "raw_audio": ((2, 1, 1000), dict(out=4, kw=8, stride=2)),
    "speech_stem": ((2, 80, 100), dict(out=32, kw=3, padding=1)),
    "causal": ((2, 16, 200), dict(out=32, kw=2, dilation=64)),
    "stride_above_taps": ((2, 6, 200), dict(out=5, kw=3, stride=7)),
    "stride_and_dilation": ((2, 6, 200), dict(out=5, kw=5, stride=3, dilation=2, padding=3)),
    "even_taps_same": ((2, 7, 130), dict(out=9, kw=4, padding="same")),
    "even_taps_same_dilated": ((2, 7, 130), dict(out=9, kw=8, padding="same", dilation=3)),
    "padding_above_taps": ((2, 7, 50), dict(out=9, kw=3, padding=10)),
    "one_tap": ((2, 20, 100), dict(out=24, kw=1)),
    "one_tap_strided": ((2, 20, 100), dict(out=24, kw=1, stride=2)),
    "no_bias": ((2, 15, 100), dict(out=17, kw=9, bias=False)),
    "groups": ((2, 12, 150), dict(out=18, kw=5, groups=3, padding=2)),
    "groups_one_image": ((1, 12, 150), dict(out=18, kw=5, groups=3)),
    "depthwise": ((2, 20, 150), dict(out=20, kw=7, groups=20, padding=3)),
    "depthwise_multiplied": ((2, 6, 150), dict(out=18, kw=7, groups=6, dilation=2)),
    "width_1": ((4, 15, 1), dict(out=15, kw=3, padding=1)),
    "one_output": ((4, 5, 31), dict(out=6, kw=31)),
    "one_everything": ((2, 1, 1), dict(out=1, kw=1)),
    "one_image": ((1, 15, 2000), dict(out=15, kw=9)),
    "wide": ((1, 1, 400_000), dict(out=4, kw=8, stride=2)),
    "whole_vectors": ((2, 64, 100), dict(out=64, kw=3, padding=1)),
}

TRANSPOSED = {
    "vocoder": ((2, 32, 40), dict(out=16, kw=16, stride=8, padding=4)),
    "stride_2": ((2, 15, 70), dict(out=10, kw=4, stride=2, padding=1)),
    "stride_1": ((2, 15, 70), dict(out=10, kw=9)),
    "output_padding": ((2, 7, 50), dict(out=9, kw=5, stride=3, output_padding=2)),
    "stride_above_taps": ((2, 7, 50), dict(out=9, kw=2, stride=5)),
    "dilated": ((2, 7, 50), dict(out=9, kw=5, stride=2, dilation=3, padding=2)),
    "groups": ((2, 12, 50), dict(out=18, kw=5, groups=3)),
    "depthwise": ((2, 12, 50), dict(out=12, kw=4, stride=2, groups=12)),
    "no_bias": ((2, 7, 50), dict(out=9, kw=5, bias=False)),
    "one_tap": ((2, 7, 50), dict(out=9, kw=1)),
    "width_1": ((2, 7, 1), dict(out=9, kw=5, stride=2)),
    "one_channel": ((2, 1, 200), dict(out=1, kw=25, stride=5)),
}

def make(module_type, channels, arguments):
    """A module from an entry's arguments."""
    named = dict(arguments)
    return module_type(channels, named.pop("out"), named.pop("kw"), **named)


def check(module, src, dtype, recording):
    """Compare one module on random numbers of a type."""
    operation, parameters = comparison.of_module(module)
    tensors = [tensor.to(dtype) for tensor in (src, *parameters)]
    comparison.check_training(operation, tensors, recording)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_conv1d(name, dtype, recording):
    shape, arguments = CONVOLUTIONS[name]
    check(make(nn.Conv1d, shape[1], arguments), torch.randn(shape), dtype, recording)


@pytest.mark.parametrize("name", TRANSPOSED)
def test_conv_transpose1d(name, dtype, recording):
    shape, arguments = TRANSPOSED[name]
    check(make(nn.ConvTranspose1d, shape[1], arguments), torch.randn(shape), dtype, recording)


def flat(arguments):
    """A Conv1d's arguments as those of a Conv2d of height 1."""
    lifted = {name: (least, arguments[name]) for name, least in
              (("stride", 1), ("dilation", 1), ("padding", 0))
              if isinstance(arguments.get(name), int)}
    return {**arguments, **lifted, "kw": (1, arguments["kw"])}


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_mode(mode, recording):
    """PyTorch pads and hands on a wider source; in bf16 its gradient is rounded twice."""
    module = nn.Conv1d(5, 6, 8, padding="same", dilation=3, padding_mode=mode)
    check(module, torch.randn(2, 5, 60), torch.float32, recording)


@pytest.mark.parametrize("layout", ["contiguous", "channels_last"])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_conv2d_of_height_1(name, layout, dtype, recording):
    shape, arguments = CONVOLUTIONS[name]
    module = make(nn.Conv2d, shape[1], flat(arguments))
    src = torch.randn(shape)[:, :, None]
    if layout == "channels_last":
        src, module = (what.to(memory_format=torch.channels_last) for what in (src, module))
    check(module, src, dtype, recording)


def random_case(seed):
    """(module, src): a small random problem that PyTorch sends to oneDNN."""
    pick = random.Random(seed)
    groups = pick.choice([1, 1, 1, 2, 5])
    channels, out = (groups * pick.choice([1, 1, 2, 3, 4, 7, 8, 15, 16, 17, 33]) for _ in range(2))
    kw = pick.choice([1, 2, 3, 4, 5, 8, 11, 16, 25])
    stride = pick.choice([1, 1, 1, 2, 3, 5, 8])
    dilation = pick.choice([1, 1, 2, 3, 8])
    padding = pick.choice([0, 0, 1, kw // 2, (kw - 1) * dilation])
    reach = (kw - 1) * dilation + 1
    shared = dict(kernel_size=kw, stride=stride, dilation=dilation, padding=padding,
                  groups=groups, bias=pick.random() < 0.7)
    images = pick.choice([2, 3, 5])
    if pick.random() < 0.35:
        # A transposed one's output must have at least one position.
        least = max(1, 1 + (2 * padding - reach) // stride + 1)
        module = nn.ConvTranspose1d(channels, out, **shared,
                                    output_padding=pick.randrange(stride))
    else:
        least = max(1, reach - 2 * padding)
        module = nn.Conv1d(channels, out, **shared)
    return module, torch.randn(images, channels, least + pick.randrange(0, 150))


@pytest.mark.parametrize("number", range(150))
def test_random_shape(number, recording):
    torch.manual_seed(number)
    module, src = random_case(number)
    check(module, src, torch.float32, recording)
