# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""One genomics layer, forward and all gradients, compared with float64."""

import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import comparison  # noqa: E402

operation, parameters = comparison.of_module(nn.Conv1d(15, 15, 51, padding="same", dilation=8))
tensors = [torch.randn(2, 15, 1000), *parameters]
tensors.append(comparison.diff_dst_of(operation, tensors))
training = comparison.with_gradients(operation)
comparison.check_sums(training, tensors, training(*tensors))
