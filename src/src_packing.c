/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "src_packing.h"

#include "pairs.h"

static const int64_t line = 64 / brconv1d_item_bytes;

int64_t brconv1d_padded_row(int64_t length) {
    const int64_t conflict = 1024 / brconv1d_item_bytes;
    if (length < line) return length;
    const int64_t row = brconv1d_round_up(length, line);
    return row % conflict ? row : row + line;
}

/* Taps from the first one of a segment to that of the next. Backward data's bundles are spread over
 * the weights, so that any tap may be the first of one. */
static int64_t segment_taps(const brconv1d_correlation *c) {
    return c->pass == BRCONV1D_BACKWARD_DATA ? 1 : c->bundle;
}

/* First src position of a segment for output 0. */
static int64_t segment_offset(
        const brconv1d_correlation *c, const brconv1d_src_packing *packing, int64_t segment) {
    return packing->segments == 1 ? c->first_offset
                                  : brconv1d_tap_offset(c, segment * segment_taps(c));
}

brconv1d_src_packing brconv1d_src_packing_of(
        const brconv1d_correlation *c, brconv1d_layout form, int64_t outputs) {
    brconv1d_src_packing packing = {.form = form};
    const int64_t apart = c->dilation * c->bundle; /* from one bundle to the next */
    const int64_t bundles = brconv1d_ceil_div(c->kw, segment_taps(c));
    packing.segments = brconv1d_min(c->stride / brconv1d_gcd(c->stride, apart), bundles);
    /* The last segment-full of bundles starts here; all of them end at last_bundle or before. */
    const int64_t last_of_first = (bundles - 1) / packing.segments * packing.segments * c->bundle;
    packing.halo = packing.segments == 1
            ? (c->last_bundle - c->first_offset) / c->stride
            : (brconv1d_tap_offset(c, last_of_first) - c->first_offset) / c->stride;
    packing.segment = outputs + packing.halo;
    /* Segments of their own for taps that share little; very short ones cost more than they hold. */
    const int64_t shortest = 16, own = brconv1d_max(outputs, shortest);
    if (brconv1d_product(bundles, own) < brconv1d_product(packing.segments, packing.segment))
        packing = (brconv1d_src_packing) {.form = form, .segments = bundles, .segment = outputs};

    const int64_t positions = brconv1d_product(packing.segments, packing.segment);
    const bool ncw = form == BRCONV1D_NCW;
    packing.rows = ncw ? c->depth : positions;
    packing.pitch = brconv1d_padded_row(ncw ? positions : c->depth);
    packing.parts = c->items.parts;
    packing.part = brconv1d_product(packing.rows, packing.pitch);
    if (!brconv1d_is_f32(c->items)) packing.part = brconv1d_round_up(packing.part, line);
    return packing;
}

int64_t brconv1d_packed_src_bytes(const brconv1d_src_packing *packing) {
    return (int64_t)brconv1d_item_lines(brconv1d_product(packing->part, packing->parts));
}

int64_t brconv1d_packed_tap(
        const brconv1d_correlation *c, const brconv1d_src_packing *packing, int64_t s) {
    const int64_t segment = s / segment_taps(c) % packing->segments;
    return segment * packing->segment
            + (brconv1d_tap_offset(c, s) - segment_offset(c, packing, segment)) / c->stride;
}

/* Whether segments hold neighbouring positions in turn, and there is something to gain from reading them
 * so: a single channel is not transposed. */
static bool can_be_dealt(const brconv1d_correlation *c, const brconv1d_src_packing *packing,
        const brconv1d_image *image) {
    return brconv1d_is_f32(c->items) && packing->form == BRCONV1D_NWC
            && image->layout == BRCONV1D_NCW && image->channels > 1 && packing->segments > 1
            && packing->segments == c->stride && c->dilation == 1;
}

/* Packs one segment of f32 items. */
static void pack_f32(const brconv1d_correlation *c, const brconv1d_src_packing *packing,
        const brconv1d_image *image, brconv1d_progression positions, float *packed) {
    if (packing->form == BRCONV1D_NCW)
        brconv1d_pack_by_channel(c->isa, image, positions, packed, packing->pitch);
    else brconv1d_pack_by_position(c->isa, image, positions, packed, packing->pitch);
}

/* Packs one segment for backward weights: items are pairs of positions, taps of a bundle stand side by
 * side. */
static void pack_position_pairs(const brconv1d_correlation *c, const brconv1d_image *image,
        brconv1d_progression positions, brconv1d_pair_rows to) {
    for (int64_t tap = 0; tap < c->bundle; ++tap) {
        brconv1d_pair_positions_by_position(image, positions, c->item_apart, &to);
        positions.first += c->dilation;
        to.start += image->channels;
    }
}

/* Packs one segment of bf16 items. */
static void pack_pairs(const brconv1d_correlation *c, const brconv1d_src_packing *packing,
        const brconv1d_image *image, brconv1d_progression positions, uint32_t *packed) {
    const brconv1d_fold fold = {c->bundle, c->dilation};
    const brconv1d_pair_rows to = {packed, packing->pitch, packing->part, packing->parts};
    if (c->pass == BRCONV1D_BACKWARD_WEIGHTS) pack_position_pairs(c, image, positions, to);
    else if (packing->form == BRCONV1D_NCW)
        brconv1d_pair_terms_by_term(image, positions, fold, packing->rows, &to);
    else brconv1d_pair_terms_by_position(image, positions, fold, c->depth, &to);
}

void brconv1d_pack_src(const brconv1d_correlation *c, const brconv1d_src_packing *packing,
        const brconv1d_image *image, int64_t base, int64_t count, void *packed) {
    if (can_be_dealt(c, packing, image)) {
        brconv1d_deal_positions(c->isa, image, base + segment_offset(c, packing, 0),
                packing->segments, count + packing->halo, packed, packing->segment * packing->pitch,
                packing->pitch);
        return;
    }
    for (int64_t i = 0; i < packing->segments; ++i) {
        const brconv1d_progression positions
                = {base + segment_offset(c, packing, i), c->stride, count + packing->halo};
        const int64_t start
                = i * packing->segment * (packing->form == BRCONV1D_NCW ? 1 : packing->pitch);
        if (brconv1d_is_f32(c->items))
            pack_f32(c, packing, image, positions, (float *)packed + start);
        else pack_pairs(c, packing, image, positions, (uint32_t *)packed + start);
    }
}
