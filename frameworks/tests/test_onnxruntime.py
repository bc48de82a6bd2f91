# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime's oneDNN provider against its own CPU provider and float64, on models made here.

Its oneDNN provider computes convolutions, f32 and forward. Transposed ones it
leaves to the CPU provider, and on 1D ones with groups it fails (1.21), whatever
the oneDNN.
"""

import importlib.util
import json
import re

import numpy
import pytest
import torch
import torch.nn.functional as F

import comparison
import recording as recording_module

for package in ("onnx", "onnxruntime"):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"there is no Python module {package}: apt install python3-{package}",
                    allow_module_level=True)

# wei: (oc, ic, kw). attributes: of ONNX's Conv. bias: False for none. other: a value for
# each channel that is added to the result. activation: what follows.
CASES = {
    "genomics": dict(wei=(15, 15, 51), attributes=dict(dilations=[8], pads=[200, 200])),
    "genomics_first": dict(wei=(15, 1, 51), attributes=dict(dilations=[8], pads=[200, 200])),
    "dna": dict(wei=(40, 4, 17)),
    "raw_audio": dict(wei=(4, 1, 8), attributes=dict(strides=[2])),
    "stride_and_dilation": dict(wei=(5, 6, 5), attributes=dict(strides=[3], dilations=[2])),
    "unequal_padding": dict(wei=(9, 6, 5), attributes=dict(pads=[4, 1])),
    "causal": dict(wei=(32, 16, 2), attributes=dict(dilations=[64], pads=[64, 0])),
    "same_upper": dict(wei=(9, 7, 4), attributes=dict(auto_pad="SAME_UPPER")),
    "same_lower": dict(wei=(9, 7, 4), attributes=dict(auto_pad="SAME_LOWER")),
    "valid": dict(wei=(9, 7, 4), attributes=dict(auto_pad="VALID")),
    "no_bias": dict(wei=(17, 15, 9), bias=False),
    "one_tap": dict(wei=(24, 20, 1)),
    "whole_vectors": dict(wei=(64, 64, 3), attributes=dict(pads=[1, 1])),
    "relu": dict(wei=(17, 15, 9), activation="Relu"),
    "relu_same": dict(wei=(17, 15, 9), activation="Relu", attributes=dict(auto_pad="SAME_UPPER")),
    "tanh": dict(wei=(17, 15, 9), activation="Tanh"),
    "sigmoid": dict(wei=(17, 15, 9), activation="Sigmoid"),
    "sum_relu": dict(wei=(17, 15, 9), other=True, activation="Relu"),
}
SHAPES = ((1, 300), (1, 77), (3, 120), (1, 300), (1, 1001))  # (batch, width), in this order
ACTIVATIONS = {"Relu": torch.relu, "Tanh": torch.tanh, "Sigmoid": torch.sigmoid}
ACTIVATION_ERROR = 1e-5  # of an approximation, relative to values up to 1


def constants(case):
    """The tensors of a model by name."""
    found = {"wei": torch.randn(case["wei"])}
    if case.get("bias", True):
        found["bias"] = torch.randn(case["wei"][0])
    if case.get("other"):
        found["other"] = torch.randn(1, case["wei"][0], 1)
    return found


def convolve(case, src, wei, bias=None, other=None):
    """What ONNX says that the convolution is, and the sum."""
    attributes = case.get("attributes", {})
    dilation = attributes.get("dilations", [1])[0]
    total = (wei.shape[2] - 1) * dilation
    pads = {"SAME_UPPER": [total // 2, total - total // 2],
            "SAME_LOWER": [total - total // 2, total // 2],
            }.get(attributes.get("auto_pad"), attributes.get("pads", [0, 0]))
    sums = F.conv1d(F.pad(src, pads), wei, bias, attributes.get("strides", [1])[0], 0, dilation)
    return [sums if other is None else sums + other]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, {name: (constants, sources)}): what the models and their sources are made of."""
    folder = tmp_path_factory.mktemp("models")
    tensors = {}
    for name, case in CASES.items():
        sources = [torch.randn(n, case["wei"][1], width) for n, width in SHAPES]
        tensors[name] = constants(case), sources
        numpy.savez(folder / f"{name}.npz", **tensors[name][0])
        numpy.savez(folder / f"{name}.src.npz", *tensors[name][1])
    return folder, tensors


@pytest.fixture(scope="module")
def ran(made, run_child):
    """{name: its part of the output} of one process that has run all models."""
    folder, _ = made
    run_child("onnx_models.py", folder, input=json.dumps(CASES))
    output = run_child("onnx_run.py", folder).output
    return dict(re.findall(r"^model (\w+)\n(.*?)(?=^model|\Z)", output, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", CASES)
def test_model(name, made, ran, on_plugin):
    folder, tensors = made
    case, (weights, sources) = CASES[name], tensors[name]
    results = numpy.load(folder / f"{name}.dst.npz")
    activate = ACTIVATIONS.get(case.get("activation"), lambda sums: sums)
    error = ACTIVATION_ERROR if case.get("activation") in ("Tanh", "Sigmoid") else 0
    for index, src in enumerate(sources):
        given = [src, *(weights.get(key) for key in ("wei", "bias", "other"))]
        exact, bound = comparison.exact_and_bound(lambda *t, case=case: convolve(case, *t), given)
        for provider in ("onednn", "cpu"):
            result = torch.from_numpy(results[f"{provider}_{index}"])
            assert result.shape == exact[0].shape
            wrong = ~((result - activate(exact[0])).abs() <= bound[0] + error)
            assert not wrong.any(), f"{provider}, source {index}: {int(wrong.sum())} elements wrong"
    recorded = recording_module.Recording(on_plugin)
    recorded.runs = recording_module.convolutions(ran[name])
    recorded.check_count(len(sources))


def test_activation_is_fused(ran):
    """The provider hands the ReLU to oneDNN as a post-op."""
    runs = recording_module.convolutions(ran["relu"])
    assert runs and all("eltwise_relu" in run.attributes for run in runs)
