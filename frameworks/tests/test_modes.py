# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The ways in which PyTorch runs a network: autocast, inference, TorchScript, compiled, prepacked.

Where PyTorch rewrites the network what it asks for can't be noted, so those
tests know how many convolutions there are.
"""

import contextlib
import pathlib
import sysconfig

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils import mkldnn as prepacking

import comparison

MB, IC, OC, KW, IW = 2, 15, 17, 9, 300
PADDING, DILATION = 8, 2

# name: (operator, its scalars, its algorithm) as PyTorch's fused convolution takes
# it; what it computes; error of oneDNN's own approximation, relative to 1 and the result.
EXACT, APPROXIMATE = 0, 1e-5
ACTIVATIONS = {
    "relu": (("relu", [], ""), F.relu, EXACT),
    "leaky_relu": (("leaky_relu", [0.1], ""), lambda x: F.leaky_relu(x, 0.1), EXACT),
    "hardtanh": (("hardtanh", [-1.0, 1.0], ""), F.hardtanh, EXACT),
    "hardswish": (("hardswish", [], ""), F.hardswish, APPROXIMATE),
    "sigmoid": (("sigmoid", [], ""), F.sigmoid, APPROXIMATE),
    "tanh": (("tanh", [], ""), F.tanh, APPROXIMATE),
    "swish": (("swish", [], ""), F.silu, APPROXIMATE),
    "gelu": (("gelu", [], "none"), F.gelu, APPROXIMATE),
    "gelu_tanh": (("gelu", [], "tanh"), lambda x: F.gelu(x, approximate="tanh"), APPROXIMATE),
}
STEEPEST = 1.5  # the largest slope among them is hardswish's


def network():
    """Two convolutions, with an activation behind each."""
    return nn.Sequential(nn.Conv1d(IC, OC, KW, padding=PADDING, dilation=DILATION), nn.ReLU(),
                         nn.ConvTranspose1d(OC, IC, 4, stride=2), nn.ReLU()).eval()


def images_network():
    """The same kind for images of height 1, which PyTorch's fusions look for."""
    return nn.Sequential(nn.Conv2d(IC, OC, (1, KW), padding=(0, PADDING), dilation=(1, DILATION)),
                         nn.ReLU(), nn.Conv2d(OC, IC, (1, 5)), nn.ReLU()).eval()


def exactly(module, *sources):
    """What a network computes, in float64."""
    operation, parameters = comparison.of_module(module)
    with torch.no_grad():
        return comparison.natively(operation, [*sources, *parameters], lambda tensor: tensor)


def check_close(result, exact, steps=2):
    """Compare what `steps` layers, of sums of fewer than 256 terms of magnitude 1, computed."""
    bound = steps * 256 * 2.0**-24 * max(1, float(exact.abs().max()))
    assert result.shape == exact.shape
    assert float((result.double() - exact).abs().max()) < bound


def test_autocast(recording, bf16):
    """bf16 convolutions between f32 parameters and f32 gradients."""
    module = nn.Conv1d(IC, OC, KW, padding=PADDING, dilation=DILATION)
    operation, parameters = comparison.of_module(module)
    # Numbers that are bf16 already, so that autocast rounds results only.
    tensors = [tensor.bfloat16().float() for tensor in (torch.randn(MB, IC, IW), *parameters)]
    tensors.append(torch.randn(MB, OC, IW).bfloat16().float())

    def training(*arguments):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return comparison.with_gradients(operation)(*arguments)
    with recording() as recorded:
        dst, *gradients = training(*tensors)
    assert dst.dtype == torch.bfloat16
    assert all(gradient.dtype == torch.float32 for gradient in gradients)
    recorded.check()
    assert {kind for _, kind in recorded.asked} == {"bf16"}
    # Gradients were rounded to bf16 on their way.
    comparison.check_sums(comparison.with_gradients(operation), tensors,
                          [dst, *(gradient.bfloat16() for gradient in gradients)])


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad, contextlib.nullcontext])
def test_inference(mode, recording):
    module, src = network(), torch.randn(MB, IC, IW)
    with mode(), recording(noted=False) as recorded:
        result = module(src)
    check_close(result, exactly(module, src))
    recorded.check_count(2)


def test_result_does_not_depend_on_threads(recording, on_plugin):
    """To the last bit, in all passes; the stock library promises no such thing, only rounding."""
    module, src = network(), torch.randn(5, IC, IW)
    operation, parameters = comparison.of_module(module)
    training = comparison.with_gradients(operation)
    tensors = [src, *parameters]
    tensors.append(comparison.diff_dst_of(operation, tensors))
    threads = torch.get_num_threads()
    results = []
    try:
        for number in (1, 2, 3, 7):
            torch.set_num_threads(number)
            with recording() as recorded:
                results.append(training(*tensors))
            recorded.check()
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        for first, result in zip(results[0], other):
            bound = 0 if on_plugin else 1e-3
            torch.testing.assert_close(result, first, rtol=bound, atol=bound)


@pytest.mark.parametrize("make", [network, images_network])
@pytest.mark.parametrize("prepare", [torch.jit.freeze, torch.jit.optimize_for_inference])
def test_torchscript(make, prepare, recording):
    """optimize_for_inference prepacks the weights of images."""
    module = make()
    src = torch.randn(MB, IC, IW) if make is network else torch.randn(MB, IC, 1, IW)
    with torch.no_grad():
        script = prepare(torch.jit.trace(module, src))
        for _ in range(3):  # the first calls profile, then it is rewritten
            script(src)
        with recording(noted=False) as recorded:
            result = script(src)
    check_close(result, exactly(module, src))
    recorded.check_count(2)


@pytest.mark.parametrize("make", [network, images_network])
def test_onednn_graph(make, recording):
    """TorchScript's partitions for oneDNN's graph API, which adds the ReLU to the convolution."""
    module = make()
    src = torch.randn(MB, IC, IW) if make is network else torch.randn(MB, IC, 1, IW)
    torch.jit.enable_onednn_fusion(True)
    try:
        with torch.no_grad():
            script = torch.jit.freeze(torch.jit.trace(module, src))
            for _ in range(3):
                script(src)
            with recording(noted=False) as recorded:
                result = script(src)
    finally:
        torch.jit.enable_onednn_fusion(False)
    check_close(result, exactly(module, src))
    recorded.check_count(2)
    if make is images_network:
        assert all("eltwise_relu" in run.attributes for run in recorded.runs)


def needs_compiler():
    """A reason to skip what torch.compile translates to C++, or None."""
    headers = [pathlib.Path(sysconfig.get_paths()["include"]) / "Python.h",
               pathlib.Path("/usr/include/ATen/NumericUtils.h")]
    missing = [header.name for header in headers if not header.exists()]
    return f"torch.compile needs {', '.join(missing)} (libtorch-dev, python3-dev)" \
        if missing else None


@pytest.fixture
def fresh_compiler(tmp_path, monkeypatch):
    """torch.compile without what earlier runs have left."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_compiled_training(backend, recording, fresh_compiler):
    if backend == "inductor" and needs_compiler():
        pytest.skip(needs_compiler())
    module, src = network(), torch.randn(MB, IC, IW)
    compiled = torch.compile(module, backend=backend)
    compiled(src).sum().backward()
    gradients = []
    for network_, count in ((compiled, 6 - 1), (module, 6 - 1)):  # src wants no gradient
        module.zero_grad()
        with recording(noted=False) as recorded:
            result = network_(src)
            result.sum().backward()
        check_close(result.detach(), exactly(module, src))
        recorded.check_count(count)
        gradients.append([parameter.grad for parameter in module.parameters()])
    for compiled_gradient, gradient in zip(*gradients):
        torch.testing.assert_close(compiled_gradient, gradient)


def test_compiled_inference_is_fused(recording, fresh_compiler):
    """Frozen, torch.compile prepacks weights of images and adds the ReLU to the convolution."""
    if needs_compiler():
        pytest.skip(needs_compiler())
    module, src = images_network(), torch.randn(MB, IC, 1, IW)
    with torch.no_grad(), torch._inductor.config.patch(freezing=True):
        compiled = torch.compile(module)
        compiled(src)
        with recording(noted=False) as recorded:
            result = compiled(src)
    check_close(result, exactly(module, src))
    recorded.check_count(2)
    assert all("eltwise_relu" in run.attributes for run in recorded.runs)


@pytest.mark.parametrize("make", [lambda: nn.Conv1d(IC, OC, KW, padding=PADDING),
                                  lambda: nn.Conv2d(IC, OC, (1, KW), padding=(0, PADDING))])
def test_to_mkldnn(make, recording):
    """The module's weights are oneDNN's own tensors, in a layout packed for some width."""
    module = make().eval()
    prepacked = prepacking.to_mkldnn(module)
    for width in (IW, 33, 1000):
        shape = (MB, IC, width) if isinstance(module, nn.Conv1d) else (MB, IC, 1, width)
        src = torch.randn(shape)
        with torch.no_grad(), recording(noted=False) as recorded:
            result = prepacked(src.to_mkldnn()).to_dense()
        check_close(result, exactly(module, src))
        recorded.check_count(1)


def fused(src, wei, bias, activation, other=None):
    """PyTorch's fused operator, on 3D or 4D tensors; `other` is added before the activation."""
    extra = src.dim() - 3
    geometry = ([0] * extra + [PADDING], [1] * extra + [1], [1] * extra + [DILATION], 1)
    operator = torch.ops.mkldnn._convolution_pointwise
    if other is None:
        return operator(src, wei, bias, *geometry, *activation)
    return operator.binary(src, other, wei, bias, *geometry, "add", 1.0, *activation)


def plain(src, wei, bias):
    """The convolution that is fused."""
    convolve = F.conv1d if src.dim() == 3 else F.conv2d
    extra = src.dim() - 3
    return convolve(src, wei, bias, 1, [0] * extra + [PADDING], [1] * extra + [DILATION])


def sources(dims):
    """(src, weights, bias) of 3 or 4 dimensions."""
    flat = [1] * (dims - 3)
    return torch.randn(MB, IC, *flat, IW), torch.randn(OC, IC, *flat, KW), torch.randn(OC)


@pytest.mark.parametrize("dims", [3, 4])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_fused_activation(name, dims, recording):
    arguments, function, error = ACTIVATIONS[name]
    tensors = sources(dims)
    with recording(noted=False) as recorded:
        result = fused(*tensors, arguments)
    exact = function(comparison.natively(plain, tensors, lambda tensor: tensor))
    magnitudes = comparison.natively(plain, tensors, torch.abs)
    bound = STEEPEST * (IC * KW + comparison.FEW) * comparison.ACCUMULATION * magnitudes
    assert ((result.double() - exact).abs() <= bound + error * (1 + exact.abs())).all()
    recorded.check_count(1)
    assert "eltwise" in recorded.runs[0].attributes


@pytest.mark.parametrize("width", [2, 20, IW, 2000])
def test_prepacked_for_another_width(width, recording):
    """Weights packed once, for IW, used at other widths and with a sum.

    PyTorch 2.6 itself can't describe prepacked weights at width 1.
    """
    src, wei, bias = sources(4)
    packed = torch.ops.mkldnn._reorder_convolution_weight(
        wei, [0, PADDING], [1, 1], [1, DILATION], 1, list(src.shape))
    src = torch.randn(MB, IC, 1, width)
    other = torch.randn_like(plain(src, wei, bias))
    with recording(noted=False) as recorded:
        result = fused(src, packed, bias, ("relu", [], ""), other)
    exact = comparison.natively(plain, [src, wei, bias], lambda tensor: tensor) + other.double()
    magnitudes = comparison.natively(plain, [src, wei, bias], torch.abs) + other.double().abs()
    bound = (IC * KW + comparison.FEW) * comparison.ACCUMULATION * magnitudes
    assert ((result.double() - exact.relu()).abs() <= bound).all()
    recorded.check_count(1)
