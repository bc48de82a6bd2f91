# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Worker processes: each holds one framework with one library and runs what it is asked to.

The parent writes a Request a line, in JSON, and gets a line of JSON back that
starts with REPLY. All other lines that the process prints meanwhile (oneDNN's
verbose output) are handed on.
"""

import collections
import contextlib
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time

import layers
import loaded

LIBC = ctypes.CDLL(None)
REPLY = "reply:"
WARM_UP = 2  # runs before the timed ones: the first creates primitives and packs weights
MIN_RUNS = 5

# What to run. layer: a layers.Layer. layer_pass: 'forward', 'backward data' or
# 'backward weights'. dt: 'f32' or 'bf16'. ms: how long to repeat it, milliseconds;
# 0: run it WARM_UP times, without timing.
Request = collections.namedtuple("Request", "layer layer_pass dt ms")


class WorkerError(Exception):
    """A sentence for the user: what went wrong in a worker."""


class Worker:
    """The parent's end of a worker process; use it in a with statement."""

    def __init__(self, script, arguments, env):
        self.script = script
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen([sys.executable, str(script), *map(str, arguments)],
                                        env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, errors="replace")

    def ask(self, request):
        """Run a Request; return (the reply, the other lines that were printed)."""
        with contextlib.suppress(BrokenPipeError):  # then there is no reply either
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        return self.read_reply()

    def read_reply(self):
        """Return (the next reply, the lines before it)."""
        lines = []
        for line in self.process.stdout:
            before, mark, reply = line.partition(REPLY)
            if mark:
                return self.checked(json.loads(reply)), lines
            lines.append(before.rstrip("\n"))
        raise WorkerError(f"{self.script.name} ended with status {self.process.wait()}: "
                          + self.last_error())

    def last_error(self):
        """The last line of the worker's stderr; frameworks fill the rest with noise."""
        self.errors.seek(0)
        return (self.errors.read().strip().splitlines() or ["it said nothing"])[-1]

    def checked(self, reply):
        """Return what was replied, or raise what went wrong."""
        if "error" in reply:
            raise WorkerError(f"{self.script.name}: {reply['error']}")
        return reply["value"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.close()


def time_runs(run, ms):
    """Fastest run in milliseconds, of those in `ms` milliseconds and at least MIN_RUNS."""
    times = []
    end = time.perf_counter() + ms / 1e3
    while len(times) < MIN_RUNS or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def answer(prepare, request):
    """Warm up and time a Request; return milliseconds, or None for one that isn't timed."""
    LIBC.malloc_trim(0)  # what ran before shall not decide where tensors come to lie
    run = prepare(request)
    for _ in range(WARM_UP):
        run()
    return time_runs(run, request.ms) if request.ms else None


def serve(prepare, hello):
    """The worker's end: answer Requests until the parent closes the pipe.

    prepare: returns the function that runs a Request once. hello: the first reply.
    """
    gc.disable()  # nothing here leaves cycles
    reply({"value": hello})
    for line in sys.stdin:
        layer, *rest = json.loads(line)
        try:
            reply({"value": answer(prepare, Request(layers.Layer(*layer), *rest))})
        except Exception as error:  # whatever a framework raises goes to the parent
            reply({"error": f"{layer[0]}: {error}"})


def reply(content):
    """Write a line to the parent, whole, after all that has been printed."""
    print(REPLY + json.dumps(content), flush=True)


def loaded_libraries(name):
    """Paths of the shared libraries of this process whose file names start with `name`."""
    paths = loaded.mapped_files("self")
    return sorted(path for path in paths if os.path.basename(path).startswith(name))
