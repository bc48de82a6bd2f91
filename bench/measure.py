# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0
"""The measuring loop: rounds of alternating processes, peak in between.

A round is: for each layout, one benchdnn process with the plugin on and one
with it off (the order swaps from round to round), then the reorders that `any`
costs, then the peak. Each process runs the whole list of problems.
"""

import collections
import re
import subprocess
import time

import benchdnn
import layouts

SIDES = ("plugin", "builtin")
PEAK_LINE = re.compile(r"^(\w+)\s+\S+\s+threads=(\d+)\s+([0-9.]+) GFLOP/s")


class Samples:
    """Everything measured; lists grow by one entry per round."""

    def __init__(self):
        self.ms = collections.defaultdict(list)       # (name, layout, side) -> milliseconds
        self.impl = {}                                # (name, layout, side) -> implementation
        self.gops = {}                                # name -> 1e9 operations
        self.reorder_ms = collections.defaultdict(list)  # Reorder -> milliseconds
        self.paid = {}                                # (name, side) -> list of Reorder
        self.peak = collections.defaultdict(list)     # kind -> GFLOP/s
        self.messages = []                            # what benchdnn said about failures
        self.rounds = 0


def problem_lines(problems):
    """Batch lines for the conv driver; the list index is the problem's name."""
    return [f"{problem.text}np{index}" for index, problem in enumerate(problems)]


def side_environment(side, settings, verbose=None):
    """Environment of one side's process; one binary, the switch is a variable."""
    return benchdnn.environment(side == "plugin", settings.threads, verbose)


def conv_options(settings, layout):
    """benchdnn's options for one layout; weights are always free to choose."""
    stag, dtag = settings.layouts[layout]
    return ["--reset", f"--dt={settings.dt}", f"--dir={settings.dir}", f"--mb={settings.mb}",
            f"--stag={stag}", "--wtag=any", f"--dtag={dtag}"]


def perf_options(settings):
    """benchdnn's options for measuring; times are in milliseconds."""
    return ["--mode=P", f"--max-ms-per-prb={settings.ms_per_problem}",
            f"--perf-template={benchdnn.PERF_TEMPLATE}"]


def find_chosen_formats(settings, samples):
    """Ask each side once what it answers to `any`, and note the reorders."""
    names = {f"p{index}": p.name for index, p in enumerate(settings.problems)}
    lines = [*conv_options(settings, "any"), *problem_lines(settings.problems)]
    for side in SIDES:
        env = side_environment(side, settings, verbose="profile_create")
        output = benchdnn.stream_batch(settings.benchdnn, "conv", ["--mode=I"], lines, env)
        for key, chosen in layouts.parse_chosen(output, names).items():
            samples.paid[names[key], side] = layouts.reorders_for(chosen, settings.dir)


def run_convolutions(settings, samples, layout, side, progress):
    """One process: every problem in one layout on one side."""
    lines = [*conv_options(settings, layout), *problem_lines(settings.problems)]
    env = side_environment(side, settings)
    for line in benchdnn.stream_batch(settings.benchdnn, "conv", perf_options(settings), lines,
                                      env):
        perf = benchdnn.parse_perf(line)
        if perf is None:
            note_failure(samples, layout, side, line)
            continue
        name = settings.problems[int(perf.name[1:])].name
        if side == "builtin" and benchdnn.ran_by(perf.impl) != "built-in":
            raise benchdnn.BenchdnnError(
                f"BRCONV1D_ENABLE=0 did not switch the plugin off: {perf.impl} ran {name}")
        samples.ms[name, layout, side].append(perf.ms)
        samples.impl[name, layout, side] = perf.impl
        samples.gops[name] = perf.gops
        progress.update()


def note_failure(samples, layout, side, line):
    """Keep a line that tells of a problem that did not run, once."""
    result = benchdnn.RESULT_LINE.match(line)
    if result:
        message = f"{side}, {layout}: {result.group(2)}{result.group(3)}: {result.group(4)}"
        if message not in samples.messages:
            samples.messages.append(message)


def run_reorders(settings, samples):
    """One process: every distinct reorder that some side pays in `any`."""
    needed = sorted({r for paid in samples.paid.values() for r in paid})
    if not needed:
        return
    lines = [f"{line}nr{index}" for index, line in enumerate(layouts.reorder_lines(needed))]
    env = side_environment("builtin", settings)
    for line in benchdnn.stream_batch(settings.benchdnn, "reorder", perf_options(settings), lines,
                                      env):
        perf = benchdnn.parse_perf(line)
        if perf:
            samples.reorder_ms[needed[int(perf.name[1:])]].append(perf.ms)


def parse_peak(text):
    """Return {kind: GFLOP/s} from the peak program's output."""
    matches = (PEAK_LINE.match(line) for line in text.splitlines())
    return {m.group(1): float(m.group(3)) for m in matches if m}


def run_peak(settings, samples):
    """Measure the machine's peak now; it moves with load and temperature."""
    if settings.peak is None:
        return
    done = subprocess.run([str(settings.peak), str(settings.threads)], check=False,
                          capture_output=True, text=True)
    if done.returncode != 0:
        message = f"{settings.peak} ended with status {done.returncode}; shares of peak may miss"
        if message not in samples.messages:
            samples.messages.append(message)
    for kind, gflops in parse_peak(done.stdout).items():
        samples.peak[kind].append(gflops)


def run_round(settings, samples, progress):
    """Measure everything once."""
    sides = SIDES if samples.rounds % 2 == 0 else SIDES[::-1]
    for layout in settings.layouts:
        for side in sides:
            progress.set_description(f"round {samples.rounds + 1}, {layout}, {side}")
            run_convolutions(settings, samples, layout, side, progress)
    run_reorders(settings, samples)
    run_peak(settings, samples)
    samples.rounds += 1


def measure(settings, progress):
    """Run the rounds that fit the time limit (at least one); return Samples."""
    start = time.monotonic()
    samples = Samples()
    if "any" in settings.layouts:
        progress.set_description("asking for the formats chosen")
        find_chosen_formats(settings, samples)
    run_peak(settings, samples)
    for done in range(settings.rounds):
        round_start = time.monotonic()
        elapsed = round_start - start
        per_round = elapsed / done if done else 0
        if done and elapsed + per_round > settings.max_minutes * 60:
            break
        run_round(settings, samples, progress)
    return samples
