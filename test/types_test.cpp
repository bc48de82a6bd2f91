// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What is special about types and about values taken in splits: infinities and NaN, the smallest and the
/// largest numbers, ties.

#include <gtest/gtest.h>

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

class Types : public testing::TestWithParam<NumbersTarget> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }

    /// A forward case in the pass and with the numbers asked for.
    Case in_target(Case c) const {
        const auto &[n, pass, layout, isa] = GetParam();
        c.layout = layout;
        c.isa = isa;
        return with_numbers(in_pass(c, pass), n);
    }
};

/// Odd sizes with padding on both sides, and a group's worth of everything.
Case small_case(int64_t stride, int64_t dilation) {
    Case c;
    c.mb = 2;
    c.groups = 3;
    c.ic = 15;
    c.oc = 9;
    c.iw = 41;
    c.kw = 3;
    c.stride = stride;
    c.dilation = dilation;
    c.pad_l = 2;
    c.pad_r = 3;
    return c;
}

Operands filled_operands(const Case &c, Fill fill, Random &random) {
    return make_operands(c, fill, random, Unused::filled);
}

/// The tensors that a pass multiplies.
std::vector<std::vector<float> *> factors_of(const Case &c, Operands *x) {
    if (c.pass == BRDNN_FORWARD) return {&x->src, &x->wei};
    if (c.pass == BRDNN_BACKWARD_DATA) return {&x->diff_dst, &x->wei};
    return {&x->src, &x->diff_dst};
}

/// Products of the zeros around what is correlated with the other factor: zero, unless that is infinite
/// or NaN. A kernel may compute them, or leave them out.
std::vector<double> reference_with_zeros(const Case &c, const Operands &x) {
    std::vector<double> values = reference_values(c, x);
    const bool backward_data = c.pass == BRDNN_BACKWARD_DATA;
    const int64_t inside = backward_data ? c.ow() : c.iw;
    for (int64_t n = 0; n < c.mb; ++n)
        for (int64_t k = 0; k < c.oc; ++k)
            for (int64_t i = 0; i < c.ic_per_group(); ++i)
                for (int64_t s = 0; s < c.kw; ++s)
                    for (int64_t at = 0; at < (backward_data ? c.iw : c.ow()); ++at) {
                        const int64_t shift = s * c.dilation - c.pad_l;
                        if (backward_data && (at - shift) % c.stride != 0) continue;
                        const int64_t read
                                = backward_data ? (at - shift) / c.stride : at * c.stride + shift;
                        if (read >= 0 && read < inside) continue;
                        const int64_t channel = k / c.oc_per_group() * c.ic_per_group() + i;
                        const int64_t wei = (k * c.ic_per_group() + i) * c.kw + s;
                        const int64_t dst = (n * c.oc + k) * c.ow() + at;
                        switch (c.pass) {
                        case BRDNN_FORWARD:
                            values[dst] += 0 * static_cast<double>(x.wei[wei]);
                            break;
                        case BRDNN_BACKWARD_DATA:
                            values[(n * c.ic + channel) * c.iw + at]
                                    += 0 * static_cast<double>(x.wei[wei]);
                            break;
                        default: values[wei] += 0 * static_cast<double>(x.diff_dst[dst]);
                        }
                    }
    return values;
}

/// Multiplies the two factors by powers of two, and rounds what becomes denormal.
void scale(const Case &c, const std::array<int, 2> &exponents, Operands *x) {
    for (int factor : {0, 1})
        for (float &v : *factors_of(c, x)[factor])
            v = std::ldexp(v, exponents[factor]);
    round_to_types(c, x);
}

bool same_class(double a, double b) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
    return std::isinf(a) || std::isinf(b) ? a == b : true;
}

/// Finite, infinite or NaN as by the formula, with the zeros around a tensor multiplied or left out.
void expect_same_classes(const Case &c, const Operands &x, const std::vector<float> &actual) {
    const std::vector<double> without = reference_values(c, x), with = reference_with_zeros(c, x);
    ASSERT_EQ(actual.size(), without.size());
    for (size_t i = 0; i < actual.size(); ++i) {
        const auto value = static_cast<double>(actual[i]);
        ASSERT_TRUE(same_class(value, without[i]) || same_class(value, with[i]))
                << "element " << i << ": " << value << " where " << without[i] << " is right";
    }
}

constexpr float infinity = std::numeric_limits<float>::infinity();

TEST_P(Types, InfinitiesAndNanStayInTheSumsThatHaveThem) {
    for (auto [stride, dilation] : {std::pair<int64_t, int64_t> {1, 1}, {1, 4}, {2, 1}, {3, 2}})
        for (brdnn_conv_finish finish : finishes_of(std::get<brdnn_pass>(GetParam()))) {
            Case c = in_target(small_case(stride, dilation));
            c.finish = finish;
            SCOPED_TRACE(name_of(c));
            const Planned planned = plan_case(c);
            Random random = random_for(name_of(c));
            for (int factor : {0, 1})
                for (float special : {infinity, -infinity, std::nanf("")}) {
                    Operands x = filled_operands(c, Fill::integers, random);
                    std::vector<float> &values = *factors_of(c, &x)[factor];
                    const int64_t at = draw(random, 0, static_cast<int64_t>(values.size()) - 1);
                    values[at] = special;
                    SCOPED_TRACE(testing::Message()
                            << special << " at " << at << " of factor " << factor);
                    expect_same_classes(c, x, run_case(c, planned, x, one_after_the_other(1)));
                    if (HasFailure()) return;
                }
        }
}

/// Integers of 9 bits, whose sums in bf16 are often halfway between two numbers.
TEST_P(Types, ResultsAreRoundedOnceAndTiesToEven) {
    for (int64_t channels : {1, 2, 5, 33}) {
        Case c = in_target(Case {});
        c.ic = c.oc = channels;
        c.iw = 37;
        SCOPED_TRACE(name_of(c));
        Random random = random_for(name_of(c));
        Operands x = filled_operands(c, Fill::integers, random);
        for (float &v : *factors_of(c, &x)[0])
            v = static_cast<float>(draw(random, -256, 256));
        for (float &v : *factors_of(c, &x)[1])
            v = draw(random, 0, 1) ? 1.0F : -1.0F;
        const std::vector<float> actual = run_case(c, plan_case(c), x, one_after_the_other(1));
        expect_equal(c, reference_stored(c, x), actual);
    }
}

/// The largest finite bf16, and what is by half a unit of its last bit larger: that rounds to infinity.
TEST_P(Types, LargestNumbersAreExact) {
    const float largest = from_bits(0x7f7f0000), half_a_unit = std::ldexp(1.0F, 119);
    for (auto [first, second] : {std::pair<float, float> {largest, 0}, {-largest, 0},
                 {largest, half_a_unit}, {-largest, -half_a_unit}, {largest, half_a_unit / 2},
                 {largest, largest}, {largest, -largest}}) {
        // Two terms of the sum: channels of one position, or positions of one channel.
        Case c = in_target(Case {});
        const bool by_position = c.pass == BRDNN_BACKWARD_WEIGHTS;
        c.ic = c.oc = by_position ? 1 : 2;
        c.iw = by_position ? 2 : 1;
        SCOPED_TRACE(testing::Message() << name_of(c) << ": " << first << " + " << second);
        Random random = random_for(name_of(c));
        Operands x = filled_operands(c, Fill::integers, random);
        *factors_of(c, &x)[0] = {first, second};
        factors_of(c, &x)[1]->assign(factors_of(c, &x)[1]->size(), 1.0F);
        expect_equal(
                c, reference_stored(c, x), run_case(c, plan_case(c), x, one_after_the_other(1)));
    }
}

/// Instructions for bf16 take denormals for zeros: a term is right, or missing. The control word of the
/// floating-point unit, which says so for others, stays.
TEST_P(Types, DenormalsAreRightOrZero) {
    const Case c = in_target(small_case(1, 1));
    SCOPED_TRACE(name_of(c));
    Random random = random_for(name_of(c));
    for (int factor : {0, 1}) {
        Operands x = filled_operands(c, Fill::integers, random);
        scale(c, {factor == 0 ? -131 : 0, factor == 1 ? -131 : 0}, &x);
        std::vector<double> sums_of_magnitudes(result_count(c), 0);
        for_each_term(
                c, x, [&](int64_t i, double term) { sums_of_magnitudes[i] += std::abs(term); });
        const unsigned control = _mm_getcsr();
        const std::vector<float> actual = run_case(c, plan_case(c), x, one_after_the_other(1));
        constexpr unsigned flags = 0x3f;
        EXPECT_EQ(_mm_getcsr() & ~flags, control & ~flags);
        expect_within_bounds(c, {reference_values(c, x), sums_of_magnitudes}, actual);
    }
}

/// Values in splits whose last ones come near the smallest numbers, or whose first near the largest: f32
/// operands of opposite scales.
TEST_P(Types, ScalesOfOperandsDoNotMatter) {
    Case c = in_target(small_case(1, 1));
    c.groups = 1;
    c.kw = 7;
    SCOPED_TRACE(name_of(c));
    const Planned planned = plan_case(c);
    Random random = random_for(name_of(c));
    for (int exponent : {-100, -60, 60, 100}) {
        SCOPED_TRACE(exponent);
        Operands x = filled_operands(c, Fill::reals, random);
        scale(c, {exponent, -exponent}, &x);
        expect_within_bounds(c, reference(c, x), run_case(c, planned, x, one_after_the_other(1)));
    }
}

std::string parameter_name(const testing::TestParamInfo<NumbersTarget> &info) {
    return name_of_numbers_target(info.param);
}

INSTANTIATE_TEST_SUITE_P(Bf16, Types, bf16_targets(), parameter_name);
INSTANTIATE_TEST_SUITE_P(F32Kernels, Types, f32_kernel_targets(), parameter_name);

} // namespace
} // namespace brdnn_test
