/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/vnni.h"

#include "pack/strided_copy.h"
#include "pack/vnni_rows.h"
#include "pack/vnni_vectors.h"

#include <string.h>

/* Values with gaps are gathered this many at a time. */
enum { gathered = 128 };

/* Makes neighbours of `count` values from `first` on, at most `gathered`; NULL: zeros. */
static const void *gather(const brdnn_values *from, int64_t first, int64_t count, void *buffer) {
    if (!from->start) return NULL;
    const brdnn_strided_rows row = {.type = from->type,
            .start = brdnn_at(from->type, from->start, first * from->step),
            .rows = 1,
            .count = count,
            .step = from->step};
    brdnn_strided_copy((brdnn_kernels) {BRDNN_AVX512_BF16_VNNI, 1}, &row, buffer, 0);
    return buffer;
}

BRDNN_AVX512 static void pair_neighbours(
        brdnn_type type, const void *first, const void *second, int64_t count, brdnn_planes to) {
    if (type == BRDNN_BF16) brdnn_vnni_neighbours(BRDNN_BF16, first, second, count, to);
    else brdnn_vnni_neighbours(BRDNN_F32, first, second, count, to);
}

BRDNN_AVX512 static void pair_gathered(
        const brdnn_values *first, const brdnn_values *second, int64_t count, brdnn_planes to) {
    _Alignas(64) float of_first[gathered], of_second[gathered];
    uint32_t *const start = to.start;
    for (int64_t i = 0; i < count; i += gathered) {
        const int64_t some = brdnn_min(gathered, count - i);
        to.start = start + i;
        pair_neighbours(first->type, gather(first, i, some, of_first),
                gather(second, i, some, of_second), some, to);
    }
}

BRDNN_AVX512 static void pair_one_row(
        brdnn_type type, const void *from, int64_t count, brdnn_planes to) {
    const int64_t lanes = brdnn_vnni_lanes;
    uint32_t *const start = to.start;
    if (type == BRDNN_BF16) {
        memcpy(start, from, (size_t)count * sizeof(*start));
        return;
    }
    for (int64_t i = 0; i < count; i += lanes) {
        const float *at = (const float *)from + 2 * i;
        const int64_t left = 2 * (count - i);
        to.start = start + i;
        brdnn_vnni_one_row_f32(_mm512_maskz_loadu_ps(brdnn_first_lanes(left), at),
                _mm512_maskz_loadu_ps(brdnn_first_lanes(left - lanes), at + lanes), to,
                brdnn_first_lanes(count - i));
    }
}

BRDNN_AVX512 static void pair_values(
        brdnn_values first, brdnn_values second, int64_t count, brdnn_planes to) {
    if (!first.start && !second.start)
        for (int64_t p = 0; p < to.splits; ++p)
            memset(to.start + p * to.plane, 0, (size_t)count * sizeof(*to.start));
    else if (first.step == 1 && second.step == 1)
        pair_neighbours(first.type, first.start, second.start, count, to);
    else if (first.start && first.step == 2 && second.step == 2
            && second.start == brdnn_at(first.type, first.start, 1))
        pair_one_row(first.type, first.start, count, to);
    else pair_gathered(&first, &second, count, to);
}

void brdnn_vnni_of_values(brdnn_values first, brdnn_values second, int64_t count, int64_t splits,
        int64_t plane, uint32_t *to) {
    pair_values(first, second, count, (brdnn_planes) {to, plane, splits});
}

/* The values from i on, up to where they stop or start to be valid, which is before or at *end. */
static brdnn_values piece_of(
        brdnn_type type, const brdnn_strided_row *from, int64_t i, int64_t *end) {
    brdnn_values values = {NULL, type, from->positions.step};
    if (i < from->valid.begin) *end = brdnn_min(*end, from->valid.begin);
    else if (i < from->valid.end) {
        *end = brdnn_min(*end, from->valid.end);
        const int64_t position = from->positions.first + i * from->positions.step;
        values.start = brdnn_at(type, from->row, position);
    }
    return values;
}

BRDNN_AVX512 void brdnn_vnni_of_rows(brdnn_type type, const brdnn_strided_row *first,
        const brdnn_strided_row *second, const brdnn_vnni_rows *to, int64_t row) {
    const int64_t count = first->positions.count;
    uint32_t *const start = to->start + row * to->pitch;
    for (int64_t i = 0, end; i < count; i = end) {
        end = count;
        const brdnn_values a = piece_of(type, first, i, &end);
        const brdnn_values b = piece_of(type, second, i, &end);
        brdnn_vnni_of_values(a, b, end - i, to->splits, to->plane, start + i);
    }
}
