#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Compare training steps of a genomics network on the installed oneDNN and with brdnn.

Two processes live side by side, one per library, and step strictly in turn: one
sleeps while the other steps. Who goes first swaps from round to round, so that
a slow drift of the machine meets both. Runs where PyTorch is:
sh frameworks/run.sh python3 frameworks/bench_training.py --library build/lib
"""

import argparse
import collections
import contextlib
import csv
import math
import os
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "examples/pytorch")]

import tabulate  # noqa: E402 (the next ones are found through the line above)

import console  # noqa: E402
import layer_rounds  # noqa: E402
import layer_worker  # noqa: E402
import precisions  # noqa: E402
import verbose  # noqa: E402

WORKER = ROOT / "frameworks/training_worker.py"
# Those in which the stock library computes as in f32, since it has nothing else.
F32_ON_STOCK = ("f32", "amx", "tf32")
# OpenMP's threads spin for some milliseconds after a step before they sleep.
PAUSE_SECONDS = 0.05

# One side. ms, loss: an entry per step; the first one creates the primitives.
# peak_mib: largest resident size over these steps. runs: verbose.Run of one more step.
Samples = collections.namedtuple("Samples", "ms loss peak_mib runs")


def chosen_precisions(text):
    """The type of --precision."""
    names = text.split(",")
    for name in names:
        if name not in precisions.PRECISIONS:
            raise argparse.ArgumentTypeError(
                f"{name} is none of {', '.join(precisions.PRECISIONS)}")
    return [precisions.PRECISIONS[name] for name in names]


def default_precisions():
    """Those that users have without asking for more."""
    named = [precisions.PRECISIONS[name] for name in ("f32", "bf16")]
    return [precision for precision in named if precisions.is_possible(precision)]


def parse_args():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=pathlib.Path, default=ROOT / "build/lib",
                        help="folder of the libdnnl.so with brdnn (default: build/lib)")
    parser.add_argument("--precision", dest="precisions", type=chosen_precisions,
                        default=default_precisions(), metavar="PRECISION,...",
                        help="one after the other, of f32, bf16 (autocast), and f32 multiplied as "
                             "three parts of bf16 (amx), as TF32 (tf32) or as bf16 (bf16math) "
                             "(default: f32, and bf16 if the CPU has instructions for it)")
    parser.add_argument("--steps", type=console.positive, default=8,
                        help="timed steps of each side, after its first one (default: 8)")
    parser.add_argument("--batch", type=console.positive, default=4, help="tracks (default: 4)")
    parser.add_argument("--width", type=console.positive, default=24000,
                        help="positions of a track (default: 24,000)")
    parser.add_argument("--threads", type=console.positive,
                        default=len(os.sched_getaffinity(0)),
                        help="OMP_NUM_THREADS of each side (default: all cores)")
    parser.add_argument("--csv", type=pathlib.Path, help="writes every step's time and loss")
    parser.add_argument("--keep-memory", dest="return_memory", action="store_false",
                        help="have glibc keep freed memory for the process. By default it returns "
                             "large pieces to the system, and getting them again takes long; "
                             "stock allocates most")
    args = parser.parse_args()
    args.library = args.library.resolve()
    if not any(args.library.glob("libdnnl.so*")):
        parser.error(f"--library: no libdnnl.so in {args.library}; build it first (`make build` "
                     "does)")
    return args


@contextlib.contextmanager
def started(args, precision, sides):
    """Start a worker for each side; gives {side's name: Worker}."""
    arguments = (f"--precision={precision.dt}", f"--batch={args.batch}", f"--width={args.width}")
    settings = argparse.Namespace(**vars(args), precision=precision)
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(layer_worker.Worker(
            WORKER, arguments, layer_rounds.environment(settings, side))) for side in sides]
        for side, worker in zip(sides, workers):
            layer_rounds.check_library(side, worker.read_reply()[0])
        yield {side.name: worker for side, worker in zip(sides, workers)}


def measure(args, precision, progress):
    """Step the sides in turn; return {side's name: Samples}."""
    with started(args, precision, layer_rounds.torch_sides(args.library)) as workers:
        steps = {name: [] for name in workers}
        order = list(workers.items())
        for number in range(1 + args.steps):
            for name, worker in order:
                time.sleep(PAUSE_SECONDS)
                steps[name].append(worker.ask("step")[0])
                progress.update()
            order.reverse()
            progress.write(step_line(precision.name, number, steps), file=sys.stdout)
            sys.stdout.flush()
        return {name: finish(worker, steps[name]) for name, worker in workers.items()}


def step_line(precision, number, steps):
    """What the latest step took on each side."""
    label = f"step {number}" if number else "first step"
    times = ", ".join(f"{name} {of_side[-1]['ms']:,.0f} ms" for name, of_side in steps.items())
    return f"{precision} {label}: {times}"


def finish(worker, steps):
    """Ask a worker what isn't timed; return its Samples."""
    peak, _ = worker.ask("peak")
    _, lines = worker.ask("verbose")
    return Samples([step["ms"] for step in steps], [step["loss"] for step in steps], peak,
                   [run for run in map(verbose.parse_run, lines) if run])


def convolutions(runs):
    """Count the convolutions of a step by implementation, most first."""
    counts = collections.Counter(run.impl for run in runs if run.primitive in verbose.CONVOLUTIONS)
    return "\n".join(f"{count} x {impl}" for impl, count in counts.most_common())


def f32_losses(args, results):
    """Losses of the stock library in f32: from results that there are, or of steps of its own."""
    for name in F32_ON_STOCK:
        if name in results:
            return results[name]["stock"].loss
    stock, _ = layer_rounds.torch_sides(args.library)
    with started(args, precisions.PRECISIONS["f32"], [stock]) as workers:
        return [workers[stock.name].ask("step")[0]["loss"] for _ in range(1 + args.steps)]


def loss_difference(losses, others):
    """The largest relative difference of two lists of losses."""
    return max(abs(loss - other) / abs(other) for loss, other in zip(losses, others))


def agreement(losses, others):
    """How far losses are from others, and how many digits of all of them are the same."""
    difference = loss_difference(losses, others)
    if not difference:
        return "0 (all digits)"
    return f"{difference:.1e} (to {max(0, math.floor(-math.log10(2 * difference)))} digits)"


def loss_lines(samples, in_f32):
    """What the precision, and what the plugin, make of the losses. in_f32: stock's in f32."""
    stock, plugin = samples["stock"].loss, samples["plugin"].loss
    return (f"losses differ, relative to their value, by at most: plugin from stock "
            f"{agreement(plugin, stock)},\n  plugin from stock in f32 {agreement(plugin, in_f32)}, "
            f"stock from stock in f32 {agreement(stock, in_f32)}")


def report(precision, samples, in_f32):
    """The results of a precision; the last line is the ratio of the medians.

    precision: its name. in_f32: the stock library's losses in f32.
    """
    def row(label, value):
        """A number of each side, and stock's over the plugin's."""
        stock, plugin = value(samples["stock"]), value(samples["plugin"])
        ratio = f"{stock / plugin:.2f}" if plugin else "-"
        return label, f"{stock:,.0f}", f"{plugin:,.0f}", ratio

    rows = [row("median step, ms", lambda side: statistics.median(side.ms[1:])),
            row("fastest step, ms", lambda side: min(side.ms[1:])),
            row("slowest step, ms", lambda side: max(side.ms[1:])),
            row("first step, ms", lambda side: side.ms[0]),
            row("in oneDNN, ms", lambda side: sum(run.ms for run in side.runs)),
            row("peak resident size, MiB", lambda side: side.peak_mib),
            ("convolutions of a step", *(convolutions(samples[name].runs)
                                         for name in ("stock", "plugin")), "")]
    table = tabulate.tabulate(rows, headers=[precision, "stock", "plugin", "stock / plugin"],
                              disable_numparse=True, colalign=("left",) + ("right",) * 3)
    return (f"\n{table}\n\n{loss_lines(samples, in_f32)}\n"
            f"{precision} step ratio {rows[0][-1]}")


def write_csv(path, results):
    """Write a row for every step. results: {precision: {side's name: Samples}}."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("precision", "side", "step", "ms", "loss"))
        for precision, samples in results.items():
            for name, side in samples.items():
                writer.writerows((precision, name, number, ms, loss)
                                 for number, (ms, loss) in enumerate(zip(side.ms, side.loss)))


def run(args):
    """Measure and report each precision."""
    print(f"training steps of the genomics network: batch {args.batch}, width {args.width:,}, "
          f"{args.threads} thread(s)", flush=True)
    for sentence in layer_rounds.stock_warnings(args.library):
        print("note: " + sentence, flush=True)
    for precision in args.precisions:
        precisions.check(precision)
    results = {}
    in_f32 = None
    for precision in args.precisions:
        name = precision.name
        # Without a terminal the lines are enough.
        with console.bar(total=2 * (1 + args.steps), unit="step", desc=name,
                         disable=None) as progress:
            results[name] = measure(args, precision, progress)
        in_f32 = in_f32 or f32_losses(args, results)
        print(report(name, results[name], in_f32), flush=True)
    if args.csv:
        write_csv(args.csv, results)


def main():
    """Run from the command line; a user's error is one sentence."""
    args = parse_args()
    try:
        run(args)
    except (layer_worker.WorkerError, OSError) as error:
        print(f"bench_training.py: {error}", file=sys.stderr)
        return 2
    except precisions.LackingError as error:
        print(f"bench_training.py: {error}", file=sys.stderr)
        return precisions.LACKING
    except KeyboardInterrupt:
        print("bench_training.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
