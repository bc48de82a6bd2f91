// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// Convolutions by the thousand, in every pass: each dimension over its vocabulary while the others stay,
/// then random mixtures of everything.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "harness.hpp"
#include "random_case.hpp"

namespace brconv1d_test {
namespace {

class Sweep : public testing::TestWithParam<Target> {
protected:
    void SetUp() override { BRCONV1D_SKIP_UNLESS_CPU_HAS(std::get<brconv1d_isa>(GetParam())); }

    /// As a forward pass, which check_all() makes what the target asks for.
    Case base() const {
        Case c;
        c.layout = std::get<brconv1d_layout>(GetParam());
        c.isa = std::get<brconv1d_isa>(GetParam());
        c.ic = 5;
        c.oc = 7;
        c.iw = 70;
        c.kw = 3;
        c.pad_l = c.pad_r = 1;
        return c;
    }

    /// Stops at the first case that fails: the others would fill the screen with the same.
    void check_all(const std::vector<Case> &cases) {
        for (const Case &c : cases) {
            check_exactly(in_pass(c, std::get<brconv1d_pass>(GetParam())));
            if (HasFailure()) return;
        }
    }
};

TEST_P(Sweep, OutputWidths) {
    std::vector<Case> cases;
    for (int64_t ow : widths)
        for (int64_t pad : {0, 1, 9}) {
            Case c = base();
            c.dilation = 4;
            c.pad_l = c.pad_r = pad;
            c.iw = ow + c.reach() - 1 - 2 * pad;
            if (c.iw >= 1) cases.push_back(c);
        }
    check_all(cases);
}

TEST_P(Sweep, InputWidths) {
    std::vector<Case> cases;
    for (int64_t iw : widths)
        for (int64_t stride : {1, 3}) {
            Case c = base();
            c.iw = iw;
            c.stride = stride;
            c.kw = 9;
            c.pad_l = 5;
            c.pad_r = 4;
            cases.push_back(c);
        }
    check_all(cases);
}

TEST_P(Sweep, Channels) {
    std::vector<Case> cases;
    for (int64_t ic : channels)
        for (int64_t oc : channels) {
            Case c = base();
            c.ic = ic;
            c.oc = oc;
            c.iw = 34;
            cases.push_back(c);
        }
    check_all(cases);
}

/// Each number by itself, for either side and for both, beside few of the others.
TEST_P(Sweep, EveryNumberOfChannels) {
    std::vector<Case> cases;
    for (int64_t number = 1; number <= 70; ++number)
        for (auto [ic, oc] : {std::pair<int64_t, int64_t> {number, 3}, {2, number},
                     {number, number}, {71 - number, number}}) {
            Case c = base();
            c.ic = ic;
            c.oc = oc;
            c.iw = 19;
            c.finish = static_cast<brconv1d_finish>(number % 3);
            cases.push_back(c);
        }
    check_all(cases);
}

TEST_P(Sweep, StridesDilationsAndTaps) {
    std::vector<Case> cases;
    for (int64_t stride : strides)
        for (int64_t dilation : dilations)
            for (int64_t kw : taps) {
                Case c = base();
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
    check_all(cases);
}

/// Few outputs on a long src: positions that no output reads between those that are read, before
/// and behind them.
TEST_P(Sweep, PositionsThatNoOutputReads) {
    std::vector<Case> cases;
    for (int64_t stride = 1; stride <= 9; ++stride)
        for (int64_t dilation : {1, 2, 3, 6, 40, 90})
            for (int64_t kw : {1, 2, 3})
                for (int64_t pad_l : {-31, 0, 2})
                    for (int64_t pad_r : {-31, 0, 4}) {
                        Case c = base();
                        c.stride = stride;
                        c.dilation = dilation;
                        c.kw = kw;
                        c.pad_l = pad_l;
                        c.pad_r = pad_r;
                        c.iw = 97;
                        if (c.has_output()) cases.push_back(c);
                    }
    check_all(cases);
}

TEST_P(Sweep, Paddings) {
    std::vector<Case> cases;
    for (int64_t pad_l : {-40, -7, -1, 0, 1, 8, 16, 17, 64, 150})
        for (int64_t pad_r : {-40, -7, -1, 0, 1, 8, 16, 17, 64, 150})
            for (int64_t stride : {1, 2, 5}) {
                Case c = base();
                c.iw = 101;
                c.kw = 5;
                c.dilation = 2;
                c.pad_l = pad_l;
                c.pad_r = pad_r;
                c.stride = stride;
                cases.push_back(c);
            }
    check_all(cases);
}

TEST_P(Sweep, WeightsOrdersAndGroups) {
    std::vector<Case> cases;
    for (const std::string &order : weights_orders)
        for (int64_t groups : {1, 2, 12})
            for (int64_t innermost_gap : {0, 3})
                for (int64_t gap : {0, 3})
                    for (int64_t kw : {1, 3, 11}) {
                        Case c = base();
                        c.ic = 24;
                        c.oc = 36;
                        c.kw = kw;
                        c.groups = groups;
                        c.weights = order;
                        c.weights_innermost_gap = innermost_gap;
                        c.weights_gap = gap;
                        cases.push_back(c);
                    }
    check_all(cases);
}

TEST_P(Sweep, PackedWeights) {
    std::vector<Case> cases;
    for (int64_t groups : {1, 3})
        for (int64_t oc : channels)
            for (int64_t ow : {1, 17, 65}) {
                Case c = base();
                c.groups = groups;
                c.ic = 4 * groups;
                c.oc = oc * groups;
                c.iw = ow;
                c.weights = "packed";
                cases.push_back(c);
            }
    check_all(cases);
}

TEST_P(Sweep, PrimePitches) {
    std::vector<Case> cases;
    for (int64_t row_gap : {0, 1, 7, 31, 4099})
        for (int64_t image_gap : {0, 3, 101})
            for (int64_t stride : {1, 2}) {
                Case c = base();
                c.mb = 3;
                c.src_row_gap = row_gap;
                c.dst_image_gap = image_gap;
                c.stride = stride;
                cases.push_back(c);
                std::swap(c.src_row_gap, c.dst_row_gap);
                std::swap(c.src_image_gap, c.dst_image_gap);
                cases.push_back(c);
            }
    check_all(cases);
}

constexpr int64_t most_products = 2000000;

Case random_case_for(const Target &target, Random &random) {
    const auto [pass, layout, isa] = target;
    return in_pass(random_case(layout, isa, most_products, random), pass);
}

Random random_for_test(const Target &target, const char *what, int index) {
    return random_for(name_of_target(target) + what + std::to_string(index));
}

TEST_P(Sweep, RandomMixturesExactly) {
    constexpr int cases = 800 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(GetParam(), "exact", i);
        const Case c = random_case_for(GetParam(), random);
        check_exactly(c, static_cast<int>(pick(random, Sizes {1, 2, 3, 7})));
    }
}

/// Few channels, so wide that there are many chunks, or parts of a sum.
TEST_P(Sweep, RandomLongSequencesExactly) {
    constexpr int cases = 24 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(GetParam(), "long", i);
        Case c = base();
        c.mb = draw(random, 1, 2);
        c.groups = draw(random, 1, 2);
        c.ic = c.groups * draw(random, 1, 5);
        c.oc = c.groups * draw(random, 1, 5);
        c.kw = draw(random, 1, 9);
        c.stride = draw(random, 1, 3);
        c.dilation = draw(random, 1, 70);
        c.iw = most_products * c.stride / (c.mb * c.oc * c.kw * c.ic_per_group());
        c.pad_l = draw(random, 0, c.reach());
        c.pad_r = draw(random, 0, c.reach());
        c.finish = static_cast<brconv1d_finish>(draw(random, 0, 2));
        check_exactly(in_pass(c, std::get<brconv1d_pass>(GetParam())),
                static_cast<int>(pick(random, Sizes {1, 3, 16})));
    }
}

TEST_P(Sweep, RandomMixturesOfRealsWithinBounds) {
    constexpr int cases = 150 / slowdown;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(GetParam(), "reals", i);
        const Case c = random_case_for(GetParam(), random);
        const std::string name = name_of(c);
        SCOPED_TRACE(name);
        NameOnCrash name_on_crash(name);
        const Operands x = make_operands(c, Fill::reals, random);
        const Planned planned = plan_case(c);
        if (!planned.plan) return;
        expect_within_bounds(c, reference(c, x), run_case(c, planned, x, one_after_the_other(1)));
    }
}

INSTANTIATE_TEST_SUITE_P(
        , Sweep, all_targets(), [](const auto &info) { return name_of_target(info.param); });

} // namespace
} // namespace brconv1d_test
