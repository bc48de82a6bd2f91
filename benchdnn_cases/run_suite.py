#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Run benchdnn's correctness mode and count who ran each case.

    run_suite.py --require-taken -- --conv --batch=harness_correctness
    run_suite.py --min-taken 0.95 -- --conv --dir=FWD_B --stag=abx --dtag=abx --batch=shapes_1d
    run_suite.py --random 1000 -- --deconv
    run_suite.py -- --reorder --batch=reorder_weights

What follows `--` goes to benchdnn. A --batch name without a folder is looked
up beside this script, then in oneDNN's own inputs. Our shapes_* are those of
convolutions; with --deconv they are turned round, input and output exchanged.
benchdnn compares with its own plain loops (--fast-ref=false). By default it takes
an optimised primitive for types other than f32, which could be the plugin's;
with --take policy, where few cases are the plugin's, that is left so.
A case is taken when the implementation's exact name starts with 'brdnn:'; a
built-in wrapper that nests the plugin counts apart. A random problem that a
built-in implementation gets wrong without the plugin, too, is oneDNN's own fault:
listed, and no failure while they are rare. Ends with 1 if a case failed or too
few were taken, with 77 if the machine lacks what --isa names.
"""

import argparse
import collections
import pathlib
import random
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "bench"))

try:
    import tabulate
    import tqdm

    import benchdnn
    import problems
    import random_cases
except ImportError as missing:
    sys.exit(f"run_suite.py needs the Python module {missing.name}: on Debian, "
             "apt install python3-tqdm python3-tabulate")

# Every other state is a failure: FAILED, UNIMPLEMENTED, INVALID_ARGUMENTS,
# UNTESTED_FAILED, CRASHED. MISTRUSTED is benchdnn's word for right results that prove
# little, mostly because nearly all of them are 0.
GOOD_STATES = ("PASSED", "MISTRUSTED", "SKIPPED")
LACKING = 77  # exit status for a machine that can't run a suite
# oneDNN 3.7.2 itself gets 1 of 800 random problems wrong, or crashes. More than
# this share of them, and something of ours is behind it.
MOST_OWN_FAULTS = 0.01
ATTEMPTS = 20  # to see such a fault again: some are races of threads
SHOWN = 20  # cases listed of a kind, before '... and N more'

# ONEDNN_VERBOSE=dispatch: the reason stands between the shape and 'file:line'.
DECLINE_LINE = re.compile(r",create:dispatch,.*,brdnn:[^,]*,.*,(?:g\d+)?mb\d+_[^,]*,(.*),[^,]*$")


def build_parser():
    """Describe the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="\n".join(
        __doc__.splitlines()[1:]), formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchdnn", default=str(HERE.parent / "build/bin/benchdnn"))
    parser.add_argument("--inputs", type=pathlib.Path, action="append", default=[],
                        help="a folder of benchdnn inputs (holding conv/, deconv/)")
    parser.add_argument("--isa", choices=benchdnn.ISA_WORDS,
                        help="use this instruction set and no better one (ONEDNN_MAX_CPU_ISA)")
    parser.add_argument("--take", choices=("all", "policy"), default="all",
                        help="all: the plugin declines nothing for speed (default)")
    parser.add_argument("--require-taken", action="store_true",
                        help="fail when a case was not run by the plugin itself")
    parser.add_argument("--min-taken", type=float, metavar="SHARE",
                        help="fail when a line of the count has a smaller share taken (0 to 1)")
    parser.add_argument("--random", type=int, metavar="COUNT",
                        help="run so many random problems (random_cases.py)")
    parser.add_argument("--seed", type=int, help="of --random; default: a new one, printed")
    parser.add_argument("--reasons", action="store_true",
                        help="count why the plugin declined (ONEDNN_VERBOSE=dispatch)")
    parser.add_argument("benchdnn_args", nargs="+", metavar="BENCHDNN_ARG")
    return parser


def driver_of(args):
    """Return benchdnn's driver: 'conv' unless another is given."""
    return next((name for name in ("deconv", "reorder") if f"--{name}" in args), "conv")


def resolve_batches(args, folders):
    """Replace each --batch=NAME by --batch=PATH, from the first folder that has it."""
    resolved = []
    for arg in args:
        name = arg.partition("--batch=")[2]
        if name:
            paths = [*(folder / name for folder in folders), pathlib.Path(name)]
            found = next((path for path in paths if path.is_file()), None)
            if found is None:
                raise benchdnn.BenchdnnError(f"no batch file {name} in "
                                             + ", ".join(map(str, folders)))
            arg = f"--batch={found}"
        resolved.append(arg)
    return resolved


def turn_round(folder):
    """Copy our batch files into a folder, with shapes as a deconvolution's."""
    for file in HERE.iterdir():
        if file.is_file() and file.suffix == "":
            lines = file.read_text(encoding="utf-8").splitlines()
            if file.name.startswith("shapes_"):
                lines = map(problems.transposed, lines)
            (folder / file.name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def random_lines(args):
    """Return the random problems as lines of a batch file, and say from which seed they are."""
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    print(f"random seed: --seed={seed} repeats this", flush=True)
    return random_cases.lines(args.random, seed, driver_of(args.benchdnn_args))


def is_own_fault(program, result):
    """Say whether a problem fails in stock oneDNN, too, where it ran on a built-in implementation."""
    if not result.impl or benchdnn.ran_by(result.impl) != "built-in":
        return False
    # Fresh memory holds large values instead of zeros: some faults are reads of what nobody wrote.
    env = benchdnn.environment(False) | {"MALLOC_PERTURB_": "128"}
    env.pop("LD_PRELOAD", None)
    return any(once.state not in GOOD_STATES for _ in range(ATTEMPTS) for once in benchdnn.parse_results(
        benchdnn.stream(program, ["-v5", *result.repro.split()], env)))


def input_folders(args, program, ours):
    """Folders to look batch files up in; a build leaves a copy of oneDNN's inputs."""
    roots = [*args.inputs, program.parent / "inputs",
             program.parent.parent / "onednn/tests/benchdnn/inputs"]
    return [ours, *(root / driver_of(args.benchdnn_args) for root in roots)]


def count_reasons(lines, reasons):
    """Pass lines on; count each decline reason once per case into `reasons`."""
    of_case = set()
    for line in lines:
        declined = DECLINE_LINE.search(line)
        if declined:
            of_case.add(declined.group(1))
        elif benchdnn.RESULT_LINE.match(line):
            reasons.update(of_case)
            of_case = set()
        yield line


def environment(args):
    """The environment of benchdnn: plugin on, and whether it may decline for speed."""
    env = benchdnn.environment(True, verbose="dispatch" if args.reasons else None)
    env.pop("BRDNN_TAKE", None)
    if args.isa:
        env["ONEDNN_MAX_CPU_ISA"] = args.isa
    if args.take == "all":
        env["BRDNN_TAKE"] = "all"
    return env


def key_of(result):
    """The line of the count that a case belongs to: pass, data type, layout."""
    repro = result.repro
    if repro.startswith("--reorder"):
        types = (benchdnn.option(repro, name, "f32") for name in ("sdt", "ddt"))
        return "reorder", ":".join(types), benchdnn.option(repro, "dtag", "any")
    stag = benchdnn.option(repro, "stag", "any")
    dtag = benchdnn.option(repro, "dtag", "any")
    if benchdnn.option(repro, "strides", ""):
        stag = dtag = "strides"
    return (benchdnn.option(repro, "dir", "FWD_B"), benchdnn.option(repro, "dt", "f32"),
            stag if stag == dtag else f"{stag}:{dtag}")


def count(results):
    """Return {key: Counter of states and of who ran}."""
    counts = collections.defaultdict(collections.Counter)
    for result in results:
        counter = counts[key_of(result)]
        counter["cases"] += 1
        counter[result.state if result.state in GOOD_STATES else "bad"] += 1
        if result.impl:
            counter[benchdnn.ran_by(result.impl)] += 1
    return counts


def share_taken(counter):
    """Share of cases that ran at all which the plugin ran, 0 to 1."""
    ran = counter["plugin"] + counter["wrapper"] + counter["built-in"]
    return counter["plugin"] / ran if ran else 1.0


def count_table(counts):
    """The closing table: one line per pass, type and layout, and the total."""
    columns = ("cases", "PASSED", "bad", "MISTRUSTED", "SKIPPED", "plugin", "wrapper", "built-in")
    headers = ("pass", "type", "layout", "cases", "passed", "failed", "mistrusted", "skipped",
               "plugin", "wrapper", "built-in", "taken")
    total = sum(counts.values(), collections.Counter())
    lines = [[*key, *(counter[column] for column in columns), f"{share_taken(counter):.1%}"]
             for key, counter in [*sorted(counts.items()), (("all", "", ""), total)]]
    return tabulate.tabulate(lines, headers)


def show(title, lines):
    """Print some lines of a list under a title, if there are any."""
    if not lines:
        return
    print(f"{title}: {len(lines)}")
    for line in lines[:SHOWN]:
        print("  " + line)
    if len(lines) > SHOWN:
        print(f"  ... and {len(lines) - SHOWN} more")


def verdict(args, program, results, counts):
    """Print what is wrong; return the exit status."""
    failed = [result for result in results if result.state not in GOOD_STATES]
    own = [result for result in failed if args.random and is_own_fault(program, result)]
    too_many = len(own) > max(1, MOST_OWN_FAULTS * len(results))
    missed = [f"{r.impl}: {r.repro}" for r in results
              if r.impl and benchdnn.ran_by(r.impl) != "plugin"] if args.require_taken else []
    scarce = [f"{' '.join(key)}: {share_taken(counter):.1%} taken, {args.min_taken:.1%} required"
              for key, counter in sorted(counts.items())
              if args.min_taken is not None and share_taken(counter) < args.min_taken]
    show("failed", [described(result) for result in failed if result not in own])
    show("failed without the plugin, too" + (", and more than can be" if too_many else ""),
         [described(result) for result in own])
    show("not taken by the plugin", missed)
    show("too few taken", scarce)
    if not results:
        print("no case was run")
    wrong = len(failed) > len(own) or too_many or missed or scarce or not results
    return 1 if wrong else 0


def described(result):
    """A failed case as a line."""
    return f"{result.state} by {result.impl or 'nobody'}: {result.repro}"


def run(args, scratch):
    """Run benchdnn, count, and return the exit status. scratch: an empty folder."""
    program = benchdnn.find_benchdnn(args.benchdnn)
    if args.isa and not benchdnn.has_isa(program, args.isa):
        print(f"Skipped: {args.isa} is not there, or the system doesn't permit it")
        return LACKING
    ours = HERE
    if driver_of(args.benchdnn_args) == "deconv":
        ours = scratch
        turn_round(ours)
    driver = driver_of(args.benchdnn_args)
    passed_on = resolve_batches(args.benchdnn_args, input_folders(args, program, ours))
    passed_on = [arg for arg in passed_on if arg != f"--{driver}"]
    # -v5 makes benchdnn name the implementation of each case.
    options = ["-v5", *(["--fast-ref=false"] if args.take == "all" or args.random else [])]
    reasons = collections.Counter()
    if args.random:
        found = benchdnn.results_of_lines(program, driver, [*options, *passed_on], random_lines(args),
                                          environment(args))
    else:
        lines = benchdnn.stream(program, [f"--{driver}", *options, *passed_on], environment(args))
        found = benchdnn.parse_results(count_reasons(lines, reasons))
    interval = 0.1 if sys.stderr.isatty() else 20
    results = list(tqdm.tqdm(found, total=args.random, unit="case", mininterval=interval))
    counts = count(results)
    print(count_table(counts))
    for reason, cases in reasons.most_common():
        print(f"declined {cases} times: {reason}")
    return verdict(args, program, results, counts)


def main():
    """Run from the command line; a user's error is one sentence."""
    parser = build_parser()
    args = parser.parse_args()
    if args.seed is not None and not args.random:
        parser.error("--seed goes with --random")
    try:
        with tempfile.TemporaryDirectory(prefix="brdnn-") as scratch:
            return run(args, pathlib.Path(scratch))
    except benchdnn.BenchdnnError as error:
        print(f"run_suite.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("run_suite.py: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
