/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/wei.h"

#include "pack/elements.h"
#include "pack/vnni.h"

#include <string.h>

brdnn_wei_packing brdnn_wei_packing_of(const brdnn_correlation *c, int64_t block, int64_t depth) {
    const int64_t bundles = c->bundle == 1 ? c->kw : brdnn_most_bundles(c);
    return (brdnn_wei_packing) {.block = block,
            .blocks = brdnn_ceil_div(c->oc, block),
            .depth = depth,
            .entries = brdnn_product(bundles, c->depth / depth),
            .part = brdnn_product(block, depth),
            .items_contiguous = !brdnn_is_f32(c->items) && c->layout == BRDNN_NCW};
}

int64_t brdnn_wei_block_items(const brdnn_correlation *c, const brdnn_wei_packing *packing) {
    return brdnn_product(brdnn_product(packing->entries, packing->part), c->items.parts);
}

int64_t brdnn_packed_wei_bytes(const brdnn_correlation *c, const brdnn_wei_packing *packing) {
    const int64_t items = brdnn_product(
            brdnn_product(c->groups, packing->blocks), brdnn_wei_block_items(c, packing));
    return brdnn_product(items, brdnn_item_bytes);
}

int64_t brdnn_wei_entry(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branch, int64_t bundle, int64_t first) {
    const int64_t place = c->bundle == 1 ? branch->first_tap + bundle * c->tap_step
                                         : branch->bundles_before + bundle;
    const int64_t entry = (place * c->depth + first) / packing->depth;
    return entry * packing->part * c->items.parts;
}

/* The filters of one block: its first weight, how many there are, and where they go. */
typedef struct {
    brdnn_type type;
    const void *wei;
    int64_t filters;
    void *packed;
    brdnn_magnitudes *seen; /* NULL: nobody asks */
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

/* Pairs are made of pieces: some neighbouring items of some bundles of a branch, for one filter. */
enum { piece_items = 16, piece_bundles = 32, piece_terms = 2 * piece_items };

typedef struct {
    const brdnn_branch *branch;
    int64_t bundle, bundles; /* the first and how many */
    int64_t item, items;
    float terms[piece_bundles][piece_terms]; /* a row for each bundle, zero beyond its terms */
} piece;

/* Weight of term `term` of a bundle for filter k. */
static float weight(const brdnn_correlation *c, const block *b, const brdnn_branch *branch,
        int64_t bundle, int64_t k, int64_t term) {
    const brdnn_conv_weights *w = &c->wei;
    const int64_t tap = bundle * c->bundle + term / c->ic;
    if (term >= c->bundle * c->ic || tap >= branch->taps) return 0.f;
    return brdnn_load(b->type, b->wei,
            k * w->oc_stride + term % c->ic * w->ic_stride
                    + (branch->first_tap + tap * c->tap_step) * w->kw_stride);
}

/* Whether bundles are single taps, with taps or channels contiguous: an image to be packed by position,
 * where a tap is a position. */
static bool is_image(const brdnn_correlation *c) {
    return c->bundle == 1 && (c->wei.kw_stride == 1 || c->wei.ic_stride == 1);
}

static void gather_image(const brdnn_correlation *c, const block *b, int64_t k, piece *p) {
    const brdnn_conv_weights *w = &c->wei;
    const bool ncw = w->kw_stride == 1, falls = c->tap_step < 0;
    const int64_t first_channel = 2 * p->item;
    const int64_t last_bundle = p->bundle + p->bundles - 1;
    const brdnn_image image = {.layout = ncw ? BRDNN_NCW : BRDNN_NWC,
            .type = b->type,
            .start = brdnn_at(b->type, b->wei, k * w->oc_stride + first_channel * w->ic_stride),
            .pitch = ncw ? w->ic_stride : w->kw_stride,
            .channels = brdnn_min(2 * p->items, c->ic - first_channel),
            .width = c->kw};
    const brdnn_progression taps
            = {p->branch->first_tap + (falls ? last_bundle : p->bundle) * c->tap_step,
                    falls ? -c->tap_step : c->tap_step, p->bundles};
    brdnn_pack_by_position(c->isa, &image, taps, p->terms[0], piece_terms);
}

static void gather_terms(const brdnn_correlation *c, const block *b, int64_t k, piece *p) {
    memset(p->terms, 0, (size_t)p->bundles * sizeof(p->terms[0]));
    if (k >= b->filters || 2 * p->item >= c->bundle * c->ic) return;
    if (is_image(c)) {
        gather_image(c, b, k, p);
        return;
    }
    for (int64_t i = 0; i < p->bundles; ++i)
        for (int64_t t = 0; t < 2 * p->items; ++t)
            p->terms[i][t] = weight(c, b, p->branch, p->bundle + i, k, 2 * p->item + t);
}

/* Stores the items of a piece where entries have them. An image has its taps in rising order. */
static void store_items(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const block *b, int64_t k, const piece *p, uint32_t (*items)[piece_bundles][piece_items]) {
    const int64_t in_entry = p->item % packing->depth;
    const int64_t place = packing->items_contiguous ? k * packing->depth + in_entry
                                                    : in_entry * packing->block + k;
    const int64_t step = packing->items_contiguous ? 1 : packing->block;
    const bool falls = is_image(c) && c->tap_step < 0;
    for (int64_t i = 0; i < p->bundles; ++i) {
        const int64_t bundle = p->bundle + (falls ? p->bundles - 1 - i : i);
        uint32_t *entry = (uint32_t *)b->packed
                + brdnn_wei_entry(c, packing, p->branch, bundle, p->item) + place;
        for (int64_t part = 0; part < c->items.parts; ++part)
            for (int64_t r = 0; r < p->items; ++r)
                entry[part * packing->part + r * step] = items[part][i][r];
    }
}

static void pack_piece(const brdnn_correlation *c, const brdnn_wei_packing *packing, const block *b,
        int64_t k, piece *p) {
    uint32_t items[brdnn_most_parts][piece_bundles][piece_items];
    const brdnn_image rows = {.layout = BRDNN_NWC,
            .start = p->terms,
            .pitch = piece_terms,
            .channels = piece_terms,
            .width = p->bundles};
    const brdnn_pair_rows to = {.start = items[0][0],
            .pitch = piece_items,
            .part = (int64_t)piece_bundles * piece_items,
            .parts = c->items.parts};
    gather_terms(c, b, k, p);
    if (b->seen) brdnn_see_row(BRDNN_F32, p->terms[0], p->bundles * piece_terms, b->seen);
    brdnn_pair_terms_by_position(
            &rows, (brdnn_progression) {0, 1, p->bundles}, (brdnn_fold) {1, 0}, piece_items, &to);
    store_items(c, packing, b, k, p, items);
}

/* Packs some items of the bundles of a branch for all filters of a block. */
static void pack_items(
        const brdnn_correlation *c, const brdnn_wei_packing *packing, const block *b, piece *p) {
    const brdnn_branch *branch = p->branch;
    for (p->bundle = 0; p->bundle < branch->bundles; p->bundle += piece_bundles) {
        p->bundles = brdnn_min(piece_bundles, branch->bundles - p->bundle);
        for (int64_t k = 0; k < packing->block; ++k)
            pack_piece(c, packing, b, k, p);
    }
}

static void pack_block_pairs(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branches, const block *b) {
    piece p;
    for (int64_t i = 0; i < c->branches; ++i) {
        p.branch = &branches[i];
        for (p.item = 0; p.item < c->depth; p.item += p.items) {
            const int64_t left = packing->depth - p.item % packing->depth;
            p.items = brdnn_min(piece_items, left);
            pack_items(c, packing, b, &p);
        }
    }
}

void brdnn_pack_wei(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branches, const void *wei, brdnn_range some, void *packed,
        brdnn_magnitudes *seen) {
    const int64_t items = brdnn_wei_block_items(c, packing);
    for (int64_t i = some.begin; i < some.end; ++i) {
        const int64_t g = i / packing->blocks, k = i % packing->blocks * packing->block;
        const int64_t first = g * c->wei.g_stride + k * c->wei.oc_stride;
        const block b = {.type = c->wei.type,
                .wei = brdnn_at(c->wei.type, wei, first),
                .filters = brdnn_min(packing->block, c->oc - k),
                .packed = (uint32_t *)packed + (i - some.begin) * items,
                .seen = seen ? seen + (i - some.begin) : NULL};
        if (b.seen) *b.seen = brdnn_nothing_seen();
        if (brdnn_is_f32(c->items)) pack_block_f32(c, packing, &b);
        else pack_block_pairs(c, packing, branches, &b);
    }
}
