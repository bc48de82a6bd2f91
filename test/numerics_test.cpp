// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What docs/numerics.md promises: errors of all ways to multiply f32 values, against sums in double
/// precision.
///
/// An error is divided by the sum of its terms' magnitudes, and counted in units of 2^-24: half a unit in
/// the last of an f32's 24 bits. No sum whose error is measured is shorter than its shape says: none
/// reads padding. Each of these tests prints a row of the table.
///
/// BRDNN_NUMERICS_SCALE multiplies the number of results, 1 unless set. The table was made with 4:
///
///     BRDNN_NUMERICS_SCALE=4 brdnn_numerics_tests

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

// --- problems ---

/// Channels and taps, so that results of forward and backward data have channels * taps terms; positions
/// for those of backward weights.
struct Shape {
    const char *name;
    int64_t channels, taps, dilation, positions;
};

constexpr Shape shapes[] = {{"shortest", 16, 4, 2, 64}, {"layer", 16, 51, 8, 2000},
        {"odd", 15, 17, 2, 511}, {"long", 32, 64, 2, 20000}};

void PrintTo(const Shape &shape, std::ostream *out) { *out << shape.name; }

int64_t scale() {
    const char *given = std::getenv("BRDNN_NUMERICS_SCALE");
    return given ? std::max(1, std::atoi(given)) : 1;
}

/// All results have all terms.
Case case_of(const Shape &shape, brdnn_pass pass, brdnn_layout layout) {
    constexpr int64_t results = 96, taps_of_gradient = 3;
    Case c;
    c.pass = pass;
    c.layout = layout;
    c.isa = BRDNN_ISA_AVX512_CORE;
    c.ic = c.oc = shape.channels;
    c.kw = shape.taps;
    c.dilation = shape.dilation;
    if (pass == BRDNN_FORWARD) c.iw = results * scale() + c.reach() - 1;
    else if (pass == BRDNN_BACKWARD_DATA) {
        c.iw = results * scale();
        c.pad_l = c.pad_r = c.reach() - 1;
    } else {
        c.ic = c.oc = 16;
        c.kw = std::min(taps_of_gradient * scale(), shape.taps);
        c.iw = shape.positions + c.reach() - 1;
    }
    return c;
}

int64_t terms_of(const Case &c) {
    if (c.pass == BRDNN_BACKWARD_WEIGHTS) return c.mb * c.ow();
    return c.kw * (c.pass == BRDNN_FORWARD ? c.ic : c.oc);
}

// --- data ---

/// A factor as rows of the elements that one sum walks along, `step` apart.
struct Factor {
    std::vector<float> *values;
    int64_t extent, step;

    /// Where element i of the sum's dimension stands that element `at` is in the row of.
    int64_t place(int64_t at, int64_t i) const {
        const int64_t row = extent * step;
        return at / row * row + i * step + at % step;
    }
    int64_t index(int64_t at) const { return at / step % extent; }
};

struct Factors {
    Factor first, second;
    /// Of the weights, where a sum goes over these; else 0.
    int64_t taps, dilation;
};

Factors factors_of(const Case &c, Operands *x) {
    switch (c.pass) {
    case BRDNN_FORWARD: return {{&x->src, c.ic, c.iw}, {&x->wei, c.ic, c.kw}, c.kw, c.dilation};
    case BRDNN_BACKWARD_DATA:
        return {{&x->diff_dst, c.oc, c.ow()}, {&x->wei, c.oc, c.ic * c.kw}, c.kw, c.dilation};
    default: return {{&x->diff_dst, c.ow(), 1}, {&x->src, c.iw, 1}, 0, 0};
    }
}

using Draw = std::function<float(Random &)>;

void fill(const Factor &factor, const Draw &draw_one, Random &random) {
    for (float &v : *factor.values)
        v = draw_one(random);
}

Draw uniform(float lowest, float highest) {
    return [=](Random &random) {
        return std::uniform_real_distribution<float>(lowest, highest)(random);
    };
}

Draw normal(float deviation) {
    return [=](Random &random) { return std::normal_distribution<float>(0, deviation)(random); };
}

float random_sign(Random &random) { return draw(random, 0, 1) ? 1.0F : -1.0F; }

Draw wide(float largest_exponent) {
    return [=](Random &random) {
        const float exponent = uniform(-largest_exponent, largest_exponent)(random);
        return std::exp2(exponent) * random_sign(random);
    };
}

/// Normal, but for a few that are next to nothing.
Draw with_faint_ones(float deviation) {
    return [=](Random &random) {
        return normal(draw(random, 0, 15) == 0 ? 1e-30F : deviation)(random);
    };
}

/// Whose later splits are as large as they can be, and of the same sign: 1, then 2^-8 - 2^-15, then 2^-17.
/// Products leave out the most, all to the same side.
Draw largest_splits(bool either_sign) {
    return [=](Random &random) {
        const float value
                = 1 + std::ldexp(1.0F, -8) - std::ldexp(1.0F, -15) + std::ldexp(1.0F, -17);
        const float sign = either_sign ? random_sign(random) : 1;
        return std::ldexp(sign * value, static_cast<int>(draw(random, -2, 2)));
    };
}

/// Makes terms of a sum cancel but for a thousandth: each with its partner, which has the larger index.
void cancel(const Factors &f, const std::vector<int64_t> &partner_of, Random &random) {
    std::vector<float> &first = *f.first.values, &second = *f.second.values;
    const auto source = [&](int64_t i) {
        return i < static_cast<int64_t>(partner_of.size()) ? std::min(i, partner_of[i]) : i;
    };
    for (int64_t at = 0; at < static_cast<int64_t>(second.size()); ++at)
        second[at] = second[f.second.place(at, source(f.second.index(at)))];
    const Draw rest = normal(1e-3F);
    for (int64_t at = 0; at < static_cast<int64_t>(first.size()); ++at) {
        const int64_t i = f.first.index(at);
        if (source(i) != i) first[at] = -first[f.first.place(at, source(i))] + rest(random);
    }
}

std::vector<int64_t> neighbours(int64_t extent) {
    std::vector<int64_t> partner_of(extent / 2 * 2);
    for (int64_t i = 0; i < extent / 2 * 2; ++i)
        partner_of[i] = i ^ 1;
    return partner_of;
}

std::vector<int64_t> anywhere(int64_t extent, Random &random) {
    std::vector<int64_t> shuffled(extent / 2 * 2), partner_of(extent / 2 * 2);
    std::iota(shuffled.begin(), shuffled.end(), 0);
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    for (int64_t i = 0; i < extent / 2 * 2; ++i)
        partner_of[shuffled[i]] = shuffled[i ^ 1];
    return partner_of;
}

/// Makes the terms of the first half of a sum's taps or positions cancel with those of the second half,
/// but for a thousandth.
void cancel_halves(const Factors &f, Random &random) {
    const int64_t half = (f.taps > 0 ? f.taps : f.first.extent) / 2;
    if (f.taps == 0) {
        std::vector<int64_t> partner_of(half * 2);
        for (int64_t i = 0; i < half * 2; ++i)
            partner_of[i] = (i + half) % (half * 2);
        cancel(f, partner_of, random);
        return;
    }
    std::vector<float> &values = *f.first.values, &weights = *f.second.values;
    for (int64_t at = 0; at < static_cast<int64_t>(weights.size()); ++at)
        if (at % f.taps >= half) weights[at] = weights[at - half];
    const Draw rest = normal(1e-3F);
    for (int64_t at = 0; at < static_cast<int64_t>(values.size()); ++at)
        if (at % f.first.step >= half * f.dilation)
            values[at] = -values[at - half * f.dilation] + rest(random);
}

/// Makes all terms of a sum equal; sums differ in their second factor.
void make_equal(const Factors &f, Random &random) {
    std::fill(f.first.values->begin(), f.first.values->end(), uniform(1, 2)(random));
    std::vector<float> &second = *f.second.values;
    const int64_t row = f.second.extent * f.second.step;
    for (int64_t at = 0; at < static_cast<int64_t>(second.size()); ++at)
        second[at] = at % row == 0 ? uniform(1, 2)(random) : second[at - 1];
}

/// By what factor errors of three splits may exceed those of the f32 kernels.
struct Allowance {
    double largest, mean;
};

constexpr Allowance none = {1, 1};

/// FMA adds a term and its partner one right after the other, so that the sum is back at next to nothing
/// after each pair: the best order there is, by coincidence. AMX keeps even and odd terms apart until the
/// end of a step.
constexpr Allowance order_suits_fma = {2.5, 1.25};

/// The f32 kernels take over. Backward weights divide positions among partial sums as suits AMX, fewer
/// and longer ones than a plan of f32 kernels has. The other passes add in the same order.
constexpr Allowance longer_partial_sums = {2.5, 1.5};

struct Distribution {
    const char *name;
    /// Whether rounding to TF32 happens to keep more of these values than of others, so that no
    /// comparison with it makes sense.
    bool suits_tf32;
    Allowance allowance;
    void (*fill)(const Factors &, Random &);
};

void fill_both(const Factors &f, const Draw &first, const Draw &second, Random &random) {
    fill(f.first, first, random);
    fill(f.second, second, random);
}

const Distribution distributions[] = {
        {"uniform", false, none,
                [](const Factors &f, Random &r) {
                    fill_both(f, uniform(-1, 1), uniform(-1, 1), r);
                }},
        {"positive", false, none,
                [](const Factors &f, Random &r) { fill_both(f, uniform(0, 1), uniform(0, 1), r); }},
        {"normal", false, none,
                [](const Factors &f, Random &r) { fill_both(f, normal(1), normal(1), r); }},
        {"wide", false, none,
                [](const Factors &f, Random &r) { fill_both(f, wide(20), wide(20), r); }},
        {"tiny", false, none,
                [](const Factors &f, Random &r) { fill_both(f, normal(0x1p-60F), normal(1), r); }},
        {"tiny_products", false, longer_partial_sums,
                [](const Factors &f, Random &r) {
                    fill_both(f, normal(0x1p-57F), normal(0x1p-57F), r);
                }},
        {"faint", false, none,
                [](const Factors &f, Random &r) {
                    fill_both(f, with_faint_ones(1), with_faint_ones(1), r);
                }},
        {"cancelling_neighbours", false, order_suits_fma,
                [](const Factors &f, Random &r) {
                    fill_both(f, normal(1), normal(1), r);
                    cancel(f, neighbours(f.first.extent), r);
                }},
        {"cancelling_halves", false, none,
                [](const Factors &f, Random &r) {
                    fill_both(f, normal(1), normal(1), r);
                    cancel_halves(f, r);
                }},
        {"cancelling_anywhere", false, none,
                [](const Factors &f, Random &r) {
                    fill_both(f, normal(1), normal(1), r);
                    cancel(f, anywhere(f.first.extent, r), r);
                }},
        {"largest_splits", true, none,
                [](const Factors &f, Random &r) {
                    fill_both(f, largest_splits(true), largest_splits(true), r);
                }},
        {"largest_splits_positive", true, none,
                [](const Factors &f, Random &r) {
                    fill_both(f, largest_splits(false), largest_splits(false), r);
                }},
        {"equal", false, none, make_equal},
};

void PrintTo(const Distribution &distribution, std::ostream *out) { *out << distribution.name; }

Operands operands_of(const Case &c, const Distribution &distribution) {
    Random random(20);
    Operands x = make_operands(c, Fill::reals, random, Unused::filled);
    distribution.fill(factors_of(c, &x), random);
    return x;
}

// --- errors ---

/// In units of 2^-24 of the sum of a result's terms, without their signs.
struct Errors {
    double largest = 0, mean = 0;
};

struct Exact {
    std::vector<double> values, magnitudes;
};

Exact exact_sums(const Case &c, const Operands &x) {
    Exact exact {reference_values(c, x), std::vector<double>(result_count(c), 0)};
    for_each_term(c, x, [&](int64_t i, double term) { exact.magnitudes[i] += std::abs(term); });
    return exact;
}

template <typename Values>
Errors errors_of(const Exact &exact, const Values &values) {
    Errors errors;
    for (size_t i = 0; i < values.size(); ++i) {
        const double difference = std::abs(static_cast<double>(values[i]) - exact.values[i]);
        const double error = std::ldexp(difference / exact.magnitudes[i], 24);
        errors.largest = std::isnan(error) ? error : std::max(errors.largest, error);
        errors.mean += error / static_cast<double>(values.size());
    }
    return errors;
}

Errors errors_with(Case c, brdnn_isa isa, brdnn_math math, const Operands &x, const Exact &exact) {
    c.isa = isa;
    c.math = math;
    return errors_of(exact, run_case(c, plan_case(c), x, one_after_the_other(1)));
}

/// To the 11 bits of TF32.
float tf32_of(float value) {
    int exponent = 0;
    const float fraction = std::frexp(value, &exponent);
    return std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
}

/// Of exact products and sums of inputs in TF32.
Errors errors_of_tf32_inputs(const Case &c, Operands x, const Exact &exact) {
    const Factors factors = factors_of(c, &x);
    for (const Factor &factor : {factors.first, factors.second})
        for (float &v : *factor.values)
            v = tf32_of(v);
    return errors_of(exact, reference_values(c, x));
}

/// Of a sum of products in f32, one after the other, in units of 2^-24.
double bound_in_f32(const Case &c) { return static_cast<double>(terms_of(c)) * 1.001; }

/// The same in splits, by docs/numerics.md. The steps of a sum are at least half full.
double bound_of_splits(const Case &c, int splits) {
    constexpr double left_out[] = {0x1p+17, 0x1.0001p+9, 0x1.01p+0};
    const bool adds_smaller_ones_first = splits == 3 && c.pass != BRDNN_BACKWARD_WEIGHTS;
    const double per_step = adds_smaller_ones_first ? 1.06 : splits * (splits + 1) / 2;
    const auto steps = static_cast<double>(divide_up(terms_of(c), 16) + 2);
    return (left_out[splits - 1] + per_step * steps + 19) * 1.001;
}

// --- tests of errors ---

using Parameters = std::tuple<brdnn_pass, brdnn_layout, Shape, Distribution>;

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    const auto &[pass, layout, shape, distribution] = info.param;
    return std::string(pass_name(pass)) + "_" + layout_name(layout) + "_" + shape.name + "_"
            + distribution.name;
}

class Numerics : public testing::TestWithParam<Parameters> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX); }
};

TEST_P(Numerics, ErrorsAreWhatIsPromised) {
    const auto &[pass, layout, shape, distribution] = GetParam();
    const Case c = case_of(shape, pass, layout);
    SCOPED_TRACE(name_of(c));
    const Operands x = operands_of(c, distribution);
    const Exact exact = exact_sums(c, x);
    const auto on_amx = [&, &c = c](brdnn_math math) {
        return errors_with(c, BRDNN_ISA_AVX512_CORE_AMX, math, x, exact);
    };
    const Errors fma = errors_with(c, BRDNN_ISA_AVX512_CORE, BRDNN_MATH_F32, x, exact);
    const Errors one = on_amx(BRDNN_MATH_BF16), two = on_amx(BRDNN_MATH_TF32);
    const Errors three = on_amx(BRDNN_MATH_BF16X3);
    const Errors tf32_inputs = errors_of_tf32_inputs(c, x, exact);
    std::printf("| %s %s, %s | %lld | %s | %.3g / %.3g | %.3g / %.3g | %.3g / %.3g | %.3g / %.3g | "
                "%.3g / %.3g |\n",
            pass_name(pass), layout_name(layout), shape.name, static_cast<long long>(terms_of(c)),
            distribution.name, fma.largest, fma.mean, three.largest, three.mean, two.largest,
            two.mean, tf32_inputs.largest, tf32_inputs.mean, one.largest, one.mean);

    EXPECT_LE(fma.largest, bound_in_f32(c));
    EXPECT_LE(one.largest, bound_of_splits(c, 1));
    EXPECT_LE(two.largest, bound_of_splits(c, 2));
    EXPECT_LE(three.largest, bound_of_splits(c, 3));
    EXPECT_LE(three.largest, fma.largest * distribution.allowance.largest);
    EXPECT_LE(three.mean, fma.mean * distribution.allowance.mean);
    if (!distribution.suits_tf32) { EXPECT_LE(two.largest, tf32_inputs.largest / 4); }
}

INSTANTIATE_TEST_SUITE_P(, Numerics,
        testing::Combine(all_passes(), all_layouts(), testing::ValuesIn(shapes),
                testing::ValuesIn(distributions)),
        parameter_name);

} // namespace
} // namespace brdnn_test
