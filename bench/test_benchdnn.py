# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Tests of reading what benchdnn prints."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import benchdnn  # noqa: E402


class Benchdnn(unittest.TestCase):
    def test_perf_line(self):
        perf = benchdnn.parse_perf("perf|p12|brdnn:avx512_core|1.5|1.75|0.25")
        self.assertEqual(perf, ("p12", "brdnn:avx512_core", 1.5, 1.75, 0.25))

    def test_other_lines_are_no_perf(self):
        for line in ("Output template: " + benchdnn.PERF_TEMPLATE, benchdnn.PERF_TEMPLATE, "",
                     "total: 1.00s;", "0:SKIPPED (Case not supported) __REPRO: --conv p1"):
            self.assertIsNone(benchdnn.parse_perf(line))

    def test_who_ran(self):
        self.assertEqual(benchdnn.ran_by("brdnn:avx512_core"), "plugin")
        self.assertEqual(benchdnn.ran_by("jit_uni_ncsp_convolution:conv+brdnn:avx2"), "wrapper")
        self.assertEqual(benchdnn.ran_by("brgconv:avx512_core"), "built-in")
        self.assertEqual(benchdnn.ran_by(""), "built-in")

    def test_results(self):
        found = list(benchdnn.parse_results([
            "create: --conv --stag=abx ic1", "oneDNN implementation: brdnn:avx2",
            "run: --conv --stag=abx ic1", "0:PASSED __REPRO: --conv --stag=abx ic1",
            "create: --conv ic2", "1:SKIPPED (Case not supported) __REPRO: --conv ic2",
            "create: --conv ic3", "oneDNN implementation: gemm:jit",
            "2:FAILED (errors:3 total:9) __REPRO: --conv ic3"]))
        self.assertEqual([(r.state, r.impl) for r in found],
                         [("PASSED", "brdnn:avx2"), ("SKIPPED", ""), ("FAILED", "gemm:jit")])
        self.assertEqual(benchdnn.option(found[0].repro, "stag", "any"), "abx")
        self.assertEqual(benchdnn.option(found[1].repro, "stag", "any"), "any")

    def test_a_crash_is_the_last_result(self):
        def lines():
            yield from ("create: --conv ic1", "oneDNN implementation: gemm:jit")
            raise benchdnn.BenchdnnCrash("ended with status -11")
        self.assertEqual(list(benchdnn.parse_results(lines())),
                         [benchdnn.Result("CRASHED", "gemm:jit", "--conv ic1")])

    def test_lines_behind_a_crash_run(self):
        def fake(program, driver, args, lines, env):
            for line in lines:
                yield f"create: --conv {line}"
                if line == "bad":
                    raise benchdnn.BenchdnnCrash("ended with status -11")
                yield f"0:PASSED __REPRO: --conv {line}"
        real, benchdnn.stream_batch = benchdnn.stream_batch, fake
        try:
            found = benchdnn.results_of_lines("", "conv", [], ["ic1", "bad", "ic2"], {})
            self.assertEqual([result.state for result in found], ["PASSED", "CRASHED", "PASSED"])
        finally:
            benchdnn.stream_batch = real

    def test_environment_switches_the_plugin(self):
        self.assertEqual(benchdnn.environment(True, 3)["BRDNN_ENABLE"], "1")
        self.assertEqual(benchdnn.environment(False, 3)["BRDNN_ENABLE"], "0")
        self.assertEqual(benchdnn.environment(False, 3)["OMP_NUM_THREADS"], "3")
        self.assertNotIn("ONEDNN_VERBOSE", benchdnn.environment(None))


if __name__ == "__main__":
    unittest.main()
