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

enum { most_rows = 16, most_columns = 64, most_terms = 2 * most_columns };

/* Some blocks of filters of one group. */
typedef struct {
    const brdnn_wei_packing *p;
    int64_t blocks;
    const void *first; /* weight of the first filter, channel and tap */
    int64_t filters;   /* that there are */
    uint32_t *packed;
    brdnn_exponent_range *range; /* NULL: not asked for */
} stripe;

/* Words of a place, for some filters: within an entry, and within a block or as many whole ones. */
typedef struct {
    const int64_t *taps; /* of the place */
    int64_t word, words;
    int64_t filter, filters;
} tile;

/* Where rows go: row r to start + r * pitch, and from plane to plane. */
typedef struct {
    uint32_t *start;
    int64_t pitch, plane;
} rows;

/* Terms of a tile that belong to one tap: neighbouring channels. */
typedef struct {
    int64_t at, count; /* counted within the tile */
    int64_t offset;    /* elements from a filter's first weight */
} run;

/* Lists the runs of a tile; returns how many. Terms in none of them are zero. */
static int list_runs(const stripe *b, const tile *t, run runs[most_terms]) {
    const brdnn_wei_packing *p = b->p;
    const int64_t per_word = brdnn_terms_of(p->kernels);
    const int64_t begin = t->word * per_word, end = begin + t->words * per_word;
    int count = 0;
    for (int64_t i = begin / p->ic; i < p->tap_group && i * p->ic < end; ++i) {
        const int64_t first = brdnn_max(begin, i * p->ic);
        if (t->taps[i] >= 0)
            runs[count++] = (run) {first - begin, brdnn_min(end, (i + 1) * p->ic) - first,
                    (first - i * p->ic) * p->plain.ic_stride + t->taps[i] * p->plain.kw_stride};
    }
    return count;
}

static void zero_rows(void *to, int64_t count, int64_t length, int64_t pitch, size_t bytes) {
    for (int64_t r = 0; r < count; ++r)
        memset((char *)to + (size_t)(r * pitch) * bytes, 0, (size_t)length * bytes);
}

/* Copies the values of a tile to `to`: a row for each filter, or for each term. They are f32 for f32 kernels,
 * else as they are. */
static void fetch(const stripe *b, const tile *t, bool along_terms, void *to, int64_t pitch) {
    const brdnn_conv_weights *w = &b->p->plain;
    const bool as_f32 = !brdnn_is_vnni(b->p->kernels);
    const brdnn_type type = as_f32 ? BRDNN_F32 : w->type;
    const int64_t terms = t->words * brdnn_terms_of(b->p->kernels);
    const int64_t there = brdnn_max(brdnn_min(b->filters - t->filter, t->filters), 0);
    run runs[most_terms];
    const int count = list_runs(b, t, runs);
    if (there < t->filters || count != 1 || runs[0].count < terms)
        zero_rows(to, along_terms ? t->filters : terms, along_terms ? terms : t->filters, pitch,
                brdnn_type_bytes(type));
    for (int i = 0; i < count && there > 0; ++i) {
        const brdnn_strided_rows from = {.type = w->type,
                .start = brdnn_at(w->type, b->first, t->filter * w->oc_stride + runs[i].offset),
                .rows = along_terms ? there : runs[i].count,
                .row_step = along_terms ? w->oc_stride : w->ic_stride,
                .count = along_terms ? runs[i].count : there,
                .step = along_terms ? w->ic_stride : w->oc_stride};
        void *at = brdnn_at_mutable(type, to, along_terms ? runs[i].at : runs[i].at * pitch);
        if (as_f32) brdnn_strided_copy_f32(b->p->kernels, &from, at, pitch);
        else brdnn_strided_copy(b->p->kernels, &from, at, pitch);
    }
}

/* Makes rows of VNNI pairs of the tile's values. */
static void fetch_vnni(const stripe *b, const tile *t, bool along_terms, const rows *to) {
    const brdnn_type type = b->p->plain.type;
    const int64_t pitch = along_terms ? most_terms : most_columns;
    _Alignas(64) float values[most_rows * most_terms];
    fetch(b, t, along_terms, values, pitch);
    const int64_t count = along_terms ? t->filters : t->words;
    const int64_t length = along_terms ? t->words : t->filters;
    for (int64_t r = 0; r < count; ++r) {
        const void *row = brdnn_at(type, values, (along_terms ? r : 2 * r) * pitch);
        const void *second = brdnn_at(type, row, along_terms ? 1 : pitch);
        const int64_t step = along_terms ? 2 : 1;
        if (b->range) {
            brdnn_exponents_of_row(type, row, length * step, b->range);
            if (!along_terms) brdnn_exponents_of_row(type, second, length, b->range);
        }
        brdnn_vnni_of_values((brdnn_values) {row, type, step}, (brdnn_values) {second, type, step},
                length, b->p->kernels.splits, to->plane, to->start + r * to->pitch);
    }
}

static bool is_along_terms(const brdnn_wei_packing *p) {
    return p->plain.ic_stride <= p->plain.oc_stride;
}

/* Whether what is fetched as rows is stored as columns. */
static bool is_transposed(const brdnn_wei_packing *p) {
    return is_along_terms(p) != p->words_contiguous;
}

static uint32_t *packed_word(const stripe *b, int64_t place, int64_t word, int64_t filter) {
    const brdnn_wei_packing *p = b->p;
    return b->packed + filter / p->block * brdnn_wei_block_words(p)
            + brdnn_wei_word(p, place, word, filter % p->block);
}

static void fetch_words(const stripe *b, const tile *t, const rows *to) {
    const bool along_terms = is_along_terms(b->p);
    if (brdnn_is_vnni(b->p->kernels)) fetch_vnni(b, t, along_terms, to);
    else fetch(b, t, along_terms, to->start, to->pitch);
}

static void pack_transposed(const stripe *b, const tile *t, int64_t place, int64_t pitch) {
    const brdnn_wei_packing *p = b->p;
    const bool along_terms = is_along_terms(p);
    _Alignas(64) uint32_t buffer[brdnn_most_splits][most_rows][most_columns];
    const rows buffered = {buffer[0][0], most_columns, (int64_t)most_rows * most_columns};
    fetch_words(b, t, &buffered);
    for (int64_t k = 0; k < t->filters; k += p->block)
        for (int64_t s = 0; s < p->kernels.splits; ++s) {
            uint32_t *to = packed_word(b, place, t->word, t->filter + k) + s * brdnn_wei_plane(p);
            const int64_t filters = brdnn_min(p->block, t->filters - k);
            brdnn_transpose_words(p->kernels, along_terms ? buffer[s][k] : buffer[s][0] + k,
                    most_columns, along_terms ? filters : t->words,
                    along_terms ? t->words : filters, to, pitch);
        }
}

static void pack_tile(const stripe *b, const tile *t, int64_t place) {
    const brdnn_wei_packing *p = b->p;
    const int64_t pitch = p->words_contiguous ? p->entry : p->block;
    const rows packed = {packed_word(b, place, t->word, t->filter), pitch, brdnn_wei_plane(p)};
    if (is_transposed(p)) pack_transposed(b, t, place, pitch);
    else fetch_words(b, t, &packed);
}

/* Filters from one on that are a tile: some of a block, or several whole ones where they are transposed, which
 * uses more of each cache line at once. */
static int64_t filters_of_tile(const stripe *b, int64_t filter) {
    const brdnn_wei_packing *p = b->p;
    const int64_t most = is_along_terms(p) ? most_rows : most_columns;
    if (is_transposed(p) && p->block <= most)
        return brdnn_min(most / p->block * p->block, b->blocks * p->block - filter);
    return brdnn_min(most, p->block - filter % p->block);
}

/* Of each piece of the weights all places before the next: they share its cache lines. */
static void pack_stripe(const stripe *b, const int64_t *taps) {
    const brdnn_wei_packing *p = b->p;
    const int64_t most_words = is_along_terms(p) ? most_columns : most_rows;
    tile t;
    for (t.word = 0; t.word < p->depth; t.word += t.words) {
        t.words = brdnn_min(most_words, p->entry - t.word % p->entry);
        for (t.filter = 0; t.filter < b->blocks * p->block; t.filter += t.filters) {
            t.filters = filters_of_tile(b, t.filter);
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
    const int64_t most = brdnn_max(most_columns / p->block, 1);
    for (int64_t i = some.begin, next; i < some.end; i = next) {
        const int64_t g = i / p->blocks, k = i % p->blocks * p->block;
        next = brdnn_min(brdnn_min(i + most, (g + 1) * p->blocks), some.end);
        const int64_t first = g * p->plain.g_stride + k * p->plain.oc_stride;
        const stripe b = {.p = p,
                .blocks = next - i,
                .first = brdnn_at(p->plain.type, wei, first),
                .filters = brdnn_min((next - i) * p->block, p->oc - k),
                .packed = (uint32_t *)packed + (i - some.begin) * words,
                .range = ranges ? ranges + (i - some.begin) : NULL};
        for (int64_t j = i; ranges && j < next; ++j)
            ranges[j - some.begin] = brdnn_no_exponents();
        pack_stripe(&b, taps);
    }
}
