// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Values that splits can't carry: f32 kernels come to the rescue, and results are theirs.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

/// What is multiplied.
std::pair<std::vector<float> *, std::vector<float> *> factors_of(const Case &c, Operands *x) {
    switch (c.pass) {
    case BRDNN_FORWARD: return {&x->src, &x->wei};
    case BRDNN_BACKWARD_DATA: return {&x->diff_dst, &x->wei};
    default: return {&x->diff_dst, &x->src};
    }
}

/// Makes all values that a problem multiplies such that the f32 kernels take over: some of a factor
/// special, or all of one scale.
struct Special {
    const char *name;
    void (*put)(std::vector<float> &factor, std::vector<float> &other, Random &);
};

void scatter(std::vector<float> &values, std::initializer_list<float> some, Random &random) {
    for (float value : some)
        values[draw(random, 0, static_cast<int64_t>(values.size()) - 1)] = value;
}

void scale_by(std::vector<float> &values, float scale) {
    for (float &v : values)
        v *= scale;
}

using Limits = std::numeric_limits<float>;

const Special specials[] = {
        {"infinity",
                [](std::vector<float> &f, std::vector<float> &, Random &r) {
                    scatter(f, {Limits::infinity()}, r);
                }},
        {"infinities",
                [](std::vector<float> &f, std::vector<float> &, Random &r) {
                    scatter(f, {Limits::infinity(), -Limits::infinity(), Limits::infinity()}, r);
                }},
        {"nan",
                [](std::vector<float> &f, std::vector<float> &, Random &r) {
                    scatter(f, {Limits::quiet_NaN()}, r);
                }},
        {"infinity_by_zeros",
                [](std::vector<float> &f, std::vector<float> &other, Random &r) {
                    scatter(f, {-Limits::infinity()}, r);
                    for (size_t i = 0; i < other.size(); i += 2)
                        other[i] = 0;
                }},
        {"largest",
                [](std::vector<float> &f, std::vector<float> &, Random &r) {
                    scatter(f, {Limits::max(), Limits::lowest()}, r);
                }},
        {"huge_products",
                [](std::vector<float> &f, std::vector<float> &other, Random &) {
                    scale_by(f, 0x1p+60F);
                    scale_by(other, 0x1p+22F);
                }},
        {"tiny_products",
                [](std::vector<float> &f, std::vector<float> &other, Random &) {
                    scale_by(f, 0x1p-57F);
                    scale_by(other, 0x1p-57F);
                }},
        {"denormals",
                [](std::vector<float> &f, std::vector<float> &, Random &) {
                    scale_by(f, 0x1p-130F);
                }},
};

/// Each a single chunk and a single block of filters: what is rescued is all. Sums have at least 64
/// terms, and none reads padding: its zeros would make NaN of infinite weights in the tiles that multiply
/// them, and tiles of a plan of f32 kernels end elsewhere. The width divides into whole tiles of any
/// size: in a last one of few positions of nwc these kernels add in another order.
std::vector<Case> single_chunks(brdnn_pass pass, brdnn_layout layout) {
    constexpr int64_t width = 96;
    std::vector<Case> cases;
    for (auto [channels, taps, stride, dilation] :
            {std::array<int64_t, 4> {16, 5, 1, 1}, {15, 17, 1, 3}, {16, 17, 2, 3}, {3, 64, 1, 2}}) {
        Case c;
        c.pass = pass;
        c.layout = layout;
        c.isa = BRDNN_ISA_AVX512_CORE_AMX;
        c.ic = c.oc = channels;
        c.kw = taps;
        c.stride = stride;
        c.dilation = dilation;
        c.iw = width;
        if (pass == BRDNN_BACKWARD_DATA) c.pad_l = c.pad_r = c.reach() - 1;
        else c.iw = c.reach() + stride * (width - 1);
        cases.push_back(c);
    }
    return cases;
}

bool is_special(float value) { return !std::isfinite(value); }

/// Bit for bit; in backward weights, which group their sums otherwise, where either is infinite or NaN.
void expect_same_bits(
        const Case &c, const std::vector<float> &expected, const std::vector<float> &actual) {
    const bool all = c.pass != BRDNN_BACKWARD_WEIGHTS;
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
        if (!all && !is_special(expected[i]) && !is_special(actual[i])) continue;
        ASSERT_EQ(bits_of(actual[i]), bits_of(expected[i]))
                << "element " << i << ": " << actual[i] << " where f32 kernels give "
                << expected[i];
    }
}

using RescueParameters = std::tuple<brdnn_pass, brdnn_layout, brdnn_math, Special>;

std::string rescue_name(const testing::TestParamInfo<RescueParameters> &info) {
    const auto &[pass, layout, math, special] = info.param;
    return std::string(pass_name(pass)) + "_" + layout_name(layout) + "_" + math_name(math) + "_"
            + special.name;
}

class Rescue : public testing::TestWithParam<RescueParameters> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX); }
};

void PrintTo(const Special &special, std::ostream *out) { *out << special.name; }

TEST_P(Rescue, ResultsAreThoseOfF32Kernels) {
    const auto &[pass, layout, math, special] = GetParam();
    for (Case c : single_chunks(pass, layout)) {
        const Case in_f32 = c;
        c.math = math;
        SCOPED_TRACE(name_of(c));
        const Planned planned = plan_case(c), planned_in_f32 = plan_case(in_f32);
        for (bool is_first : {true, false}) {
            Random random = random_for(name_of(c) + special.name);
            Operands x = make_operands(c, Fill::reals, random, Unused::filled);
            const auto [first, second] = factors_of(c, &x);
            special.put(is_first ? *first : *second, is_first ? *second : *first, random);
            SCOPED_TRACE(is_first ? "of the first factor" : "of the second factor");
            expect_same_bits(c, run_case(in_f32, planned_in_f32, x, one_after_the_other(1)),
                    run_case(c, planned, x, one_after_the_other(1)));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(, Rescue,
        testing::Combine(all_passes(), all_layouts(),
                testing::Values(BRDNN_MATH_TF32, BRDNN_MATH_BF16X3), testing::ValuesIn(specials)),
        rescue_name);

/// A value that splits can't carry, in one of many chunks of integers: it is that chunk alone, and all of it,
/// that f32 kernels compute. Each result is delivered once (run_case() sees to it).
void expect_one_chunk_rescued(const Case &c, Random &random) {
    SCOPED_TRACE(name_of(c));
    Case in_f32 = c;
    in_f32.math = BRDNN_MATH_F32;
    in_f32.isa = BRDNN_ISA_AVX512_CORE;
    Operands x = make_operands(c, Fill::integers, random);
    std::vector<float> &read = c.pass == BRDNN_FORWARD ? x.src : x.diff_dst;
    read[static_cast<size_t>(draw(random, 0, static_cast<int64_t>(read.size()) - 1))] = 0x1p+127F;
    const std::vector<float> expected
            = run_case(in_f32, plan_case(in_f32), x, one_after_the_other(1));
    const std::vector<float> actual = run_case(c, plan_case(c), x, one_after_the_other(3));
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i)
        if (std::fabs(expected[i]) < 0x1p+100F)
            ASSERT_EQ(actual[i], expected[i]) << "element " << i;
        else ASSERT_GT(std::fabs(actual[i]), 0x1p+100F) << "element " << i;
}

class RescueOfMany
    : public testing::TestWithParam<std::tuple<brdnn_pass, brdnn_layout, brdnn_conv_finish>> {};

TEST_P(RescueOfMany, LeavesOtherChunksAlone) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    Random random = random_for("RescueOfMany");
    for (int64_t width : {1700, 2400, 3333})
        for (int64_t channels : {16, 70}) {
            Case c;
            std::tie(c.pass, c.layout, c.finish) = GetParam();
            c.isa = BRDNN_ISA_AVX512_CORE_AMX;
            c.math = BRDNN_MATH_BF16X3;
            c.mb = 2;
            c.ic = c.oc = channels;
            c.kw = 5;
            c.iw = width;
            c.pad_l = c.pad_r = 2;
            expect_one_chunk_rescued(c, random);
            if (HasFailure()) return;
        }
}

std::string rescue_of_many_name(
        const testing::TestParamInfo<std::tuple<brdnn_pass, brdnn_layout, brdnn_conv_finish>>
                &info) {
    const auto [pass, layout, finish] = info.param;
    return std::string(pass_name(pass)) + "_" + layout_name(layout)
            + (finish == BRDNN_STORE ? "_store" : "_callback");
}

INSTANTIATE_TEST_SUITE_P(, RescueOfMany,
        testing::Combine(testing::Values(BRDNN_FORWARD, BRDNN_BACKWARD_DATA), all_layouts(),
                testing::Values(BRDNN_STORE, BRDNN_CALLBACK)),
        rescue_of_many_name);

} // namespace
} // namespace brdnn_test
