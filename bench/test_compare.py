# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Unit tests of the parts of bench/ that compute or parse; no benchdnn needed.

Run with: python3 -m unittest discover -s bench -p 'test_*.py'
"""

import csv
import pathlib
import sys
import tempfile
import types
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import benchdnn  # noqa: E402
import compare  # noqa: E402
import layouts  # noqa: E402
import measure  # noqa: E402
import precisions  # noqa: E402
import problems  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402

CREATE = ("onednn_verbose,v1,primitive,create:cache_miss,cpu,{kind},brgconv:avx512_core,"
          "forward_training,src:f32:a:blocked:{src}::f0 wei:f32:ap:blocked:{wei}::f0 "
          "bia:f32:a:blocked:a::f0 dst:f32:a:blocked:{dst}::f0,,alg:{kind}_direct,"
          "{shape},0.5")
SHAPE_1D = "mb1_ic15oc17_iw1000ow998kw3sw1dw0pw0"
ANY = ("any", "any")


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

    def test_transposed_exchanges_input_and_output(self):
        self.assertEqual(
            problems.transposed('g2mb1ic6ih1iw9oc4oh1ow5kw3sw2pw1dw1n"edge:ic6_ow5"'),
            'g2mb1oc6oh1ow9ic4ih1iw5kw3sw2pw1dw1n"edge:ic6_ow5"')
        self.assertEqual(problems.transposed("# a comment"), "# a comment")

    def test_committed_lists(self):
        for lists in (compare.FULL, compare.QUICK):
            for files in lists.values():
                found = compare.read_problems(files)
                self.assertEqual(len({p.name for p in found}), len(found))
        self.assertEqual(len(compare.read_problems(compare.FULL["conv"][:1])), 3 * 6 * 6)

    def test_committed_lists_add_up(self):
        """The right padding that follows from a line is one that oneDNN allows."""
        for lists in (compare.FULL, compare.QUICK):
            for driver, files in lists.items():
                for problem in compare.read_problems(files):
                    shape = problems.fields(problem.text)
                    wide, narrow = ("iw", "ow") if driver == "conv" else ("ow", "iw")
                    span = (shape[narrow] - 1) * shape["sw"] + (shape["kw"] - 1) * (
                        shape["dw"] + 1) + 1
                    with self.subTest(problem=problem.name):
                        self.assertGreater(span - shape[wide] - shape["pw"], -shape["sw"])


class Layouts(unittest.TestCase):
    def chosen(self, src, dst, shape=SHAPE_1D, wei="Acb16a", kind="convolution"):
        return layouts.parse_create(CREATE.format(src=src, dst=dst, shape=shape, wei=wei,
                                                  kind=kind))

    def reorders(self, chosen, direction, driver="conv", tags=ANY):
        return [tuple(r)[1:] for r in layouts.reorders_for(chosen, driver, direction, tags)]

    def test_formats_and_dims(self):
        found = self.chosen("acb", "aBc16b")
        self.assertEqual(found["src"], ("f32", "acb", "1x15x1000"))
        self.assertEqual(found["dst"], ("f32", "aBc16b", "1x17x998"))
        self.assertEqual(found["wei"], ("f32", "Acb16a", "17x15x3"))

    def test_grouped_2d(self):
        found = self.chosen("acdb", "acdb",
                            "mb2_g3ic6oc9_ih1oh1kh1sh1dh0ph0_iw30ow30kw3sw1dw0pw1", "aBdec8b")
        self.assertEqual(found["src"].dims, "2x6x1x30")
        self.assertEqual(found["dst"].dims, "2x9x1x30")
        self.assertEqual(found["wei"].dims, "3x3x2x1x3")

    def test_lines_that_are_not_creations(self):
        self.assertIsNone(layouts.parse_create("run: --conv ic1"))
        self.assertIsNone(layouts.parse_create(
            "onednn_verbose,v1,primitive,create:dispatch,convolution,cpu,convolution,x"))
        self.assertIsNone(layouts.parse_create(
            "onednn_verbose,v1,primitive,create:cache_miss,cpu,reorder,jit:uni,undef,"
            "src:f32::blocked:abc::f0 dst:f32::blocked:abc::f0,,,1x15x1000,0.04"))

    def test_forward_pays_src_in_and_dst_out_but_no_weights(self):
        self.assertEqual(self.reorders(self.chosen("acb", "aBc16b"), "FWD_B"),
                         [("1x15x1000", "abc", "acb"), ("1x17x998", "aBc16b", "abc")])

    def test_plain_answer_costs_nothing(self):
        chosen = self.chosen("abc", "abc", wei="abc")
        for direction in ("FWD_B", "BWD_D", "BWD_WB"):
            self.assertEqual(self.reorders(chosen, direction), [])

    def test_backward_data_pays_diff_dst_and_weights_in_and_diff_src_out(self):
        self.assertEqual(self.reorders(self.chosen("acb", "acb"), "BWD_D"),
                         [("1x17x998", "abc", "acb"), ("17x15x3", "abc", "Acb16a"),
                          ("1x15x1000", "acb", "abc")])

    def test_backward_weights_pays_both_in_and_diff_weights_out(self):
        self.assertEqual(self.reorders(self.chosen("acb", "acb"), "BWD_WB"),
                         [("1x15x1000", "abc", "acb"), ("1x17x998", "abc", "acb"),
                          ("17x15x3", "Acb16a", "abc")])

    def test_given_layouts_pay_for_weights_only(self):
        for direction, paid in (("FWD_B", []), ("BWD_D", [("17x15x3", "abc", "Acb16a")]),
                                ("BWD_W", [("17x15x3", "Acb16a", "abc")])):
            self.assertEqual(self.reorders(self.chosen("acb", "acb"), direction,
                                           tags=layouts.LAYOUT_TAGS["nwc"]), paid)

    def test_deconvolution_holds_its_filters_by_input_channel(self):
        chosen = self.chosen("abc", "abc", wei="bac", kind="deconvolution")
        self.assertEqual(self.reorders(chosen, "BWD_W", "deconv"), [])
        grouped = self.chosen("abc", "abc", "mb1_g3ic6oc9_iw30ow30kw3sw1dw0pw1", "abcd",
                              "deconvolution")
        self.assertEqual(self.reorders(grouped, "BWD_D", "deconv"),
                         [("3x3x2x3", "acbd", "abcd")])

    def test_formats_without_a_tag_have_no_known_cost(self):
        chosen = self.chosen("abc", "abc")
        del chosen["wei"]
        self.assertIsNone(layouts.reorders_for(chosen, "conv", "BWD_D", ANY))
        self.assertEqual(layouts.reorders_for(chosen, "conv", "FWD_B", ANY), [])

    def test_unknown_direction(self):
        with self.assertRaises(ValueError):
            layouts.direction_kind("SIDEWAYS")

    def test_sizes_of_one_do_not_count(self):
        self.assertTrue(layouts.same_memory("1x1x1000", "acb", "abc"))
        self.assertTrue(layouts.same_memory("4x3x1x9", "acbd", "abcd"))
        self.assertFalse(layouts.same_memory("1x2x1000", "acb", "abc"))
        self.assertFalse(layouts.same_memory("1x1x1000", "aBc16b", "abc"))

    def test_traffic_is_each_tensor_once(self):
        chosen = self.chosen("abc", "abc")
        src, wei, dst = 4 * 15 * 1000, 4 * 17 * 15 * 3, 4 * 17 * 998
        self.assertEqual(layouts.traffic(chosen, "FWD_B"), (src + wei, dst))
        self.assertEqual(layouts.traffic(chosen, "BWD_D"), (dst + wei, src))
        self.assertEqual(layouts.traffic(chosen, "BWD_WB"), (src + dst, wei))
        chosen["src"] = chosen["src"]._replace(dt="f4")
        self.assertIsNone(layouts.traffic(chosen, "FWD_B"))


class Precisions(unittest.TestCase):
    def test_environment_is_that_of_the_precision_alone(self):
        caller = {"BRDNN_F32": "amx", "ONEDNN_DEFAULT_FPMATH_MODE": "BF16", "HOME": "/"}
        for name, variables in (("f32", {}), ("bf16", {}), ("amx", {"BRDNN_F32": "amx"}),
                                ("tf32", {"ONEDNN_DEFAULT_FPMATH_MODE": "TF32"})):
            found = precisions.environment(precisions.PRECISIONS[name], caller)
            self.assertEqual(found, {"HOME": "/", **variables})

    def test_math_mode_of_benchdnn(self):
        modes = {name: precisions.fpmath(found) for name, found in precisions.PRECISIONS.items()}
        self.assertEqual(modes, {"f32": "strict", "bf16": "strict", "amx": "strict",
                                 "tf32": "tf32", "bf16math": "bf16"})

    def test_what_the_cpu_lacks(self):
        for flags, possible in (({"avx2"}, ["f32"]), ({"avx512_bf16"}, ["f32", "bf16", "bf16math"]),
                                ({"avx512_bf16", "amx_bf16"}, list(precisions.PRECISIONS))):
            with unittest.mock.patch.object(precisions, "cpu_flags", lambda flags=flags: flags):
                found = precisions.PRECISIONS.values()
                self.assertEqual([p.name for p in found if precisions.is_possible(p)], possible)
        with unittest.mock.patch.object(precisions, "cpu_flags", lambda: {"avx2"}), \
                self.assertRaisesRegex(precisions.LackingError,
                                       "bf16: this CPU has no amx_bf16 and no avx512_bf16"):
            precisions.check(precisions.PRECISIONS["bf16"])


class FakeBenchdnn:
    """Stands in for benchdnn.stream_batch: keeps the lines, answers from a list."""

    def __init__(self, answers):
        self.answers = answers
        self.batches = []

    def __call__(self, _program, _driver, _args, lines, _env):
        self.batches.append(lines)
        return iter(self.answers)


class Measure(unittest.TestCase):
    def run_with(self, answers, run, samples):
        fake = FakeBenchdnn(answers)
        real, benchdnn.stream_batch = benchdnn.stream_batch, fake
        try:
            run(fake_settings(), samples, CASES_NCW, "plugin",
                types.SimpleNamespace(update=lambda: None))
        finally:
            benchdnn.stream_batch = real
        return fake.batches[0]

    def test_survey_notes_formats_and_slow_problems(self):
        samples = measure.Samples()
        form = {"shape": SHAPE_1D, "wei": "abc", "kind": "convolution"}
        nested = CREATE.format(src="aBc16b", dst="aBc16b", **form)
        lines = self.run_with([
            nested, CREATE.format(src="abc", dst="abc", **form),
            f"perf|p0|brdnn:avx2|{2 * measure.SLOW_MS}|9|0.1",
            "1:SKIPPED (Case not supported) __REPRO: --conv np1"], measure.survey, samples)
        self.assertTrue(all("--fix-times-per-prb=1 " in line for line in lines[-2:]))
        self.assertEqual(samples.paid, {(CASES_NCW[0], "plugin"): []})
        self.assertEqual(samples.slow, {(CASES_NCW[0], "plugin")})
        self.assertEqual(samples.impl[CASES_NCW[0], "plugin"], "brdnn:avx2")
        self.assertIn(CASES_NCW[0], samples.traffic)
        self.assertEqual(len(samples.messages), 1)
        self.assertFalse(samples.ms)

    def test_reference_loops_are_surveyed_only(self):
        samples = measure.Samples()
        self.run_with([f"perf|p0|jit_uni_ncsp_convolution:conv+ref:any|{2 * measure.SLOW_MS}|9|1",
                       "perf|p1|ref:any|1|9|1"], measure.survey, samples)
        self.assertEqual(samples.reference, {(CASES_NCW[0], "plugin")})
        self.assertEqual(samples.ms, {(CASES_NCW[0], "plugin"): [2 * measure.SLOW_MS]})
        lines = self.run_with(["perf|p1|ref:any|1|9|1"], measure.run_problems, samples)
        self.assertIn("np1", lines[-1])
        self.assertNotIn("np0", "".join(lines))

    def test_rounds_run_slow_problems_once(self):
        samples = measure.Samples()
        samples.slow.add((CASES_NCW[1], "plugin"))
        lines = self.run_with(["perf|p0|brdnn:avx2|2|9|0.1", "perf|p1|gemm:jit|3|9|0.1"],
                              measure.run_problems, samples)
        self.assertIn("--fix-times-per-prb=0 ", lines[-2])
        self.assertIn("--fix-times-per-prb=1 ", lines[-1])
        self.assertEqual(samples.ms[CASES_NCW[1], "plugin"], [3.0])

    def test_directions_and_drivers(self):
        args = compare.build_parser().parse_args(["--dir", "fwd_b,BWD_D,fwd_b"])
        args.problems = compare.choose_problems(args)
        self.assertEqual(compare.choose_passes(args),
                         [("conv", "FWD_B"), ("conv", "BWD_D"),
                          ("deconv", "FWD_B"), ("deconv", "BWD_D")])
        args = compare.build_parser().parse_args(
            ["--deconv", "--cases", str(compare.QUICK["deconv"][0])])
        self.assertEqual(list(compare.choose_problems(args)), ["deconv"])


def fake_settings():
    names = ("ncw", "any")
    return types.SimpleNamespace(
        benchdnn="benchdnn", precision=precisions.PRECISIONS["f32"], mb=0, threads=1, rounds=3,
        max_minutes=1, ms_per_problem=9, passes=[("conv", "FWD_B")],
        layouts={name: layouts.LAYOUT_TAGS[name] for name in names},
        problems={"conv": [problems.Problem("ic1iw9oc1kw3", name) for name in "ab"]})


def case(name, layout):
    return measure.Case("conv", "FWD_B", layout, name)


CASES_NCW = [case("a", "ncw"), case("b", "ncw")]


def fake_samples():
    """Two problems; the plugin takes the first one in ncw and in any."""
    samples = measure.Samples()
    times = {("a", "ncw", "plugin"): [1.0, 9.0, 2.0], ("a", "ncw", "builtin"): [6.0, 5.0, 8.0],
             ("a", "any", "plugin"): [1.0], ("a", "any", "builtin"): [3.0],
             ("b", "ncw", "plugin"): [4.0], ("b", "ncw", "builtin"): [3.0],
             ("b", "any", "plugin"): [4.0], ("b", "any", "builtin"): [4.0]}
    reorder = layouts.Reorder("f32", "1x2x3", "abc", "acb")
    for (name, layout, side), values in times.items():
        key = case(name, layout), side
        taken = name == "a" and side == "plugin"
        samples.ms[key] = values
        samples.impl[key] = "brdnn:avx2" if taken else "gemm:jit"
        samples.paid[key] = [reorder] if key == (case("a", "any"), "builtin") else []
        samples.gops[key[0]] = 0.1 if name == "a" else 0.2
        # More than the cache; 1 ms to copy 10 MB, 1 ms to read 10 MB more.
        samples.traffic[key[0]] = (20_000_000, 10_000_000)
    samples.reorder_ms[reorder] = [1.0]
    samples.peak["f32_fma", 1] = [90.0, 110.0, 100.0]
    samples.peak.update({("mem_read", 1): [10.0], ("mem_write", 1): [5.0],
                         ("mem_copy", 1): [20.0], ("cache", 1): [8.0]})
    samples.rounds = 3
    return samples


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
        for unknown in ({}, {(case("a", "any"), "builtin"): None}):
            samples = fake_samples()
            del samples.paid[case("a", "any"), "builtin"]
            samples.paid.update(unknown)
            row = results.make_rows(fake_settings(), samples)[1]
            self.assertIsNone(row.builtin_ms)
            self.assertIsNone(row.ratio)

    def test_time_of_reading_and_writing_once(self):
        rates = results.bandwidths(fake_samples(), 1)
        self.assertAlmostEqual(results.memory_ms((20_000_000, 10_000_000), rates), 2.0)
        self.assertAlmostEqual(results.memory_ms((10_000_000, 20_000_000), rates), 3.0)
        self.assertIsNone(results.memory_ms(None, rates))
        self.assertIsNone(results.bandwidths(fake_samples(), 2))

    def test_memory_bound_where_memory_takes_longer_than_arithmetic(self):
        row = self.by_key["a", "ncw"]  # 1 ms of arithmetic, 2 ms of memory
        self.assertTrue(row.memory_bound)
        self.assertAlmostEqual(row.plugin_memory, 1.0)
        self.assertAlmostEqual(row.builtin_memory, 3.0)
        self.assertIn("1.00x mem", report.table(self.rows))
        samples = fake_samples()
        samples.peak["cache", 1] = [64.0]  # everything stays in the cache
        self.assertFalse(results.make_rows(fake_settings(), samples)[0].memory_bound)
        samples = fake_samples()
        samples.gops[case("a", "ncw")] = 0.3  # 3 ms of arithmetic
        self.assertFalse(results.make_rows(fake_settings(), samples)[0].memory_bound)

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

    def test_peak_kind_follows_the_precision(self):
        samples = fake_samples()
        samples.peak["bf16_dot", 1] = [400.0]
        samples.peak["bf16_amx", 1] = [3000.0, 2400.0]
        settings = fake_settings()
        for name, peak in (("bf16", ("bf16_amx", [3000.0, 2400.0])),
                           ("tf32", ("bf16_amx/3", [1000.0, 800.0])),
                           ("amx", ("bf16_amx/6", [500.0, 400.0]))):
            settings.precision = precisions.PRECISIONS[name]
            self.assertEqual(results.peak_of(settings, samples), peak)
        del samples.peak["bf16_amx", 1]
        for dt in ("bf16", "bf16:bf16:f32", "f32:bf16:bf16"):
            settings.precision = precisions.of_types(dt)
            self.assertEqual(results.peak_of(settings, samples), ("bf16_dot", [400.0]))
        settings.precision = precisions.of_types("f32")
        self.assertEqual(results.peak_of(settings, samples).name, "f32_fma")
        settings.precision = precisions.of_types("u8:s8:u8")
        self.assertIsNone(results.peak_of(settings, samples))

    def test_peak_output(self):
        text = ("f32_fma   avx512f      threads=2 88.1 GFLOP/s\n"
                "cache     last-level   threads=1 33.6 MB\n"
                "mem_read  any          threads=1 9 GB/s\nmem_read  any  threads=2 17 GB/s")
        self.assertEqual(measure.parse_peak(text), {
            ("f32_fma", 2): 88.1, ("cache", 1): 33.6, ("mem_read", 1): 9.0, ("mem_read", 2): 17.0})

    def test_report_mentions_what_matters(self):
        text = report.summary(fake_settings(), fake_samples(), self.rows)
        self.assertIn("taken 1 of 2", text)
        self.assertIn("worst 0.75x (b)", text)
        self.assertIn("busy", text)  # the fake peak moves by a fifth
        self.assertIn("at most 1.00x the time of reading and writing the tensors once (a)", text)
        self.assertIn("convolution forward (FWD_B)", text)
        self.assertIn("brdnn:avx2", report.tables(self.rows))

    def test_passes_are_reported_apart(self):
        other = [row._replace(driver="deconv", dir="BWD_D") for row in self.rows]
        self.assertEqual(list(results.by_pass(self.rows + other)),
                         [("conv", "FWD_B"), ("deconv", "BWD_D")])
        found = results.failures(self.rows + other, None, 1.0)
        self.assertEqual(len(found), 4)  # two layouts in each
        self.assertTrue(found[2].startswith("deconv BWD_D ncw: "), found[2])

    def test_csv(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "new" / "out.csv"
            report.write_csv(path, fake_settings(), fake_samples(), self.rows)
            with open(path, newline="", encoding="utf-8") as file:
                lines = list(csv.DictReader(file))
        self.assertEqual(len(lines), 4)
        self.assertEqual((lines[0]["dir"], lines[0]["ratio"], lines[0]["ncw_ratio"]),
                         ("FWD_B", "3.0", "4.0"))
        self.assertEqual((lines[0]["plugin_ms_max"], lines[0]["copy_gbs"]), ("9.0", "20.0"))


if __name__ == "__main__":
    unittest.main()
