#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Compare layers of 1D networks in PyTorch on the installed oneDNN and on the one with brdnn.

Forward stands beside ONNX Runtime too. Runs where the frameworks are:
sh frameworks/run.sh python3 frameworks/bench_layers.py --library build/lib
"""

import argparse
import os
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import tqdm  # noqa: E402 (bench/ is found through the line above)

import layer_plots  # noqa: E402
import layer_report  # noqa: E402
import layer_results  # noqa: E402
import layer_rounds  # noqa: E402
import layer_worker  # noqa: E402
import layers  # noqa: E402
import precisions  # noqa: E402

PEERS = ("mlas", "dnnl")


def names_of(allowed):
    """A parser of lists 'a,b' whose items are among the allowed ones."""
    def parse(text):
        chosen = list(dict.fromkeys(text.split(","))) if text else []
        unknown = [item for item in chosen if item not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(allowed)}")
        return chosen
    return parse


def build_parser():
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_argument_group("what to compare")
    what.add_argument("--library", type=pathlib.Path, default=ROOT / "build/lib",
                      help="folder of the libdnnl.so with brdnn (default: build/lib)")
    what.add_argument("--layers", metavar="REGEX", help="layers whose name has a match")
    what.add_argument("--quick", action="store_true",
                      help="a short list, short measurements, under 3 minutes")
    what.add_argument("--passes", type=names_of(layer_rounds.PASSES),
                      default=list(layer_rounds.PASSES),
                      help=f"of {', '.join(layer_rounds.PASSES)} (default: all)")
    what.add_argument("--precision", choices=precisions.PRECISIONS, default="f32",
                      help="f32 (default) or bf16 tensors, or f32 ones multiplied as three parts "
                           "of bf16 (amx), as TF32 (tf32) or as bf16 (bf16math)")
    what.add_argument("--mb", type=int, help="batch of every layer (default: the layer's)")
    what.add_argument("--peers", type=names_of(PEERS), metavar="PEER,...",
                      help="ONNX Runtime's providers beside PyTorch in f32 forward: mlas (its own "
                           "kernels), dnnl (on both libraries), '' for none (default: mlas)")
    how = parser.add_argument_group("how to measure")
    how.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                     help="OMP_NUM_THREADS (default: all cores)")
    how.add_argument("--rounds", type=int, help="rounds at most (default: 5, quick: 3)")
    how.add_argument("--ms-per-layer", type=int,
                     help="milliseconds per layer, pass and worker (default: 200, quick: 50)")
    how.add_argument("--max-minutes", type=float,
                     help="no new round when it would end later (default: 15, quick: 3)")
    how.add_argument("--return-memory", action="store_true",
                     help="let glibc return freed memory to the system, as it does by default")
    how.add_argument("--peak", type=pathlib.Path,
                     help="the peak program (default: bin/brdnn_peak beside the library's "
                          "folder)")
    out = parser.add_argument_group("results")
    out.add_argument("--csv", type=pathlib.Path,
                     help="default: bench/layers.csv beside the library's folder")
    out.add_argument("--plot", type=pathlib.Path,
                     help="default: bench/layers.png beside the library's folder")
    out.add_argument("--min-ratio", type=float, metavar="R",
                     help="end with status 1 if a layer is below R times the speed of stock in any "
                          "pass, or of MLAS in forward")
    return parser


def choose_layers(args):
    """The layers asked for."""
    try:
        chosen = [layer for layer in layers.LAYERS
                  if (layer.name in layers.QUICK or not args.quick)
                  and re.search(args.layers or "", layer.name)]
    except re.error as error:
        raise layer_worker.WorkerError(f"--layers: {error}") from None
    if not chosen:
        raise layer_worker.WorkerError(f"--layers: no layer's name matches {args.layers}")
    return [layer._replace(mb=args.mb) for layer in chosen] if args.mb else chosen


def complete(args):
    """Fill in what depends on other options; the result is the settings."""
    args.library = args.library.resolve()
    if not any(args.library.glob("libdnnl.so*")):
        raise layer_worker.WorkerError(f"--library: no libdnnl.so in {args.library}; build it "
                                       "first (`make build` does)")
    args.precision = precisions.PRECISIONS[args.precision]
    precisions.check(args.precision)
    args.layers = choose_layers(args)
    if args.peers is None:
        args.peers = ["mlas"]
    if args.precision.name != "f32" or "forward" not in args.passes:
        args.peers = []
    build = args.library.parent
    args.peak = (args.peak or build / "bin/brdnn_peak").resolve()
    args.peak = args.peak if args.peak.is_file() else None
    args.csv = args.csv or build / "bench/layers.csv"
    args.plot = args.plot or build / "bench/layers.png"
    args.rounds = args.rounds or (3 if args.quick else 5)
    args.ms_per_layer = args.ms_per_layer or (50 if args.quick else 200)
    args.max_minutes = args.max_minutes or (3 if args.quick else 15)
    return args


def run(settings):
    """Measure, report, and return the exit status."""
    print(layer_report.header(settings), flush=True)
    # Without a terminal a line every 20 seconds is enough.
    interval = 0.1 if sys.stderr.isatty() else 20
    with tempfile.TemporaryDirectory() as models, \
            tqdm.tqdm(unit="run", mininterval=interval, maxinterval=60) as progress:
        samples = layer_rounds.measure_layers(settings, models, progress)
    rows = layer_results.make_rows(settings, samples)
    layer_report.write_csv(settings.csv, settings, samples, rows)
    layer_plots.plot_ratios(settings.plot, settings, rows)
    print("\n" + layer_report.tables(rows) + "\n")
    for message in samples.messages + layer_rounds.stock_warnings(settings.library):
        print("note: " + message)
    print(layer_report.summary(settings, samples, rows))
    print(f"  written: {settings.csv}\n  written: {settings.plot}")
    failed = layer_results.failures(rows, settings.min_ratio)
    for sentence in failed:
        print("FAILED: " + sentence)
    return 1 if failed else 0


def main():
    """Run from the command line; a user's error is one sentence."""
    args = build_parser().parse_args()
    try:
        return run(complete(args))
    except layer_worker.WorkerError as error:
        print(f"bench_layers.py: {error}", file=sys.stderr)
        return 2
    except precisions.LackingError as error:
        print(f"bench_layers.py: {error}", file=sys.stderr)
        return precisions.LACKING
    except KeyboardInterrupt:
        print("bench_layers.py: interrupted, nothing written", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
