# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The measuring loop over layers: a survey, then rounds of worker processes, peak in between.

The survey runs each layer and pass on PyTorch's sides with oneDNN's verbose
output, which tells who computed it. The timed rounds are without it. A round
has a fresh worker for each side; they stand side by side, and each layer and
pass is run by one after the other before the next one comes, so that a slow
drift of the machine meets all sides. Who is first swaps from round to round, and
the layers are shuffled: where a layer's tensors come to lie depends on what ran
before it in a process, and that alone can make a difference of 10 %.
"""

import collections
import contextlib
import json
import os
import pathlib
import random
import subprocess
import sys
import time

import benchdnn
import layer_worker
import loaded
import measure
import precisions
import verbose

HERE = pathlib.Path(__file__).resolve().parent
PASSES = ("forward", "backward data", "backward weights")
NATIVE = "native"  # by PyTorch itself, without a convolution of oneDNN's

# Who runs layers. script: of the worker, with its arguments. library: the folder
# whose libdnnl is put in front, or None for the one that is installed. passes:
# those that it can do.
Side = collections.namedtuple("Side", "name script arguments library passes")

# What is measured: a layer's name and one of PASSES.
Case = collections.namedtuple("Case", "name layer_pass")

# Freed memory stays with the process. By default glibc hands large blocks back to
# the system, or not, depending on what was allocated before; getting them again, a
# page at a time, takes longer than many of the convolutions.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**40)}


class Samples(measure.Samples):
    """Everything measured; keys are (Case, name of the side)."""

    def __init__(self):
        super().__init__()
        self.declined = {}  # (Case, side) -> why the plugin left it to others, or ''


def torch_sides(library):
    """PyTorch with the installed library, and with the one in the folder `library`."""
    return [Side("stock", "layer_torch.py", (), None, PASSES),
            Side("plugin", "layer_torch.py", (), library, PASSES)]


def peer_sides(peers, library, models):
    """ONNX Runtime's sides; peers: of 'mlas' and 'dnnl', models: folder of layer_models.py."""
    wanted = {"mlas": [("mlas", "CPUExecutionProvider", None)],
              "dnnl": [("dnnl stock", "DnnlExecutionProvider", None),
                       ("dnnl plugin", "DnnlExecutionProvider", library)]}
    return [Side(name, "layer_ort.py", (provider, models), folder, ("forward",))
            for peer in peers for name, provider, folder in wanted[peer]]


def stock_warnings(library):
    """Sentences about the installed oneDNN that our library in the folder is compared with."""
    env = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    soname = loaded.read_library(library / "libdnnl.so").soname
    if not loaded.ask(soname, env).sees_no_caches:
        return []
    return [f"CPUID tells no sizes of caches on this machine, and so the installed {soname} is slow "
            "and computes wrong results: a comparison with it says little"]


def environment(settings, side, says=None):
    """The environment of a side's worker. says: ONEDNN_VERBOSE."""
    env = precisions.environment(settings.precision,
                                 benchdnn.environment(None, settings.threads, says))
    if not settings.return_memory:
        env.update(KEEP_MEMORY)
    env.pop("LD_LIBRARY_PATH", None)
    if side.library:
        env["LD_LIBRARY_PATH"] = str(side.library)
    return env


def check_library(side, loaded):
    """Raise if a worker did not load the libdnnl that its side is about."""
    if not loaded:
        raise layer_worker.WorkerError("this PyTorch holds oneDNN inside (statically linked), so "
                                       "there is no library to replace; use Debian's")
    if side.library and side.library not in pathlib.Path(loaded[0]).parents:
        raise layer_worker.WorkerError(f"PyTorch loads {loaded[0]} instead of one in "
                                       f"{side.library}; is that one's soname another?")


@contextlib.contextmanager
def started(settings, sides, says=None):
    """Start a worker for each side; gives {side: Worker}."""
    with contextlib.ExitStack() as stack:
        workers = {side: stack.enter_context(layer_worker.Worker(
            HERE / side.script, side.arguments, environment(settings, side, says)))
            for side in sides}
        for side, worker in workers.items():
            loaded, _ = worker.read_reply()
            if loaded is not None:
                check_library(side, loaded)
        yield workers


def run_cases(settings, layers, sides, ms, says=None):
    """Run the layers in every pass on each side; yield (Case, side's name, ms, other lines)."""
    with started(settings, sides, says) as workers:
        for layer in layers:
            for layer_pass in settings.passes:
                request = layer_worker.Request(layer, layer_pass, settings.precision.dt, ms)
                for side, worker in workers.items():
                    if layer_pass in side.passes:
                        yield Case(layer.name, layer_pass), side.name, *worker.ask(request)


def implementation(lines):
    """Who computed the convolution, from verbose output: (implementation, why not the plugin)."""
    runs = [run for run in map(verbose.parse_run, lines)
            if run and run.primitive in verbose.CONVOLUTIONS]
    if not runs:
        return NATIVE, ""
    last = runs[-1]
    reasons = [decline.reason for decline in map(verbose.parse_decline, lines)
               if decline and verbose.key(decline) == verbose.key(last)]
    if verbose.ran_by(last.impl) == "plugin" or not reasons:
        return last.impl, ""
    return last.impl, reasons[0]


def survey(settings, samples, sides, progress):
    """Note who computes each layer and pass on each side."""
    for case, side, _, lines in run_cases(settings, settings.layers, sides, 0,
                                            "profile_exec,dispatch"):
        impl, samples.declined[case, side] = implementation(lines)
        if side == "stock" and verbose.ran_by(impl) != "built-in":
            raise layer_worker.WorkerError(f"the installed oneDNN has brdnn in it: {impl} ran "
                                           f"{case.name}; there is no stock to compare with")
        samples.impl[case, side] = impl
        progress.update()


def run_round(settings, samples, sides, progress):
    """Time everything once on each side."""
    order = sides if samples.rounds % 2 == 0 else sides[::-1]
    layers = random.Random(samples.rounds).sample(settings.layers, len(settings.layers))
    for case, side, ms, _ in run_cases(settings, layers, order, settings.ms_per_layer):
        samples.ms[case, side].append(ms)
        progress.update()


def steps(settings, sides):
    """How often a run over everything updates the progress."""
    return len(settings.layers) * sum(layer_pass in side.passes for side in sides
                                      for layer_pass in settings.passes)


def write_models(settings, folder):
    """Write the layers as ONNX models into a folder, in a process of its own."""
    done = subprocess.run([sys.executable, str(HERE / "layer_models.py"), str(folder)],
                          input="\n".join(map(json.dumps, settings.layers)), text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise layer_worker.WorkerError("layer_models.py: " + done.stderr.strip()[-300:])


def measure_layers(settings, models, progress):
    """Run the survey and the rounds that fit the time limit (at least one); return Samples.

    models: a folder for the ONNX models of the peers.
    """
    start = time.monotonic()
    samples = Samples()
    ours = torch_sides(settings.library)
    peers = peer_sides(settings.peers, settings.library, models)
    if peers:
        write_models(settings, models)
    progress.reset(steps(settings, ours) + settings.rounds * steps(settings, ours + peers))
    progress.set_description("survey")
    survey(settings, samples, ours, progress)
    measure.run_peak(settings, samples)
    rounds_start = time.monotonic()
    for done in range(settings.rounds):
        now = time.monotonic()
        per_round = (now - rounds_start) / done if done else 0
        if done and now - start + per_round > settings.max_minutes * 60:
            break
        progress.set_description(f"round {done + 1}")
        run_round(settings, samples, ours + peers, progress)
        measure.run_peak(settings, samples)
        samples.rounds += 1
    return samples
