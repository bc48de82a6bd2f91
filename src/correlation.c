/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "correlation.h"

#include "problem.h"

static brconv1d_correlation forward(const brconv1d_problem *p) {
    return (brconv1d_correlation) {.ic = brconv1d_group_ic(p),
            .oc = brconv1d_group_oc(p),
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

static brconv1d_correlation backward_data(const brconv1d_problem *p) {
    const int64_t common = brconv1d_gcd(p->stride, p->dilation);
    brconv1d_correlation c = {.ic = brconv1d_group_oc(p),
            .oc = brconv1d_group_ic(p),
            .iw = p->ow,
            .ow = p->iw,
            .branches = brconv1d_min(p->stride, p->iw),
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

brconv1d_correlation brconv1d_correlation_of(const brconv1d_problem *p) {
    const bool is_backward = p->pass == BRCONV1D_BACKWARD_DATA;
    brconv1d_correlation c = is_backward ? backward_data(p) : forward(p);
    c.mb = p->mb;
    c.groups = p->groups;
    c.kw = p->kw;
    c.outputs = brconv1d_ceil_div(c.ow, c.branches);
    c.layout = p->layout;
    c.finish = p->finish;
    c.isa = p->isa;
    c.pass = p->pass;
    c.pad_l = p->pad_l;
    c.problem_stride = p->stride;
    c.problem_dilation = p->dilation;
    c.first_offset = brconv1d_tap_offset(&c, is_backward ? c.kw - 1 : 0);
    c.last_offset = brconv1d_tap_offset(&c, is_backward ? 0 : c.kw - 1);
    return c;
}

brconv1d_correlation brconv1d_correlation_over_positions(
        const brconv1d_problem *p, int64_t positions) {
    brconv1d_correlation c = brconv1d_correlation_of(p);
    c.kw = positions;
    c.ow = c.outputs = p->kw;
    c.stride = c.problem_stride = p->dilation;
    c.dilation = c.problem_dilation = p->stride;
    c.first_offset = brconv1d_tap_offset(&c, 0);
    c.last_offset = brconv1d_tap_offset(&c, positions - 1);
    return c;
}

int64_t brconv1d_tap_offset(const brconv1d_correlation *c, int64_t s) {
    const int64_t reach = s * c->problem_dilation - c->pad_l;
    return c->pass == BRCONV1D_BACKWARD_DATA ? brconv1d_ceil_div(-reach, c->problem_stride) : reach;
}

/* The branch that tap s belongs to: of the positions it contributes to, the one in [0, stride). */
static int64_t branch_of_tap(const brconv1d_correlation *c, int64_t s) {
    if (c->pass != BRCONV1D_BACKWARD_DATA) return 0;
    return brconv1d_tap_offset(c, s) * c->problem_stride + s * c->problem_dilation - c->pad_l;
}

void brconv1d_list_branches(const brconv1d_correlation *c, brconv1d_branch *branches) {
    for (int64_t b = 0; b < c->branches; ++b)
        branches[b] = (brconv1d_branch) {0};
    /* Taps tap_step apart belong to one branch, and of those before them each starts a new one. */
    const int64_t apart = c->tap_step < 0 ? -c->tap_step : c->tap_step;
    for (int64_t s = 0; s < brconv1d_min(apart, c->kw); ++s) {
        const int64_t b = branch_of_tap(c, s);
        if (b >= c->branches) continue; /* positions beyond the width */
        const int64_t taps = brconv1d_ceil_div(c->kw - s, apart);
        const int64_t first = c->tap_step < 0 ? s + (taps - 1) * apart : s;
        branches[b] = (brconv1d_branch) {taps, first, brconv1d_tap_offset(c, first), 0};
    }
    for (int64_t b = 1; b < c->branches; ++b)
        branches[b].taps_before = branches[b - 1].taps_before + branches[b - 1].taps;
}

brconv1d_range brconv1d_useful_taps(
        const brconv1d_correlation *c, const brconv1d_branch *branch, int64_t j, int64_t count) {
    const int64_t first = j * c->stride + branch->offset, last = first + (count - 1) * c->stride;
    brconv1d_range taps = {0, 0};
    if (last < 0) taps.begin = brconv1d_min(brconv1d_ceil_div(-last, c->dilation), branch->taps);
    if (first < c->iw)
        taps.end = brconv1d_min(brconv1d_ceil_div(c->iw - first, c->dilation), branch->taps);
    return taps;
}

double brconv1d_average_useful_taps(const brconv1d_correlation *c, int64_t j, int64_t count) {
    /* Offsets of useful taps lie in [low, high], and change by this from tap to tap. */
    const int64_t low = -(j + count - 1) * c->stride, high = c->iw - 1 - j * c->stride;
    const double step = (double)c->problem_dilation
            / (c->pass == BRCONV1D_BACKWARD_DATA ? (double)c->problem_stride : 1.0);
    const int64_t from = brconv1d_max(low, c->first_offset);
    const int64_t to = brconv1d_min(high, c->last_offset);
    if (to < from) return 0;
    const double taps = (double)(to - from) / step + 1;
    return (taps < (double)c->kw ? taps : (double)c->kw) / (double)c->branches;
}

bool brconv1d_reads_inside(const brconv1d_correlation *c, int64_t j, int64_t count) {
    return j * c->stride + c->first_offset >= 0
            && (j + count - 1) * c->stride + c->last_offset < c->iw;
}
