#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""That partitions of oneDNN's graph API with 1D convolutions run on the plugin, and right.

    graph_test.py BENCHDNN [unittest's options]

benchdnn compares a partition with the primitives it stands for, one by one. For
convolutions those are the built-in's; a transposed one of the built-in nests
ours, and no option takes ours out of it, so there both are ours, in ncw
and as the partition has chosen.
"""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "frameworks")]

import benchdnn  # noqa: E402 (found through the line above)
import verbose  # noqa: E402

PROGRAM = None
PARTITION_STARTS = "[INFO]: Start execution of partition"
GOOD_STATES = ("PASSED", "MISTRUSTED")  # MISTRUSTED: right, but many results are 0


def run(cases, *args):
    """Run a batch of graphs; yield (benchdnn's Result, Runs of its partitions' convolutions)."""
    env = {**benchdnn.environment(True, verbose="profile_exec"), "BRDNN_TAKE": "all"}
    batch = ROOT / "benchdnn_cases" / cases
    runs = None
    for line in benchdnn.stream(PROGRAM, ["--graph", "-v5", *args, f"--batch={batch}"], env):
        if line.startswith(PARTITION_STARTS):
            runs = []
        ran = verbose.parse_run(line)
        if ran and ran.primitive in verbose.CONVOLUTIONS and runs is not None:
            runs.append(ran)
        for result in benchdnn.parse_results([line]):
            yield result, runs or []
            runs = None


class Graph(unittest.TestCase):
    """Each test is one process of benchdnn."""

    def check(self, cases, *args):
        """All cases pass, and their partitions' convolutions ran on the plugin."""
        results = list(run(cases, *args))
        self.assertTrue(results, f"no case of {cases} was run")
        for result, runs in results:
            with self.subTest(result.repro):
                self.assertIn(result.state, GOOD_STATES)
                self.assertEqual([verbose.ran_by(ran.impl) for ran in runs], ["plugin"])

    def test_convolutions(self):
        self.check("graph_1d", f"--global-skip-impl={verbose.PLUGIN_WORD}")

    def test_transposed_convolutions(self):
        self.check("graph_1d_transposed")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: graph_test.py BENCHDNN [unittest's options]")
    PROGRAM = benchdnn.find_benchdnn(sys.argv.pop(1))
    unittest.main()
