/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "src_packing.h"

int64_t brconv1d_padded_row(int64_t length) {
    const int64_t line = 64 / sizeof(float), conflict = 1024 / sizeof(float);
    if (length < line) return length;
    const int64_t row = brconv1d_round_up(length, line);
    return row % conflict ? row : row + line;
}

/* First src position of a segment for output 0. */
static int64_t segment_offset(
        const brconv1d_correlation *c, const brconv1d_src_packing *packing, int64_t segment) {
    return packing->segments == 1 ? c->first_offset : brconv1d_tap_offset(c, segment);
}

brconv1d_src_packing brconv1d_src_packing_of(
        const brconv1d_correlation *c, brconv1d_layout form, int64_t outputs) {
    brconv1d_src_packing packing = {.form = form};
    packing.segments = brconv1d_min(c->stride / brconv1d_gcd(c->stride, c->dilation), c->kw);
    /* The last segment-full of taps starts here; all of them end at last_offset or before. */
    const int64_t last_of_first = (c->kw - 1) / packing.segments * packing.segments;
    packing.halo = packing.segments == 1
            ? (c->last_offset - c->first_offset) / c->stride
            : (brconv1d_tap_offset(c, last_of_first) - c->first_offset) / c->stride;
    packing.segment = outputs + packing.halo;
    /* Segments of their own for taps that share little; very short ones cost more than they hold. */
    const int64_t shortest = 16, own = brconv1d_max(outputs, shortest);
    if (brconv1d_product(c->kw, own) < brconv1d_product(packing.segments, packing.segment))
        packing = (brconv1d_src_packing) {.form = form, .segments = c->kw, .segment = outputs};

    const int64_t positions = brconv1d_product(packing.segments, packing.segment);
    const bool ncw = form == BRCONV1D_NCW;
    packing.rows = ncw ? c->ic : positions;
    packing.pitch = brconv1d_padded_row(ncw ? positions : c->ic);
    return packing;
}

int64_t brconv1d_packed_src_bytes(const brconv1d_src_packing *packing) {
    return brconv1d_product(brconv1d_product(packing->rows, packing->pitch), sizeof(float));
}

int64_t brconv1d_packed_tap(
        const brconv1d_correlation *c, const brconv1d_src_packing *packing, int64_t s) {
    const int64_t segment = s % packing->segments;
    return segment * packing->segment
            + (brconv1d_tap_offset(c, s) - segment_offset(c, packing, segment)) / c->stride;
}

/* Whether segments hold neighbouring positions in turn, and there is something to gain from reading them
 * so: a single channel is not transposed. */
static bool can_be_dealt(const brconv1d_correlation *c, const brconv1d_src_packing *packing,
        const brconv1d_image *image) {
    return packing->form == BRCONV1D_NWC && image->layout == BRCONV1D_NCW && image->channels > 1
            && packing->segments > 1 && packing->segments == c->stride && c->dilation == 1;
}

void brconv1d_pack_src(const brconv1d_correlation *c, const brconv1d_src_packing *packing,
        const brconv1d_image *image, int64_t base, int64_t count, float *packed) {
    if (can_be_dealt(c, packing, image)) {
        brconv1d_deal_positions(c->isa, image, base + segment_offset(c, packing, 0),
                packing->segments, count + packing->halo, packed, packing->segment * packing->pitch,
                packing->pitch);
        return;
    }
    for (int64_t i = 0; i < packing->segments; ++i) {
        const brconv1d_progression positions
                = {base + segment_offset(c, packing, i), c->stride, count + packing->halo};
        const int64_t start = i * packing->segment;
        if (packing->form == BRCONV1D_NCW)
            brconv1d_pack_by_channel(c->isa, image, positions, packed + start, packing->pitch);
        else
            brconv1d_pack_by_position(
                    c->isa, image, positions, packed + start * packing->pitch, packing->pitch);
    }
}
