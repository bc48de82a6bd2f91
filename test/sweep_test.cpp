// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Convolutions by the thousand, in every pass: each dimension over its vocabulary while the others stay,
/// then random mixtures of everything.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "harness.hpp"
#include "random_case.hpp"

namespace brdnn_test {
namespace {

/// A forward case; like all here it is made what a target asks for by in_target().
Case base_case() {
    Case c;
    c.ic = 5;
    c.oc = 7;
    c.iw = 70;
    c.kw = 3;
    c.pad_l = c.pad_r = 1;
    return c;
}

std::vector<Case> output_widths() {
    std::vector<Case> cases;
    for (int64_t ow : widths)
        for (int64_t pad : {0, 1, 9}) {
            Case c = base_case();
            c.dilation = 4;
            c.pad_l = c.pad_r = pad;
            c.iw = ow + c.reach() - 1 - 2 * pad;
            if (c.iw >= 1) cases.push_back(c);
        }
    return cases;
}

std::vector<Case> input_widths() {
    std::vector<Case> cases;
    for (int64_t iw : widths)
        for (int64_t stride : {1, 3}) {
            Case c = base_case();
            c.iw = iw;
            c.stride = stride;
            c.kw = 9;
            c.pad_l = 5;
            c.pad_r = 4;
            cases.push_back(c);
        }
    return cases;
}

std::vector<Case> channel_pairs() {
    std::vector<Case> cases;
    for (int64_t ic : channels)
        for (int64_t oc : channels) {
            Case c = base_case();
            c.ic = ic;
            c.oc = oc;
            c.iw = 34;
            cases.push_back(c);
        }
    return cases;
}

/// Each number by itself, for either side and for both, beside few of the others.
std::vector<Case> every_number_of_channels() {
    std::vector<Case> cases;
    for (int64_t number = 1; number <= 70; ++number)
        for (auto [ic, oc] : {std::pair<int64_t, int64_t> {number, 3}, {2, number},
                     {number, number}, {71 - number, number}}) {
            Case c = base_case();
            c.ic = ic;
            c.oc = oc;
            c.iw = 19;
            c.finish = static_cast<brdnn_conv_finish>(number % 3);
            cases.push_back(c);
        }
    return cases;
}

std::vector<Case> strides_dilations_and_taps() {
    std::vector<Case> cases;
    for (int64_t stride : strides)
        for (int64_t dilation : dilations)
            for (int64_t kw : taps) {
                Case c = base_case();
                c.ic = 3;
                c.oc = 4;
                c.stride = stride;
                c.dilation = dilation;
                c.kw = kw;
                c.pad_l = c.reach() / 2;
                c.pad_r = c.reach() - 1 - c.pad_l;
                c.iw = 200;
                cases.push_back(c);
            }
    return cases;
}

/// Few outputs on a long src: positions that no output reads between those that are read, before
/// and behind them.
std::vector<Case> positions_that_no_output_reads() {
    std::vector<Case> cases;
    for (int64_t stride = 1; stride <= 9; ++stride)
        for (int64_t dilation : {1, 2, 3, 6, 40, 90})
            for (int64_t kw : {1, 2, 3})
                for (int64_t pad_l : {-31, 0, 2})
                    for (int64_t pad_r : {-31, 0, 4}) {
                        Case c = base_case();
                        c.stride = stride;
                        c.dilation = dilation;
                        c.kw = kw;
                        c.pad_l = pad_l;
                        c.pad_r = pad_r;
                        c.iw = 97;
                        if (c.has_output()) cases.push_back(c);
                    }
    return cases;
}

std::vector<Case> paddings() {
    std::vector<Case> cases;
    for (int64_t pad_l : {-40, -7, -1, 0, 1, 8, 16, 17, 64, 150})
        for (int64_t pad_r : {-40, -7, -1, 0, 1, 8, 16, 17, 64, 150})
            for (int64_t stride : {1, 2, 5}) {
                Case c = base_case();
                c.iw = 101;
                c.kw = 5;
                c.dilation = 2;
                c.pad_l = pad_l;
                c.pad_r = pad_r;
                c.stride = stride;
                cases.push_back(c);
            }
    return cases;
}

std::vector<Case> weights_orders_and_groups() {
    std::vector<Case> cases;
    for (const std::string &order : weights_orders)
        for (int64_t groups : {1, 2, 12})
            for (int64_t innermost_gap : {0, 3})
                for (int64_t gap : {0, 3})
                    for (int64_t kw : {1, 3, 11}) {
                        Case c = base_case();
                        c.ic = 24;
                        c.oc = 36;
                        c.kw = kw;
                        c.groups = groups;
                        c.weights = order;
                        c.weights_innermost_gap = innermost_gap;
                        c.weights_gap = gap;
                        cases.push_back(c);
                    }
    return cases;
}

std::vector<Case> packed_weights() {
    std::vector<Case> cases;
    for (int64_t groups : {1, 3})
        for (int64_t oc : channels)
            for (int64_t ow : {1, 17, 65}) {
                Case c = base_case();
                c.groups = groups;
                c.ic = (ow == 17 ? 67 : 4) * groups;
                c.oc = oc * groups;
                c.iw = ow;
                c.weights = "packed";
                cases.push_back(c);
            }
    return cases;
}

std::vector<Case> prime_pitches() {
    std::vector<Case> cases;
    for (int64_t row_gap : {0, 1, 7, 31, 4099})
        for (int64_t image_gap : {0, 3, 101})
            for (int64_t stride : {1, 2}) {
                Case c = base_case();
                c.mb = 3;
                c.src_row_gap = row_gap;
                c.dst_image_gap = image_gap;
                c.stride = stride;
                cases.push_back(c);
                std::swap(c.src_row_gap, c.dst_row_gap);
                std::swap(c.src_image_gap, c.dst_image_gap);
                cases.push_back(c);
            }
    return cases;
}

Case in_target(Case c, const Target &target) {
    std::tie(c.pass, c.layout, c.isa) = target;
    return in_pass(c, c.pass);
}

class Sweep : public testing::TestWithParam<Target> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }

    /// Stops at the first case that fails: the others would fill the screen with the same.
    void check_all(const std::vector<Case> &cases) {
        for (const Case &c : cases) {
            check_exactly(in_target(c, GetParam()));
            if (HasFailure()) return;
        }
    }
};

TEST_P(Sweep, OutputWidths) { check_all(output_widths()); }
TEST_P(Sweep, InputWidths) { check_all(input_widths()); }
TEST_P(Sweep, Channels) { check_all(channel_pairs()); }
TEST_P(Sweep, EveryNumberOfChannels) { check_all(every_number_of_channels()); }
TEST_P(Sweep, StridesDilationsAndTaps) { check_all(strides_dilations_and_taps()); }
TEST_P(Sweep, PositionsThatNoOutputReads) { check_all(positions_that_no_output_reads()); }
TEST_P(Sweep, Paddings) { check_all(paddings()); }
TEST_P(Sweep, WeightsOrdersAndGroups) { check_all(weights_orders_and_groups()); }
TEST_P(Sweep, PackedWeights) { check_all(packed_weights()); }
TEST_P(Sweep, PrimePitches) { check_all(prime_pitches()); }

constexpr int64_t most_products = 2000000;

Case random_case_for(const Target &target, int64_t most_products, Random &random) {
    const auto [pass, layout, isa] = target;
    return in_pass(random_case(layout, isa, most_products, random), pass);
}

Random random_for_test(const std::string &target, const char *what, int index) {
    return random_for(target + what + std::to_string(index));
}

TEST_P(Sweep, RandomMixturesExactly) {
    constexpr int cases = 800 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(name_of_target(GetParam()), "exact", i);
        const Case c = random_case_for(GetParam(), most_products, random);
        check_exactly(c, static_cast<int>(pick(random, Sizes {1, 2, 3, 7})));
    }
}

/// Few channels, so wide that there are many chunks, or partial sums.
Case random_long_case(int64_t products, Random &random) {
    Case c;
    c.mb = draw(random, 1, 2);
    c.groups = draw(random, 1, 2);
    c.ic = c.groups * draw(random, 1, 5);
    c.oc = c.groups * draw(random, 1, 5);
    c.kw = draw(random, 1, 9);
    c.stride = draw(random, 1, 3);
    c.dilation = draw(random, 1, 70);
    c.iw = products * c.stride / (c.mb * c.oc * c.kw * c.ic_per_group()) + c.reach();
    c.pad_l = draw(random, 0, c.reach());
    c.pad_r = draw(random, 0, c.reach());
    c.finish = static_cast<brdnn_conv_finish>(draw(random, 0, 2));
    return c;
}

TEST_P(Sweep, RandomLongSequencesExactly) {
    constexpr int cases = 24 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(name_of_target(GetParam()), "long", i);
        check_exactly(in_target(random_long_case(most_products, random), GetParam()),
                static_cast<int>(pick(random, Sizes {1, 3, 16})));
    }
}

void check_within_bounds(const Case &c, Random &random) {
    const std::string name = name_of(c);
    SCOPED_TRACE(name);
    NameOnCrash name_on_crash(name);
    const Operands x = make_operands(c, Fill::reals, random);
    const Planned planned = plan_case(c);
    if (!planned.plan) return;
    expect_within_bounds(c, reference(c, x), run_case(c, planned, x, one_after_the_other(1)));
}

TEST_P(Sweep, RandomMixturesOfRealsWithinBounds) {
    constexpr int cases = 150 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(name_of_target(GetParam()), "reals", i);
        check_within_bounds(random_case_for(GetParam(), most_products, random), random);
    }
}

INSTANTIATE_TEST_SUITE_P(
        , Sweep, all_targets(), [](const auto &info) { return name_of_target(info.param); });

/// The same with other types and ways to multiply: of all cases some, chosen anew with each seed.
class NumbersSweep : public testing::TestWithParam<NumbersTarget> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }

    Target target() const {
        const auto [n, pass, layout, isa] = GetParam();
        return {pass, layout, isa};
    }
    Case in_numbers(const Case &c) const { return with_numbers(c, std::get<Numbers>(GetParam())); }
    Random random_for_index(const char *what, int index) const {
        return random_for_test(name_of_numbers_target(GetParam()), what, index);
    }
    /// So that emulation takes no longer than the rest.
    int64_t most_products() const {
        return is_emulated(std::get<brdnn_isa>(GetParam())) ? 50000 : 500000;
    }
};

TEST_P(NumbersSweep, SomeOfEachDimensionExactly) {
    constexpr int of_each = 8 / slowdown;
    for (auto list : {output_widths, input_widths, channel_pairs, every_number_of_channels,
                 strides_dilations_and_taps, positions_that_no_output_reads, paddings,
                 weights_orders_and_groups, packed_weights, prime_pitches}) {
        const std::vector<Case> cases = list();
        for (int i = 0; i < of_each && !HasFailure(); ++i) {
            Random random = random_for_index("dimension", i);
            check_exactly(in_numbers(in_target(pick(random, cases), target())));
        }
    }
}

/// Pairs of bf16 are half empty where a number is odd.
TEST_P(NumbersSweep, OddSizesExactly) {
    for (int64_t ic : {1, 3, 15, 17, 33})
        for (int64_t oc : {1, 15, 33})
            for (int64_t stride : {1, 2, 3}) {
                Case c;
                c.mb = 2;
                c.ic = ic;
                c.oc = oc;
                c.kw = 3;
                c.stride = stride;
                c.dilation = 1 + (ic + oc) % 3;
                c.pad_l = c.pad_r = ic % 4;
                c.iw = 2 * c.dilation + 19 * stride;
                c.finish = static_cast<brdnn_conv_finish>(oc % 3);
                check_exactly(in_numbers(in_target(c, target())));
                if (HasFailure()) return;
            }
}

TEST_P(NumbersSweep, RandomMixturesExactly) {
    constexpr int cases = 40 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_index("exact", i);
        const Case c = random_case_for(target(), most_products(), random);
        check_exactly(in_numbers(c), static_cast<int>(pick(random, Sizes {1, 2, 3, 7})));
    }
}

TEST_P(NumbersSweep, RandomLongSequencesExactly) {
    constexpr int cases = 4 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_index("long", i);
        const Case c = in_target(random_long_case(most_products(), random), target());
        check_exactly(in_numbers(c), static_cast<int>(pick(random, Sizes {1, 3, 16})));
    }
}

TEST_P(NumbersSweep, RandomMixturesOfRealsWithinBounds) {
    constexpr int cases = 20 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_index("reals", i);
        check_within_bounds(in_numbers(random_case_for(target(), most_products(), random)), random);
    }
}

std::string numbers_parameter_name(const testing::TestParamInfo<NumbersTarget> &info) {
    return name_of_numbers_target(info.param);
}

INSTANTIATE_TEST_SUITE_P(Bf16, NumbersSweep, bf16_targets(), numbers_parameter_name);
INSTANTIATE_TEST_SUITE_P(F32Kernels, NumbersSweep, f32_kernel_targets(), numbers_parameter_name);

} // namespace
} // namespace brdnn_test
