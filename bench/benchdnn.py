# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Run oneDNN's benchdnn and read what it prints.

One function for each thing that is read: performance lines, correctness
results, chosen memory formats. Parsing is kept apart from running, so that it
is tested on text (test_compare.py).
"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "frameworks"))

from verbose import ran_by  # noqa: E402, F401 (found through the line above; ours to pass on)

# %-time% is the fastest execution in milliseconds, %0time% the average one;
# %Gops% counts 2 operations per multiply-add on real input, not on padding.
PERF_TEMPLATE = "perf|%name%|%impl%|%-time%|%0time%|%Gops%"
PERF_FIELDS = len(PERF_TEMPLATE.split("|"))

CASE_LINE = re.compile(r"^create: (.*)$")
RESULT_LINE = re.compile(r"^(\d+):([A-Z_]+)\b(.*?)__REPRO: (.*)$")
IMPL_LINE = re.compile(r"^oneDNN implementation: (.*)$")

# Instruction sets as ONEDNN_MAX_CPU_ISA names them, and a word by which oneDNN's
# verbose output tells that the one is in use.
ISA_WORDS = {"AVX2": "AVX2", "AVX512_CORE": "AVX-512", "AVX512_CORE_BF16": "bfloat16",
             "AVX512_CORE_AMX": "AMX"}

Perf = collections.namedtuple("Perf", "name impl ms ms_average gops")
Result = collections.namedtuple("Result", "state impl repro")


class BenchdnnError(Exception):
    """A sentence for the user: what went wrong and what to do."""


class BenchdnnCrash(BenchdnnError):
    """benchdnn ended before it was through."""


def find_benchdnn(path):
    """Return the resolved path of benchdnn, or raise with advice."""
    resolved = pathlib.Path(path).resolve()
    if not resolved.is_file() or not os.access(resolved, os.X_OK):
        raise BenchdnnError(f"benchdnn is not at {resolved}: build it first (`make bench` does), "
                            "or say where it is with --benchdnn")
    return resolved


def environment(plugin, threads=None, verbose=None):
    """Return the environment of one benchdnn process.

    plugin: True (on), False (off) or None (as the caller's environment says).
    threads: OMP_NUM_THREADS, or None to leave it. verbose: ONEDNN_VERBOSE.
    """
    env = dict(os.environ)
    env.pop("ONEDNN_VERBOSE", None)
    env.pop("DNNL_VERBOSE", None)
    if plugin is not None:
        env["BRDNN_ENABLE"] = "1" if plugin else "0"
    if threads is not None:
        env["OMP_NUM_THREADS"] = str(threads)
    if verbose is not None:
        env["ONEDNN_VERBOSE"] = verbose
    return env


def stream(benchdnn, args, env):
    """Run benchdnn and yield its output line by line; raise if it crashes.

    benchdnn exits with 1 when a case failed: that is told by the lines, so
    only other statuses (signals, bad options) are errors here.
    """
    process = subprocess.Popen([str(benchdnn), *args], env=env, text=True, errors="replace",
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    last = collections.deque(maxlen=5)
    try:
        for line in process.stdout:
            last.append(line.rstrip("\n"))
            yield last[-1]
        status = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
    finished = any(line.startswith("total: ") for line in last)
    if status not in (0, 1) or not finished:
        command = " ".join([str(benchdnn), *args])
        raise BenchdnnCrash(f"benchdnn ended with status {status}: {command}\n  "
                            + "\n  ".join(last))


def has_isa(benchdnn, isa):
    """Say whether oneDNN, limited to an instruction set, has it on this machine."""
    env = environment(None, verbose="all")
    env["ONEDNN_MAX_CPU_ISA"] = isa
    lines = list(stream(benchdnn, ["--conv", "--mode=I", "ic1iw1oc1ow1kw1pw0"], env))
    return any(re.search(rf"info,cpu,isa:.*{ISA_WORDS[isa]}", line) for line in lines)


def stream_batch(benchdnn, driver, args, lines, env):
    """Run `lines` (benchdnn options and problems) as one batch file."""
    with tempfile.NamedTemporaryFile("w", prefix="brdnn-", suffix=".batch") as batch:
        batch.write("\n".join(lines) + "\n")
        batch.flush()
        yield from stream(benchdnn, [f"--{driver}", *args, f"--batch={batch.name}"], env)


def parse_perf(line):
    """Return a Perf from a line of PERF_TEMPLATE, or None for any other line."""
    fields = line.split("|")
    if len(fields) != PERF_FIELDS or fields[0] != "perf":
        return None
    try:
        ms, ms_average, gops = (float(field) for field in fields[3:])
    except ValueError:
        return None  # the template itself, which benchdnn prints first
    return Perf(fields[1].strip('"'), fields[2], ms, ms_average, gops)


def parse_results(lines):
    """Yield a Result per case from benchdnn's -v5 output in correctness mode.

    The name of the implementation comes on a line of its own before the
    result; a case that never got one (skipped, unimplemented) has impl ''.
    A case in which benchdnn crashed is CRASHED, and the last one.
    """
    case = impl = ""
    try:
        for line in lines:
            created, named = CASE_LINE.match(line), IMPL_LINE.match(line)
            result = RESULT_LINE.match(line)
            if created:
                case = created.group(1)
            elif named:
                impl = named.group(1)
            elif result:
                yield Result(result.group(2), impl, result.group(4))
                case = impl = ""
    except BenchdnnCrash:
        if not case:
            raise
        yield Result("CRASHED", impl, case)


def results_of_lines(benchdnn, driver, args, lines, env):
    """Yield a Result for each of `lines`: where benchdnn crashes, another process goes on behind it."""
    while lines:
        done = 0
        for result in parse_results(stream_batch(benchdnn, driver, args, lines, env)):
            done += 1
            yield result
        lines = lines[done:] if done else []


def option(repro, name, default):
    """Return the value of --name=value in a reproducer line, or the default."""
    found = re.search(rf"(?:^|\s)--{name}=(\S+)", repro)
    return found.group(1) if found else default
