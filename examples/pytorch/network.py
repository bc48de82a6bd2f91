# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""A residual network that denoises a coverage track and calls its peaks, and one step of training.

The kind of network that arXiv 2104.08002 trains, in 25 convolution layers:

    noisy track, 1 channel
      5 residual blocks of 3 convolutions    15
      1x1 head -> denoised track              1
      2 residual blocks of 3 convolutions     6
      1x1 head -> logits of the peaks         1
      1x1 shortcuts of the two blocks that widen 1 channel to 15    2
"""

import torch
from torch import nn
from torch.nn import functional

FILTERS = 15
TAPS = 51
DILATION = 8
TRACK_BLOCKS = 5
PEAK_BLOCKS = 2
PRECISIONS = ("f32", "bf16")


def wide_convolution(ic, oc):
    """A convolution over 401 positions whose dst is as wide as its src."""
    convolution = nn.Conv1d(ic, oc, TAPS, dilation=DILATION, padding="same")
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    return convolution


class ResidualBlock(nn.Module):
    """Three convolutions beside a shortcut, which is a 1x1 convolution if it has to widen."""

    def __init__(self, ic, oc):
        super().__init__()
        self.first = wide_convolution(ic, oc)
        self.second = wide_convolution(oc, oc)
        self.third = wide_convolution(oc, oc)
        self.shortcut = nn.Identity() if ic == oc else nn.Conv1d(ic, oc, 1)
        # The block starts as its shortcut: deep stacks then train without normalisation.
        nn.init.zeros_(self.third.weight)

    def forward(self, src):
        """(mb, ic, iw) -> (mb, oc, iw). In place: no gradient needs what is overwritten."""
        inner = functional.relu_(self.first(src))
        inner = functional.relu_(self.second(inner))
        return functional.relu_(self.third(inner).add_(self.shortcut(src)))


def stack(blocks):
    """A row of residual blocks from 1 channel."""
    widths = [1] + blocks * [FILTERS]
    return nn.Sequential(*(ResidualBlock(ic, oc) for ic, oc in zip(widths, widths[1:])))


class GenomicsNetwork(nn.Module):
    """Noisy track in, (denoised track, logits of the peaks) out, all (mb, width)."""

    def __init__(self):
        super().__init__()
        self.track_blocks = stack(TRACK_BLOCKS)
        self.track_head = nn.Conv1d(FILTERS, 1, 1)
        self.peak_blocks = stack(PEAK_BLOCKS)
        self.peak_head = nn.Conv1d(FILTERS, 1, 1)

    def forward(self, noisy):
        """Peaks are called on the denoised track, so their loss trains both stacks."""
        track = self.track_head(self.track_blocks(noisy.unsqueeze(1)))
        logits = self.peak_head(self.peak_blocks(track))
        return track.squeeze(1), logits.squeeze(1)


def make_optimizer(network):
    """Adam, in one pass over all parameters."""
    return torch.optim.Adam(network.parameters(), lr=5e-4, fused=True)


def autocast(precision):
    """The context in which convolutions compute in `precision`; parameters stay f32."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16")


def loss(outputs, clean, peaks):
    """Mean squared error of the track plus binary cross-entropy of the peaks."""
    track, logits = outputs
    return (functional.mse_loss(track.float(), clean)
            + functional.binary_cross_entropy_with_logits(logits.float(), peaks))


def step(network, optimizer, batch, precision):
    """Train on one batch (noisy, clean, peaks); return its loss before the update."""
    noisy, clean, peaks = batch
    optimizer.zero_grad()
    with autocast(precision):
        outputs = network(noisy)
    value = loss(outputs, clean, peaks)
    value.backward()
    optimizer.step()
    return value.item()
