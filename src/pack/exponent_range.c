/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/exponent_range.h"

#include "pack/elements.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))
#define AVX512_INLINE AVX512 static inline __attribute__((always_inline))

/* Magnitudes less one, in lanes of the type's width: a zero is -1, the least of them as a signed number
 * and the greatest as an unsigned one, and so changes neither. */
typedef struct {
    __m512i largest, smallest;
} exponent_lanes;

AVX512_INLINE void add_bf16(exponent_lanes *range, __m512i bits) {
    const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi16(INT16_MAX));
    const __m512i less_one = _mm512_sub_epi16(magnitude, _mm512_set1_epi16(1));
    range->largest = _mm512_max_epi16(range->largest, less_one);
    range->smallest = _mm512_min_epu16(range->smallest, less_one);
}

AVX512_INLINE void add_f32(exponent_lanes *range, __m512i bits) {
    const __m512i magnitude = _mm512_and_si512(bits, _mm512_set1_epi32(INT32_MAX));
    const __m512i less_one = _mm512_sub_epi32(magnitude, _mm512_set1_epi32(1));
    range->largest = _mm512_max_epi32(range->largest, less_one);
    range->smallest = _mm512_min_epu32(range->smallest, less_one);
}

AVX512_INLINE void add_vector(exponent_lanes *range, brdnn_type type, __m512i bits) {
    if (type == BRDNN_BF16) add_bf16(range, bits);
    else add_f32(range, bits);
}

/* The first of a vector's elements, with zeros behind them. */
AVX512_INLINE __m512i load_first(brdnn_type type, const void *from, int64_t count) {
    const uint32_t mask = (1u << count) - 1;
    return type == BRDNN_BF16 ? _mm512_maskz_loadu_epi16(mask, from)
                              : _mm512_maskz_loadu_epi32((__mmask16)mask, from);
}

/* `rows` times `count` neighbours, from one row to the next `pitch` elements. */
AVX512_INLINE exponent_lanes range_of_rows(
        brdnn_type type, const void *start, int64_t rows, int64_t count, int64_t pitch) {
    const int64_t lanes = 64 / (int64_t)brdnn_type_bytes(type);
    exponent_lanes range = {_mm512_set1_epi32(-1), _mm512_set1_epi32(-1)};
    for (int64_t r = 0; r < rows; ++r) {
        const void *row = brdnn_at(type, start, r * pitch);
        int64_t i = 0;
        for (; i + lanes <= count; i += lanes)
            add_vector(&range, type, _mm512_loadu_si512(brdnn_at(type, row, i)));
        if (i < count)
            add_vector(&range, type, load_first(type, brdnn_at(type, row, i), count - i));
    }
    return range;
}

/* As magnitudes of f32: element by element the same, of the greater of each pair or the less. */
AVX512_INLINE exponent_lanes widened(exponent_lanes of_bf16) {
    const __m512i one = _mm512_set1_epi32(1), upper = _mm512_set1_epi32((int)0xffff0000);
    const __m512i one_of_bf16 = _mm512_set1_epi16(1);
    const __m512i largest = _mm512_add_epi16(of_bf16.largest, one_of_bf16);
    const __m512i smallest = _mm512_add_epi16(of_bf16.smallest, one_of_bf16);
    return (exponent_lanes) {_mm512_max_epi32(_mm512_sub_epi32(_mm512_slli_epi32(largest, 16), one),
                                     _mm512_sub_epi32(_mm512_and_si512(largest, upper), one)),
            _mm512_min_epu32(_mm512_sub_epi32(_mm512_slli_epi32(smallest, 16), one),
                    _mm512_sub_epi32(_mm512_and_si512(smallest, upper), one))};
}

AVX512 static void add_all(brdnn_type type, const void *start, int64_t rows, int64_t count,
        int64_t pitch, brdnn_exponent_range *range) {
    const exponent_lanes by_lane = type == BRDNN_BF16
            ? widened(range_of_rows(BRDNN_BF16, start, rows, count, pitch))
            : range_of_rows(BRDNN_F32, start, rows, count, pitch);
    const uint32_t largest = (uint32_t)_mm512_reduce_max_epi32(by_lane.largest) + 1;
    const uint32_t smallest_less_one = _mm512_reduce_min_epu32(by_lane.smallest);
    const bool any = smallest_less_one < UINT32_MAX;
    brdnn_join_exponents(range, (brdnn_exponent_range) {largest, smallest_less_one + any});
}

void brdnn_exponents_of_row(
        brdnn_type type, const void *row, int64_t count, brdnn_exponent_range *range) {
    add_all(type, row, 1, count, 0, range);
}

void brdnn_exponents_of_positions(
        const brdnn_image *image, brdnn_range positions, brdnn_exponent_range *range) {
    const int64_t begin = brdnn_max(positions.begin, 0), pitch = image->pitch;
    const int64_t count = brdnn_min(positions.end, image->width) - begin;
    const int64_t channels = image->channels;
    if (count <= 0) return;
    const bool ncw = image->layout == BRDNN_NCW;
    const void *start = brdnn_at(image->type, image->start, ncw ? begin : begin * pitch);
    if (ncw) add_all(image->type, start, channels, count, pitch, range);
    else if (pitch == channels) add_all(image->type, start, 1, count * channels, 0, range);
    else add_all(image->type, start, count, channels, pitch, range);
}

/* Exponent of a magnitude as f32: of the power of two at or below it; -127 for all denormals. */
static int64_t exponent(uint32_t magnitude) { return (int64_t)(magnitude >> 23) - 127; }

/* What the hardware flushes is below 2^-126: a part of a value, or one of the few sums of each of a
 * product's splits, together below 2^-122. So a value or product keeps its digits, to an eighth of what its
 * splits leave out, from so many binades above that on: nine for each part of eight bits and a sign. */
static int64_t binades_needed(int64_t splits) { return 9 * splits; }

/* Of what is by so many binades smaller than the largest, digits may be lost. */
static const int64_t faint = 32;

static bool values_carry(brdnn_exponent_range v, int64_t splits) {
    return brdnn_max(exponent(v.smallest), exponent(v.largest) - faint)
            >= -126 + binades_needed(splits);
}

bool brdnn_splits_carry(brdnn_exponent_range a, brdnn_exponent_range b, int64_t splits) {
    /* From here on a value is rounded to infinity. */
    const uint32_t beyond_bf16 = 0x7f7f8000;
    if (a.largest >= beyond_bf16 || b.largest >= beyond_bf16) return false;
    if (splits == 1 || a.largest == 0 || b.largest == 0) return true;
    /* Sums have fewer than 2^46 terms, each below 4 * 2^largest. */
    const int64_t largest = exponent(a.largest) + exponent(b.largest), most = 127 - 2 - 46;
    const int64_t smallest = exponent(a.smallest) + exponent(b.smallest);
    return largest <= most && values_carry(a, splits) && values_carry(b, splits)
            && brdnn_max(smallest, largest - faint) >= -122 + binades_needed(splits);
}
