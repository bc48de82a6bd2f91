# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The genomics network of examples/pytorch: it learns, alone and in several processes, and its
losses are those of PyTorch's own kernels."""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

import h5py
import matplotlib.image
import numpy
import pytest
import torch

import conftest
import verbose

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples/pytorch"
sys.path.insert(0, str(EXAMPLE))

import bench_training  # noqa: E402 (these are found through the line above, or conftest's)
import console  # noqa: E402
import layer_rounds  # noqa: E402
import network  # noqa: E402
import precisions  # noqa: E402
import processes  # noqa: E402
import scaling  # noqa: E402
import tracks  # noqa: E402
import train_genomics  # noqa: E402
import training_worker  # noqa: E402

TRAIN = EXAMPLE / "train_genomics.py"
BENCH = ROOT / "frameworks/bench_training.py"
# Small, and still wider than the 401 positions that a filter spans.
WIDTH = 1500
# Relative, over five updates: from PyTorch's own f32 kernels, and from the stock library in the same type.
FROM_NATIVE = {"f32": 1e-5, "bf16": 2e-2}
FROM_STOCK = {"f32": 1e-5, "bf16": 2e-3}


@pytest.fixture
def library(pytestconfig, on_plugin):
    """The folder of the library under test, for tests that compare it with the stock one."""
    if not on_plugin:
        pytest.skip("compares both libraries, which the run with --library=plugin does")
    return pathlib.Path(pytestconfig.stash[conftest.LIBRARY]).parent


@pytest.fixture(params=network.PRECISIONS)
def precision(request):
    """f32, then bf16 where PyTorch sends it to oneDNN."""
    if request.param == "bf16":
        request.getfixturevalue("bf16")
    return request.param


def run(*command, **options):
    """Run a command to its end."""
    return subprocess.run([str(word) for word in command], text=True, capture_output=True,
                          timeout=120, check=False, **options)


def train(out, *options, launcher=(sys.executable,), **popen):
    """Run train_genomics.py on small tracks; return its summary."""
    done = run(*launcher, TRAIN, f"--out={out}", *options, **popen)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((out / "summary.json").read_text(encoding="utf-8"))


def write_h5(path, **columns):
    """Write datasets; return the path."""
    with h5py.File(path, "w") as file:
        for name, values in columns.items():
            file[name] = values
    return path


def test_network_is_the_papers_kind():
    """25 convolutions, all but four of them of 51 taps, and none changes the width."""
    model = network.GenomicsNetwork()
    taps = [layer.kernel_size for layer in model.modules() if isinstance(layer, torch.nn.Conv1d)]
    assert taps.count((51,)) == 21 and taps.count((1,)) == 4
    track, logits = model(torch.zeros(2, 777))
    assert track.shape == logits.shape == (2, 777)


def test_learns(precision):
    torch.manual_seed(1)
    model = network.GenomicsNetwork()
    optimizer = network.make_optimizer(model)
    batch = tracks.generate(4, WIDTH, 1).tensors
    losses = [network.step(model, optimizer, batch, precision) for _ in range(25)]
    # To always predict the mean is this bad.
    _, clean, peaks = batch
    share = peaks.mean()
    entropy = torch.nn.functional.binary_cross_entropy(share.expand_as(peaks), peaks)
    assert max(losses[-3:]) < 0.7 * (clean.var() + entropy)


def native_losses(settings):
    """Losses of as many steps as bench_training.py's, in f32, without oneDNN."""
    trainer = training_worker.Trainer(argparse.Namespace(**{**vars(settings), "precision": "f32"}))
    with torch.backends.mkldnn.flags(enabled=False):
        return [trainer.step()["loss"] for _ in range(1 + settings.steps)]


def test_losses_are_those_without_onednn(precision, library, tally):
    """Over several updates; and they are nearly stock's, where that is right."""
    settings = argparse.Namespace(library=library, steps=4, batch=2, width=WIDTH, threads=2,
                                  return_memory=True)
    with console.bar(disable=True) as progress:
        samples = bench_training.measure(settings, precisions.PRECISIONS[precision], progress)
    losses = samples["plugin"].loss
    assert len(losses) == len(samples["stock"].loss) == 5
    assert len(set(losses)) == 5, "nothing was updated"
    from_native = bench_training.loss_difference(losses, native_losses(settings))
    assert from_native < FROM_NATIVE[precision]
    from_stock = bench_training.loss_difference(losses, samples["stock"].loss)
    assert from_stock < FROM_STOCK[precision] or layer_rounds.stock_warnings(library)
    found = {name: [run for run in side.runs if run.primitive in verbose.CONVOLUTIONS]
             for name, side in samples.items()}
    tally(found["plugin"])
    assert "plugin" not in {verbose.ran_by(run.impl) for run in found["stock"]}
    # 25 forward, 25 of weights, and of data all but the two that read the input.
    assert len(found["plugin"]) == 73
    assert {verbose.ran_by(run.impl) for run in found["plugin"]} == {"plugin"}


def test_losses_of_math_modes_are_f32s(library):
    """f32 values are rounded to bf16 before they are multiplied, and that is all."""
    mode = precisions.PRECISIONS["bf16math"]
    if not precisions.is_possible(mode):
        pytest.skip("needs AVX512_BF16 or AMX")
    settings = argparse.Namespace(library=library, steps=2, batch=2, width=WIDTH, threads=2,
                                  return_memory=True)
    with console.bar(disable=True) as progress:
        samples = bench_training.measure(settings, mode, progress)
    losses = samples["plugin"].loss
    assert 0 < bench_training.loss_difference(losses, native_losses(settings)) < 2e-2
    impls = {run.impl for run in samples["plugin"].runs if run.primitive in verbose.CONVOLUTIONS}
    assert impls and all(impl.startswith("brdnn:") for impl in impls)


def test_agreement_counts_digits():
    assert bench_training.agreement([1.0, 2.0], [1.0, 2.0]) == "0 (all digits)"
    assert bench_training.agreement([1.0, 2.0], [1.0, 2.0009]) == "4.5e-04 (to 3 digits)"
    assert bench_training.agreement([1.0], [3.0]) == "6.7e-01 (to 0 digits)"


def test_bench_training_names_what_the_cpu_lacks(library, monkeypatch, capsys):
    monkeypatch.setattr(precisions, "cpu_flags", lambda: {"avx512_bf16"})
    monkeypatch.setattr(sys, "argv", ["bench_training.py", "--library", str(library),
                                      "--precision=f32,amx"])
    assert bench_training.main() == precisions.LACKING
    assert "precision amx: this CPU has no amx_bf16" in capsys.readouterr().err


def test_bench_training_ends_with_its_ratios(library, tmp_path):
    table = tmp_path / "steps.csv"
    done = run(sys.executable, BENCH, "--library", library, "--steps=1", "--batch=1",
               f"--width={WIDTH}", "--threads=1", "--csv", table)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    ratios = [line.split()[0] for line in lines
              if re.fullmatch(r"\w+ step ratio \d+\.\d\d", line)]
    assert ratios == [precision.name for precision in bench_training.default_precisions()]
    assert lines[-1].startswith(f"{ratios[-1]} step ratio")
    # Of each precision both sides, the first step and another one.
    assert len(table.read_text(encoding="utf-8").splitlines()) == 1 + len(ratios) * 2 * 2


@pytest.mark.parametrize("options, sentence", [
    (["--library", "/nonexistent"], "no libdnnl.so in /nonexistent; build it first"),
    (["--steps=0"], "0 is not a whole number of 1 or more"),
    (["--precision=f16"], "f16 is none of f32, bf16, amx, tf32, bf16math"),
])
def test_bench_training_refuses(options, sentence, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench_training.py", *options])
    with pytest.raises(SystemExit):
        bench_training.main()
    assert sentence in capsys.readouterr().err


def test_command_line(tmp_path):
    """From generated tracks to a picture; the same seed gives the same."""
    options = ("--epochs=2", "--steps=2", "--batch=2", f"--width={WIDTH}", "--seed=3")
    first = train(tmp_path, *options)
    assert len(first["epochs"]) == 2
    for epoch in first["epochs"]:
        assert -1 <= epoch["pearson"] <= 1 and 0 <= epoch["auroc"] <= 1
    picture = matplotlib.image.imread(tmp_path / "tracks.png")
    assert picture.std() > 0.01, "the picture is empty"
    network.GenomicsNetwork().load_state_dict(torch.load(tmp_path / "network.pt"))
    again = train(tmp_path, *options)
    for one, other in zip(first["epochs"], again["epochs"]):
        assert (one["loss"], one["pearson"]) == (other["loss"], other["pearson"])


def test_command_line_with_a_file(tmp_path, bf16):
    """All tracks are used: two of 20 are held out, and six steps of three remain."""
    columns = zip(tracks.DATASETS, tracks.generate(20, WIDTH, 5).tensors)
    file = write_h5(tmp_path / "tracks.h5", **{name: values.numpy() for name, values in columns})
    summary = train(tmp_path, f"--h5={file}", "--epochs=1", "--batch=3", "--precision=bf16")
    assert (summary["width"], summary["epochs"][0]["steps"]) == (WIDTH, 6)
    assert numpy.isfinite(summary["epochs"][0]["loss"])


GOOD = {name: numpy.zeros((3, 50)) for name in tracks.DATASETS}


@pytest.mark.parametrize("change, sentence", [
    ({"label_reg": None}, "has no dataset 'label_reg': it needs input, label_reg, label_cla"),
    ({"input": numpy.zeros(50)}, "'input' has shape (50,), not (tracks, width)"),
    ({"label_cla": numpy.zeros((3, 49))}, "'label_cla' has shape (3, 49), 'input' has (3, 50)"),
    ({"label_cla": numpy.full((3, 50), 2)}, "'label_cla' holds values other than 0 and 1"),
    ({"input": numpy.full((3, 50), numpy.inf)}, "'input' holds values that are not finite"),
    ({"input": numpy.full((3, 50), b"x")}, "can't be read as HDF5 with numbers in it"),
])
def test_file_that_does_not_fit(change, sentence, tmp_path):
    columns = {name: values for name, values in {**GOOD, **change}.items() if values is not None}
    file = write_h5(tmp_path / "tracks.h5", **columns)
    with pytest.raises(tracks.TracksError, match=re.escape(sentence)):
        tracks.read_h5(file)


def test_file_that_does_fit(tmp_path):
    assert len(tracks.read_h5(write_h5(tmp_path / "tracks.h5", **GOOD))) == 3


def test_file_with_too_few_tracks(tmp_path):
    settings = argparse.Namespace(h5=write_h5(tmp_path / "tracks.h5", **GOOD), batch=3)
    with pytest.raises(tracks.TracksError, match="leaves 2 track.* a step needs 3: use a smaller"):
        train_genomics.load(settings)


@pytest.mark.parametrize("file", [TRAIN, "missing.h5"])
def test_file_that_is_none(file, tmp_path):
    done = run(sys.executable, TRAIN, "--h5", file, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"train_genomics.py: {file} can't be read as HDF5")
    assert len(done.stderr.splitlines()) == 1


def test_generated_tracks():
    """Both depths are of one rate, and a track is the same however many are generated."""
    many, few = tracks.generate(6, 20000, 7), tracks.generate(2, 20000, 7)
    for ours, theirs in zip(many.tensors, few.tensors):
        assert torch.equal(ours[:2], theirs)
    noisy, clean, peaks = many.tensors
    assert noisy.mean() == pytest.approx(clean.mean(), rel=0.1)
    assert 0.01 < peaks.mean() < 0.5
    assert clean[peaks > 0].min() > tracks.PEAK_COVERAGE


@pytest.mark.parametrize("allowed, count", [(range(8), 2), (range(3, 10), 3), ([5], 1)])
def test_pinning_shares_the_cores(allowed, count, monkeypatch):
    taken = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(allowed))
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: taken.append(cores))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(count))
    for local_rank in range(count):
        monkeypatch.setenv("LOCAL_RANK", str(local_rank))
        assert processes.pin() == len(taken[-1]) >= len(allowed) // count
    assert sum(taken, []) == list(allowed)


def test_pinning_needs_a_core_each(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    with pytest.raises(processes.ProcessesError, match="at most one process per core"):
        processes.pin()


def needs_two_cores():
    """Skip on a machine of one core."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("two processes need two cores")


def test_two_processes_train_as_one(tmp_path):
    """Two processes' batches of 1 are one process's batch of 2: same tracks, same gradients."""
    needs_two_cores()
    options = ("--epochs=2", "--steps=3", f"--width={WIDTH}", "--threads=1")
    one = train(tmp_path, *options, "--batch=2")
    launcher, env = scaling.torchrun(2, tmp_path)
    two = train(tmp_path, *options, "--batch=1", launcher=launcher, env=env)
    assert (one["processes"], two["processes"]) == (1, 2)
    for alone, shared in zip(one["epochs"], two["epochs"]):
        assert shared["loss"] == pytest.approx(alone["loss"], rel=1e-5)
        assert shared["pearson"] == pytest.approx(alone["pearson"], rel=1e-4)


def test_scaling_report():
    needs_two_cores()
    done = run(sys.executable, EXAMPLE / "scaling.py", "--rounds=1", "--steps=1", "--batch=1",
               f"--width={WIDTH}")
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()[-2:]
    assert first.split()[0] == "1" and first.endswith("100 %")
    assert last.split()[0] == "2" and re.search(r"\d+ %$", last)
