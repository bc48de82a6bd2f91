# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The parts of bench_layers.py that need no measuring: counting, reading, summing up."""

import csv
import itertools
import pathlib
import sys
import types

import pytest
import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "frameworks"), str(ROOT / "bench")]

import bench_layers  # noqa: E402 (found through the line above)
import layer_report  # noqa: E402
import layer_results  # noqa: E402
import layer_rounds  # noqa: E402
import layer_torch  # noqa: E402
import layer_worker  # noqa: E402
import layers  # noqa: E402
import precisions  # noqa: E402

SMALL = [make("small", 2, 6, 4, 11, 3, stride=stride, dilation=dilation, padding=padding, groups=2)
         for make, stride, dilation, padding in itertools.product(
             (layers.conv, layers.conv_transpose), (1, 2, 3), (1, 2, 5), (0, 2, 4))
         if layers.out_width(make("", 2, 6, 4, 11, 3, stride, dilation, padding, 2)) > 0]

EXEC = ("onednn_verbose,v1,primitive,exec,cpu,{},{},forward_training,src:f32::blocked:abcd::f0 "
        "wei:f32::blocked:abcd::f0 dst:f32::blocked:abcd::f0,,alg:convolution_direct,mb1_ic3,0.5")
DECLINE = ("onednn_verbose,v1,primitive,create:dispatch,convolution,cpu,convolution,"
           "brdnn:avx512_core,{},src:f32:a:any:any::f0 wei:f32:a:any:any::f0 "
           "dst:f32:a:any:any::f0,,alg:convolution_direct,mb1_ic3,too small, by far,policy.cpp:1")


def count_products(layer):
    """Multiply-adds that are not on padding: each adds 1 to an output, if all is ones."""
    convolve = (torch.nn.functional.conv_transpose1d if layer.transposed
                else torch.nn.functional.conv1d)
    ones = convolve(torch.ones(layers.src_shape(layer)), torch.ones(layers.wei_shape(layer)),
                    stride=layer.stride, dilation=layer.dilation, padding=layer.padding,
                    groups=layer.groups)
    return ones.sum().item()


@pytest.mark.parametrize("layer", SMALL, ids=lambda layer: "-".join(map(str, layer[1:])))
def test_arithmetic_is_what_a_convolution_of_ones_sums_up(layer):
    assert 1e9 * layers.gflop(layer) == pytest.approx(2 * count_products(layer))


@pytest.mark.parametrize("layer", SMALL, ids=lambda layer: "-".join(map(str, layer[1:])))
def test_shapes_are_pytorchs(layer):
    module = layer_torch.make_module(layer, torch.float32)
    assert tuple(module.weight.shape) == layers.wei_shape(layer)
    assert tuple(module(torch.zeros(layers.src_shape(layer))).shape) == layers.dst_shape(layer)


def test_layers_have_names_of_their_own():
    names = [layer.name for layer in layers.LAYERS]
    assert len(set(names)) == len(names)
    assert set(layers.QUICK) <= set(names)


@pytest.mark.parametrize("layer_pass", layer_torch.MASKS)
def test_each_backward_pass_gives_its_gradients_only(layer_pass):
    layer = layers.conv("small", 2, 6, 4, 11, 3, padding=1)
    found = layer_torch.prepare(layer_worker.Request(layer, layer_pass, "f32", 0))()
    assert tuple(gradient is not None for gradient in found) == layer_torch.MASKS[layer_pass]


def test_implementation_is_the_last_convolution():
    assert layer_rounds.implementation(["x", EXEC.format("reorder", "jit:uni")]) == ("native", "")
    lines = [EXEC.format("convolution", "jit:avx512_core"), EXEC.format("reorder", "jit:uni")]
    assert layer_rounds.implementation(lines) == ("jit:avx512_core", "")


def test_reason_is_that_of_the_pass_that_ran():
    ran = EXEC.format("convolution", "jit:avx512_core")
    lines = [DECLINE.format("backward_data"), DECLINE.format("forward_training"), ran]
    assert layer_rounds.implementation(lines) == ("jit:avx512_core", "too small, by far")
    assert layer_rounds.implementation([DECLINE.format("backward_data"), ran])[1] == ""


def test_the_wrong_library_is_noticed():
    stock, plugin = layer_rounds.torch_sides(pathlib.Path("/here/lib"))
    layer_rounds.check_library(stock, ["/usr/lib/libdnnl.so.3"])
    layer_rounds.check_library(plugin, ["/here/lib/libdnnl.so.3"])
    for side, loaded, sentence in ((plugin, ["/usr/lib/libdnnl.so.3"], "instead of"),
                                   (stock, [], "statically linked")):
        with pytest.raises(layer_worker.WorkerError, match=sentence):
            layer_rounds.check_library(side, loaded)


def test_a_side_has_its_library_and_no_other(monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/caller")
    monkeypatch.setenv("ONEDNN_VERBOSE", "all")
    settings = types.SimpleNamespace(threads=3, return_memory=False,
                                     precision=precisions.PRECISIONS["tf32"])
    stock, plugin = (layer_rounds.environment(settings, side)
                     for side in layer_rounds.torch_sides(pathlib.Path("/here/lib")))
    assert plugin.pop("LD_LIBRARY_PATH") == "/here/lib"
    assert stock == plugin
    assert stock["OMP_NUM_THREADS"] == "3"
    assert stock["ONEDNN_DEFAULT_FPMATH_MODE"] == "TF32"
    assert "ONEDNN_VERBOSE" not in stock


def test_a_worker_answers_and_tells_of_errors():
    settings = types.SimpleNamespace(threads=1, return_memory=False,
                                     precision=precisions.PRECISIONS["f32"])
    side = layer_rounds.Side("here", "layer_torch.py", (), None, layer_rounds.PASSES)
    layer = layers.conv("small", 2, 6, 4, 11, 3)
    with layer_worker.Worker(layer_rounds.HERE / side.script, (),
                             layer_rounds.environment(settings, side)) as worker:
        assert worker.read_reply()[0]
        assert worker.ask(layer_worker.Request(layer, "forward", "f32", 1))[0] > 0
        with pytest.raises(layer_worker.WorkerError, match="small: "):
            worker.ask(layer_worker.Request(layer._replace(groups=5), "forward", "f32", 1))
        assert worker.ask(layer_worker.Request(layer, "backward data", "f32", 0))[0] is None


def test_a_dead_worker_is_a_sentence(tmp_path):
    script = tmp_path / "dies.py"
    script.write_text("raise SystemExit('out of memory')", encoding="utf-8")
    with layer_worker.Worker(script, (), None) as worker:
        request = layer_worker.Request(layers.LAYERS[0], "forward", "f32", 1)
        with pytest.raises(layer_worker.WorkerError, match="dies.py ended .* 1: out of memory"):
            worker.ask(request)


def settings_and_samples():
    """Two layers in two passes; MLAS in forward."""
    settings = types.SimpleNamespace(
        library="lib", threads=2, rounds=3, ms_per_layer=9, return_memory=False,
        precision=precisions.PRECISIONS["f32"], passes=["forward", "backward data"],
        layers=[layers.conv("a", 1, 10, 10, 1000, 5, padding=2), layers.conv("b", 1, 1, 1, 9, 1)])
    samples = layer_rounds.Samples()
    samples.rounds = 3
    samples.peak["f32_fma", 2] = [90.0, 100.0, 110.0]
    for name, layer_pass, stock, plugin in (
            ("a", "forward", [6.0, 5.0, 70.0], [2.0, 2.0, 1.0]),
            ("b", "forward", [3.0], [4.0]), ("a", "backward data", [8.0], [1.0]),
            ("b", "backward data", [1.0], [1.0])):
        case = layer_rounds.Case(name, layer_pass)
        samples.ms[case, "stock"], samples.ms[case, "plugin"] = stock, plugin
        samples.impl[case, "stock"] = "jit:avx512_core"
        samples.impl[case, "plugin"] = "brdnn:avx512_core" if name == "a" else "jit:avx512_core"
        samples.declined[case, "plugin"] = "" if name == "a" else "too small"
        if layer_pass == "forward":
            samples.ms[case, "mlas"] = [3.0]
    return settings, samples


def test_rows_hold_medians_and_ratios():
    settings, samples = settings_and_samples()
    rows = layer_results.make_rows(settings, samples)
    assert [(row.name, row.layer_pass) for row in rows] == [
        ("a", "forward"), ("b", "forward"), ("a", "backward data"), ("b", "backward data")]
    first = rows[0]
    assert (first.stock_ms, first.plugin_ms, first.ratio, first.mlas_ratio) == (6, 2, 3, 1.5)
    gflop = 2e-9 * 100 * (5 * 1000 - 2 * (2 + 1))
    assert first.gflops == pytest.approx(gflop / 2e-3)
    assert first.plugin_peak == pytest.approx(gflop / 2e-3 / 100)
    assert rows[2].mlas_ms is None and rows[2].mlas_ratio is None


def test_failures_are_of_stock_and_of_mlas():
    rows = layer_results.make_rows(*settings_and_samples())
    assert layer_results.failures(rows, None) == []
    found = layer_results.failures(rows, 0.95)
    assert [sentence.split(":")[0] for sentence in found] == 2 * ["b forward"]
    assert "MLAS" in found[1]


def test_report_tells_the_worst():
    settings, samples = settings_and_samples()
    rows = layer_results.make_rows(settings, samples)
    summary = layer_report.summary(settings, samples, rows)
    assert "stock / plugin: geomean 1.50x, worst 0.75x (b), best 3.00x (a)" in summary
    assert "below 0.95: 1 (b forward)" in summary
    assert "mlas ratio" in layer_report.table(rows[:2])
    assert "mlas" not in layer_report.table(rows[2:])


def test_csv_holds_rounds_and_layer(tmp_path):
    settings, samples = settings_and_samples()
    rows = layer_results.make_rows(settings, samples)
    layer_report.write_csv(tmp_path / "new" / "out.csv", settings, samples, rows)
    with open(tmp_path / "new" / "out.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert (lines[0]["stock_ms_max"], lines[0]["kw"], lines[1]["declined"]) == ("70.0", "5",
                                                                              "too small")


def test_options(tmp_path, monkeypatch):
    monkeypatch.setattr(precisions, "cpu_flags", lambda: {"avx512_bf16"})
    (tmp_path / "libdnnl.so.3").touch()
    parse = bench_layers.build_parser().parse_args
    settings = bench_layers.complete(parse(["--library", str(tmp_path), "--layers", "^tcn:",
                                            "--mb", "7", "--precision", "bf16"]))
    assert {layer.mb for layer in settings.layers} == {7}
    assert all(layer.name.startswith("tcn:") for layer in settings.layers)
    assert settings.peers == []  # ONNX Runtime has no bf16 convolution on CPUs
    for wrong in (["--layers", "nothing like this"], ["--layers", "("],
                  ["--library", str(tmp_path / "none")]):
        with pytest.raises(layer_worker.WorkerError):
            bench_layers.complete(parse(["--library", str(tmp_path), *wrong]))
    with pytest.raises(precisions.LackingError, match="amx: this CPU has no amx_bf16"):
        bench_layers.complete(parse(["--library", str(tmp_path), "--precision", "amx"]))
    with pytest.raises(SystemExit):
        parse(["--passes", "sideways"])
