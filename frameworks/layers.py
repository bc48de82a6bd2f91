# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Layers of published 1D networks, with the batch sizes that they are used with.

Nothing here needs a framework: a Layer is numbers, and its arithmetic is counted.
"""

import collections
import math

# One layer. transposed: it is a ConvTranspose1d; ic and iw are its input's.
# dilation: 1 is dense. padding: positions on each side, as frameworks take it.
Layer = collections.namedtuple("Layer", "name transposed mb ic oc iw kw stride dilation padding "
                                        "groups")


def conv(name, mb, ic, oc, iw, kw, stride=1, dilation=1, padding=0, groups=1):
    """A Conv1d with a bias."""
    return Layer(name, False, mb, ic, oc, iw, kw, stride, dilation, padding, groups)


def conv_transpose(name, mb, ic, oc, iw, kw, stride=1, dilation=1, padding=0, groups=1):
    """A ConvTranspose1d with a bias."""
    return Layer(name, True, mb, ic, oc, iw, kw, stride, dilation, padding, groups)


def out_width(layer):
    """Width of the layer's output."""
    span = (layer.kw - 1) * layer.dilation + 1
    if layer.transposed:
        return (layer.iw - 1) * layer.stride + span - 2 * layer.padding
    return (layer.iw + 2 * layer.padding - span) // layer.stride + 1


def src_shape(layer):
    """Shape of the input."""
    return layer.mb, layer.ic, layer.iw


def dst_shape(layer):
    """Shape of the output."""
    return layer.mb, layer.oc, out_width(layer)


def wei_shape(layer):
    """Shape of the weights as frameworks hold them."""
    if layer.transposed:
        return layer.ic, layer.oc // layer.groups, layer.kw
    return layer.oc, layer.ic // layer.groups, layer.kw


def gflop(layer):
    """1e9 operations of one pass: 2 a multiply-add, taps on padding not counted.

    A tap reaches from positions of the short side (the output of a Conv1d, the
    input of a ConvTranspose1d) to every stride-th one of the long side.
    """
    short, long = (layer.iw, out_width(layer)) if layer.transposed else (out_width(layer), layer.iw)
    products = 0
    for tap in range(layer.kw):
        offset = tap * layer.dilation - layer.padding
        first = max(0, math.ceil(-offset / layer.stride))
        last = min(short - 1, (long - 1 - offset) // layer.stride)
        products += max(0, last - first + 1)
    return 2e-9 * products * layer.mb * layer.ic * layer.oc / layer.groups


LAYERS = (
    # Genomics (AtacWorks, arXiv 2104.08002): a 25-layer residual network on coverage tracks,
    # whole ones of 60,000 positions, and of 24,000 in batches.
    conv("genomics:first", 4, 1, 15, 24000, 51, dilation=8, padding=200),
    conv("genomics:layer", 4, 15, 15, 24000, 51, dilation=8, padding=200),
    conv("genomics:head", 4, 15, 1, 24000, 1),
    conv("genomics:first_60k", 1, 1, 15, 60000, 51, dilation=8, padding=200),
    conv("genomics:layer_60k", 1, 15, 15, 60000, 51, dilation=8, padding=200),
    conv("genomics:head_60k", 1, 15, 1, 60000, 1),

    # WaveNet: 2 taps, dilation doubling to 512; one second at 16 kHz.
    conv("wavenet:d1", 2, 32, 64, 16000, 2),
    conv("wavenet:d16", 2, 32, 64, 16000, 2, dilation=16),
    conv("wavenet:d512", 2, 32, 64, 16000, 2, dilation=512),
    conv("wavenet:residual", 2, 32, 32, 16000, 1),
    conv("wavenet:skip", 2, 32, 256, 16000, 1),

    # TCN (Bai et al.): sequential MNIST and words; padded on both sides, the tail is cut later.
    conv("tcn:first", 32, 1, 25, 784, 7, padding=6),
    conv("tcn:d8", 32, 25, 25, 784, 7, dilation=8, padding=48),
    conv("tcn:d64", 32, 25, 25, 784, 7, dilation=64, padding=384),
    conv("tcn:words", 16, 600, 600, 80, 3, dilation=4, padding=8),

    # HiFi-GAN V1 vocoder: segments of 8,192 samples.
    conv("hifigan:pre", 4, 80, 512, 32, 7, padding=3),
    conv_transpose("hifigan:up1", 4, 512, 256, 32, 16, stride=8, padding=4),
    conv("hifigan:c256_k3_d1", 4, 256, 256, 256, 3, padding=1),
    conv("hifigan:c256_k7_d3", 4, 256, 256, 256, 7, dilation=3, padding=9),
    conv("hifigan:c256_k11_d5", 4, 256, 256, 256, 11, dilation=5, padding=25),
    conv_transpose("hifigan:up2", 4, 256, 128, 256, 16, stride=8, padding=4),
    conv("hifigan:c128_k3_d5", 4, 128, 128, 2048, 3, dilation=5, padding=5),
    conv("hifigan:c128_k11_d1", 4, 128, 128, 2048, 11, padding=5),
    conv_transpose("hifigan:up3", 4, 128, 64, 2048, 4, stride=2, padding=1),
    conv("hifigan:c64_k3_d1", 4, 64, 64, 4096, 3, padding=1),
    conv("hifigan:c64_k7_d3", 4, 64, 64, 4096, 7, dilation=3, padding=9),
    conv_transpose("hifigan:up4", 4, 64, 32, 4096, 4, stride=2, padding=1),
    conv("hifigan:c32_k3_d3", 4, 32, 32, 8192, 3, dilation=3, padding=3),
    conv("hifigan:c32_k11_d5", 4, 32, 32, 8192, 11, dilation=5, padding=25),
    conv("hifigan:post", 4, 32, 1, 8192, 7, padding=3),

    # Whisper (tiny): the stem on 30 seconds of log-mel frames.
    conv("whisper:conv1", 1, 80, 384, 3000, 3, padding=1),
    conv("whisper:conv2", 1, 384, 384, 3000, 3, stride=2, padding=1),

    # wav2vec2 (base): feature encoder and positions, one second at 16 kHz.
    conv("wav2vec2:conv0", 2, 1, 512, 16000, 10, stride=5),
    conv("wav2vec2:conv1", 2, 512, 512, 3199, 3, stride=2),
    conv("wav2vec2:conv5", 2, 512, 512, 199, 2, stride=2),
    conv("wav2vec2:position", 2, 768, 768, 49, 128, padding=64, groups=16),

    # DNA: motif layers on one-hot bases (Basenji, Basset, BPNet), dilated trunks (Basenji,
    # BPNet, SpliceAI).
    conv("basenji:motif", 1, 4, 288, 131072, 17, padding=8),
    conv("basenji:d16", 4, 64, 32, 1024, 3, dilation=16, padding=16),
    conv("basset:motif", 64, 4, 300, 600, 19, padding=9),
    conv("bpnet:motif", 64, 4, 64, 1000, 25, padding=12),
    conv("bpnet:d64", 64, 64, 64, 1000, 3, dilation=64, padding=64),
    conv("spliceai:k11_d4", 6, 32, 32, 15000, 11, dilation=4, padding=20),
    conv("spliceai:k41_d25", 6, 32, 32, 15000, 41, dilation=25, padding=500),

    # ECG (Ribeiro et al.): 12 leads, residual blocks of 17 taps.
    conv("ecg:stem", 8, 12, 64, 4096, 17, padding=8),
    conv("ecg:stride4", 8, 64, 128, 4096, 17, stride=4, padding=7),

    # Keyword spotting, one second: temporal convolutions (TC-ResNet) and depthwise separable
    # ones (MatchboxNet).
    conv("tcresnet:first", 64, 40, 16, 101, 3, padding=1),
    conv("tcresnet:stride2", 64, 16, 24, 101, 9, stride=2, padding=4),
    conv("tcresnet:k9", 64, 24, 24, 51, 9, padding=4),
    conv("matchbox:depthwise", 64, 64, 64, 128, 13, padding=6, groups=64),
    conv("matchbox:pointwise", 64, 64, 64, 128, 1),

    # Raw audio: a strided front with few channels (ten seconds at 48 kHz), and M5's 80 taps.
    conv("audio:front", 1, 1, 4, 480000, 8, stride=2),
    conv("m5:first", 32, 1, 128, 8000, 80, stride=4),
    conv("m5:second", 32, 128, 128, 495, 3),

    # Separation: Conv-TasNet (two seconds at 8 kHz) and Demucs (one second of stereo at 44.1 kHz).
    conv("tasnet:encoder", 4, 1, 512, 16000, 16, stride=8),
    conv("tasnet:pointwise", 4, 128, 512, 1999, 1),
    conv("tasnet:depthwise_d1", 4, 512, 512, 1999, 3, padding=1, groups=512),
    conv("tasnet:depthwise_d64", 4, 512, 512, 1999, 3, dilation=64, padding=64, groups=512),
    conv_transpose("tasnet:decoder", 4, 512, 1, 1999, 16, stride=8),
    conv("demucs:down1", 4, 2, 64, 44100, 8, stride=4),
    conv("demucs:down2", 4, 64, 128, 11024, 8, stride=4),
    conv_transpose("demucs:up5", 4, 128, 64, 2755, 8, stride=4),
    conv_transpose("demucs:last", 4, 64, 8, 11024, 8, stride=4),
)

# A layer of each kind, for a look in three minutes.
QUICK = ("genomics:first", "genomics:layer", "genomics:head", "wavenet:d512", "wavenet:skip",
         "tcn:d64", "hifigan:up2", "hifigan:c128_k3_d5", "hifigan:c32_k11_d5", "whisper:conv1",
         "whisper:conv2", "wav2vec2:conv0", "basset:motif", "spliceai:k11_d4", "ecg:stem",
         "tcresnet:k9", "matchbox:depthwise", "audio:front", "tasnet:depthwise_d64", "demucs:last")
