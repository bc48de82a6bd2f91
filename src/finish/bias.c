/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "finish/bias.h"

#include "pack/elements.h"

#include <immintrin.h>

/* A tile is small and its rows are short, so the loops are written for just that: a compiler's own
 * vectorisation, for 4 lanes of SSE and with checks for every row, made bias a quarter of the time
 * of a layer of 1 channel and 51 taps. Every plan has AVX2; AVX-512 was no faster here, and its
 * masked stores, for rows of 15 filters, were slower (Zen 4). */
#define AVX2 __attribute__((target("avx2")))

enum { lanes = 8 };

enum { widened = 64 }; /* elements of a bf16 bias that are taken at a time */

static void add_bf16_to_rows(
        float *sums, int64_t rows, int64_t length, int64_t ld, const uint16_t *bias) {
    for (int64_t first = 0; first < rows; first += widened) {
        float some[widened];
        const int64_t count = brdnn_min(widened, rows - first);
        brdnn_widen_row(bias + first, 1, count, some);
        brdnn_add_bias_to_rows(sums + first * ld, count, length, ld, BRDNN_F32, some);
    }
}

static void add_bf16_along_rows(
        float *sums, int64_t rows, int64_t length, int64_t ld, const uint16_t *bias) {
    for (int64_t first = 0; first < length; first += widened) {
        float some[widened];
        const int64_t count = brdnn_min(widened, length - first);
        brdnn_widen_row(bias + first, 1, count, some);
        brdnn_add_bias_along_rows(sums + first, rows, count, ld, BRDNN_F32, some);
    }
}

AVX2 void brdnn_add_bias_to_rows(
        float *sums, int64_t rows, int64_t length, int64_t ld, brdnn_type type, const void *bias) {
    if (type == BRDNN_BF16) {
        add_bf16_to_rows(sums, rows, length, ld, bias);
        return;
    }
    const float *addends = bias;
    for (int64_t r = 0; r < rows; ++r) {
        float *row = sums + r * ld;
        const __m256 addend = _mm256_set1_ps(addends[r]);
        int64_t i = 0;
        for (; i + lanes <= length; i += lanes)
            _mm256_storeu_ps(row + i, _mm256_add_ps(_mm256_loadu_ps(row + i), addend));
        for (; i < length; ++i)
            row[i] += addends[r];
    }
}

AVX2 void brdnn_add_bias_along_rows(
        float *sums, int64_t rows, int64_t length, int64_t ld, brdnn_type type, const void *bias) {
    if (type == BRDNN_BF16) {
        add_bf16_along_rows(sums, rows, length, ld, bias);
        return;
    }
    const float *addends = bias;
    for (int64_t r = 0; r < rows; ++r) {
        float *row = sums + r * ld;
        int64_t i = 0;
        for (; i + lanes <= length; i += lanes)
            _mm256_storeu_ps(
                    row + i, _mm256_add_ps(_mm256_loadu_ps(row + i), _mm256_loadu_ps(addends + i)));
        for (; i < length; ++i)
            row[i] += addends[i];
    }
}

AVX2 void brdnn_add_row(float *to, const float *from, int64_t count) {
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes)
        _mm256_storeu_ps(to + i, _mm256_add_ps(_mm256_loadu_ps(to + i), _mm256_loadu_ps(from + i)));
    for (; i < count; ++i)
        to[i] += from[i];
}

enum { columns = 64 }; /* that are summed at a time, in registers */

/* sum[i] += the sum of from[r * pitch + i] over r in [0, rows), for i below `columns`. */
AVX2 static void add_whole_columns(const float *from, int64_t pitch, int64_t rows, float *sum) {
    enum { vectors = columns / lanes };
    __m256 acc[vectors];
    for (int64_t v = 0; v < vectors; ++v)
        acc[v] = _mm256_loadu_ps(sum + v * lanes);
    for (int64_t r = 0; r < rows; ++r)
        for (int64_t v = 0; v < vectors; ++v)
            acc[v] = _mm256_add_ps(acc[v], _mm256_loadu_ps(from + r * pitch + v * lanes));
    for (int64_t v = 0; v < vectors; ++v)
        _mm256_storeu_ps(sum + v * lanes, acc[v]);
}

static void add_columns(const float *from, int64_t pitch, int64_t rows, int64_t count, float *sum) {
    if (count == columns) {
        add_whole_columns(from, pitch, rows, sum);
        return;
    }
    for (int64_t r = 0; r < rows; ++r)
        brdnn_add_row(sum, from + r * pitch, count);
}

/* Pairs of sums are added, so that few of the additions wait for each other. */
static float sum_row(const float *from, int64_t count) {
    const int64_t whole = count / columns * columns;
    float sum[columns] = {0};
    add_whole_columns(from, columns, count / columns, sum);
    brdnn_add_row(sum, from + whole, count - whole);
    for (int64_t half = columns / 2; half > 0; half /= 2)
        brdnn_add_row(sum, sum + half, half);
    return sum[0];
}

/* Rows that stand close: `columns` of them are taken as one long row. */
static void sum_dense_rows(const float *from, int64_t length, int64_t rows, float *sums) {
    const int64_t long_rows = rows / columns, taken = long_rows * columns;
    for (int64_t first = 0; first < columns * length; first += columns) {
        float sum[columns] = {0};
        add_columns(from + first, columns * length, long_rows, columns, sum);
        for (int64_t i = 0; i < columns; ++i)
            sums[(first + i) % length] += sum[i];
    }
    for (int64_t r = taken; r < rows; ++r)
        brdnn_add_row(sums, from + r * length, length);
}

static void sum_rows(const float *from, int64_t pitch, int64_t length, int64_t rows, float *sums) {
    for (int64_t first = 0; first < length; first += columns) {
        const int64_t count = brdnn_min(columns, length - first);
        float sum[columns] = {0};
        add_columns(from + first, pitch, rows, count, sum);
        brdnn_add_row(sums + first, sum, count);
    }
}

static void sum_f32(const brdnn_image *image, int64_t position, int64_t count, float *sums) {
    const float *start = image->start;
    if (image->layout == BRDNN_NCW)
        for (int64_t c = 0; c < image->channels; ++c)
            sums[c] += sum_row(start + c * image->pitch + position, count);
    else if (image->pitch == image->channels && image->channels < columns)
        sum_dense_rows(start + position * image->pitch, image->channels, count, sums);
    else sum_rows(start + position * image->pitch, image->pitch, image->channels, count, sums);
}

static const brdnn_kernels avx2 = {BRDNN_AVX2_F32, 1};

/* By way of f32 copies of few channels and positions. */
static void sum_bf16(const brdnn_image *image, int64_t position, int64_t count, float *sums) {
    enum { length = 2048 };
    float copy[length];
    for (int64_t c = 0; c < image->channels; c += columns) {
        const int64_t channels = brdnn_min(columns, image->channels - c);
        const int64_t step = image->layout == BRDNN_NCW ? image->pitch : 1;
        brdnn_image some = *image;
        some.start = brdnn_at(image->type, image->start, c * step);
        some.channels = channels;
        float sum[columns] = {0};
        for (int64_t i = 0; i < count; i += length / channels) {
            const brdnn_positions positions
                    = {position + i, 1, brdnn_min(length / channels, count - i)};
            const int64_t n = positions.count;
            const int64_t pitch = image->layout == BRDNN_NCW ? n : channels;
            if (image->layout == BRDNN_NCW)
                brdnn_pack_by_channel(avx2, &some, positions, copy, pitch);
            else brdnn_pack_by_position(avx2, &some, positions, copy, pitch);
            const brdnn_image as_f32 = {image->layout, BRDNN_F32, copy, pitch, channels, n};
            sum_f32(&as_f32, 0, n, sum);
        }
        brdnn_add_row(sums + c, sum, channels);
    }
}

/* Sums of a few thousand positions are kept apart before they are added to the rest: adding up
 * millions one by one would lose digits. */
enum { piece = 4096 };

void brdnn_sum_positions(const brdnn_image *image, int64_t position, int64_t count, float *sums) {
    for (int64_t first = position; first < position + count; first += piece) {
        const int64_t some = brdnn_min(piece, position + count - first);
        if (image->type == BRDNN_F32) sum_f32(image, first, some, sums);
        else sum_bf16(image, first, some, sums);
    }
}
