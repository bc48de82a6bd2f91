# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""How good a network is on tracks that it hasn't been trained on."""

import numpy
import torch
from sklearn import metrics

import network


@torch.inference_mode()
def predict(model, data, batch, precision):
    """Return (denoised tracks, probabilities of peaks), each (tracks, width)."""
    found = []
    for noisy, _, _ in torch.utils.data.DataLoader(data, batch):
        with network.autocast(precision):
            track, logits = model(noisy)
        found.append((track.float().numpy(), torch.sigmoid(logits.float()).numpy()))
    return tuple(map(numpy.concatenate, zip(*found)))


def correlation(one, other):
    """Pearson's, over all positions of all tracks."""
    return float(numpy.corrcoef(one.ravel(), other.ravel())[0, 1])


def evaluate(model, data, batch, precision):
    """Return Pearson of the denoised track and AUROC of the peaks, on held-out tracks."""
    _, clean, peaks = (column.numpy() for column in data.tensors)
    denoised, probability = predict(model, data, batch, precision)
    if peaks.min() == peaks.max():  # only one class: there is no such curve
        return correlation(denoised, clean), float("nan")
    return (correlation(denoised, clean),
            float(metrics.roc_auc_score(peaks.ravel() > 0, probability.ravel())))
