/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/wei.h"

#include "pack/elements.h"
#include "pack/vnni.h"

#include <string.h>

brdnn_wei_packing brdnn_wei_packing_of(const brdnn_correlation *c, int64_t block, int64_t depth) {
    const int64_t tap_groups = c->tap_group == 1 ? c->kw : brdnn_most_tap_groups(c);
    return (brdnn_wei_packing) {.block = block,
            .blocks = brdnn_ceil_div(c->oc, block),
            .depth = depth,
            .entries = brdnn_product(tap_groups, c->depth / depth),
            .plane = brdnn_product(block, depth),
            .words_contiguous = brdnn_is_vnni(c->kernels) && c->layout == BRDNN_NCW};
}

int64_t brdnn_wei_block_words(const brdnn_correlation *c, const brdnn_wei_packing *packing) {
    return brdnn_product(brdnn_product(packing->entries, packing->plane), c->kernels.splits);
}

int64_t brdnn_packed_wei_bytes(const brdnn_correlation *c, const brdnn_wei_packing *packing) {
    const int64_t words = brdnn_product(
            brdnn_product(c->groups, packing->blocks), brdnn_wei_block_words(c, packing));
    return brdnn_product(words, brdnn_word_bytes);
}

int64_t brdnn_wei_entry(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branch, int64_t tap_group, int64_t first) {
    const int64_t place = c->tap_group == 1 ? branch->first_tap + tap_group * c->tap_step
                                            : branch->tap_groups_before + tap_group;
    const int64_t entry = (place * c->depth + first) / packing->depth;
    return entry * packing->plane * c->kernels.splits;
}

/* The filters of one block: its first weight, how many there are, and where they go. */
typedef struct {
    brdnn_type type;
    const void *wei;
    int64_t filters;
    void *packed;
    brdnn_exponent_range *seen; /* NULL: nobody asks */
} block;

static void pack_block_f32(
        const brdnn_correlation *c, const brdnn_wei_packing *packing, const block *b) {
    const brdnn_conv_weights *w = &c->wei;
    float *to = b->packed;
    for (int64_t k = 0; k < packing->block; ++k)
        for (int64_t i = 0; i < c->ic; ++i)
            for (int64_t s = 0; s < c->kw; ++s)
                to[(s * c->ic + i) * packing->block + k] = k < b->filters
                        ? brdnn_load(b->type, b->wei,
                                  k * w->oc_stride + i * w->ic_stride + s * w->kw_stride)
                        : 0.f;
}

/* Pairs are made of pieces: some neighbouring words of some tap groups of a branch, for one filter. */
enum { piece_words = 16, piece_tap_groups = 32, piece_terms = 2 * piece_words };

typedef struct {
    const brdnn_branch *branch;
    int64_t tap_group, tap_groups; /* the first and how many */
    int64_t item, words;
    float terms[piece_tap_groups]
               [piece_terms]; /* a row for each tap group, zero beyond its terms */
} piece;

/* Weight of term `term` of a tap group for filter k. */
static float weight(const brdnn_correlation *c, const block *b, const brdnn_branch *branch,
        int64_t tap_group, int64_t k, int64_t term) {
    const brdnn_conv_weights *w = &c->wei;
    const int64_t tap = tap_group * c->tap_group + term / c->ic;
    if (term >= c->tap_group * c->ic || tap >= branch->taps) return 0.f;
    return brdnn_load(b->type, b->wei,
            k * w->oc_stride + term % c->ic * w->ic_stride
                    + (branch->first_tap + tap * c->tap_step) * w->kw_stride);
}

/* Whether tap groups are single taps, with taps or channels contiguous: an image to be packed by position,
 * where a tap is a position. */
static bool is_image(const brdnn_correlation *c) {
    return c->tap_group == 1 && (c->wei.kw_stride == 1 || c->wei.ic_stride == 1);
}

static void gather_image(const brdnn_correlation *c, const block *b, int64_t k, piece *p) {
    const brdnn_conv_weights *w = &c->wei;
    const bool ncw = w->kw_stride == 1, falls = c->tap_step < 0;
    const int64_t first_channel = 2 * p->item;
    const int64_t last_tap_group = p->tap_group + p->tap_groups - 1;
    const brdnn_image image = {.layout = ncw ? BRDNN_NCW : BRDNN_NWC,
            .type = b->type,
            .start = brdnn_at(b->type, b->wei, k * w->oc_stride + first_channel * w->ic_stride),
            .pitch = ncw ? w->ic_stride : w->kw_stride,
            .channels = brdnn_min(2 * p->words, c->ic - first_channel),
            .width = c->kw};
    const brdnn_positions taps
            = {p->branch->first_tap + (falls ? last_tap_group : p->tap_group) * c->tap_step,
                    falls ? -c->tap_step : c->tap_step, p->tap_groups};
    brdnn_pack_by_position(c->kernels, &image, taps, p->terms[0], piece_terms);
}

static void gather_terms(const brdnn_correlation *c, const block *b, int64_t k, piece *p) {
    memset(p->terms, 0, (size_t)p->tap_groups * sizeof(p->terms[0]));
    if (k >= b->filters || 2 * p->item >= c->tap_group * c->ic) return;
    if (is_image(c)) {
        gather_image(c, b, k, p);
        return;
    }
    for (int64_t i = 0; i < p->tap_groups; ++i)
        for (int64_t t = 0; t < 2 * p->words; ++t)
            p->terms[i][t] = weight(c, b, p->branch, p->tap_group + i, k, 2 * p->item + t);
}

/* Stores the words of a piece where entries have them. An image has its taps in rising order. */
static void store_words(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const block *b, int64_t k, const piece *p,
        uint32_t (*words)[piece_tap_groups][piece_words]) {
    const int64_t in_entry = p->item % packing->depth;
    const int64_t place = packing->words_contiguous ? k * packing->depth + in_entry
                                                    : in_entry * packing->block + k;
    const int64_t step = packing->words_contiguous ? 1 : packing->block;
    const bool falls = is_image(c) && c->tap_step < 0;
    for (int64_t i = 0; i < p->tap_groups; ++i) {
        const int64_t tap_group = p->tap_group + (falls ? p->tap_groups - 1 - i : i);
        uint32_t *entry = (uint32_t *)b->packed
                + brdnn_wei_entry(c, packing, p->branch, tap_group, p->item) + place;
        for (int64_t plane = 0; plane < c->kernels.splits; ++plane)
            for (int64_t r = 0; r < p->words; ++r)
                entry[plane * packing->plane + r * step] = words[plane][i][r];
    }
}

static void pack_piece(const brdnn_correlation *c, const brdnn_wei_packing *packing, const block *b,
        int64_t k, piece *p) {
    uint32_t words[brdnn_most_splits][piece_tap_groups][piece_words];
    const brdnn_image rows = {.layout = BRDNN_NWC,
            .start = p->terms,
            .pitch = piece_terms,
            .channels = piece_terms,
            .width = p->tap_groups};
    const brdnn_vnni_rows to = {.start = words[0][0],
            .pitch = piece_words,
            .plane = (int64_t)piece_tap_groups * piece_words,
            .splits = c->kernels.splits};
    gather_terms(c, b, k, p);
    if (b->seen)
        brdnn_exponents_of_row(BRDNN_F32, p->terms[0], p->tap_groups * piece_terms, b->seen);
    brdnn_vnni_terms_by_position(
            &rows, (brdnn_positions) {0, 1, p->tap_groups}, (brdnn_fold) {1, 0}, piece_words, &to);
    store_words(c, packing, b, k, p, words);
}

/* Packs some words of the tap groups of a branch for all filters of a block. */
static void pack_words(
        const brdnn_correlation *c, const brdnn_wei_packing *packing, const block *b, piece *p) {
    const brdnn_branch *branch = p->branch;
    for (p->tap_group = 0; p->tap_group < branch->tap_groups; p->tap_group += piece_tap_groups) {
        p->tap_groups = brdnn_min(piece_tap_groups, branch->tap_groups - p->tap_group);
        for (int64_t k = 0; k < packing->block; ++k)
            pack_piece(c, packing, b, k, p);
    }
}

static void pack_block_pairs(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branches, const block *b) {
    piece p;
    for (int64_t i = 0; i < c->branches; ++i) {
        p.branch = &branches[i];
        for (p.item = 0; p.item < c->depth; p.item += p.words) {
            const int64_t left = packing->depth - p.item % packing->depth;
            p.words = brdnn_min(piece_words, left);
            pack_words(c, packing, b, &p);
        }
    }
}

void brdnn_pack_wei(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branches, const void *wei, brdnn_range some, void *packed,
        brdnn_exponent_range *seen) {
    const int64_t words = brdnn_wei_block_words(c, packing);
    for (int64_t i = some.begin; i < some.end; ++i) {
        const int64_t g = i / packing->blocks, k = i % packing->blocks * packing->block;
        const int64_t first = g * c->wei.g_stride + k * c->wei.oc_stride;
        const block b = {.type = c->wei.type,
                .wei = brdnn_at(c->wei.type, wei, first),
                .filters = brdnn_min(packing->block, c->oc - k),
                .packed = (uint32_t *)packed + (i - some.begin) * words,
                .seen = seen ? seen + (i - some.begin) : NULL};
        if (b.seen) *b.seen = brdnn_no_exponents();
        if (!brdnn_is_vnni(c->kernels)) pack_block_f32(c, packing, &b);
        else pack_block_pairs(c, packing, branches, &b);
    }
}
