/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/src.h"

#include "pack/vnni.h"

static const int64_t line = 64 / brdnn_item_bytes;

int64_t brdnn_padded_row(int64_t length) {
    const int64_t conflict = 1024 / brdnn_item_bytes;
    if (length < line) return length;
    const int64_t row = brdnn_round_up(length, line);
    return row % conflict ? row : row + line;
}

/* Taps from the first one of a segment to that of the next. Backward data's bundles are spread over
 * the weights, so that any tap may be the first of one. */
static int64_t segment_taps(const brdnn_correlation *c) {
    return c->pass == BRDNN_BACKWARD_DATA ? 1 : c->bundle;
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
    const int64_t apart = c->dilation * c->bundle; /* from one bundle to the next */
    const int64_t bundles = brdnn_ceil_div(c->kw, segment_taps(c));
    packing.segments = brdnn_min(c->stride / brdnn_gcd(c->stride, apart), bundles);
    /* The last segment-full of bundles starts here; all of them end at last_bundle or before. */
    const int64_t last_of_first = (bundles - 1) / packing.segments * packing.segments * c->bundle;
    packing.halo = packing.segments == 1
            ? (c->last_bundle - c->first_offset) / c->stride
            : (brdnn_tap_offset(c, last_of_first) - c->first_offset) / c->stride;
    packing.segment = outputs + packing.halo;
    /* Segments of their own for taps that share little; very short ones cost more than they hold. */
    const int64_t shortest = 16, own = brdnn_max(outputs, shortest);
    if (brdnn_product(bundles, own) < brdnn_product(packing.segments, packing.segment))
        packing = (brdnn_src_packing) {.form = form, .segments = bundles, .segment = outputs};

    const int64_t positions = brdnn_product(packing.segments, packing.segment);
    const bool ncw = form == BRDNN_NCW;
    packing.rows = ncw ? c->depth : positions;
    packing.pitch = brdnn_padded_row(ncw ? positions : c->depth);
    packing.parts = c->items.parts;
    packing.part = brdnn_product(packing.rows, packing.pitch);
    if (!brdnn_is_f32(c->items)) packing.part = brdnn_round_up(packing.part, line);
    return packing;
}

int64_t brdnn_packed_src_bytes(const brdnn_src_packing *packing) {
    return (int64_t)brdnn_item_lines(brdnn_product(packing->part, packing->parts));
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
    return brdnn_is_f32(c->items) && packing->form == BRDNN_NWC && image->layout == BRDNN_NCW
            && image->channels > 1 && packing->segments > 1 && packing->segments == c->stride
            && c->dilation == 1;
}

/* Packs one segment of f32 items. */
static void pack_f32(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, brdnn_progression positions, float *packed) {
    if (packing->form == BRDNN_NCW)
        brdnn_pack_by_channel(c->isa, image, positions, packed, packing->pitch);
    else brdnn_pack_by_position(c->isa, image, positions, packed, packing->pitch);
}

/* Packs one segment for backward weights: items are pairs of positions, taps of a bundle stand side by
 * side. */
static void pack_position_pairs(const brdnn_correlation *c, const brdnn_image *image,
        brdnn_progression positions, brdnn_pair_rows to) {
    for (int64_t tap = 0; tap < c->bundle; ++tap) {
        brdnn_pair_positions_by_position(image, positions, c->item_apart, &to);
        positions.first += c->dilation;
        to.start += image->channels;
    }
}

/* Packs one segment of bf16 items. */
static void pack_pairs(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, brdnn_progression positions, uint32_t *packed) {
    const brdnn_fold fold = {c->bundle, c->dilation};
    const brdnn_pair_rows to = {packed, packing->pitch, packing->part, packing->parts};
    if (c->pass == BRDNN_BACKWARD_WEIGHTS) pack_position_pairs(c, image, positions, to);
    else if (packing->form == BRDNN_NCW)
        brdnn_pair_terms_by_term(image, positions, fold, packing->rows, &to);
    else brdnn_pair_terms_by_position(image, positions, fold, c->depth, &to);
}

void brdnn_pack_src(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, int64_t base, int64_t count, void *packed) {
    if (can_be_dealt(c, packing, image)) {
        brdnn_deal_positions(c->isa, image, base + segment_offset(c, packing, 0), packing->segments,
                count + packing->halo, packed, packing->segment * packing->pitch, packing->pitch);
        return;
    }
    for (int64_t i = 0; i < packing->segments; ++i) {
        const brdnn_progression positions
                = {base + segment_offset(c, packing, i), c->stride, count + packing->halo};
        const int64_t start
                = i * packing->segment * (packing->form == BRDNN_NCW ? 1 : packing->pitch);
        if (brdnn_is_f32(c->items)) pack_f32(c, packing, image, positions, (float *)packed + start);
        else pack_pairs(c, packing, image, positions, (uint32_t *)packed + start);
    }
}
