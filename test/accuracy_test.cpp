// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Sums over long sequences keep their digits. Added up one by one in f32, a million times 0.1 is
/// off by a percent: rounding errs to the same side again and again.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "harness.hpp"

namespace brdnn_test {
namespace {

constexpr int64_t width = 1000000;
constexpr double tolerance = 5e-4;

using Parameters = std::tuple<brdnn_conv_finish, brdnn_layout, brdnn_isa, Numbers>;

class LongSums : public testing::TestWithParam<Parameters> {
protected:
    void SetUp() override {
        BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam()));
        c_.pass = BRDNN_BACKWARD_WEIGHTS;
        Numbers n;
        std::tie(c_.finish, c_.layout, c_.isa, n) = GetParam();
        c_ = with_numbers(c_, n);
    }

    /// Of any element of diff_wei or diff_bias.
    double largest_relative_error() {
        Operands x;
        x.src.assign(src_placement(c_).elements(), stored_as(c_.src_type, 0.1F));
        x.diff_dst.assign(dst_placement(c_).elements(), stored_as(c_.dst_type, 0.1F));
        const Planned planned = plan_case(c_);
        const std::vector<float> actual = run_case(c_, planned, x, one_after_the_other(1));
        const std::vector<double> expected = reference_values(c_, x);
        double largest = 0;
        for (size_t i = 0; i < actual.size(); ++i)
            largest = std::max(largest, std::abs(static_cast<double>(actual[i]) / expected[i] - 1));
        return largest;
    }

    Case c_;
};

TEST_P(LongSums, KeepTheirDigits) {
    for (int64_t channels : {1, 5}) {
        c_.ic = c_.oc = channels;
        c_.iw = width / channels;
        EXPECT_LT(largest_relative_error(), tolerance);
    }
}

TEST_P(LongSums, KeepTheirDigitsOverABatch) {
    c_.mb = 1000;
    c_.ic = c_.oc = 3;
    c_.iw = width / c_.mb;
    EXPECT_LT(largest_relative_error(), tolerance);
}

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    const auto &[finish, layout, isa, n] = info.param;
    return std::string(n.name) + "_" + finish_name(finish) + "_" + layout_name(layout) + "_"
            + isa_name(isa);
}

auto both_finishes() { return testing::Values(BRDNN_BIAS_OF_DST, BRDNN_BIAS_OF_SRC); }

INSTANTIATE_TEST_SUITE_P(, LongSums,
        testing::Combine(both_finishes(), all_layouts(), all_isas(), testing::Values(numbers::f32)),
        parameter_name);
// Sums of bf16 tensors are f32 all the same.
INSTANTIATE_TEST_SUITE_P(OfNumbers, LongSums,
        testing::Combine(testing::Values(BRDNN_BIAS_OF_DST), all_layouts(), bf16_isas(),
                testing::Values(numbers::bf16_to_f32)),
        parameter_name);

} // namespace
} // namespace brdnn_test
