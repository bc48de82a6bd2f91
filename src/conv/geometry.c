/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/geometry.h"

#include "conv/kernels_of.h"
#include "conv/problem.h"

static brdnn_correlation forward(const brdnn_conv_problem *p) {
    return (brdnn_correlation) {.ic = brdnn_group_ic(p),
            .oc = brdnn_group_oc(p),
            .iw = p->iw,
            .ow = p->ow,
            .branches = 1,
            .stride = p->stride,
            .dilation = p->dilation,
            .tap_step = 1,
            .src = p->src,
            .dst = p->dst,
            .wei = p->wei};
}

static brdnn_correlation backward_data(const brdnn_conv_problem *p) {
    const int64_t common = brdnn_gcd(p->stride, p->dilation);
    brdnn_correlation c = {.ic = brdnn_group_oc(p),
            .oc = brdnn_group_ic(p),
            .iw = p->ow,
            .ow = p->iw,
            .branches = brdnn_min(p->stride, p->iw),
            .stride = 1,
            .dilation = p->dilation / common,
            .tap_step = -(p->stride / common),
            .src = p->dst,
            .dst = p->src,
            .wei = p->wei};
    c.wei.ic_stride = p->wei.oc_stride;
    c.wei.oc_stride = p->wei.ic_stride;
    return c;
}

/* Taps of the longest branch. */
static int64_t most_taps(const brdnn_correlation *c) {
    return brdnn_ceil_div(c->kw, c->tap_step < 0 ? -c->tap_step : c->tap_step);
}

/* A tap group's words, in as many equal steps as AMX needs. Steps that are nearly full are filled up: that
 * costs little, and rows of a tile then start on cache lines. */
static int64_t depth_of(const brdnn_correlation *c, int64_t tap_group) {
    const int64_t words = brdnn_words_for(c->kernels, brdnn_product(tap_group, c->ic));
    if (!brdnn_uses_amx(c->kernels)) return words;
    const int64_t nearly_full = 14, steps = brdnn_ceil_div(words, brdnn_amx_depth);
    const int64_t step = brdnn_ceil_div(words, steps);
    return steps * (step >= nearly_full ? brdnn_amx_depth : step);
}

/* Most terms of a tap group: those of four AMX instructions. With so many there is nothing to gain. */
static const int64_t most_grouped_terms = 4 * 2 * brdnn_amx_depth;

/* Expected cost of an output with tap groups of so many taps, in cycles: the products for all filters, and
 * packing what they read. A packed word was measured at 0.08 to 0.11 ns (Zen 4). */
static double tap_group_cost(const brdnn_correlation *c, int64_t tap_group) {
    const double lanes = 16, per_packed_word = 0.25;
    const int64_t depth = depth_of(c, tap_group),
                  tap_groups = brdnn_ceil_div(most_taps(c), tap_group);
    const int64_t steps = brdnn_ceil_div(depth, brdnn_amx_depth);
    const double products = brdnn_uses_amx(c->kernels)
            ? (double)steps * (double)brdnn_ceil_div(c->oc, brdnn_amx_edge)
            : (double)depth * (double)c->oc / lanes;
    return (double)tap_groups * products + (double)depth * per_packed_word;
}

static int64_t choose_tap_group(const brdnn_correlation *c) {
    int64_t best = 1;
    if (!brdnn_is_vnni(c->kernels)) return best;
    const int64_t most = brdnn_min(most_taps(c), most_grouped_terms / c->ic);
    for (int64_t tap_group = 2; tap_group <= most; ++tap_group)
        if (tap_group_cost(c, tap_group) < tap_group_cost(c, best)) best = tap_group;
    return best;
}

static brdnn_window window_of(const brdnn_correlation *c) {
    const bool is_backward = c->pass == BRDNN_BACKWARD_DATA;
    return (brdnn_window) {.kernels = c->kernels,
            .entries = is_backward ? c->kw : brdnn_ceil_div(c->kw, c->tap_group),
            .origin = is_backward ? c->pad_l : -c->pad_l,
            .step = is_backward ? -c->problem_dilation : c->tap_group * c->dilation,
            .per = is_backward ? c->problem_stride : 1,
            .stride = c->stride,
            .tap_group = c->tap_group,
            .dilation = c->dilation,
            .depth = c->depth};
}

brdnn_correlation brdnn_correlation_of(const brdnn_conv_problem *p) {
    const bool is_backward = p->pass == BRDNN_BACKWARD_DATA;
    brdnn_correlation c = is_backward ? backward_data(p) : forward(p);
    c.mb = p->mb;
    c.groups = p->groups;
    c.kw = p->kw;
    c.outputs = brdnn_ceil_div(c.ow, c.branches);
    c.layout = p->layout;
    c.finish = p->finish;
    c.bias_type = p->bias_type;
    c.kernels = brdnn_kernels_of(p);
    c.pass = p->pass;
    c.pad_l = p->pad_l;
    c.problem_stride = p->stride;
    c.problem_dilation = p->dilation;
    c.first_offset = brdnn_tap_offset(&c, is_backward ? c.kw - 1 : 0);
    c.last_offset = brdnn_tap_offset(&c, is_backward ? 0 : c.kw - 1);
    c.tap_group = choose_tap_group(&c);
    c.depth = depth_of(&c, c.tap_group);
    c.window = window_of(&c);
    return c;
}

int64_t brdnn_tap_offset(const brdnn_correlation *c, int64_t s) {
    const int64_t reach = s * c->problem_dilation - c->pad_l;
    return c->pass == BRDNN_BACKWARD_DATA ? brdnn_ceil_div(-reach, c->problem_stride) : reach;
}

/* The branch that tap s belongs to: of the positions it contributes to, the one in [0, stride). */
static int64_t branch_of_tap(const brdnn_correlation *c, int64_t s) {
    if (c->pass != BRDNN_BACKWARD_DATA) return 0;
    return brdnn_tap_offset(c, s) * c->problem_stride + s * c->problem_dilation - c->pad_l;
}

void brdnn_list_branches(const brdnn_correlation *c, brdnn_branch *branches) {
    for (int64_t b = 0; b < c->branches; ++b)
        branches[b] = (brdnn_branch) {0};
    /* Taps tap_step apart belong to one branch, and of those before them each starts a new one. */
    const int64_t apart = c->tap_step < 0 ? -c->tap_step : c->tap_step;
    for (int64_t s = 0; s < brdnn_min(apart, c->kw); ++s) {
        const int64_t b = branch_of_tap(c, s);
        if (b >= c->branches) continue; /* positions beyond the width */
        const int64_t taps = brdnn_ceil_div(c->kw - s, apart);
        const int64_t first = c->tap_step < 0 ? s + (taps - 1) * apart : s;
        branches[b] = (brdnn_branch) {.taps = taps,
                .first_tap = first,
                .offset = brdnn_tap_offset(c, first),
                .tap_groups = brdnn_ceil_div(taps, c->tap_group)};
    }
    for (int64_t b = 1; b < c->branches; ++b)
        branches[b].tap_groups_before
                = branches[b - 1].tap_groups_before + branches[b - 1].tap_groups;
}

int64_t brdnn_most_tap_groups(const brdnn_correlation *c) {
    return c->tap_group == 1 ? c->kw : c->kw / c->tap_group + c->branches + 1;
}

void brdnn_list_taps(const brdnn_correlation *c, const brdnn_branch *branches, int64_t *taps) {
    for (int64_t i = 0; i < brdnn_most_tap_groups(c) * c->tap_group; ++i)
        taps[i] = -1;
    for (int64_t b = 0; b < c->branches; ++b)
        for (int64_t t = 0; t < branches[b].taps; ++t) {
            const int64_t place = brdnn_place_of(c, &branches[b], t / c->tap_group);
            taps[place * c->tap_group + t % c->tap_group] = branches[b].first_tap + t * c->tap_step;
        }
}

brdnn_range brdnn_useful_tap_groups(
        const brdnn_correlation *c, const brdnn_branch *branch, int64_t j, int64_t count) {
    const int64_t first = j * c->stride + branch->offset, last = first + (count - 1) * c->stride;
    brdnn_range taps = {0, 0};
    if (last < 0) taps.begin = brdnn_min(brdnn_ceil_div(-last, c->dilation), branch->taps);
    if (first < c->iw)
        taps.end = brdnn_min(brdnn_ceil_div(c->iw - first, c->dilation), branch->taps);
    if (taps.end <= taps.begin) return (brdnn_range) {0, 0};
    return (brdnn_range) {taps.begin / c->tap_group, brdnn_ceil_div(taps.end, c->tap_group)};
}

double brdnn_average_useful_tap_groups(const brdnn_correlation *c, int64_t j, int64_t count) {
    /* Offsets of useful taps lie in [low, high], and change by this from tap to tap. */
    const int64_t low = -(j + count - 1) * c->stride, high = c->iw - 1 - j * c->stride;
    const double step = (double)c->problem_dilation
            / (c->pass == BRDNN_BACKWARD_DATA ? (double)c->problem_stride : 1.0);
    const int64_t from = brdnn_max(low, c->first_offset);
    const int64_t to = brdnn_min(high, c->last_offset);
    if (to < from) return 0;
    const double taps = (double)(to - from) / step + 1;
    const double useful = (taps < (double)c->kw ? taps : (double)c->kw) / (double)c->branches;
    return useful / (double)c->tap_group;
}

bool brdnn_reads_inside(const brdnn_correlation *c, int64_t j, int64_t count) {
    return j * c->stride + c->first_offset >= 0
            && (j + count - 1) * c->stride + c->last_offset < c->iw;
}
