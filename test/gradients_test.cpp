// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The backward passes against the forward pass of the library itself, without the reference: they
/// are the gradients of what forward computes.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness.hpp"
#include "random_case.hpp"

namespace brdnn_test {
namespace {

using Floats = std::vector<float>;

/// One pass of a convolution, planned once.
class Pass {
public:
    Pass(const Case &forward, brdnn_pass pass, brdnn_conv_finish finish, const Numbers &n)
        : case_(with_numbers(in_pass(forward, pass), n)) {
        case_.finish = finish;
        planned_ = plan_case(case_);
    }
    Floats run(const Operands &x) const {
        const NameOnCrash name_on_crash(name_of(case_));
        return run_case(case_, planned_, x, one_after_the_other(1));
    }

private:
    Case case_;
    Planned planned_;
};

/// A convolution with bias and its gradients.
struct Convolution {
    Convolution(const Case &c, const Numbers &n)
        : forward(c, BRDNN_FORWARD, BRDNN_ADD_BIAS, n),
          backward_data(c, BRDNN_BACKWARD_DATA, BRDNN_STORE, n),
          backward_weights(c, BRDNN_BACKWARD_WEIGHTS, BRDNN_BIAS_OF_DST, n) {}

    Floats dst(const Operands &x) const { return forward.run({x.src, x.wei, {}, x.bias}); }
    Floats diff_src(const Operands &x) const {
        return backward_data.run({{}, x.wei, x.diff_dst, {}});
    }
    /// diff_wei, then diff_bias.
    Floats diff_wei(const Operands &x) const {
        return backward_weights.run({x.src, {}, x.diff_dst, {}});
    }

    const Pass forward, backward_data, backward_weights;
};

/// What all passes of a case read, bias for either side's channels.
Operands operands_of_all_passes(const Case &c, Fill fill, Random &random) {
    Operands x = make_operands(in_pass(c, BRDNN_FORWARD), fill, random, Unused::filled);
    x.diff_dst
            = make_operands(in_pass(c, BRDNN_BACKWARD_DATA), fill, random, Unused::filled).diff_dst;
    return x;
}

double dot(const Floats &a, const Floats &b) {
    EXPECT_EQ(a.size(), b.size());
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
            [](float x, float y) { return static_cast<double>(x) * static_cast<double>(y); });
}

Floats joined(Floats a, const Floats &b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

using Parameters = std::tuple<brdnn_layout, brdnn_isa, Numbers>;

std::string name_of_parameters(const Parameters &parameters) {
    const auto &[layout, isa, n] = parameters;
    return std::string(n.name) + "_" + layout_name(layout) + "_" + isa_name(isa);
}

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    return name_of_parameters(info.param);
}

class Adjoints : public testing::TestWithParam<Parameters> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }

    const Numbers &given_numbers() const { return std::get<Numbers>(GetParam()); }
    bool is_f32() const { return given_numbers().name == std::string(numbers::f32.name); }

    /// Calls check(case, random) for random cases with bias until one fails.
    template <typename Check>
    void for_random_cases(int count, int64_t most_products, Check check) {
        for (int i = 0; i < count && !HasFailure(); ++i) {
            Random random
                    = random_for("gradients" + name_of_parameters(GetParam()) + std::to_string(i));
            Case c = random_case(std::get<brdnn_layout>(GetParam()),
                    std::get<brdnn_isa>(GetParam()), most_products, random);
            c.finish = BRDNN_ADD_BIAS;
            SCOPED_TRACE(name_of(c));
            check(c, random);
        }
    }

    /// The f32 cases go on as long as those of all other numbers together.
    int cases() const { return (is_f32() ? 200 : 15) / slowdown; }
    int64_t most_products() const { return is_f32() ? 500000 : 50000; }
};

/// Forward is linear in src and in the weights, and its gradients are the adjoints. With integers
/// both sides of each identity are exact.
TEST_P(Adjoints, AreGradientsExactly) {
    for_random_cases(cases(), most_products(), [this](const Case &c, Random &random) {
        const Convolution convolution(c, given_numbers());
        Operands x = operands_of_all_passes(c, Fill::integers, random);
        EXPECT_EQ(dot(convolution.dst(x), x.diff_dst),
                dot(joined(x.wei, x.bias), convolution.diff_wei(x)));
        std::fill(x.bias.begin(), x.bias.end(), 0.0F);
        EXPECT_EQ(dot(convolution.dst(x), x.diff_dst), dot(x.src, convolution.diff_src(x)));
    });
}

/// A transposed convolution is backward data with a bias. Its gradient by the bias is summed over
/// src, where the transposed convolution's diff_dst stands.
TEST_P(Adjoints, OfATransposedConvolutionAreGradientsExactly) {
    for_random_cases(cases(), most_products(), [this](const Case &c, Random &random) {
        const Pass transposed(c, BRDNN_BACKWARD_DATA, BRDNN_ADD_BIAS, given_numbers());
        const Pass gradient(c, BRDNN_BACKWARD_WEIGHTS, BRDNN_BIAS_OF_SRC, given_numbers());
        Operands x = operands_of_all_passes(c, Fill::integers, random);
        x.bias = make_operands(in_pass(c, BRDNN_BACKWARD_DATA), Fill::integers, random).bias;
        EXPECT_EQ(dot(transposed.run({{}, x.wei, x.diff_dst, x.bias}), x.src),
                dot(joined(x.wei, x.bias), gradient.run({x.src, {}, x.diff_dst, {}})));
    });
}

INSTANTIATE_TEST_SUITE_P(, Adjoints,
        testing::Combine(all_layouts(), all_isas(), testing::Values(numbers::f32)), parameter_name);
// Those whose results are not rounded.
INSTANTIATE_TEST_SUITE_P(OfNumbers, Adjoints,
        testing::Combine(all_layouts(), bf16_isas(),
                testing::Values(numbers::bf16_to_f32, numbers::math_bf16, numbers::math_tf32,
                        numbers::math_bf16x3)),
        parameter_name);

/// Gradients against finite differences.
class Gradients : public Adjoints {};

/// A loss summed over dst, and its slope.
struct Loss {
    double (*value)(double);
    double (*slope)(double);

    double of(const Floats &dst) const {
        double sum = 0;
        for (float d : dst)
            sum += value(static_cast<double>(d));
        return sum;
    }
    Floats diff_dst(const Floats &dst) const {
        Floats slopes;
        for (float d : dst)
            slopes.push_back(static_cast<float>(slope(static_cast<double>(d))));
        return slopes;
    }
};

/// How a finite difference of the loss is taken, and how near the gradient must come.
struct Differences {
    Loss loss;
    float step;
    double tolerance; ///< of gradients up to 1, and a share of larger ones
};

/// Compares a gradient by one operand of forward with differences at some of its elements.
void expect_gradient(const Differences &d, const Convolution &convolution, Operands x,
        Floats Operands::*operand, const Floats &gradient, Random &random) {
    constexpr int samples = 10;
    Floats &values = x.*operand;
    ASSERT_EQ(values.size(), gradient.size());
    for (int i = 0; i < samples; ++i) {
        const auto at
                = static_cast<size_t>(draw(random, 0, static_cast<int64_t>(values.size()) - 1));
        const float value = values[at];
        values[at] = value + d.step;
        const double above = d.loss.of(convolution.dst(x));
        values[at] = value - d.step;
        const double below = d.loss.of(convolution.dst(x));
        values[at] = value;
        const double difference = (above - below) / (2 * static_cast<double>(d.step));
        const auto expected = static_cast<double>(gradient[at]);
        ASSERT_NEAR(difference, expected, d.tolerance * std::max(1.0, std::abs(expected)))
                << "element " << at;
    }
}

void expect_gradients(const Differences &d, const Case &c, Fill fill, Random &random) {
    const Convolution convolution(c, numbers::f32);
    Operands x = operands_of_all_passes(c, fill, random);
    x.diff_dst = d.loss.diff_dst(convolution.dst(x));
    const Floats diff_src = convolution.diff_src(x), diff_wei = convolution.diff_wei(x);
    const auto bias = diff_wei.begin() + static_cast<ptrdiff_t>(x.wei.size());
    {
        SCOPED_TRACE("by src");
        expect_gradient(d, convolution, x, &Operands::src, diff_src, random);
    }
    {
        SCOPED_TRACE("by the weights");
        expect_gradient(d, convolution, x, &Operands::wei, {diff_wei.begin(), bias}, random);
    }
    SCOPED_TRACE("by the bias");
    expect_gradient(d, convolution, x, &Operands::bias, {bias, diff_wei.end()}, random);
}

/// Of a quadratic loss central differences are exact whatever the step, and with integers so are
/// all the sums.
TEST_P(Gradients, AreDifferencesOfAQuadraticLossExactly) {
    const Loss half_squares = {[](double d) { return d * d / 2; }, [](double d) { return d; }};
    for_random_cases(60 / slowdown, 30000, [&](const Case &c, Random &random) {
        expect_gradients({half_squares, 1, 0}, c, Fill::integers, random);
    });
}

/// The step is a compromise: f32 sums of about 1 are off by 1e-7 or so, which the division by the
/// step magnifies, and the loss bends.
TEST_P(Gradients, AreDifferencesOfALossThatBends) {
    const Loss log_cosh = {
            [](double d) { return std::log(std::cosh(d)); }, [](double d) { return std::tanh(d); }};
    for_random_cases(60 / slowdown, 30000, [&](const Case &c, Random &random) {
        if (c.kw * std::max(c.ic_per_group(), c.oc_per_group()) > 100) return;
        expect_gradients({log_cosh, 1.0F / 128, 0.01}, c, Fill::reals, random);
    });
}

INSTANTIATE_TEST_SUITE_P(, Gradients,
        testing::Combine(all_layouts(), all_isas(), testing::Values(numbers::f32)), parameter_name);

} // namespace
} // namespace brdnn_test
