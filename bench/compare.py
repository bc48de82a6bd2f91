#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Compare oneDNN's convolutions and deconvolutions with and without the brdnn plugin.

Runs one benchdnn binary with the plugin on and off, in alternating processes,
and reports medians. docs/measuring.md says what is measured and why so.
"""

import argparse
import pathlib
import sys

try:
    import tqdm

    import benchdnn
    import layouts
    import measure
    import precisions
    import problems
    import report
    import results
except ImportError as missing:
    sys.exit(f"compare.py needs the Python module {missing.name}: on Debian, "
             "apt install python3-tqdm python3-tabulate python3-matplotlib")

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "benchdnn_cases"
FULL = {"conv": [CASES / "shapes_paper_sweep", CASES / "shapes_networks", CASES / "perf_batch4"],
        "deconv": [CASES / "transposed_networks"]}
QUICK = {"conv": [CASES / "perf_quick"], "deconv": [CASES / "perf_quick_deconv"]}


def build_parser():
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_argument_group("what to compare")
    what.add_argument("--cases", metavar="FILE", type=pathlib.Path, action="append",
                      help="benchdnn problem strings, one a line, '#' comments; may be repeated "
                           "(default: the paper's sweep and networks' layers)")
    driver = what.add_mutually_exclusive_group()
    driver.add_argument("--conv", dest="driver", action="store_const", const="conv",
                        help="convolutions only (default with --cases; without, both)")
    driver.add_argument("--deconv", dest="driver", action="store_const", const="deconv",
                        help="deconvolutions only; --cases are in their terms, as for benchdnn")
    what.add_argument("--quick", action="store_true",
                      help="short lists, short measurements, at most 5 minutes")
    what.add_argument("--dir", default="FWD_B,BWD_D,BWD_WB",
                      help="benchdnn's directions (default: FWD_B,BWD_D,BWD_WB); each is reported "
                           "and plotted on its own")
    precision = what.add_mutually_exclusive_group()
    precision.add_argument("--precision", choices=precisions.PRECISIONS, default="f32",
                           help="f32 (default) or bf16 tensors, or f32 ones multiplied as three "
                                "parts of bf16 (amx), as TF32 (tf32) or as bf16 (bf16math)")
    precision.add_argument("--dt", help="instead: benchdnn's data types, as bf16:bf16:f32")
    what.add_argument("--mb", type=int, default=0,
                      help="batch of every problem (default: as the problem says; benchdnn takes "
                           "2 where it says nothing)")
    what.add_argument("--layouts", default="ncw,nwc,any",
                      help="of ncw, nwc, any (default: all three)")
    what.add_argument("--stag", help="with --dtag: one pair of benchdnn tags instead of --layouts")
    what.add_argument("--dtag", help="see --stag")
    how = parser.add_argument_group("how to measure")
    how.add_argument("--threads", type=int, default=1, help="OMP_NUM_THREADS (default: 1)")
    how.add_argument("--rounds", type=int, help="rounds at most (default: 5, quick: 3)")
    how.add_argument("--max-ms-per-prb", type=int, dest="ms_per_problem",
                     help="milliseconds per problem and process (default: 300, quick: 50)")
    how.add_argument("--max-minutes", type=float,
                     help="no new round when it would end later (default: 120, quick: 5)")
    how.add_argument("--benchdnn", default=str(ROOT / "build/bin/benchdnn"))
    how.add_argument("--peak", help="brdnn_peak (default: beside benchdnn)")
    out = parser.add_argument_group("results")
    out.add_argument("--csv", type=pathlib.Path, help="default: build/bench/compare.csv")
    out.add_argument("--plot", metavar="STEM", type=pathlib.Path,
                     help="writes STEM-<driver>-<direction>-efficiency.png and ...-ratios.png "
                          "(default: build/bench/compare)")
    out.add_argument("--no-plot", action="store_true")
    out.add_argument("--min-ratio", type=float, metavar="R",
                     help="end with status 1 if a problem that the plugin takes is below R in "
                          "any layout")
    out.add_argument("--require-taken", type=float, nargs="?", const=1.0, metavar="SHARE",
                     help="end with status 1 if the plugin takes fewer than SHARE of the problems "
                          "(0 to 1; all of them without a number) in a direction and layout")
    return parser


def choose_layouts(args):
    """Return {name: (stag, dtag)} from --layouts, or from --stag and --dtag."""
    if args.stag or args.dtag:
        tags = (args.stag or args.dtag, args.dtag or args.stag)
        known = [name for name, pair in layouts.LAYOUT_TAGS.items() if pair == tags]
        return {known[0] if known else ":".join(tags): tags}
    try:
        return {name: layouts.LAYOUT_TAGS[name] for name in args.layouts.split(",")}
    except KeyError as unknown:
        raise benchdnn.BenchdnnError(f"--layouts: {unknown} is none of "
                                     + ", ".join(layouts.LAYOUT_TAGS)) from None


def read_problems(files):
    """Read and join the lists; a name that occurs twice is numbered."""
    lines = []
    for file in files:
        try:
            lines += file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise benchdnn.BenchdnnError(f"--cases: {error}") from None
    found = problems.read_cases(lines)
    if not found:
        raise benchdnn.BenchdnnError("--cases: no problem in " + ", ".join(map(str, files)))
    return found


def choose_problems(args):
    """Return {driver: problems} for the drivers asked for."""
    if args.cases:
        return {args.driver or "conv": read_problems(args.cases)}
    lists = QUICK if args.quick else FULL
    return {driver: read_problems(files) for driver, files in lists.items()
            if args.driver in (None, driver)}


def choose_passes(args):
    """Return the (driver, direction) pairs to measure, in the order of the report."""
    directions = list(dict.fromkeys(args.dir.upper().split(",")))
    for direction in directions:
        layouts.direction_kind(direction)  # raises for an unknown one
    return [(driver, direction) for driver in args.problems for direction in directions]


def find_peak(args):
    """Return the peak program's path, or None if it is not there."""
    path = pathlib.Path(args.peak) if args.peak else args.benchdnn.parent / "brdnn_peak"
    if args.peak and not path.is_file():
        raise benchdnn.BenchdnnError(f"--peak: there is no {path}")
    return path.resolve() if path.is_file() else None


def complete(args):
    """Fill in what depends on other options; the result is the settings."""
    args.benchdnn = benchdnn.find_benchdnn(args.benchdnn)
    args.peak = find_peak(args)
    args.precision = (precisions.of_types(args.dt) if args.dt
                      else precisions.PRECISIONS[args.precision])
    precisions.check(args.precision)
    args.layouts = choose_layouts(args)
    args.problems = choose_problems(args)
    args.passes = choose_passes(args)
    quick = args.quick
    args.rounds = args.rounds or (3 if quick else 5)
    args.ms_per_problem = args.ms_per_problem or (50 if quick else 300)
    args.max_minutes = args.max_minutes or (5 if quick else 120)
    folder = args.benchdnn.parent.parent / "bench"
    args.csv = args.csv or folder / "compare.csv"
    args.plot = args.plot or folder / "compare"
    return args


def write_plots(settings, rows):
    """Write the PNGs; return the paths written. Plots are optional."""
    try:
        import plots
    except ImportError as missing:
        print(f"no plots: the Python module {missing.name} is missing "
              "(apt install python3-matplotlib)", file=sys.stderr)
        return []
    layout = next(iter(settings.layouts))
    written = []
    for (driver, direction), of_pass in results.by_pass(rows).items():
        stem = f"{settings.plot.name}-{driver}-{direction.lower()}"
        efficiency = settings.plot.with_name(stem + "-efficiency.png")
        ratios = settings.plot.with_name(stem + "-ratios.png")
        if plots.plot_efficiency(efficiency, settings, of_pass, layout):
            written.append(efficiency)
        if plots.plot_ratios(ratios, settings, of_pass):
            written.append(ratios)
    return written


def run(settings):
    """Measure, report, and return the exit status."""
    print(report.header(settings), flush=True)
    steps = (1 + settings.rounds) * measure.steps(settings)
    # Without a terminal a line every 20 seconds is enough.
    interval = 0.1 if sys.stderr.isatty() else 20
    with tqdm.tqdm(total=steps, unit="run", mininterval=interval, maxinterval=60) as progress:
        samples = measure.measure(settings, progress)
    rows = results.make_rows(settings, samples)
    report.write_csv(settings.csv, settings, samples, rows)
    written = [settings.csv] + ([] if settings.no_plot else write_plots(settings, rows))
    print("\n" + report.tables(rows) + "\n")
    for message in samples.messages:
        print("note: " + message)
    print(report.summary(settings, samples, rows))
    for path in written:
        print(f"  written: {path}")
    failed = results.failures(rows, settings.min_ratio, settings.require_taken)
    for sentence in failed:
        print("FAILED: " + sentence)
    return 1 if failed else 0


def main():
    """Run from the command line; a user's error is one sentence."""
    args = build_parser().parse_args()
    try:
        return run(complete(args))
    except (benchdnn.BenchdnnError, ValueError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 2
    except precisions.LackingError as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return precisions.LACKING
    except KeyboardInterrupt:
        print("compare.py: interrupted, nothing written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
