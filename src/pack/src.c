/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/src.h"

#include "pack/vnni.h"

static const int64_t line = 64 / brdnn_word_bytes;

int64_t brdnn_padded_row(int64_t length) {
    const int64_t conflict = 1024 / brdnn_word_bytes;
    if (length < line) return length;
    const int64_t row = brdnn_round_up(length, line);
    return row % conflict ? row : row + line;
}

/* Taps from the first one of a segment to that of the next. Backward data's tap groups are spread over
 * the weights, so that any tap may be the first of one. */
static int64_t segment_taps(const brdnn_correlation *c) {
    return c->pass == BRDNN_BACKWARD_DATA ? 1 : c->tap_group;
}

/* First src position of a segment for output 0. */
static int64_t segment_offset(
        const brdnn_correlation *c, const brdnn_src_packing *packing, int64_t segment) {
    return packing->segments == 1 ? c->first_offset
                                  : brdnn_tap_offset(c, segment * segment_taps(c));
}

brdnn_src_packing brdnn_src_packing_of(
        const brdnn_correlation *c, brdnn_layout form, int64_t outputs) {
    brdnn_src_packing packing = {.form = form};
    const int64_t apart = c->dilation * c->tap_group; /* from one tap group to the next */
    const int64_t tap_groups = brdnn_ceil_div(c->kw, segment_taps(c));
    packing.segments = brdnn_min(c->stride / brdnn_gcd(c->stride, apart), tap_groups);
    /* The last segment-full of tap groups starts here; all of them end at last_tap group or before. */
    const int64_t last_of_first
            = (tap_groups - 1) / packing.segments * packing.segments * c->tap_group;
    packing.halo = packing.segments == 1
            ? (c->last_tap_group - c->first_offset) / c->stride
            : (brdnn_tap_offset(c, last_of_first) - c->first_offset) / c->stride;
    packing.segment = outputs + packing.halo;
    /* Segments of their own for taps that share little; very short ones cost more than they hold. */
    const int64_t shortest = 16, own = brdnn_max(outputs, shortest);
    if (brdnn_product(tap_groups, own) < brdnn_product(packing.segments, packing.segment))
        packing = (brdnn_src_packing) {.form = form, .segments = tap_groups, .segment = outputs};

    const int64_t positions = brdnn_product(packing.segments, packing.segment);
    const bool ncw = form == BRDNN_NCW;
    packing.rows = ncw ? c->depth : positions;
    packing.pitch = brdnn_padded_row(ncw ? positions : c->depth);
    packing.splits = c->kernels.splits;
    packing.plane = brdnn_product(packing.rows, packing.pitch);
    if (brdnn_is_vnni(c->kernels)) packing.plane = brdnn_round_up(packing.plane, line);
    return packing;
}

int64_t brdnn_packed_src_bytes(const brdnn_src_packing *packing) {
    return (int64_t)brdnn_word_lines(brdnn_product(packing->plane, packing->splits));
}

int64_t brdnn_packed_tap(const brdnn_correlation *c, const brdnn_src_packing *packing, int64_t s) {
    const int64_t segment = s / segment_taps(c) % packing->segments;
    return segment * packing->segment
            + (brdnn_tap_offset(c, s) - segment_offset(c, packing, segment)) / c->stride;
}

/* Whether segments hold neighbouring positions in turn, and there is something to gain from reading them
 * so: a single channel is not transposed. */
static bool can_be_dealt(
        const brdnn_correlation *c, const brdnn_src_packing *packing, const brdnn_image *image) {
    return !brdnn_is_vnni(c->kernels) && packing->form == BRDNN_NWC && image->layout == BRDNN_NCW
            && image->channels > 1 && packing->segments > 1 && packing->segments == c->stride
            && c->dilation == 1;
}

/* Packs one segment of f32 words. */
static void pack_f32(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, brdnn_positions positions, float *packed) {
    if (packing->form == BRDNN_NCW)
        brdnn_pack_by_channel(c->kernels, image, positions, packed, packing->pitch);
    else brdnn_pack_by_position(c->kernels, image, positions, packed, packing->pitch);
}

/* Packs one segment for backward weights: words are pairs of positions, taps of a tap group stand side by
 * side. */
static void pack_position_pairs(const brdnn_correlation *c, const brdnn_image *image,
        brdnn_positions positions, brdnn_vnni_rows to) {
    for (int64_t tap = 0; tap < c->tap_group; ++tap) {
        brdnn_vnni_positions_by_position(image, positions, c->item_apart, &to);
        positions.first += c->dilation;
        to.start += image->channels;
    }
}

/* Packs one segment of VNNI pairs. */
static void pack_pairs(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, brdnn_positions positions, uint32_t *packed) {
    const brdnn_fold fold = {c->tap_group, c->dilation};
    const brdnn_vnni_rows to = {packed, packing->pitch, packing->plane, packing->splits};
    if (c->pass == BRDNN_BACKWARD_WEIGHTS) pack_position_pairs(c, image, positions, to);
    else if (packing->form == BRDNN_NCW)
        brdnn_vnni_terms_by_term(image, positions, fold, packing->rows, &to);
    else brdnn_vnni_terms_by_position(image, positions, fold, c->depth, &to);
}

void brdnn_pack_src(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, int64_t base, int64_t count, void *packed) {
    if (can_be_dealt(c, packing, image)) {
        brdnn_deinterleave_positions(c->kernels, image, base + segment_offset(c, packing, 0),
                packing->segments, count + packing->halo, packed, packing->segment * packing->pitch,
                packing->pitch);
        return;
    }
    for (int64_t i = 0; i < packing->segments; ++i) {
        const brdnn_positions positions
                = {base + segment_offset(c, packing, i), c->stride, count + packing->halo};
        const int64_t start
                = i * packing->segment * (packing->form == BRDNN_NCW ? 1 : packing->pitch);
        if (!brdnn_is_vnni(c->kernels))
            pack_f32(c, packing, image, positions, (float *)packed + start);
        else pack_pairs(c, packing, image, positions, (uint32_t *)packed + start);
    }
}
