# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of frameworks on this project's library, or on the stock one for comparison.

    LD_LIBRARY_PATH=build/lib python3 -m pytest frameworks/tests --library=plugin
    python3 -m pytest frameworks/tests --library=stock

With the stock library results are checked just the same, but not who computed them. Where
CPUID tells no sizes of caches the stock library is wrong: tests that run it are skipped,
and say so.
"""

import collections
import contextlib
import os
import pathlib
import subprocess
import sys

import pytest

FRAMEWORKS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(FRAMEWORKS))

# Before PyTorch loads oneDNN and OpenMP, and for all child processes. Threads
# that spin while they wait take minutes on a machine that is busy otherwise.
# With a single thread PyTorch computes some small convolutions itself.
os.environ["BRDNN_TAKE"] = "all"
os.environ["OMP_NUM_THREADS"] = str(max(2, len(os.sched_getaffinity(0))))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402

import loaded  # noqa: E402
import recording as recording_module  # noqa: E402
import verbose  # noqa: E402

TALLY = pytest.StashKey[collections.Counter]()
LIBRARY = pytest.StashKey[str]()


def pytest_addoption(parser):
    """Add --library."""
    parser.addoption("--library", choices=("plugin", "stock"), default="plugin",
                     help="which oneDNN must be loaded (default: plugin)")


def mapped_library():
    """The path of the libdnnl that is mapped into this process, or None."""
    return next((path for path in loaded.mapped_files("self") if "/libdnnl.so" in path), None)


def pytest_configure(config):
    """Stop at once, with one sentence, where the wrong library is loaded."""
    wanted = config.getoption("library")
    library = mapped_library()
    if library is None:
        pytest.exit("PyTorch has loaded no libdnnl.so: it must be one that links oneDNN "
                    "dynamically, as Debian 13's python3-torch does (frameworks/run.sh)", 2)
    if loaded.read_library(library).plugin != (wanted == "plugin"):
        advice = ("set LD_LIBRARY_PATH to the build's lib folder" if wanted == "plugin"
                  else "unset LD_LIBRARY_PATH")
        pytest.exit(f"--library={wanted} was asked for, but PyTorch has loaded {library}: "
                    f"{advice}", 2)
    config.stash[TALLY] = collections.Counter()
    config.stash[LIBRARY] = library


def pytest_collection_modifyitems(config, items):
    """Skip what needs right results of a stock library that has none on this machine."""
    if config.getoption("library") == "plugin" or not loaded.ask(
            config.stash[LIBRARY], dict(os.environ)).sees_no_caches:
        return
    wrong = pytest.mark.skip(reason="CPUID tells no sizes of caches, and so the stock library "
                             "computes wrong results on this machine")
    for item in items:
        if {"recording", "run_child"} & set(item.fixturenames):
            item.add_marker(wrong)


def pytest_terminal_summary(terminalreporter, config):
    """Say how many convolutions ran, and on what."""
    if LIBRARY not in config.stash:
        return
    tally = config.stash[TALLY]
    terminalreporter.section("convolutions")
    terminalreporter.write_line(f"library: {config.stash[LIBRARY]}")
    for (kind, who), count in sorted(tally.items()):
        terminalreporter.write_line(f"{kind:5} on {who}: {count}")


@pytest.fixture(scope="session")
def on_plugin(pytestconfig):
    """Whether the library in use is ours."""
    return pytestconfig.getoption("library") == "plugin"


@pytest.fixture(scope="session")
def tally(pytestconfig):
    """A function that adds Runs to the summary."""
    def add(runs):
        pytestconfig.stash[TALLY].update(
            (recording_module.type_of(run), verbose.ran_by(run.impl)) for run in runs)
    return add


@pytest.fixture(autouse=True)
def seed():
    """Each test draws the same numbers whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture
def bf16():
    """Skips where PyTorch computes bf16 without oneDNN."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("PyTorch sends no bf16 to oneDNN on this machine: it needs AVX-512")


@pytest.fixture(params=recording_module.TYPE_NAMES, ids=recording_module.TYPE_NAMES.get)
def dtype(request):
    """torch.float32 or torch.bfloat16."""
    if request.param == torch.bfloat16:
        request.getfixturevalue("bf16")
    return request.param


@pytest.fixture
def recording(capfd, on_plugin, tally):
    """A context manager that yields a Recording of the convolutions in its block.

    With noted=False it doesn't note what PyTorch asks for: a dispatch mode makes
    PyTorch go on without what it has compiled, and sees no other thread.
    """
    @contextlib.contextmanager
    def record(noted=True):
        recorded = recording_module.Recording(on_plugin)
        notes = recording_module.Asked()
        capfd.readouterr()
        with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON), \
                notes if noted else contextlib.nullcontext():
            yield recorded
        recorded.asked, recorded.native = notes.asked, notes.native
        recorded.runs = recording_module.convolutions(capfd.readouterr().out)
        tally(recorded.runs)
    return record


@pytest.fixture(scope="session")
def run_child(on_plugin, tally):
    """A function that runs a script of children/ in a process of its own; it returns a Recording.

    Its attribute `output` is all that the script printed, oneDNN's lines too.
    input: text for the script to read. It is stopped after `timeout` seconds;
    one that doesn't end well fails the test. Further keywords are environment
    variables.
    """
    def run(script, *args, input=None, timeout=120, **variables):
        path = pathlib.Path(__file__).parent / "children" / script
        done = subprocess.run([sys.executable, str(path), *map(str, args)], text=True, input=input,
                              env={**os.environ, "ONEDNN_VERBOSE": "profile_exec", **variables},
                              capture_output=True, timeout=timeout, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        recorded = recording_module.Recording(on_plugin)
        recorded.output = done.stdout
        recorded.runs = recording_module.convolutions(done.stdout)
        tally(recorded.runs)
        return recorded
    return run
