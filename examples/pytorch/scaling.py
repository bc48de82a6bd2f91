#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Report how training scales over the processes of this machine.

Runs train_genomics.py under torchrun with each number of processes in turn, on
as many cores as they have threads, several rounds of it. The batch of a process
stays the same (weak scaling), so with perfect scaling a step takes as long with
many processes as with the first number of them.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import tabulate

import console

TRAIN = pathlib.Path(__file__).resolve().parent / "train_genomics.py"


class ScalingError(Exception):
    """A sentence for the user: why there is nothing to report."""


def numbers(text):
    """The type of an option such as 1,2,4."""
    return [console.positive(item) for item in text.split(",")]


def parse_args():
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Further options, as --precision bf16, are passed on to train_genomics.py.")
    parser.add_argument("--processes", type=numbers, default="1,2", metavar="LIST",
                        help="numbers of processes; the first is what the others are compared "
                             "with (default: 1,2)")
    parser.add_argument("--threads", type=console.positive, default=1,
                        help="of each process (default: 1)")
    parser.add_argument("--steps", type=console.positive, default=6,
                        help="of each run (default: 6)")
    parser.add_argument("--batch", type=console.positive, default=4,
                        help="tracks per process (default: 4)")
    parser.add_argument("--rounds", type=console.positive, default=3, help="default: 3")
    args, args.further = parser.parse_known_args()
    cores = len(os.sched_getaffinity(0))
    if max(args.processes) * args.threads > cores:
        parser.error(f"{max(args.processes)} processes of {args.threads} thread(s) need more than "
                     f"the {cores} core(s) here")
    return args


def torchrun(count, folder):
    """Return (the start of a command, its environment) for `count` processes of this machine.

    They find each other through a file in `folder`: Debian's PyTorch is built
    without libuv, which torchrun's usual way, a TCP store, insists on.
    """
    command = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={count}",
               "--rdzv-backend=c10d", "--rdzv-conf=store_type=file",
               f"--rdzv-endpoint={folder}/rendezvous", "--local-addr=127.0.0.1"]
    return command, dict(os.environ, USE_LIBUV="0", TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1")


def run(args, count, cores):
    """Train with `count` processes on the first of the cores; return the seconds per step."""
    # Whatever is started from here inherits the cores.
    os.sched_setaffinity(0, cores[:count * args.threads])
    with tempfile.TemporaryDirectory(prefix="brdnn-") as folder:
        command, env = torchrun(count, folder)
        command += [str(TRAIN), "--epochs=1", f"--out={folder}", f"--threads={args.threads}",
                    f"--steps={args.steps}", f"--batch={args.batch}", *args.further]
        done = subprocess.run(command, env=dict(env, OMP_NUM_THREADS=str(args.threads)),
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        if done.returncode:
            raise ScalingError(f"{' '.join(command)} ended with status {done.returncode}:\n"
                               + done.stdout)
        summary = json.loads((pathlib.Path(folder) / "summary.json").read_text(encoding="utf-8"))
    return summary["epochs"][0]["seconds_per_step"]


def measure(args):
    """Return {number of processes: seconds per step, the median over rounds}."""
    cores = sorted(os.sched_getaffinity(0))
    seconds = {count: [] for count in args.processes}
    with console.bar(total=args.rounds * len(seconds), unit="run") as progress:
        for _ in range(args.rounds):
            for count, found in seconds.items():
                found.append(run(args, count, cores))
                progress.update()
    return {count: statistics.median(found) for count, found in seconds.items()}


def table(args, seconds):
    """Return the report."""
    base = seconds[args.processes[0]]
    rows = [(count, args.threads, f"{time:.3f}", f"{1 / time:.2f}",
             f"{count * args.batch / time:.2f}", f"{100 * base / time:.0f} %")
            for count, time in seconds.items()]
    return tabulate.tabulate(rows, headers=["processes", "threads each", "s/step", "steps/s",
                                            "tracks/s", "efficiency"], disable_numparse=True,
                             colalign=("right",) * 6)


def main():
    """Run from the command line; a user's error is one sentence."""
    args = parse_args()
    try:
        print(table(args, measure(args)))
    except (ScalingError, OSError) as error:
        print(f"scaling.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("scaling.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
