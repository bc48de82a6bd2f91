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

/* First src position of a segment for output 0. */
static int64_t segment_offset(
        const brdnn_window *w, const brdnn_src_packing *packing, int64_t segment) {
    return packing->segments == 1 ? brdnn_window_first(w) : brdnn_window_offset(w, segment);
}

/* Whole segments of entries that share them, or one of its own for each. */
static void choose_segments(const brdnn_window *w, int64_t outputs, brdnn_src_packing *packing) {
    const int64_t step = w->step < 0 ? -w->step : w->step;
    const int64_t segments = brdnn_min(w->stride / brdnn_gcd(w->stride, step), w->entries);
    const int64_t last = (w->entries - 1) / segments * segments; /* of those in the first segment */
    const int64_t reach = segments == 1 ? brdnn_window_last(w) - brdnn_window_first(w)
                                        : brdnn_window_offset(w, last) - brdnn_window_offset(w, 0);
    packing->segments = segments;
    packing->halo = reach / w->stride;
    packing->segment = outputs + packing->halo;
    /* Very short segments cost more than they hold. */
    const int64_t shortest = 16, own = brdnn_max(outputs, shortest);
    if (brdnn_product(w->entries, own) >= brdnn_product(segments, packing->segment)) return;
    packing->segments = w->entries;
    packing->halo = 0;
    packing->segment = outputs;
}

brdnn_src_packing brdnn_src_packing_of(const brdnn_window *w, brdnn_layout form, int64_t outputs) {
    brdnn_src_packing packing = {.form = form};
    choose_segments(w, outputs, &packing);
    const int64_t positions = brdnn_product(packing.segments, packing.segment);
    const bool ncw = form == BRDNN_NCW;
    packing.rows = ncw ? w->depth : positions;
    packing.pitch = brdnn_padded_row(ncw ? positions : w->depth);
    packing.plane = brdnn_product(packing.rows, packing.pitch);
    if (brdnn_is_vnni(w->kernels)) packing.plane = brdnn_round_up(packing.plane, line);
    return packing;
}

int64_t brdnn_packed_src_bytes(const brdnn_window *w, const brdnn_src_packing *packing) {
    return (int64_t)brdnn_word_lines(brdnn_product(packing->plane, w->kernels.splits));
}

int64_t brdnn_packed_position(
        const brdnn_window *w, const brdnn_src_packing *packing, int64_t entry) {
    const int64_t segment = entry % packing->segments;
    return segment * packing->segment
            + (brdnn_window_offset(w, entry) - segment_offset(w, packing, segment)) / w->stride;
}

/* Whether segments hold neighbouring positions in turn, and there is something to gain from reading them
 * so: a single channel is not transposed. */
static bool can_be_deinterleaved(
        const brdnn_window *w, const brdnn_src_packing *packing, const brdnn_image *image) {
    return !brdnn_is_vnni(w->kernels) && packing->form == BRDNN_NWC && image->layout == BRDNN_NCW
            && image->channels > 1 && packing->segments > 1 && packing->segments == w->stride
            && w->step == 1;
}

/* Packs one segment of f32 words. */
static void pack_f32(const brdnn_window *w, const brdnn_src_packing *packing,
        const brdnn_image *image, brdnn_positions positions, float *packed) {
    if (packing->form == BRDNN_NCW)
        brdnn_pack_by_channel(w->kernels, image, positions, packed, packing->pitch);
    else brdnn_pack_by_position(w->kernels, image, positions, packed, packing->pitch);
}

/* Packs one segment of VNNI pairs of positions; taps of an entry stand side by side. */
static void pack_position_pairs(const brdnn_window *w, const brdnn_image *image,
        brdnn_positions positions, brdnn_vnni_rows to) {
    for (int64_t tap = 0; tap < w->tap_group; ++tap) {
        brdnn_vnni_positions_by_position(image, positions, w->pair_distance, &to);
        positions.first += w->dilation;
        to.start += image->channels;
    }
}

/* Packs one segment of VNNI pairs. */
static void pack_vnni(const brdnn_window *w, const brdnn_src_packing *packing,
        const brdnn_image *image, brdnn_positions positions, uint32_t *packed) {
    const brdnn_fold fold = {w->tap_group, w->dilation};
    const brdnn_vnni_rows to = {packed, packing->pitch, packing->plane, w->kernels.splits};
    if (w->pair_distance > 0) pack_position_pairs(w, image, positions, to);
    else if (packing->form == BRDNN_NCW)
        brdnn_vnni_terms_by_term(image, positions, fold, packing->rows, &to);
    else brdnn_vnni_terms_by_position(image, positions, fold, w->depth, &to);
}

void brdnn_pack_src(const brdnn_window *w, const brdnn_src_packing *packing,
        const brdnn_image *image, int64_t base, int64_t count, void *packed) {
    if (can_be_deinterleaved(w, packing, image)) {
        brdnn_deinterleave_positions(w->kernels, image, base + segment_offset(w, packing, 0),
                packing->segments, count + packing->halo, packed, packing->segment * packing->pitch,
                packing->pitch);
        return;
    }
    for (int64_t i = 0; i < packing->segments; ++i) {
        const brdnn_positions positions
                = {base + segment_offset(w, packing, i), w->stride, count + packing->halo};
        const int64_t start
                = i * packing->segment * (packing->form == BRDNN_NCW ? 1 : packing->pitch);
        if (brdnn_is_vnni(w->kernels))
            pack_vnni(w, packing, image, positions, (uint32_t *)packed + start);
        else pack_f32(w, packing, image, positions, (float *)packed + start);
    }
}
