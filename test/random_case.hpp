// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The sizes that sweeps go through, and random mixtures of them.

#ifndef BRDNN_TEST_RANDOM_CASE_HPP
#define BRDNN_TEST_RANDOM_CASE_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "problems.hpp"

namespace brdnn_test {

using Sizes = std::vector<int64_t>;

/// Below, equal to, above and multiples of every tile.
inline const Sizes widths
        = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 100, 127, 257, 1000};
inline const Sizes channels = {1, 2, 3, 4, 5, 15, 16, 17, 23, 24, 25, 31, 33, 64, 65, 80, 127};
inline const Sizes strides = {1, 2, 3, 4, 5, 6, 7, 8, 9};
inline const Sizes dilations = {1, 2, 3, 4, 6, 8, 9, 64, 512};
inline const Sizes taps = {1, 2, 3, 4, 5, 8, 9, 15, 17, 31, 51};
/// Dimensions of one weights element in memory, outermost first.
inline const std::vector<std::string> weights_orders
        = {"goiw", "giow", "wigo", "gwio", "gowi", "giwo", "owig", "iwog"};

/// Sets padding of one of the kinds that frameworks and people use.
inline void set_random_padding(Case *c, Random &random) {
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

/// Half of the time one of the words, else anything up to the highest.
inline int64_t pick_or_draw(Random &random, const Sizes &words, int64_t highest) {
    return draw(random, 0, 1) ? pick(random, words) : draw(random, 1, highest);
}

/// Channels of one group are drawn; a third of the cases have several groups, some are depthwise.
inline void set_random_channels(Case *c, Random &random) {
    int64_t ic = pick_or_draw(random, channels, 70), oc = pick_or_draw(random, channels, 70);
    if (draw(random, 0, 2) == 0) c->groups = pick(random, Sizes {2, 3, 5, 16, 33});
    if (c->groups > 1 && draw(random, 0, 1) == 0) ic = 1, oc = draw(random, 1, 2);
    c->ic = c->groups * ic;
    c->oc = c->groups * oc;
}

inline void set_random_placement(Case *c, Random &random) {
    auto gap = [&] { return draw(random, 0, 2) ? 0 : pick(random, Sizes {1, 3, 7, 13, 61}); };
    c->src_row_gap = gap();
    c->src_image_gap = gap();
    c->dst_row_gap = gap();
    c->dst_image_gap = gap();
    c->src_images_in_rows = draw(random, 0, 7) == 0;
    c->dst_images_in_rows = draw(random, 0, 7) == 0;
    switch (draw(random, 0, 3)) {
    case 0: c->weights = "packed"; break;
    case 1:
        c->weights = pick(random, weights_orders);
        c->weights_innermost_gap = draw(random, 0, 1) * 5;
        c->weights_gap = draw(random, 0, 1) * 5;
        break;
    default: break;
    }
}

/// Takes from the largest dimensions until the reference is quick.
inline void shrink_to(Case *c, int64_t most_products) {
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

/// A forward case, whose operands and placements are those of any pass.
inline Case random_case(brdnn_layout layout, brdnn_isa isa, int64_t most_products, Random &random) {
    Case c;
    c.layout = layout;
    c.isa = isa;
    c.mb = draw(random, 1, 3);
    set_random_channels(&c, random);
    c.iw = pick_or_draw(random, widths, 300);
    c.kw = pick_or_draw(random, taps, 20);
    // Half of the cases are like most convolutions, so that not every one packs its input.
    if (draw(random, 0, 1)) c.stride = pick(random, strides);
    if (draw(random, 0, 1)) c.dilation = pick_or_draw(random, dilations, 40);
    set_random_padding(&c, random);
    set_random_placement(&c, random);
    c.finish = static_cast<brdnn_conv_finish>(draw(random, 0, 2));
    shrink_to(&c, most_products);
    return c;
}

} // namespace brdnn_test

#endif
