// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// Forward convolutions by the thousand: each dimension over its vocabulary while the others stay,
/// then random mixtures of everything.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "harness.hpp"

namespace brconv1d_test {
namespace {

using Sizes = std::vector<int64_t>;

/// Below, equal to, above and multiples of every tile.
const Sizes widths
        = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 127, 257, 1000};
const Sizes channels = {1, 2, 3, 4, 5, 15, 16, 17, 23, 24, 25, 31, 33, 64, 65, 80, 127};
const Sizes strides = {1, 2, 3, 5, 7};
const Sizes dilations = {1, 2, 3, 8, 64, 512};
const Sizes taps = {1, 2, 3, 4, 5, 8, 9, 15, 17, 31, 51};
/// Dimensions of one weights element in memory, outermost first.
const std::vector<std::string> weights_orders
        = {"goiw", "giow", "wigo", "gwio", "gowi", "giwo", "owig", "iwog"};

struct Target {
    brconv1d_layout layout;
    brconv1d_isa isa;
};

void PrintTo(const Target &t, std::ostream *out) {
    *out << layout_name(t.layout) << "_" << isa_name(t.isa);
}

class Sweep : public testing::TestWithParam<Target> {
protected:
    void SetUp() override { BRCONV1D_SKIP_UNLESS_CPU_HAS(GetParam().isa); }

    Case base() const {
        Case c;
        c.layout = GetParam().layout;
        c.isa = GetParam().isa;
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
            check_exactly(c);
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
            for (int64_t gap : {0, 3}) {
                Case c = base();
                c.ic = 24;
                c.oc = 36;
                c.groups = groups;
                c.weights = order;
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

/// Sets padding of one of the kinds that frameworks and people use.
void set_random_padding(Case *c, Random &random) {
    const int64_t halo = c->reach() - 1;
    switch (draw(random, 0, 6)) {
    case 0: break;
    case 1: c->pad_l = halo / 2, c->pad_r = halo - halo / 2; break;
    case 2: c->pad_l = halo; break;
    case 3: c->pad_l = draw(random, 0, halo), c->pad_r = draw(random, 0, halo); break;
    case 4: c->pad_l = -draw(random, 0, c->iw / 2), c->pad_r = draw(random, 0, halo); break;
    case 5: c->pad_l = draw(random, 0, halo), c->pad_r = -draw(random, 0, c->iw / 2); break;
    default: c->pad_l = halo + draw(random, 0, 100); c->pad_r = halo + draw(random, 0, 100);
    }
    const int64_t missing = c->reach() - (c->iw + c->pad_l + c->pad_r);
    if (missing > 0) (draw(random, 0, 1) ? c->pad_l : c->pad_r) += missing;
}

/// Channels of one group are drawn; a third of the cases have several groups, some are depthwise.
void set_random_channels(Case *c, Random &random) {
    int64_t ic = pick(random, channels), oc = pick(random, channels);
    if (draw(random, 0, 2) == 0) c->groups = pick(random, Sizes {2, 3, 5, 16, 33});
    if (c->groups > 1 && draw(random, 0, 1) == 0) ic = 1, oc = draw(random, 1, 2);
    c->ic = c->groups * ic;
    c->oc = c->groups * oc;
}

void set_random_placement(Case *c, Random &random) {
    auto gap = [&] { return draw(random, 0, 2) ? 0 : pick(random, Sizes {1, 3, 7, 13, 61}); };
    c->src_row_gap = gap();
    c->src_image_gap = gap();
    c->dst_row_gap = gap();
    c->dst_image_gap = gap();
    switch (draw(random, 0, 3)) {
    case 0: c->weights = "packed"; break;
    case 1:
        c->weights = pick(random, weights_orders);
        c->weights_gap = draw(random, 0, 1) * 5;
        break;
    default: break;
    }
}

/// Takes from the largest dimensions until the reference is quick.
void shrink_to(Case *c, int64_t most_products) {
    while (c->products() > most_products) {
        const int64_t ic = c->ic_per_group(), oc = c->oc_per_group();
        if (c->mb > 1) --c->mb;
        else if (c->groups > 3) c->groups = 3, c->ic = 3 * ic, c->oc = 3 * oc;
        else if (ic >= oc && ic > 8) c->ic = c->groups * (ic / 2 + 1);
        else if (oc > 8) c->oc = c->groups * (oc / 2 + 1);
        else if (c->groups > 1) c->groups = 1, c->ic = ic, c->oc = oc;
        else return;
    }
}

Case random_case(Target target, Random &random) {
    constexpr int64_t most_products = 2000000;
    Case c;
    c.layout = target.layout;
    c.isa = target.isa;
    c.mb = draw(random, 1, 3);
    set_random_channels(&c, random);
    c.iw = pick(random, widths);
    c.kw = pick(random, taps);
    // Half of the cases are like most convolutions, so that not every one packs its input.
    if (draw(random, 0, 1)) c.stride = pick(random, strides);
    if (draw(random, 0, 1)) c.dilation = pick(random, dilations);
    set_random_padding(&c, random);
    set_random_placement(&c, random);
    c.finish = static_cast<brconv1d_finish>(draw(random, 0, 2));
    shrink_to(&c, most_products);
    return c;
}

Random random_for_test(const Target &target, const char *what, int index) {
    return random_for(std::string(layout_name(target.layout)) + isa_name(target.isa) + what
            + std::to_string(index));
}

TEST_P(Sweep, RandomMixturesExactly) {
    constexpr int cases = 2000;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(GetParam(), "exact", i);
        const Case c = random_case(GetParam(), random);
        check_exactly(c, static_cast<int>(pick(random, Sizes {1, 2, 3, 7})));
    }
}

TEST_P(Sweep, RandomMixturesOfRealsWithinBounds) {
    constexpr int cases = 400;
    for (int i = 0; i < cases && !HasFailure(); ++i) {
        Random random = random_for_test(GetParam(), "reals", i);
        const Case c = random_case(GetParam(), random);
        const std::string name = name_of(c);
        SCOPED_TRACE(name);
        NameOnCrash name_on_crash(name);
        const Operands x = make_operands(c, Fill::reals, random);
        const Planned planned = plan_case(c);
        if (!planned.plan) return;
        expect_within_bounds(c, reference(c, x), run_case(c, planned, x, one_after_the_other(1)));
    }
}

INSTANTIATE_TEST_SUITE_P(, Sweep,
        testing::Values(Target {BRCONV1D_NCW, BRCONV1D_ISA_AVX2},
                Target {BRCONV1D_NCW, BRCONV1D_ISA_AVX512_CORE},
                Target {BRCONV1D_NWC, BRCONV1D_ISA_AVX2},
                Target {BRCONV1D_NWC, BRCONV1D_ISA_AVX512_CORE}),
        testing::PrintToStringParamName());

} // namespace
} // namespace brconv1d_test
