/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/vnni.h"
#include "pack/vnni_rows.h"
#include "pack/vnni_vectors.h"

/* --- a row per pair of terms --- */

static brdnn_strided_row row_of_term(
        const brdnn_image *image, brdnn_positions positions, brdnn_fold fold, int64_t term) {
    if (term >= fold.taps * image->channels) return (brdnn_strided_row) {NULL, positions, {0, 0}};
    return brdnn_strided_row_of(image, term % image->channels,
            brdnn_moved(positions, term / image->channels * fold.apart));
}

void brdnn_vnni_terms_by_term(const brdnn_image *image, brdnn_positions positions, brdnn_fold fold,
        int64_t row_count, const brdnn_vnni_rows *to) {
    for (int64_t r = 0; r < row_count; ++r) {
        const brdnn_strided_row first = row_of_term(image, positions, fold, 2 * r);
        const brdnn_strided_row second = row_of_term(image, positions, fold, 2 * r + 1);
        brdnn_vnni_of_rows(image->type, &first, &second, to, r);
    }
}

/* --- a row per position: neighbouring terms are pairs already, once they are bf16 --- */

enum { lanes = brdnn_vnni_lanes, words = brdnn_halves };

/* What the rows of all positions have in common. */
typedef struct {
    const brdnn_image *image;
    brdnn_positions positions;
    brdnn_fold fold;
    int64_t row_length;
    const brdnn_vnni_rows *to;
    int64_t whole;  /* channels in all vectors of 32 but the last */
    __mmask32 last; /* those in the last */
} term_rows;

BRDNN_AVX512_INLINE __mmask32 first_words(int64_t count) {
    return (__mmask32)(((uint64_t)1 << brdnn_max(brdnn_min(count, words), 0)) - 1);
}

BRDNN_AVX512_INLINE void store_words(uint16_t *to, __mmask32 mask, __m512i v) {
    if (mask == UINT32_MAX) _mm512_storeu_si512(to, v);
    else _mm512_mask_storeu_epi16(to, mask, v);
}

/* Parts of up to 32 neighbouring values as bf16, in whole vectors: those behind them become zeros.
 * Stored is only what there is room for. */
BRDNN_AVX512_INLINE void place(brdnn_type type, const void *from, __mmask32 mask, uint16_t *to,
        int64_t plane, int64_t splits, __mmask32 room) {
    if (type == BRDNN_BF16) {
        store_words(to, room, _mm512_maskz_loadu_epi16(mask, from));
        return;
    }
    __m512 low = _mm512_maskz_loadu_ps((__mmask16)mask, from);
    __m512 high = _mm512_maskz_loadu_ps((__mmask16)(mask >> lanes), (const float *)from + lanes);
    for (int64_t p = 0;; ++p) {
        const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        store_words(to + 2 * p * plane, room, rounded);
        if (p + 1 == splits) return;
        low = _mm512_sub_ps(low, (__m512)brdnn_widen(_mm512_castsi512_si256(rounded)));
        high = _mm512_sub_ps(high, (__m512)brdnn_widen(_mm512_extracti64x4_epi64(rounded, 1)));
    }
}

/* The same of up to 16, in half as long vectors, where there is room. */
BRDNN_AVX512_INLINE void place_few(brdnn_type type, const void *from, __mmask16 mask, uint16_t *to,
        int64_t plane, int64_t splits) {
    if (type == BRDNN_BF16) {
        _mm256_storeu_si256((__m256i *)to, _mm256_maskz_loadu_epi16(mask, from));
        return;
    }
    __m512 values = _mm512_maskz_loadu_ps(mask, from);
    for (int64_t p = 0;; ++p) {
        const __m256i rounded = (__m256i)_mm512_cvtneps_pbh(values);
        _mm256_storeu_si256((__m256i *)(to + 2 * p * plane), rounded);
        if (p + 1 == splits) return;
        values = _mm512_sub_ps(values, (__m512)brdnn_widen(rounded));
    }
}

/* The end of a plane's last row, behind which nothing may be written: the next plane may begin there,
 * and its first rows have been written before. Anything up to there may be overshot: what follows
 * is written later, or is a gap between rows, which holds nothing. */
static uint16_t *end_of_rows(const term_rows *rows) {
    const int64_t last = rows->positions.count - 1;
    return (uint16_t *)(rows->to->start + last * rows->to->pitch + rows->row_length);
}

/* Rows, wherever they lie. */
BRDNN_AVX512_INLINE void place_edge_rows(
        const term_rows *rows, brdnn_type type, int64_t splits, brdnn_range range) {
    const brdnn_image *image = rows->image;
    const int64_t plane = rows->to->plane;
    const uint16_t *const end = end_of_rows(rows);
    for (int64_t i = range.begin; i < range.end; ++i) {
        uint16_t *const start = (uint16_t *)(rows->to->start + i * rows->to->pitch), *run = start;
        int64_t position = rows->positions.first + i * rows->positions.step;
        for (int64_t tap = 0; tap < rows->fold.taps; ++tap, position += rows->fold.apart) {
            const bool valid = position >= 0 && position < image->width;
            for (int64_t c = 0; c <= rows->whole; c += words) {
                const __mmask32 mask = c < rows->whole ? UINT32_MAX : rows->last;
                const void *from = valid ? brdnn_at(type, image->start, position * image->pitch + c)
                                         : brdnn_zeros;
                place(type, from, valid ? mask : 0, run + c, plane, splits,
                        first_words(end - (run + c)));
            }
            run += image->channels;
        }
        const int64_t written = (run - start) - image->channels + rows->whole + words;
        for (uint16_t *t = start + written; t < start + 2 * rows->row_length; t += words)
            place(type, brdnn_zeros, 0, t, plane, splits, first_words(end - t));
    }
}

/* Parts of neighbouring values: `whole` of them and those of a last vector. */
BRDNN_AVX512_INLINE void place_run(brdnn_type type, const void *from, int64_t whole, __mmask32 last,
        uint16_t *to, int64_t plane, int64_t splits) {
    for (int64_t c = 0; c < whole; c += words)
        place(type, brdnn_at(type, from, c), UINT32_MAX, to + c, plane, splits, UINT32_MAX);
    place(type, brdnn_at(type, from, whole), last, to + whole, plane, splits, UINT32_MAX);
}

/* Rows of which all taps are inside, and that may be overshot.
 * @param few  half a vector holds the channels, and nothing behind them is to be made zero */
BRDNN_AVX512_INLINE void place_inner_rows(
        const term_rows *rows, brdnn_type type, int64_t splits, brdnn_range range, bool few) {
    /* Copies, as stores of vectors might change what pointers lead to for all a compiler knows. */
    const int64_t channels = rows->image->channels, pitch = rows->to->pitch,
                  plane = rows->to->plane;
    const int64_t taps = rows->fold.taps, apart = rows->fold.apart * rows->image->pitch;
    const int64_t step = rows->positions.step * rows->image->pitch;
    const int64_t first = rows->positions.first * rows->image->pitch + range.begin * step;
    const int64_t whole = rows->whole, length = 2 * rows->row_length;
    const __mmask32 last = rows->last;
    const void *from = brdnn_at(type, rows->image->start, first);
    uint32_t *start = rows->to->start + range.begin * pitch;
    for (int64_t i = range.begin; i < range.end; ++i, start += pitch) {
        uint16_t *const row = (uint16_t *)start;
        for (int64_t tap = 0; tap < taps; ++tap) {
            const void *run = brdnn_at(type, from, tap * apart);
            if (few) place_few(type, run, (__mmask16)last, row + tap * channels, plane, splits);
            else place_run(type, run, whole, last, row + tap * channels, plane, splits);
        }
        for (int64_t t = (taps - 1) * channels + whole + words; !few && t < length; t += words)
            place(type, brdnn_zeros, 0, row + t, plane, splits, UINT32_MAX);
        from = brdnn_at(type, from, step);
    }
}

/* Those that are inside, and of which none overshoots the last. */
static brdnn_range inner_rows(const term_rows *rows) {
    const int64_t apart = (rows->fold.taps - 1) * rows->fold.apart;
    const int64_t overshooting = brdnn_ceil_div(lanes, rows->to->pitch);
    brdnn_range range = brdnn_inside_both(rows->image, rows->positions, apart);
    const int64_t end = brdnn_min(range.end, rows->positions.count - overshooting);
    range.end = brdnn_max(range.begin, end);
    return range;
}

BRDNN_AVX512_INLINE void place_rows(const term_rows *rows, brdnn_type type, int64_t splits) {
    const int64_t before_last = (rows->fold.taps - 1) * rows->image->channels;
    const bool few = rows->image->channels <= lanes && before_last + lanes >= 2 * rows->row_length;
    const brdnn_range inner = inner_rows(rows);
    place_edge_rows(rows, type, splits, (brdnn_range) {0, inner.begin});
    if (few) place_inner_rows(rows, type, splits, inner, true);
    else place_inner_rows(rows, type, splits, inner, false);
    place_edge_rows(rows, type, splits, (brdnn_range) {inner.end, rows->positions.count});
}

BRDNN_AVX512 void brdnn_vnni_terms_by_position(const brdnn_image *image, brdnn_positions positions,
        brdnn_fold fold, int64_t row_length, const brdnn_vnni_rows *to) {
    const int64_t whole = (image->channels - 1) / words * words;
    const __mmask32 last = first_words(image->channels - whole);
    const term_rows rows = {image, positions, fold, row_length, to, whole, last};
    if (image->type == BRDNN_BF16) place_rows(&rows, BRDNN_BF16, 1);
    else if (to->splits == 1) place_rows(&rows, BRDNN_F32, 1);
    else place_rows(&rows, BRDNN_F32, to->splits);
}
