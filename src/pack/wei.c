/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/wei.c
 * A tile of words at a time: rows are fetched along whichever dimension of the weights has the smaller
 * stride, and are stored as they are or as columns. */

#include "pack/wei.h"

#include "pack/elements.h"
#include "pack/strided_copy.h"
#include "pack/transpose.h"
#include "pack/vnni.h"

int64_t brdnn_wei_block_words(const brdnn_wei_packing *p) {
    const int64_t of_filter = brdnn_product(p->places, p->depth);
    return brdnn_product(brdnn_product(of_filter, p->block), p->kernels.splits);
}

int64_t brdnn_wei_word(const brdnn_wei_packing *p, int64_t place, int64_t word, int64_t filter) {
    const int64_t first = (place * p->depth + word / p->entry * p->entry) * p->block;
    const int64_t inside = p->words_contiguous ? filter * p->entry + word % p->entry
                                               : word % p->entry * p->block + filter;
    return first * p->kernels.splits + inside;
}

enum { most_rows = 16, most_columns = 64 };

/* A block of filters. */
typedef struct {
    const brdnn_wei_packing *p;
    const void *first; /* weight of its first filter, channel and tap */
    int64_t filters;   /* that there are */
    uint32_t *packed;
    brdnn_exponent_range *range; /* NULL: nobody asks */
} block;

/* Words of a place, for some filters: both dimensions end within an entry and a block. */
typedef struct {
    const int64_t *taps; /* of the place */
    int64_t word, words;
    int64_t filter, filters;
} tile;

/* Where the words of row r go: to start + r * pitch, and from plane to plane. */
typedef struct {
    uint32_t *start;
    int64_t pitch, plane;
} rows;

/* The weight of a term for the block's first filter; NULL where there is none. */
static const void *weight(const block *b, const tile *t, int64_t term) {
    const brdnn_conv_weights *w = &b->p->plain;
    if (term >= b->p->tap_group * b->p->ic) return NULL;
    const int64_t tap = t->taps[term / b->p->ic];
    if (tap < 0) return NULL;
    return brdnn_at(w->type, b->first, term % b->p->ic * w->ic_stride + tap * w->kw_stride);
}

/* Neighbours of either type become words of their pairs, or are the words. */
static void emit_row(const block *b, brdnn_values first, brdnn_values second, int64_t words,
        const rows *to, int64_t row) {
    brdnn_vnni_up(
            first, second, words, b->p->kernels.splits, to->plane, to->start + row * to->pitch);
}

static void copy_or_zero(const block *b, const void *from, int64_t step, int64_t count, void *to) {
    const brdnn_type type = b->p->plain.type;
    const bool as_f32 = !brdnn_is_vnni(b->p->kernels);
    if (!from) memset(to, 0, (size_t)count * (as_f32 ? sizeof(float) : brdnn_type_bytes(type)));
    else if (as_f32) brdnn_strided_copy_f32(b->p->kernels, type, from, step, count, to);
    else brdnn_strided_copy(b->p->kernels, type, from, step, count, to);
}

static void see(const block *b, const void *values, int64_t count) {
    if (b->range) brdnn_exponents_of_row(b->p->plain.type, values, count, b->range);
}

/* A row for each filter. */
static void fetch_along_terms(const block *b, const tile *t, const rows *to) {
    const brdnn_conv_weights *w = &b->p->plain;
    const int64_t ic = b->p->ic, per_word = brdnn_terms_of(b->p->kernels);
    const int64_t begin = t->word * per_word, end = begin + t->words * per_word;
    const brdnn_type type = per_word == 1 ? BRDNN_F32 : w->type;
    _Alignas(64) float values[2 * most_columns];
    for (int64_t k = 0; k < t->filters; ++k) {
        const int64_t filter = t->filter + k;
        void *row = per_word == 1 ? (void *)(to->start + k * to->pitch) : values;
        for (int64_t term = begin, next; term < end; term = next) {
            next = brdnn_min(term - term % ic + ic, end); /* a run of channels of one tap */
            const void *from = filter < b->filters ? weight(b, t, term) : NULL;
            if (from) from = brdnn_at(w->type, from, filter * w->oc_stride);
            copy_or_zero(
                    b, from, w->ic_stride, next - term, brdnn_at_mutable(type, row, term - begin));
        }
        if (per_word == 1) continue;
        see(b, values, end - begin);
        emit_row(b, (brdnn_values) {values, type, 2},
                (brdnn_values) {brdnn_at(type, values, 1), type, 2}, t->words, to, k);
    }
}

/* A row for each word. */
static void fetch_along_filters(const block *b, const tile *t, const rows *to) {
    const brdnn_conv_weights *w = &b->p->plain;
    const int64_t per_word = brdnn_terms_of(b->p->kernels);
    const brdnn_type type = per_word == 1 ? BRDNN_F32 : w->type;
    const int64_t there = brdnn_max(brdnn_min(b->filters - t->filter, t->filters), 0);
    _Alignas(64) float values[2][most_columns] = {{0}};
    for (int64_t r = 0; r < t->words; ++r) {
        for (int64_t i = 0; i < per_word; ++i) {
            const void *from = weight(b, t, (t->word + r) * per_word + i);
            if (from) from = brdnn_at(w->type, from, t->filter * w->oc_stride);
            copy_or_zero(b, from, w->oc_stride, there, values[i]);
            see(b, values[i], there);
        }
        if (per_word == 1)
            memcpy(to->start + r * to->pitch, values[0], (size_t)t->filters * sizeof(float));
        else
            emit_row(b, (brdnn_values) {values[0], type, 1}, (brdnn_values) {values[1], type, 1},
                    t->filters, to, r);
    }
}

static bool is_along_terms(const brdnn_wei_packing *p) {
    return p->plain.ic_stride <= p->plain.oc_stride;
}

static void pack_tile(const block *b, const tile *t, int64_t place) {
    const brdnn_wei_packing *p = b->p;
    _Alignas(64) uint32_t buffer[brdnn_most_splits][most_rows][most_columns];
    const bool along_terms = is_along_terms(p), as_columns = along_terms != p->words_contiguous;
    const rows packed = {b->packed + brdnn_wei_word(p, place, t->word, t->filter),
            p->words_contiguous ? p->entry : p->block, brdnn_wei_plane(p)};
    const rows buffered = {buffer[0][0], most_columns, (int64_t)most_rows * most_columns};
    const rows *to = as_columns ? &buffered : &packed;
    if (along_terms) fetch_along_terms(b, t, to);
    else fetch_along_filters(b, t, to);
    for (int64_t s = 0; as_columns && s < p->kernels.splits; ++s)
        brdnn_transpose_words(p->kernels, buffer[s][0], most_columns,
                along_terms ? t->filters : t->words, along_terms ? t->words : t->filters,
                packed.start + s * packed.plane, packed.pitch);
}

/* Of each piece of the weights all places before the next: they share its cache lines. */
static void pack_block(const block *b, const int64_t *taps) {
    const brdnn_wei_packing *p = b->p;
    const bool along_terms = is_along_terms(p);
    const int64_t most_words = along_terms ? most_columns : most_rows;
    const int64_t most_filters = along_terms ? most_rows : most_columns;
    tile t;
    for (t.word = 0; t.word < p->depth; t.word += t.words) {
        t.words = brdnn_min(most_words, p->entry - t.word % p->entry);
        for (t.filter = 0; t.filter < p->block; t.filter += t.filters) {
            t.filters = brdnn_min(most_filters, p->block - t.filter);
            for (int64_t place = 0; place < p->places; ++place) {
                t.taps = taps + place * p->tap_group;
                pack_tile(b, &t, place);
            }
        }
    }
}

void brdnn_pack_wei(const brdnn_wei_packing *p, const int64_t *taps, const void *wei,
        brdnn_range some, void *packed, brdnn_exponent_range *ranges) {
    const int64_t words = brdnn_wei_block_words(p);
    for (int64_t i = some.begin; i < some.end; ++i) {
        const int64_t g = i / p->blocks, k = i % p->blocks * p->block;
        const int64_t first = g * p->plain.g_stride + k * p->plain.oc_stride;
        const block b = {.p = p,
                .first = brdnn_at(p->plain.type, wei, first),
                .filters = brdnn_min(p->block, p->oc - k),
                .packed = (uint32_t *)packed + (i - some.begin) * words,
                .range = ranges ? ranges + (i - some.begin) : NULL};
        if (b.range) *b.range = brdnn_no_exponents();
        pack_block(&b, taps);
    }
}
