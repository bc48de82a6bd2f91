// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The bounds of scratch that brdnn_conv_info states, over sizes from the smallest to the absurd. A
/// query is cheap, so nothing is planned or run.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

constexpr int64_t mebibyte = INT64_C(1) << 20;
constexpr int64_t bound = 64 * mebibyte;

struct Answer {
    brdnn_status status;
    brdnn_conv_info info;
};

Answer ask(const Case &c) {
    const brdnn_conv_problem problem = problem_of(c);
    Answer answer;
    answer.status = brdnn_conv_query(&problem, &answer.info);
    return answer;
}

int64_t weights_bytes(const Case &c) {
    return c.weights_count() * static_cast<int64_t>(sizeof(float));
}

/// One partial sum; kernels for bf16 fill it up to whole tiles and tap groups.
int64_t most_bytes_of_sums(const Case &c) {
    return weights_bytes(c) * (c.splits() > 0 || c.multiplies_bf16() ? 2 : 1);
}

/// Copies start at cache lines.
int64_t whole_lines(int64_t bytes) { return divide_up(bytes, 64) * 64; }

/// A copy of the weights: words of 4 bytes, in up to three splits, each dimension filled up to whole tiles.
/// Taps that are grouped leave less than half of that empty besides.
int64_t most_bytes_of_copy(const Case &c) {
    const bool forward = c.pass == BRDNN_FORWARD;
    const int64_t results = forward ? c.oc_per_group() : c.ic_per_group();
    const int64_t terms = forward ? c.ic_per_group() : c.oc_per_group();
    const int64_t splits = std::max(c.splits(), 1);
    return 2 * 4 * splits * c.groups * c.kw * (results + 96) * divide_up(terms, 32) * 16;
}

/// Where kernels for bf16 may need a rescue: a mark for each chunk and block of filters, ranges of weights'
/// exponents, and a copy of the weights in f32.
int64_t most_bytes_for_rescue(const Case &c) {
    if (c.splits() == 0 && !c.multiplies_bf16()) return 0;
    const bool gradient = c.pass == BRDNN_BACKWARD_WEIGHTS;
    const int64_t marks
            = c.mb * c.groups * (gradient ? c.ow() * c.oc_per_group() : c.result_width());
    return marks + 8 * (c.ic + c.oc) + (gradient ? 0 : most_bytes_of_copy(c)) + 4 * 64;
}

int64_t most_shared_bytes(const Case &c) {
    if (c.pass == BRDNN_BACKWARD_WEIGHTS)
        return std::max(bound, whole_lines(most_bytes_of_sums(c)) + whole_lines(4 * c.bias_count()))
                + most_bytes_for_rescue(c);
    if (c.weights == "packed") return 0;
    return most_bytes_of_copy(c) + most_bytes_for_rescue(c);
}

void expect_bounds_kept(const Case &c, const brdnn_conv_info &info) {
    ASSERT_LE(info.scratch_bytes_per_thread, static_cast<size_t>(bound));
    ASSERT_LE(info.shared_scratch_bytes, static_cast<size_t>(most_shared_bytes(c)));
    // Threads' scratch follows the shared one, and each must start at a cache line.
    ASSERT_EQ(info.shared_scratch_bytes % 64, 0U);
    ASSERT_EQ(info.scratch_bytes_per_thread % 64, 0U);
}

class Scratch : public testing::TestWithParam<NumbersTarget> {
protected:
    Case small_case() const {
        Case c;
        c.ic = c.oc = 15;
        c.iw = 1000;
        c.kw = 5;
        return in_target(c);
    }

    Case in_target(Case c) const {
        Numbers n;
        std::tie(n, c.pass, c.layout, c.isa) = GetParam();
        return with_numbers(c, n);
    }

    void expect_supported_within_bounds(const Case &c) {
        SCOPED_TRACE(name_of(c));
        const Answer answer = ask(c);
        ASSERT_EQ(answer.status, BRDNN_SUCCESS) << answer.info.text;
        expect_bounds_kept(c, answer.info);
    }
};

/// Sizes of a group, from the smallest to the absurd.
std::vector<Case> grid_of_sizes() {
    std::vector<Case> cases;
    for (int64_t ic : {1, 15, 64, 700, 4096, 100000})
        for (int64_t oc : {1, 15, 64, 700, 4096, 100000})
            for (int64_t kw : {1, 3, 51, 3000, 1 << 20})
                for (int64_t iw : {int64_t {1}, int64_t {100}, int64_t {60000},
                             (INT64_C(1) << 31) + 1, INT64_C(1) << 40})
                    for (auto [stride, dilation] :
                            {std::pair<int64_t, int64_t> {1, 1}, {2, 2}, {7, 1}, {1, 1000}}) {
                        Case c;
                        c.ic = ic;
                        c.oc = oc;
                        c.kw = kw;
                        c.iw = iw;
                        c.stride = stride;
                        c.dilation = dilation;
                        c.pad_l = c.pad_r = c.reach() / 2 + 1;
                        cases.push_back(c);
                    }
    return cases;
}

TEST_P(Scratch, StaysWithinItsBoundsOverAGridOfSizes) {
    int supported = 0;
    for (Case c : grid_of_sizes())
        for (auto [mb, groups] : {std::pair<int64_t, int64_t> {1, 1}, {300, 1}, {1, 3}}) {
            c = in_target(c);
            c.finish = finishes_of(c.pass)[(c.ic + c.oc + c.kw) % 3];
            c.mb = mb;
            c.ic = c.ic_per_group() * groups;
            c.oc = c.oc_per_group() * groups;
            c.groups = groups;
            const Answer answer = ask(c);
            if (answer.status != BRDNN_SUCCESS) continue;
            ++supported;
            expect_bounds_kept(c, answer.info);
            if (HasFailure()) FAIL() << name_of(c) << "\n" << answer.info.text;
        }
    // The bounds say nothing of what is refused.
    EXPECT_GT(supported, 2000);
}

TEST_P(Scratch, StaysWithinItsBoundsForHugeWidths) {
    for (int64_t stride : {1, 3})
        for (int64_t channels : {1, 15, 64}) {
            Case c = small_case();
            c.stride = stride;
            c.ic = c.oc = channels;
            c.pad_l = c.pad_r = 2;
            c.iw = INT64_C(1) << 40;
            expect_supported_within_bounds(c);
        }
}

TEST_P(Scratch, StaysWithinItsBoundsForHugeWeights) {
    Case c = small_case();
    c.ic = c.oc = 8192;
    c.kw = 9; // 2.25 GiB
    c.pad_l = c.pad_r = 4;
    expect_supported_within_bounds(c);
    c.finish = finishes_of(c.pass)[1];
    expect_supported_within_bounds(c);
    // A copy of these fits 64 MiB several times, with the biases once less.
    for (int64_t oc : {4095, 4096, 4097}) {
        c.oc = oc;
        c.ic = 1024;
        c.kw = 2;
        c.iw = 100000;
        for (brdnn_conv_finish finish : finishes_of(c.pass)) {
            c.finish = finish;
            expect_supported_within_bounds(c);
        }
    }
}

/// The largest value of one size with which a case is still supported.
int64_t largest_supported(Case c, int64_t Case::*size) {
    int64_t low = 1, high = INT64_C(1) << 32;
    while (low + 1 < high) {
        c.*size = low + (high - low) / 2;
        c.pad_l = c.pad_r = c.reach();
        (ask(c).status == BRDNN_SUCCESS ? low : high) = c.*size;
    }
    return low;
}

/// Where a problem is barely supported scratch is largest.
TEST_P(Scratch, StaysWithinItsBoundsUpToTheLastSizeThatIsSupported) {
    for (int64_t Case::*size : {&Case::ic, &Case::oc, &Case::kw, &Case::stride, &Case::dilation})
        for (int64_t channels : {1, 64, 1000})
            for (int64_t kw : {3, 100}) {
                Case c = small_case();
                c.ic = c.oc = channels;
                c.kw = kw;
                c.finish = finishes_of(c.pass)[1];
                const int64_t largest = largest_supported(c, size);
                for (int64_t value : {largest, largest - 1, largest / 2, largest / 3}) {
                    c.*size = std::max<int64_t>(value, 1);
                    c.pad_l = c.pad_r = c.reach();
                    SCOPED_TRACE(name_of(c));
                    const Answer answer = ask(c);
                    if (answer.status == BRDNN_SUCCESS) expect_bounds_kept(c, answer.info);
                    if (HasFailure()) return;
                }
            }
}

std::string parameter_name(const testing::TestParamInfo<NumbersTarget> &info) {
    return name_of_numbers_target(info.param);
}

INSTANTIATE_TEST_SUITE_P(, Scratch,
        testing::Combine(testing::Values(numbers::f32), all_passes(), all_layouts(), all_isas()),
        parameter_name);
INSTANTIATE_TEST_SUITE_P(Bf16, Scratch,
        testing::Combine(testing::Values(numbers::bf16, numbers::math_bf16x3), all_passes(),
                all_layouts(), bf16_isas()),
        parameter_name);

} // namespace
} // namespace brdnn_test
