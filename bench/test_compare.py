# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the parts of bench/ that compute or parse; no benchdnn needed.

Run with: python3 -m unittest discover -s bench -p 'test_*.py'
"""

import pathlib
import sys
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import benchdnn  # noqa: E402
import compare  # noqa: E402
import layouts  # noqa: E402
import measure  # noqa: E402
import problems  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402

CREATE = ("onednn_verbose,v1,primitive,create:cache_miss,cpu,convolution,brgconv:avx512_core,"
          "forward_training,src:f32:a:blocked:{src}::f0 wei:f32:a:blocked:Acb16a::f0 "
          "bia:f32:a:blocked:a::f0 dst:f32:ap:blocked:{dst}::f0,,alg:convolution_direct,"
          "{shape},0.5")
SHAPE_1D = "mb1_ic15oc17_iw1000ow998kw3sw1dw0pw0"


class Problems(unittest.TestCase):
    def test_fields_have_defaults(self):
        shape = problems.fields('g2ic6iw40oc10ow38kw3sw2pw1dw7n"edge:x_kw9"')
        self.assertEqual(shape["kw"], 3)  # not the one in the name
        self.assertEqual((shape["g"], shape["mb"], shape["sw"], shape["dw"]), (2, 2, 2, 7))
        self.assertEqual((shape["ic"], shape["iw"], shape["oc"], shape["ow"]), (6, 40, 10, 38))

    def test_fields_of_2d_with_underscores(self):
        shape = problems.fields("mb3_ic4ih1iw9_oc5oh1ow9_kh1kw3_n")
        self.assertEqual((shape["mb"], shape["ih"], shape["kh"], shape["kw"]), (3, 1, 1, 3))

    def test_read_cases(self):
        found = problems.read_cases(['# note', '', 'ic1iw9oc1kw3n"a:b"  # why', "ic2iw9oc1kw3",
                                     'ic3iw9oc1kw3n"a:b"'])
        self.assertEqual([p.name for p in found], ["a:b", "ic2iw9oc1kw3", "a:b (3)"])
        self.assertEqual(found[0].text, "ic1iw9oc1kw3")

    def test_options_are_refused(self):
        with self.assertRaises(ValueError):
            problems.read_cases(["--reset"])

    def test_committed_lists(self):
        for file in (*compare.FULL, *compare.QUICK):
            found = compare.read_problems([file])
            self.assertEqual(len({p.name for p in found}), len(found))
        self.assertEqual(len(compare.read_problems(compare.FULL[:1])), 3 * 6 * 6)


class Benchdnn(unittest.TestCase):
    def test_perf_line(self):
        perf = benchdnn.parse_perf("perf|p12|brconv1d:avx512_core|1.5|1.75|0.25")
        self.assertEqual(perf, ("p12", "brconv1d:avx512_core", 1.5, 1.75, 0.25))

    def test_other_lines_are_no_perf(self):
        for line in ("Output template: " + benchdnn.PERF_TEMPLATE, benchdnn.PERF_TEMPLATE, "",
                     "total: 1.00s;", "0:SKIPPED (Case not supported) __REPRO: --conv p1"):
            self.assertIsNone(benchdnn.parse_perf(line))

    def test_who_ran(self):
        self.assertEqual(benchdnn.ran_by("brconv1d:avx512_core"), "plugin")
        self.assertEqual(benchdnn.ran_by("jit_uni_ncsp_convolution:conv+brconv1d:avx2"), "wrapper")
        self.assertEqual(benchdnn.ran_by("brgconv:avx512_core"), "built-in")
        self.assertEqual(benchdnn.ran_by(""), "built-in")

    def test_results(self):
        found = list(benchdnn.parse_results([
            "create: --conv --stag=abx ic1", "oneDNN implementation: brconv1d:avx2",
            "run: --conv --stag=abx ic1", "0:PASSED __REPRO: --conv --stag=abx ic1",
            "create: --conv ic2", "1:SKIPPED (Case not supported) __REPRO: --conv ic2",
            "create: --conv ic3", "oneDNN implementation: gemm:jit",
            "2:FAILED (errors:3 total:9) __REPRO: --conv ic3"]))
        self.assertEqual([(r.state, r.impl) for r in found],
                         [("PASSED", "brconv1d:avx2"), ("SKIPPED", ""), ("FAILED", "gemm:jit")])
        self.assertEqual(benchdnn.option(found[0].repro, "stag", "any"), "abx")
        self.assertEqual(benchdnn.option(found[1].repro, "stag", "any"), "any")

    def test_environment_switches_the_plugin(self):
        self.assertEqual(benchdnn.environment(True, 3)["BRCONV1D_ENABLE"], "1")
        self.assertEqual(benchdnn.environment(False, 3)["BRCONV1D_ENABLE"], "0")
        self.assertEqual(benchdnn.environment(False, 3)["OMP_NUM_THREADS"], "3")
        self.assertNotIn("ONEDNN_VERBOSE", benchdnn.environment(None))


class Layouts(unittest.TestCase):
    def chosen(self, src, dst, shape=SHAPE_1D):
        return layouts.parse_create(CREATE.format(src=src, dst=dst, shape=shape))

    def test_formats_and_dims(self):
        found = self.chosen("acb", "aBc16b")
        self.assertEqual(found["src"], ("f32", "acb", "1x15x1000"))
        self.assertEqual(found["dst"], ("f32", "aBc16b", "1x17x998"))

    def test_grouped_2d(self):
        found = self.chosen("acdb", "acdb",
                            "mb2_g3ic6oc9_ih1oh1kh1sh1dh0ph0_iw30ow30kw3sw1dw0pw1")
        self.assertEqual(found["src"][2], "2x6x1x30")
        self.assertEqual(found["dst"][2], "2x9x1x30")

    def test_lines_that_are_not_creations(self):
        self.assertIsNone(layouts.parse_create("run: --conv ic1"))
        self.assertIsNone(layouts.parse_create(
            "onednn_verbose,v1,primitive,create:dispatch,convolution,cpu,convolution,x"))

    def test_forward_pays_src_in_and_dst_out(self):
        paid = layouts.reorders_for(self.chosen("acb", "aBc16b"), "FWD_B")
        self.assertEqual(paid, [("f32", "1x15x1000", "abc", "acb"),
                                ("f32", "1x17x998", "aBc16b", "abc")])

    def test_plain_answer_costs_nothing(self):
        self.assertEqual(layouts.reorders_for(self.chosen("abc", "abc"), "FWD_B"), [])

    def test_backward(self):
        chosen = self.chosen("acb", "acb")
        self.assertEqual([r.source for r in layouts.reorders_for(chosen, "BWD_D")],
                         ["abc", "acb"])  # diff_dst in, diff_src out
        self.assertEqual([r.source for r in layouts.reorders_for(chosen, "BWD_WB")],
                         ["abc", "abc"])  # both in
        with self.assertRaises(ValueError):
            layouts.direction_kind("SIDEWAYS")

    def test_sizes_of_one_do_not_count(self):
        self.assertTrue(layouts.same_memory("1x1x1000", "acb", "abc"))
        self.assertTrue(layouts.same_memory("4x3x1x9", "acbd", "abcd"))
        self.assertFalse(layouts.same_memory("1x2x1000", "acb", "abc"))
        self.assertFalse(layouts.same_memory("1x1x1000", "aBc16b", "abc"))

    def test_last_creation_of_a_problem_counts(self):
        nested = CREATE.format(src="aBc16b", dst="aBc16b", shape=SHAPE_1D)
        outer = CREATE.format(src="abc", dst="abc", shape=SHAPE_1D)
        found = layouts.parse_chosen([
            "create: --conv ic1iw9oc1kw3np0", nested, outer, "run: --conv ic1iw9oc1kw3np0",
            "0:INITIALIZED __REPRO: --conv ic1iw9oc1kw3np0",
            "1:SKIPPED (Case not supported) __REPRO: --conv ic1iw9oc1kw3np1"], {"p0", "p1"})
        self.assertEqual(found["p0"]["src"][1], "abc")
        self.assertNotIn("p1", found)


def fake_samples():
    """Two problems; the plugin takes the first one in ncw and in any."""
    samples = measure.Samples()
    times = {("a", "ncw", "plugin"): [1.0, 9.0, 2.0], ("a", "ncw", "builtin"): [6.0, 5.0, 8.0],
             ("a", "any", "plugin"): [1.0], ("a", "any", "builtin"): [3.0],
             ("b", "ncw", "plugin"): [4.0], ("b", "ncw", "builtin"): [3.0],
             ("b", "any", "plugin"): [4.0], ("b", "any", "builtin"): [4.0]}
    reorder = layouts.Reorder("f32", "1x2x3", "abc", "acb")
    samples.ms.update(times)
    samples.impl = {key: "gemm:jit" for key in times}
    samples.impl["a", "ncw", "plugin"] = samples.impl["a", "any", "plugin"] = "brconv1d:avx2"
    samples.gops = {"a": 0.1, "b": 0.2}
    samples.paid = {(name, side): [] for name in "ab" for side in measure.SIDES}
    samples.paid["a", "builtin"] = [reorder]
    samples.reorder_ms[reorder] = [1.0]
    samples.peak["f32_fma"] = [90.0, 110.0, 100.0]
    samples.rounds = 3
    return samples


def fake_settings():
    return types.SimpleNamespace(
        dt="f32", dir="FWD_B", mb=0, threads=1, rounds=3, max_minutes=1,
        layouts={name: layouts.LAYOUT_TAGS[name] for name in ("ncw", "any")},
        problems=[problems.Problem("ic1iw9oc1kw3", name) for name in "ab"])


class Results(unittest.TestCase):
    def setUp(self):
        self.rows = results.make_rows(fake_settings(), fake_samples())
        self.by_key = {(row.name, row.layout): row for row in self.rows}

    def test_medians_and_ratio(self):
        row = self.by_key["a", "ncw"]
        self.assertEqual((row.plugin_ms, row.builtin_ms, row.ratio), (2.0, 6.0, 3.0))
        self.assertTrue(row.taken)

    def test_efficiency_is_against_the_median_peak(self):
        self.assertAlmostEqual(self.by_key["a", "ncw"].plugin_peak, 0.5)  # 50 of 100 GFLOP/s

    def test_any_includes_reorders(self):
        row = self.by_key["a", "any"]
        self.assertEqual((row.plugin_ms, row.builtin_ms, row.builtin_reorder_ms), (1.0, 4.0, 1.0))

    def test_unknown_formats_are_no_cost_of_zero(self):
        samples = fake_samples()
        del samples.paid["a", "builtin"]
        row = results.make_rows(fake_settings(), samples)[1]
        self.assertIsNone(row.builtin_ms)
        self.assertIsNone(row.ratio)

    def test_spread(self):
        self.assertAlmostEqual(results.spread(fake_samples()), (8.0 + 0.6) / 2)
        self.assertIsNone(results.spread(measure.Samples()))

    def test_headline(self):
        # a: better of 6 and 4 over better of 2 and 1; b: 3 over 4.
        self.assertEqual(results.headline_ratios(self.rows), {"a": 4.0, "b": 0.75})

    def test_failures(self):
        self.assertEqual(results.failures(self.rows, 0.95, None), [])  # b is not taken
        self.assertEqual(len(results.failures(self.rows, 3.5, None)), 1)
        self.assertEqual(len(results.failures(self.rows, None, 1.0)), 2)
        self.assertEqual(results.failures(self.rows, None, 0.5), [])

    def test_peak_kind_follows_the_data_type(self):
        samples = fake_samples()
        samples.peak["bf16_dot"] = [400.0]
        self.assertEqual(results.peak_of(samples, "bf16:bf16:bf16"), ("bf16_dot", 400.0))
        self.assertEqual(results.peak_of(samples, "f32")[0], "f32_fma")
        self.assertIsNone(results.peak_of(samples, "u8:s8:u8"))

    def test_peak_output(self):
        text = "f32_fma  avx512f      threads=2 88.1 GFLOP/s\nbf16_amx amx_bf16 threads=2 9 GFLOP/s"
        self.assertEqual(measure.parse_peak(text), {"f32_fma": 88.1, "bf16_amx": 9.0})

    def test_report_mentions_what_matters(self):
        text = report.summary(fake_settings(), fake_samples(), self.rows)
        self.assertIn("taken 1 of 2", text)
        self.assertIn("worst 0.75x (b)", text)
        self.assertIn("busy", text)  # the fake peak moves by a fifth
        self.assertIn("brconv1d:avx2", report.table(self.rows))


if __name__ == "__main__":
    unittest.main()
