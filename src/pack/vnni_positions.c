/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/transpose.h"
#include "pack/vnni.h"
#include "pack/vnni_rows.h"
#include "pack/vnni_vectors.h"

enum { lanes = brdnn_vnni_lanes, words = brdnn_halves };

/* What is paired: positions of an image with those `apart` behind. */
typedef struct {
    const brdnn_image *image;
    brdnn_positions positions;
    int64_t apart;
} position_pairs;

static position_pairs part_of(const position_pairs *all, brdnn_range range) {
    position_pairs some = *all;
    some.positions = brdnn_moved(all->positions, range.begin * all->positions.step);
    some.positions.count = range.end - range.begin;
    return some;
}

/* --- rows along the channels of NWC --- */

/* The channels from one on of one position; NULL outside. */
static const void *channels_at(const brdnn_image *image, int64_t position, int64_t channel) {
    if (position < 0 || position >= image->width) return NULL;
    return brdnn_at(image->type, image->start, position * image->pitch + channel);
}

/* Rows of any positions, of the channels [begin, end). */
BRDNN_AVX512_INLINE void pair_any_rows(const position_pairs *pairs, brdnn_type type,
        brdnn_range range, brdnn_range channels, const brdnn_vnni_rows *to) {
    for (int64_t i = range.begin; i < range.end; ++i) {
        const int64_t position = pairs->positions.first + i * pairs->positions.step;
        brdnn_vnni_neighbours(type, channels_at(pairs->image, position, channels.begin),
                channels_at(pairs->image, position + pairs->apart, channels.begin),
                channels.end - channels.begin, brdnn_row_of(to, i));
    }
}

/* Rows of positions inside of which one vector holds all channels. */
BRDNN_AVX512_INLINE void pair_short_rows(const position_pairs *pairs, brdnn_type type,
        brdnn_range range, brdnn_range channels, brdnn_vnni_rows to) {
    const int64_t pitch = pairs->image->pitch, step = pairs->positions.step * pitch;
    const int64_t apart = pairs->apart * pitch;
    const int64_t first = pairs->positions.first * pitch + range.begin * step + channels.begin;
    const __mmask16 mask = brdnn_first_lanes(channels.end - channels.begin);
    const void *from = brdnn_at(type, pairs->image->start, first);
    brdnn_planes row = brdnn_row_of(&to, range.begin);
    for (int64_t i = range.begin; i < range.end; ++i) {
        brdnn_vnni_vector(type, from, brdnn_at(type, from, apart), mask, row);
        from = brdnn_at(type, from, step);
        row.start += to.pitch;
    }
}

/* A row for each position, of the channels [begin, end). */
BRDNN_AVX512_INLINE void pair_rows_of(const position_pairs *pairs, brdnn_type type,
        brdnn_range channels, const brdnn_vnni_rows *to) {
    brdnn_range inner = {0, 0};
    if (channels.end - channels.begin <= lanes)
        inner = brdnn_inside_both(pairs->image, pairs->positions, pairs->apart);
    const brdnn_range before = {0, inner.begin}, behind = {inner.end, pairs->positions.count};
    pair_any_rows(pairs, type, before, channels, to);
    pair_short_rows(pairs, type, inner, channels, *to);
    pair_any_rows(pairs, type, behind, channels, to);
}

BRDNN_AVX512 static void pair_rows(
        const position_pairs *pairs, brdnn_range channels, const brdnn_vnni_rows *to) {
    if (pairs->image->type == BRDNN_BF16) pair_rows_of(pairs, BRDNN_BF16, channels, to);
    else pair_rows_of(pairs, BRDNN_F32, channels, to);
}

/* --- rows along the width of NCW --- */

/* A row for each of the channels [begin, end), counted from `begin`. */
BRDNN_AVX512 static void pair_channels(
        const position_pairs *pairs, brdnn_range channels, const brdnn_vnni_rows *to) {
    const brdnn_image *image = pairs->image;
    const brdnn_positions behind = brdnn_moved(pairs->positions, pairs->apart);
    brdnn_strided_row first = brdnn_strided_row_of(image, 0, pairs->positions);
    brdnn_strided_row second = brdnn_strided_row_of(image, 0, behind);
    for (int64_t c = channels.begin; c < channels.end; ++c) {
        first.row = second.row = brdnn_at(image->type, image->start, c * image->pitch);
        brdnn_vnni_of_rows(image->type, &first, &second, to, c - channels.begin);
    }
}

/* --- the other way round: transposition --- */

enum { buffered = 64 }; /* words in a row of a buffer */

typedef struct {
    _Alignas(64) uint32_t words[brdnn_most_splits][lanes][buffered];
} buffer;

static brdnn_vnni_rows rows_of_buffer(buffer *b, int64_t splits) {
    return (brdnn_vnni_rows) {b->words[0][0], buffered, (int64_t)lanes * buffered, splits};
}

/* Column i of up to 16 rows in a buffer becomes row `row` + i, from word `at` on, of all splits. */
static void transpose_buffer(const buffer *b, int64_t row_count, int64_t columns,
        const brdnn_vnni_rows *to, int64_t row, int64_t at) {
    const brdnn_kernels avx512 = {BRDNN_AVX512_BF16_VNNI, 1};
    for (int64_t p = 0; p < to->splits; ++p)
        brdnn_transpose_words(avx512, b->words[p][0], buffered, row_count, columns,
                to->start + p * to->plane + row * to->pitch + at, to->pitch);
}

/* Rows of positions from up to 16 channels of an NCW image of bf16, as far as whole vectors lie
 * inside it; returns the range of those rows. Neighbours in memory are words already, so `apart`
 * must be 1, and the step 1 or 2. */
BRDNN_AVX512 static brdnn_range transpose_bf16_directly(
        const position_pairs *pairs, brdnn_range channels, const brdnn_vnni_rows *to) {
    const brdnn_image *image = pairs->image;
    const brdnn_positions positions = pairs->positions;
    const int64_t row_count = channels.end - channels.begin;
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i picked = _mm512_add_epi32(
            _mm512_set1_epi32(0x00010000), _mm512_mullo_epi32(lane, _mm512_set1_epi32(0x00010001)));
    const bool overlapping = positions.step == 1; /* pairs that share positions */
    const uint16_t *start = (const uint16_t *)image->start + channels.begin * image->pitch;
    brdnn_range done = brdnn_inside(positions, image->width);
    int64_t i = done.begin;
    for (; i + lanes <= done.end; i += lanes) {
        const int64_t position = positions.first + i * positions.step;
        if (position + words > image->width) break;
        __m512i r[lanes];
        for (int64_t c = 0; c < lanes; ++c)
            r[c] = c < row_count ? _mm512_loadu_si512(start + c * image->pitch + position)
                                 : _mm512_setzero_si512();
        if (overlapping)
            for (int64_t c = 0; c < lanes; ++c)
                r[c] = _mm512_permutexvar_epi16(picked, r[c]);
        brdnn_transpose_16(r);
        brdnn_store_rows(
                r, lanes, row_count, to->start + i * to->pitch + channels.begin, to->pitch);
    }
    done.end = i;
    return done;
}

/* The same of f32, 16 words from two vectors. With step 1 `apart` may be any: one vector holds the
 * first values, the other the second. With step 2 `apart` must be 1: in both together the pairs
 * stand one behind the other. */
BRDNN_AVX512 static brdnn_range transpose_f32_directly(
        const position_pairs *pairs, brdnn_range channels, const brdnn_vnni_rows *to) {
    buffer b;
    const brdnn_vnni_rows rows = rows_of_buffer(&b, to->splits);
    const int64_t pitch = pairs->image->pitch, row_count = channels.end - channels.begin;
    const brdnn_positions positions = pairs->positions;
    const float *start = (const float *)pairs->image->start + channels.begin * pitch;
    brdnn_range done = brdnn_inside_both(pairs->image, positions, pairs->apart);
    int64_t i = done.begin;
    for (; i + lanes <= done.end; i += lanes) {
        const float *from = start + positions.first + i * positions.step;
        for (int64_t c = 0; c < row_count; ++c, from += pitch) {
            const brdnn_planes row = brdnn_row_of(&rows, c);
            const float *second = from + (positions.step == 1 ? pairs->apart : lanes);
            const __m512 low = _mm512_loadu_ps(from), high = _mm512_loadu_ps(second);
            if (positions.step == 1) brdnn_vnni_f32(low, high, row, 0xffff);
            else brdnn_vnni_one_row_f32(low, high, row, 0xffff);
        }
        transpose_buffer(&b, row_count, lanes, to, i, channels.begin);
    }
    done.end = i;
    return done;
}

/* Whether the functions above accept the pairs. */
static bool can_transpose_directly(const position_pairs *pairs) {
    if (pairs->positions.step == 2) return pairs->apart == 1;
    return pairs->positions.step == 1 && (pairs->apart == 1 || pairs->image->type == BRDNN_F32);
}

/* Rows of `range` of the positions from up to 16 channels of an NCW image, for any step and
 * `apart`, inside or not: by way of rows along the width. */
BRDNN_AVX512 static void transpose_channels(const position_pairs *pairs, brdnn_range range,
        brdnn_range channels, const brdnn_vnni_rows *to) {
    buffer b;
    const brdnn_vnni_rows rows = rows_of_buffer(&b, to->splits);
    for (int64_t i = range.begin; i < range.end; i += buffered) {
        const brdnn_range piece = {i, brdnn_min(i + buffered, range.end)};
        const position_pairs some = part_of(pairs, piece);
        pair_channels(&some, channels, &rows);
        transpose_buffer(
                &b, channels.end - channels.begin, some.positions.count, to, i, channels.begin);
    }
}

/* A row per position from an NCW image, of up to 16 channels. */
BRDNN_AVX512 static void transpose_image(
        const position_pairs *pairs, brdnn_range channels, const brdnn_vnni_rows *to) {
    brdnn_range done = {0, 0};
    if (can_transpose_directly(pairs))
        done = pairs->image->type == BRDNN_F32 ? transpose_f32_directly(pairs, channels, to)
                                               : transpose_bf16_directly(pairs, channels, to);
    const brdnn_range before = {0, done.begin}, behind = {done.end, pairs->positions.count};
    transpose_channels(pairs, before, channels, to);
    transpose_channels(pairs, behind, channels, to);
}

/* Rows of channels from an NWC image, by way of 16 rows of positions. */
BRDNN_AVX512 static void transpose_positions(
        const position_pairs *pairs, const brdnn_vnni_rows *to) {
    buffer b;
    const brdnn_vnni_rows rows = rows_of_buffer(&b, to->splits);
    for (int64_t i = 0; i < pairs->positions.count; i += lanes) {
        const brdnn_range range = {i, brdnn_min(i + lanes, pairs->positions.count)};
        const position_pairs some = part_of(pairs, range);
        for (int64_t c = 0; c < pairs->image->channels; c += buffered) {
            const brdnn_range channels = {c, brdnn_min(c + buffered, pairs->image->channels)};
            pair_rows(&some, channels, &rows);
            transpose_buffer(&b, some.positions.count, channels.end - channels.begin, to, c, i);
        }
    }
}

void brdnn_vnni_positions_by_position(const brdnn_image *image, brdnn_positions positions,
        int64_t apart, const brdnn_vnni_rows *to) {
    const position_pairs pairs = {image, positions, apart};
    const int64_t count = image->channels;
    if (image->layout == BRDNN_NWC) {
        pair_rows(&pairs, (brdnn_range) {0, count}, to);
        return;
    }
    for (int64_t c = 0; c < count; c += lanes) {
        /* The last block overlaps the one before it rather than being cut short. */
        const int64_t first = brdnn_max(brdnn_min(c, count - lanes), 0);
        const brdnn_range channels = {first, brdnn_min(first + lanes, count)};
        transpose_image(&pairs, channels, to);
    }
}

void brdnn_vnni_positions_by_channel(const brdnn_image *image, brdnn_positions positions,
        int64_t apart, const brdnn_vnni_rows *to) {
    const position_pairs pairs = {image, positions, apart};
    if (image->layout == BRDNN_NWC) transpose_positions(&pairs, to);
    else pair_channels(&pairs, (brdnn_range) {0, image->channels}, to);
}
