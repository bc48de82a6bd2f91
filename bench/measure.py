# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The measuring loop: a survey, then rounds of alternating processes, peak in between.

The survey runs every problem once on each side: it tells which formats a side
chooses, which reorders those cost, and which problems are slow.

A round is: for each direction and layout, one benchdnn process with the plugin
on and one with it off (the order swaps from round to round), then the reorders,
then the peak. Each process runs the whole list of problems.
"""

import collections
import re
import subprocess
import time

import benchdnn
import layouts
import precisions

SIDES = ("plugin", "builtin")
PEAK_LINE = re.compile(r"^(\w+)\s+\S+\s+threads=(\d+)\s+([0-9.]+) (?:GFLOP/s|GB/s|MB)$")

# A run slower than this is measured once in a round, not benchdnn's 5 times at
# least. Where it is oneDNN's reference loops, the survey is enough: nobody needs
# them to the percent, and they would take most of the time.
SLOW_MS = 500
REFERENCE = re.compile(r"\bref:")

# One problem, driven in one direction, in one layout. name: the problem's.
Case = collections.namedtuple("Case", "driver dir layout name")


class Samples:
    """Everything measured; lists grow by one entry per round."""

    def __init__(self):
        self.ms = collections.defaultdict(list)       # (Case, side) -> milliseconds
        self.impl = {}                                # (Case, side) -> implementation
        self.gops = {}                                # Case -> 1e9 operations
        self.traffic = {}                             # Case -> (bytes read, bytes written)
        self.slow = set()                             # (Case, side) measured once in a round
        self.reference = set()                        # (Case, side) measured in the survey only
        self.reorder_ms = collections.defaultdict(list)  # Reorder -> milliseconds
        self.paid = {}                                # (Case, side) -> list of Reorder
        self.peak = collections.defaultdict(list)     # (kind, threads) -> what peak.c prints
        self.messages = []                            # what benchdnn said about failures
        self.rounds = 0

    def note(self, message):
        """Keep a message, once."""
        if message not in self.messages:
            self.messages.append(message)


def cases_of(settings, driver, direction, layout):
    """The Cases of one benchdnn process, in the order of its problems."""
    return [Case(driver, direction, layout, problem.name)
            for problem in settings.problems[driver]]


def steps(settings):
    """Number of problems that a round runs, on both sides together."""
    return sum(len(settings.problems[driver]) for driver, _ in settings.passes) \
        * len(settings.layouts) * len(SIDES)


def side_environment(side, settings, verbose=None):
    """Environment of one side's process; one binary, the switch is a variable."""
    return precisions.environment(
        settings.precision, benchdnn.environment(side == "plugin", settings.threads, verbose))


def options(settings, direction, layout):
    """benchdnn's options for one layout; weights are always free to choose."""
    stag, dtag = settings.layouts[layout]
    return ["--reset", f"--dt={settings.precision.dt}",
            f"--attr-fpmath={precisions.fpmath(settings.precision)}", f"--dir={direction}",
            f"--mb={settings.mb}", f"--stag={stag}", "--wtag=any", f"--dtag={dtag}"]


def perf_options(settings):
    """benchdnn's options for measuring; times are in milliseconds."""
    return ["--mode=P", f"--max-ms-per-prb={settings.ms_per_problem}",
            f"--perf-template={benchdnn.PERF_TEMPLATE}"]


def problem_lines(settings, samples, cases, side, surveying):
    """Batch lines of one process; the index in the list is the problem's name."""
    lines = []
    for index, problem in enumerate(settings.problems[cases[0].driver]):
        key = cases[index], side
        if surveying or key not in samples.reference:
            once = int(surveying or key in samples.slow)
            lines.append(f"--fix-times-per-prb={once} {problem.text}np{index}")
    return lines


def stream_problems(settings, samples, cases, side, surveying):
    """Run cases on one side in one process; yield (Case, Perf), and other lines as (None, line)."""
    driver, direction, layout, _ = cases[0]
    lines = problem_lines(settings, samples, cases, side, surveying)
    if not lines:
        return
    env = side_environment(side, settings, "profile_create" if surveying else None)
    for line in benchdnn.stream_batch(settings.benchdnn, driver, perf_options(settings),
                                      [*options(settings, direction, layout), *lines], env):
        perf = benchdnn.parse_perf(line)
        if perf is None:
            yield None, line
            continue
        case = cases[int(perf.name[1:])]
        if side == "builtin" and benchdnn.ran_by(perf.impl) != "built-in":
            raise benchdnn.BenchdnnError(
                f"BRDNN_ENABLE=0 did not switch the plugin off: {perf.impl} ran {case.name}")
        yield case, perf


def survey(settings, samples, cases, side, progress):
    """Run every problem once; note who runs it, formats, reorders and what is slow."""
    driver, direction, layout, _ = cases[0]
    created = None
    for case, said in stream_problems(settings, samples, cases, side, surveying=True):
        if case is None:
            # The last creation of a problem counts: nested primitives are
            # created before the one that holds them.
            created = layouts.parse_create(said) or created
            note_failure(samples, f"{driver} {direction}, {layout}, {side}", said)
            continue
        if created:
            samples.traffic[case] = layouts.traffic(created, direction)
            samples.paid[case, side] = layouts.reorders_for(created, driver, direction,
                                                            settings.layouts[layout])
        created = None
        samples.impl[case, side] = said.impl
        samples.gops[case] = said.gops
        if said.ms > SLOW_MS and REFERENCE.search(said.impl):
            samples.reference.add((case, side))
            samples.ms[case, side].append(said.ms)
        elif said.ms > SLOW_MS:
            samples.slow.add((case, side))
        progress.update()


def run_problems(settings, samples, cases, side, progress):
    """One process of a round."""
    for case, said in stream_problems(settings, samples, cases, side, surveying=False):
        if case is not None:
            samples.ms[case, side].append(said.ms)
            progress.update()


def note_failure(samples, where, line):
    """Keep a line that tells of a problem that did not run, once."""
    result = benchdnn.RESULT_LINE.match(line)
    if result:
        samples.note(f"{where}: {result.group(2)}{result.group(3)}: {result.group(4)}")


def run_reorders(settings, samples):
    """One process: every distinct reorder that some side pays."""
    needed = sorted({r for paid in samples.paid.values() for r in paid or ()})
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
    """Return {(kind, threads): number} from the peak program's output."""
    matches = (PEAK_LINE.match(line) for line in text.splitlines())
    return {(m.group(1), int(m.group(2))): float(m.group(3)) for m in matches if m}


def run_peak(settings, samples):
    """Measure the machine's peak now; it moves with load and temperature."""
    if settings.peak is None:
        return
    done = subprocess.run([str(settings.peak), str(settings.threads)], check=False,
                          capture_output=True, text=True)
    if done.returncode != 0:
        samples.note(f"{settings.peak} ended with status {done.returncode}; "
                     "shares of peak may miss")
    for key, value in parse_peak(done.stdout).items():
        samples.peak[key].append(value)


def run_everything(settings, samples, label, run, progress):
    """Call run() for each process: every direction and layout, on both sides."""
    sides = SIDES if samples.rounds % 2 == 0 else SIDES[::-1]
    for driver, direction in settings.passes:
        for layout in settings.layouts:
            for side in sides:
                progress.set_description(f"{label}, {driver} {direction}, {layout}, {side}")
                run(settings, samples, cases_of(settings, driver, direction, layout), side,
                    progress)


def measure(settings, progress):
    """Run the survey and the rounds that fit the time limit (at least one); return Samples."""
    start = time.monotonic()
    samples = Samples()
    run_everything(settings, samples, "survey", survey, progress)
    run_peak(settings, samples)
    rounds_start = time.monotonic()
    for done in range(settings.rounds):
        now = time.monotonic()
        per_round = (now - rounds_start) / done if done else 0
        if done and now - start + per_round > settings.max_minutes * 60:
            break
        run_everything(settings, samples, f"round {done + 1}", run_problems, progress)
        progress.set_description(f"round {done + 1}, reorders and peak")
        run_reorders(settings, samples)
        run_peak(settings, samples)
        samples.rounds += 1
    return samples
