#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""That oneDNN's dispatch reaches the plugin, and what its switches do.

    dispatch_test.py BENCHDNN [unittest's options]

Where BRDNN_HIDDEN_CACHES names the library that hides the CPU's caches, what the
plugin makes of that is tested as well.
"""

import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

import benchdnn  # noqa: E402 (found through the line above)

PROGRAM = None
TAKEN = "mb1ic15iw1000oc15ow1000kw9dw3pw16"  # a convolution or a deconvolution
PASSES = ("FWD_D", "FWD_B", "FWD_I", "BWD_D", "BWD_W", "BWD_WB")
FEW_TERMS = "mb1ic3iw1000oc15ow1000kw9dw3pw16"  # 27 terms a sum
FEW_USES = "mb1ic15iw1000oc3ow1000kw9dw3pw16"  # 27 uses of each value of src
NCW = ("--dir=FWD_B", "--dt=f32", "--stag=abc", "--wtag=any", "--dtag=abc")


def run_all(driver, *args, **variables):
    """Run problems in one process; return (benchdnn's Results, all output)."""
    env = benchdnn.environment(None)
    env.update({"BRDNN_TAKE": "all", **variables})
    lines = list(benchdnn.stream(PROGRAM, ["-v5", f"--{driver}", *args], env))
    return list(benchdnn.parse_results(lines)), "\n".join(lines)


def run(*args, **variables):
    """Run one convolution; return (benchdnn's Result, all output)."""
    results, output = run_all("conv", *args, **variables)
    return results[0], output


class Dispatch(unittest.TestCase):
    """Each test is one process of benchdnn, which checks the result as well."""

    def assert_ran(self, result, prefix):
        """The case passed, on an implementation whose name starts with prefix."""
        self.assertEqual(result.state, "PASSED", result.repro)
        self.assertTrue(result.impl.startswith(prefix), f"{result.impl} ran {result.repro}")

    def assert_built_in(self, result):
        """The case passed, and the plugin had no part in it."""
        self.assertEqual(result.state, "PASSED", result.repro)
        self.assertNotIn("brdnn", result.impl, result.repro)
        self.assertTrue(result.impl, f"nobody ran {result.repro}")

    def need(self, isa):
        """Skip the test where oneDNN doesn't have an instruction set."""
        if not benchdnn.has_isa(PROGRAM, isa):
            self.skipTest(f"{isa} is not there, or the system doesn't permit it")

    def check_policy(self, cases, **variables):
        """Each (direction, tag, problem, reason) is declined for that reason, or taken for None."""
        for direction, tag, problem, declined in cases:
            with self.subTest(direction=direction, tag=tag, problem=problem):
                result, output = run(f"--dir={direction}", f"--stag={tag}", f"--dtag={tag}",
                                     *problem.split(), BRDNN_TAKE="", BRDNN_VERBOSE="1",
                                     **variables)
                if declined:
                    self.assert_built_in(result)
                    self.assertRegex(output, f"brdnn,declined,.*{declined}")
                else:
                    self.assert_ran(result, "brdnn:")

    def hidden_caches(self):
        """The environment of a CPU that tells no sizes of caches; skips where there can't be one."""
        library = os.environ.get("BRDNN_HIDDEN_CACHES")
        if not library:
            self.skipTest("BRDNN_HIDDEN_CACHES names no library")
        variables = {"LD_PRELOAD": library}
        if subprocess.run(["true"], env={**os.environ, **variables}, check=False).returncode:
            self.skipTest("CPUID can't be made to fault on this machine")
        return variables

    def test_caches_that_cpuid_hides_are_the_systems(self):
        """Of built-in implementations, too: a stock library fails each of these."""
        variables = {**self.hidden_caches(), "BRDNN_ENABLE": "0", "BRDNN_VERBOSE": "1"}
        results, output = run_all("reorder", "--stag=abc", "--dtag=ABc16b16a", "64x25x7",
                                  **variables)
        self.assert_built_in(results[0])
        self.assertEqual(output.count("brdnn,info,CPUID gives 1 bytes"), 1, output)
        result, _ = run("--dir=FWD_B", "--stag=axb", "--wtag=any", "--dtag=axb",
                        "mb2ic25iw100oc33ow98kw3pw0", **variables)
        self.assert_built_in(result)

    def test_nothing_is_said_of_caches_that_are_known(self):
        self.assertNotIn("CPUID", run(*NCW, TAKEN, BRDNN_VERBOSE="1")[1])

    def test_reaches_the_plugin(self):
        self.assert_ran(run(*NCW, TAKEN)[0], "brdnn:")

    def test_any_layout_reaches_the_plugin(self):
        self.assert_ran(run("--stag=any", "--dtag=any", TAKEN)[0], "brdnn:")

    def test_images_of_height_one_reach_the_plugin(self):
        self.assert_ran(run("--stag=abx", "--dtag=abx",
                            "mb1ic15ih1iw1000oc15oh1ow1000kh1kw9dw3pw16")[0], "brdnn:")

    def test_every_pass_reaches_the_plugin(self):
        for driver in ("conv", "deconv"):
            for tag in ("abc", "acb", "any"):
                with self.subTest(driver=driver, tag=tag):
                    results, _ = run_all(driver, "--dir=" + ",".join(PASSES), f"--stag={tag}",
                                         f"--dtag={tag}", TAKEN)
                    self.assertEqual(len(results), len(PASSES))
                    for result in results:
                        self.assert_ran(result, "brdnn:")

    def test_off_switch(self):
        for driver in ("conv", "deconv"):
            with self.subTest(driver=driver):
                results, _ = run_all(driver, "--dir=" + ",".join(PASSES), TAKEN,
                                     BRDNN_ENABLE="0")
                self.assertEqual(len(results), len(PASSES))
                for result in results:
                    self.assert_built_in(result)

    def test_serves_inside_a_built_in(self):
        """oneDNN's own deconvolution applies what we decline to a convolution of ours."""
        results, _ = run_all("deconv", "--dir=FWD_B", "--attr-post-ops=sum:0.5:0:s32", TAKEN)
        self.assert_ran(results[0], "conv:any+brdnn:")

    def test_declines_where_the_built_in_is_as_fast(self):
        args = ("--stag=acb", "--dtag=acb", "--wtag=any", "mb1ic64iw500oc64ow500kw3pw1")
        self.assert_ran(run(*args)[0], "brdnn:")
        result, output = run(*args, BRDNN_TAKE="", BRDNN_VERBOSE="1")
        self.assert_built_in(result)
        self.assertRegex(output, r"brdnn,declined,.*in nwc the built-in is weak only for")

    def test_policy_of_a_free_layout(self):
        """Each pair of problems lies on both sides of a rule of plugin/policy.cpp."""
        channels = "whole vectors of channels fill a blocked layout"
        depthwise = "the built-in has kernels for a single channel a group"
        little_work = "little work for whole vectors of filters"
        self.check_policy([(direction, "any", problem, declined)
                           for direction, problem, declined in (
                ("FWD_B", "mb1ic64iw1024oc32ow1024kw3dw15pw16", None),
                ("FWD_B", "mb1ic64iw1024oc32ow1024kw3dw14pw15", channels),
                ("BWD_D", "mb1ic32iw1024oc64ow1008kw2dw15pw0", None),
                ("BWD_D", "mb1ic32iw1024oc64ow1009kw2dw14pw0", channels),
                ("BWD_WB", "mb1ic64iw4096oc32ow1024kw15sw4pw6", None),
                ("BWD_WB", "mb1ic64iw4096oc32ow1024kw14sw4pw6", channels),
                ("FWD_B", "g64mb1ic64iw500oc64ow500kw5pw2", None),
                ("FWD_B", "g64mb1ic64ih1iw500oc64oh1ow500kh1kw5ph0pw2", depthwise),
                ("BWD_D", "g64mb1ic64ih1iw500oc64oh1ow500kh1kw5dw1ph0pw4", None),
                ("BWD_D", "g64mb1ic64ih1iw500oc64oh1ow500kh1kw5ph0pw2", depthwise),
                ("BWD_WB", "g64mb1ic64ih1iw500oc64oh1ow500kh1kw5ph0pw2", None),
                ("BWD_WB", "g64mb1ic64ih1iw500oc64oh1ow500kh1kw3ph0pw1", depthwise),
                ("FWD_B", "mb1ic15iw1000oc64ow1000kw18pw8", None),
                ("FWD_B", "mb1ic15iw1000oc64ow1000kw17pw8", little_work))])

    def test_policy_of_bf16(self):
        """The same for kernels that multiply bf16, without AMX where it is there."""
        self.need("AVX512_CORE_BF16")
        little_work = "so little work is over before threads have started"
        few_positions = "packing weights costs more than so few positions gain"
        product = "whole vectors of many channels are a matrix product"
        depthwise = "the built-in has kernels for a single channel a group"
        nwc = "in nwc the built-in is weak only for"
        little_use = "packing costs more than so little use of each element gains"
        cases = (
            ("FWD_B", "any", "mb1ic4iw5462oc4ow5462kw3pw1", None),
            ("FWD_B", "any", "mb1ic4iw5461oc4ow5461kw3pw1", little_work),
            ("FWD_B", "any", "mb1ic64iw1500oc64ow1500kw3pw1", None),
            ("FWD_B", "any", "mb1ic64iw1499oc64ow1499kw3pw1", few_positions),
            ("BWD_D", "abx", "mb1ic64iw64oc64ow64kw57pw28", None),
            ("BWD_D", "abx", "mb1ic64iw63oc64ow63kw57pw28", few_positions),
            ("FWD_B", "any", "mb1ic64iw1600oc112ow1600kw3pw1", None),
            ("FWD_B", "any", "mb1ic64iw1600oc128ow1600kw3pw1", product),
            ("BWD_D", "abx", "mb1ic64iw1600oc64ow1599kw2pw0", None),
            ("BWD_D", "abx", "mb1ic64iw1600oc64ow1600kw1pw0", product),
            ("FWD_B", "any", "mb1ic64iw1600oc128ow1600kw15dw3pw28", None),
            ("FWD_B", "any", "mb1ic64iw1600oc128ow1598kw15dw3pw27", product),
            ("FWD_B", "any", "mb2ic31iw128oc31ow64kw9sw2pw4", None),
            ("FWD_B", "any", "mb2ic31iw126oc31ow63kw9sw2pw4", "a strided input is packed for few"),
            ("FWD_B", "abx", "mb1ic4iw2000oc64ow1997kw4pw0", None),
            ("FWD_B", "abx", "mb1ic5iw2000oc64ow1998kw3pw0", "so few terms are a matter of"),
            ("FWD_B", "abx", "mb1ic16iw8006oc1ow4000kw8sw2pw0", None),
            ("FWD_B", "abx", "mb1ic16iw8006oc1ow4000kw7sw2pw0", "packing the input costs"),
            ("FWD_B", "any", "g64mb1ic64iw1000oc64ow1000kw5pw2", None),
            ("FWD_B", "any", "g64mb1ic64ih1iw1000oc64oh1ow1000kh1kw5ph0pw2", depthwise),
            ("FWD_B", "any", "g64mb1ic64ih1iw1000oc64oh1ow1000kh1kw5dw1ph0pw4", None),
            ("FWD_B", "axb", "mb1ic15iw2000oc15ow1996kw16dw3pw28", None),
            ("FWD_B", "axb", "mb1ic15iw2000oc15ow1994kw16dw3pw27", nwc),
            ("FWD_B", "axb", "mb1ic15iw2000oc15ow2000kw15dw3pw28", nwc),
            ("BWD_D", "axb", "mb1ic15iw2000oc15ow1985kw16pw0", None),
            ("BWD_D", "axb", "mb1ic15iw2000oc16ow1985kw16pw0", nwc),
            ("BWD_WB", "any", "mb1ic15iw160oc15ow160kw9pw4", None),
            ("BWD_WB", "any", "mb1ic15iw159oc15ow159kw9pw4", "storing the weights costs more"),
            ("BWD_WB", "any", "mb1ic64iw500oc112ow500kw3pw1", None),
            ("BWD_WB", "any", "mb1ic64iw500oc128ow500kw3pw1", product),
            ("BWD_WB", "axb", "mb1ic15iw500oc15ow486kw15pw0", None),
            ("BWD_WB", "axb", "mb1ic15iw500oc15ow487kw14pw0", nwc),
            ("BWD_WB", "any", "g32mb1ic64iw1000oc64ow1000kw13pw6", None),
            ("BWD_WB", "any", "g64mb1ic64iw1000oc64ow1000kw13pw6", "single channels of groups"),
            ("BWD_WB", "any", "mb1ic4iw1000oc64ow500kw9sw2pw4", None),
            ("BWD_WB", "any", "mb1ic3iw1000oc64ow500kw9sw2pw4", "so few strided terms"),
            ("BWD_WB", "any", "mb1ic32iw500oc64ow500kw3pw1", None),
            ("BWD_WB", "any", "mb1ic32iw500oc64ow499kw2pw0", little_use),
            ("BWD_WB", "any", "mb4ic32iw64oc32ow64kw9pw4", None),
            ("BWD_WB", "any", "mb4ic32iw63oc32ow63kw9pw4", "so few positions are packed"))
        # f32 tensors that may be rounded to bf16 have the same rules.
        for option, some in (("--dt=bf16", cases), ("--attr-fpmath=bf16", cases[2:4])):
            self.check_policy([(direction, tag, f"{option} {problem}", declined)
                               for direction, tag, problem, declined in some],
                              ONEDNN_MAX_CPU_ISA="AVX512_CORE_BF16")

    def test_policy_of_bf16_on_amx(self):
        """What differs there."""
        self.need("AVX512_CORE_AMX")
        product = "whole vectors of many channels are a matrix product"
        self.check_policy([(direction, tag, f"--dt=bf16 {problem}", declined)
                           for direction, tag, problem, declined in (
                ("FWD_B", "any", "mb1ic64iw4096oc64ow4096kw3pw1", None),
                ("FWD_B", "any", "mb1ic64iw4095oc64ow4095kw3pw1", "packing weights costs more"),
                ("FWD_B", "abx", "mb1ic64iw4096oc128ow4096kw3pw1", None),
                ("FWD_B", "any", "mb1ic64iw4096oc128ow4096kw3pw1", product),
                ("BWD_WB", "abx", "mb1ic64iw500oc128ow500kw3pw1", None),
                ("BWD_WB", "any", "mb1ic64iw500oc128ow500kw3pw1", product))])

    def test_f32_is_split_where_it_is_used_often(self):
        """Each pair of problems lies on both sides of the rule in plugin/implementation.cpp."""
        self.need("AVX512_CORE_AMX")
        three_parts, two_parts = "strict", "tf32"  # fpmath modes, with BRDNN_F32=amx
        for mode, direction, problem, name in (
                (three_parts, "FWD_B", "mb1ic15iw1000oc8ow1001kw8pw4", "avx512_core_amx"),
                (three_parts, "FWD_B", "mb1ic15iw1000oc7ow1000kw9pw4", "avx512_core"),
                (three_parts, "FWD_B", "mb1ic15iw2000oc16ow1001kw8sw2pw4", "avx512_core_amx"),
                (three_parts, "FWD_B", "mb1ic15iw2000oc7ow1000kw18sw2pw8", "avx512_core"),
                (three_parts, "BWD_D", "mb1ic8iw1000oc15ow1001kw8pw4", "avx512_core_amx"),
                (three_parts, "BWD_D", "mb1ic7iw1000oc15ow1000kw9pw4", "avx512_core"),
                (three_parts, "BWD_WB", "mb1ic8iw1000oc15ow1001kw8pw4", "avx512_core_amx"),
                (three_parts, "BWD_WB", "mb1ic15iw1000oc7ow1000kw9pw4", "avx512_core"),
                (three_parts, "BWD_WB", "mb1ic7iw1000oc15ow1000kw9pw4", "avx512_core"),
                (two_parts, "FWD_B", "mb1ic15iw1000oc4ow1001kw8pw4", "avx512_core_amx"),
                (two_parts, "FWD_B", "mb1ic15iw1000oc3ow1001kw10pw5", "avx512_core")):
            with self.subTest(mode=mode, direction=direction, problem=problem):
                result, _ = run(f"--dir={direction}", "--stag=abc", "--dtag=abc",
                                f"--attr-fpmath={mode}", problem, BRDNN_TAKE="",
                                BRDNN_F32="amx")
                self.assertEqual((result.state, result.impl), ("PASSED", f"brdnn:{name}"))

    def check_limit(self, limit, *, bf16, f32, fpmath_bf16, fpmath_tf32, parts):
        """Where oneDNN may use `limit` at most, problems run on the implementations named.

        bf16: bf16 tensors. f32, fpmath_bf16, fpmath_tf32: f32 tensors as they are, and with math
        modes. parts: f32 tensors with BRDNN_F32=amx.
        """
        self.need(limit)
        in_parts = {"BRDNN_F32": "amx"}
        for expected, variables, args in (
                (bf16, {}, ("--dt=bf16,bf16:bf16:f32", TAKEN)),
                (bf16, {}, ("--dt=bf16", "--attr-fpmath=tf32", TAKEN)),
                (bf16, {}, ("--dt=bf16,f32:bf16:bf16", "--dir=BWD_D", TAKEN)),
                (bf16, {}, ("--dt=bf16,bf16:f32:bf16", "--dir=BWD_WB", TAKEN)),
                (bf16, in_parts, ("--dt=bf16", TAKEN)),
                (f32, {}, (f"--dir={','.join(PASSES)}", TAKEN)),
                (fpmath_bf16, {}, ("--dir=FWD_B,BWD_D,BWD_WB", "--attr-fpmath=bf16", TAKEN)),
                (fpmath_tf32, {}, ("--dir=FWD_B,BWD_D,BWD_WB", "--attr-fpmath=tf32,f16", TAKEN)),
                (fpmath_bf16, in_parts, ("--attr-fpmath=bf16", TAKEN)),
                (parts, in_parts, ("--dir=FWD_B,BWD_D,BWD_WB", TAKEN)),
                (parts, in_parts, (FEW_USES,)),
                (f32, in_parts, (FEW_TERMS,))):
            for driver in ("conv", "deconv") if variables == {} else ("conv",):
                with self.subTest(driver=driver, args=args, variables=variables):
                    results, _ = run_all(driver, *args, ONEDNN_MAX_CPU_ISA=limit, **variables)
                    self.assertTrue(results)
                    for result in results:
                        self.assertEqual((result.state, result.impl), ("PASSED", expected),
                                         result.repro)

    def test_limit_avx2(self):
        name = "brdnn:avx2"
        self.check_limit("AVX2", bf16=name, f32=name, fpmath_bf16=name, fpmath_tf32=name,
                         parts=name)

    def test_limit_avx512_core(self):
        name = "brdnn:avx512_core"
        self.check_limit("AVX512_CORE", bf16=name, f32=name, fpmath_bf16=name, fpmath_tf32=name,
                         parts=name)

    def test_limit_avx512_core_bf16(self):
        name = "brdnn:avx512_core"
        self.check_limit("AVX512_CORE_BF16", bf16=f"{name}_bf16", f32=name,
                         fpmath_bf16=f"{name}_bf16", fpmath_tf32=name, parts=name)

    def test_limit_avx512_core_amx(self):
        name = "brdnn:avx512_core"
        self.check_limit("AVX512_CORE_AMX", bf16=f"{name}_amx", f32=name,
                         fpmath_bf16=f"{name}_amx", fpmath_tf32=f"{name}_amx",
                         parts=f"{name}_amx")

    def test_any_math_mode_is_bf16(self):
        """benchdnn can't check results in that mode."""
        ran = [re.findall("oneDNN implementation: (.*)",
                          run_all("conv", "--mode=I", f"--attr-fpmath={mode}", TAKEN)[1])
               for mode in ("any", "bf16")]
        self.assertEqual(len(ran[0]), 1)
        self.assertEqual(ran[0], ran[1])

    def test_limit_below_ours(self):
        result, output = run(*NCW, TAKEN, ONEDNN_MAX_CPU_ISA="SSE41", BRDNN_VERBOSE="1")
        self.assert_built_in(result)
        self.assertRegex(output, "brdnn,declined,.*the instruction set is not there or not allowed")

    def test_post_ops_round_to_bf16(self):
        """With AVX512_BF16's instruction and, limited to AVX512_CORE, without."""
        for limit in ("AVX512_CORE", "DEFAULT"):
            for tag in ("abc", "acb"):
                with self.subTest(limit=limit, tag=tag):
                    results, _ = run_all(
                        "conv", "--dir=FWD_B,FWD_D", "--dt=bf16,bf16:bf16:f32", f"--stag={tag}",
                        f"--dtag={tag}", "--attr-post-ops=sum:0.5,relu,mul:bf16:per_oc+sum",
                        "mb2ic15iw100oc37ow102kw9dw3pw17", ONEDNN_MAX_CPU_ISA=limit)
                    self.assertEqual(len(results), 12)
                    for result in results:
                        self.assert_ran(result, "brdnn:")

    def test_bf16_without_instructions_for_it(self):
        result, output = run("--dt=bf16", TAKEN, BRDNN_TAKE="", BRDNN_VERBOSE="1",
                             ONEDNN_MAX_CPU_ISA="AVX512_CORE")
        self.assert_built_in(result)
        self.assertRegex(output, "brdnn,declined,.*bf16 without AVX512_BF16 is left")

    def test_unsupported_ends_in_a_built_in(self):
        for args in (("--dt=f16", TAKEN), ("--dt=u8:s8:f32", TAKEN),
                     ("mb1ic15ih9iw9oc15oh9ow9kh3kw3ph1pw1",),
                     ("--stag=aBx16b", "--dtag=aBx16b", "mb1ic16iw100oc16ow98kw3pw0"),
                     ("--alg=wino", "mb1ic16ih9iw9oc16oh9ow9kh3kw3ph1pw1"),
                     ("--attr-scales=dst:common:0.5", "--dt=s8:s8:s8", TAKEN)):
            with self.subTest(args=args):
                result, _ = run(*args)
                if result.state == "SKIPPED":
                    self.skipTest(f"oneDNN has no implementation either: {result.repro}")
                self.assert_built_in(result)

    def test_reason_is_visible(self):
        _, output = run("--dt=u8:s8:f32", TAKEN, ONEDNN_VERBOSE="dispatch")
        self.assertRegex(output, r"brdnn:\w+.*data types other than f32, or bf16")

    def test_nobody_declines_a_problem_that_is_taken(self):
        """One implementation is asked, whatever the instruction sets are."""
        _, output = run(*NCW, TAKEN, ONEDNN_VERBOSE="dispatch", BRDNN_VERBOSE="1")
        self.assertRegex(output, "brdnn,taken,")
        self.assertNotRegex(output, "create:dispatch,.*brdnn:")

    def test_verbose_says_what_was_chosen(self):
        _, output = run(*NCW, TAKEN, BRDNN_VERBOSE="1")
        self.assertRegex(output, r"brdnn,taken,.*tile \d+ positions x \d+ filters")
        _, output = run("--dt=u8:s8:f32", TAKEN, BRDNN_VERBOSE="1")
        self.assertRegex(output, r"brdnn,declined,.*data types other than f32, or bf16")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: dispatch_test.py BENCHDNN [unittest's options]")
    PROGRAM = benchdnn.find_benchdnn(sys.argv.pop(1))
    unittest.main()
