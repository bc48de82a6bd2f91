/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/positions.h"

#include "pack/elements.h"
#include "pack/strided_copy.h"
#include "pack/transpose.h"

#include <immintrin.h>
#include <string.h>

static void zero(float *to, int64_t count) { memset(to, 0, (size_t)count * sizeof(*to)); }

void brdnn_pack_by_channel(brdnn_kernels kernels, const brdnn_image *image,
        brdnn_positions positions, float *to, int64_t to_pitch) {
    const brdnn_range r = brdnn_inside(positions, image->width);
    const brdnn_strided_rows inside = {.type = image->type,
            .start
            = brdnn_at(image->type, image->start, positions.first + r.begin * positions.step),
            .rows = image->channels,
            .row_step = image->pitch,
            .count = r.end - r.begin,
            .step = positions.step};
    if (inside.count > 0) brdnn_strided_copy_f32(kernels, &inside, to + r.begin, to_pitch);
    for (int64_t c = 0; c < image->channels; ++c) {
        zero(to + c * to_pitch, r.begin);
        zero(to + c * to_pitch + r.end, positions.count - r.end);
    }
}

/* Neighbouring positions without gaps, in image and copy, are one long row. */
static bool is_one_row(const brdnn_image *image, brdnn_positions positions, int64_t to_pitch) {
    return positions.step == 1 && image->pitch == image->channels && to_pitch == image->channels;
}

static void copy_positions(
        const brdnn_image *image, brdnn_positions positions, float *to, int64_t to_pitch) {
    if (is_one_row(image, positions, to_pitch)) {
        const int64_t channels = image->channels;
        const brdnn_image row
                = {BRDNN_NCW, image->type, image->start, 0, 1, image->width * channels};
        const brdnn_positions all = {positions.first * channels, 1, positions.count * channels};
        brdnn_pack_by_channel((brdnn_kernels) {BRDNN_AVX2_F32, 1}, &row, all, to, 0);
        return;
    }
    const brdnn_range r = brdnn_inside(positions, image->width);
    const size_t bytes = (size_t)image->channels * sizeof(*to);
    for (int64_t i = 0; i < r.begin; ++i)
        memset(to + i * to_pitch, 0, bytes);
    for (int64_t i = r.begin; i < r.end; ++i) {
        const int64_t offset = (positions.first + i * positions.step) * image->pitch;
        if (image->type == BRDNN_F32)
            memcpy(to + i * to_pitch, (const float *)image->start + offset, bytes);
        else
            brdnn_widen_row(
                    (const uint16_t *)image->start + offset, 1, image->channels, to + i * to_pitch);
    }
    for (int64_t i = r.end; i < positions.count; ++i)
        memset(to + i * to_pitch, 0, bytes);
}

enum { edge = 8 }; /* of the square that AVX2 transposes in registers */

#define AVX2 __attribute__((target("avx2")))

/* Where the rows of a transposed image go: position i to row i / ways of way i % ways. */
typedef struct {
    float *start;
    int64_t ways, way_pitch, pitch;
} rows;

/* Column i of from, row_count elements at from_pitch, becomes the row of position first + i, for
 * `columns` columns; neither is more than `edge`. Whole vectors are read of each row of from. */
AVX2 static void transpose(const float *from, int64_t from_pitch, int64_t row_count,
        int64_t columns, const rows *to, int64_t first) {
    __m256 column[edge];
    brdnn_transpose_8(from, from_pitch, row_count, column);
    if (to->ways == 1) { /* the usual case, which needs no division */
        for (int64_t i = 0; i < columns; ++i)
            brdnn_store_lanes(to->start + (first + i) * to->pitch, column[i], row_count);
        return;
    }
    int64_t way = first % to->ways;
    float *row = to->start + first / to->ways * to->pitch;
    for (int64_t i = 0; i < columns; ++i) {
        brdnn_store_lanes(row + way * to->way_pitch, column[i], row_count);
        if (++way < to->ways) continue;
        way = 0;
        row += to->pitch;
    }
}

/* Positions [begin, end) of a progression, of at most `edge` channels, by way of a small buffer: they are
 * not f32, not neighbours, or lie outside. */
static void transpose_buffered(brdnn_kernels kernels, const brdnn_image *image,
        brdnn_positions positions, brdnn_range range, const rows *to) {
    enum { length = 64 };
    float buffer[edge * length];
    for (int64_t i = range.begin; i < range.end; i += length) {
        const int64_t columns = brdnn_min(length, range.end - i);
        const brdnn_positions piece = {positions.first + i * positions.step, positions.step,
                brdnn_round_up(columns, edge)};
        brdnn_pack_by_channel(kernels, image, piece, buffer, length);
        for (int64_t j = 0; j < columns; j += edge)
            transpose(buffer + j, length, image->channels, brdnn_min(edge, columns - j), to, i + j);
    }
}

/* At most `edge` channels. */
static void transpose_channels(brdnn_kernels kernels, const brdnn_image *image,
        brdnn_positions positions, const rows *to) {
    brdnn_range direct = {0, 0};
    if (positions.step == 1 && image->type == BRDNN_F32) {
        direct = brdnn_inside(positions, image->width);
        direct.end = direct.begin + (direct.end - direct.begin) / edge * edge;
    }
    for (int64_t i = direct.begin; i < direct.end; i += edge)
        transpose((const float *)image->start + positions.first + i, image->pitch, image->channels,
                edge, to, i);
    transpose_buffered(kernels, image, positions, (brdnn_range) {0, direct.begin}, to);
    transpose_buffered(kernels, image, positions, (brdnn_range) {direct.end, positions.count}, to);
}

/* Walks along few channels at a time, as many rows as the hardware prefetchers can follow. */
static void transpose_image(
        brdnn_kernels kernels, const brdnn_image *image, brdnn_positions positions, rows to) {
    float *const start = to.start;
    for (int64_t c = 0; c < image->channels;) {
        /* The last block overlaps the one before it rather than being cut short. */
        const int64_t at = image->channels >= edge ? brdnn_min(c, image->channels - edge) : c;
        brdnn_image some = *image;
        some.start = brdnn_at(image->type, image->start, at * image->pitch);
        some.channels = brdnn_min(edge, image->channels - at);
        to.start = start + at;
        transpose_channels(kernels, &some, positions, &to);
        c = at + some.channels;
    }
}

void brdnn_pack_by_position(brdnn_kernels kernels, const brdnn_image *image,
        brdnn_positions positions, float *to, int64_t to_pitch) {
    if (image->layout == BRDNN_NWC) copy_positions(image, positions, to, to_pitch);
    else if (image->channels == 1 && to_pitch == 1)
        brdnn_pack_by_channel(kernels, image, positions, to, 0);
    else transpose_image(kernels, image, positions, (rows) {to, 1, 0, to_pitch});
}

void brdnn_deinterleave_positions(brdnn_kernels kernels, const brdnn_image *image, int64_t first,
        int64_t ways, int64_t rounds, float *to, int64_t way_pitch, int64_t to_pitch) {
    const brdnn_positions positions = {first, 1, ways * rounds};
    transpose_image(kernels, image, positions, (rows) {to, ways, way_pitch, to_pitch});
}
