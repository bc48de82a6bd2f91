/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "src_packing.h"

#include "problem.h"

#include <immintrin.h>
#include <string.h>

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Rows long enough to need it start on cache lines, and not a multiple of 1 KiB apart, where
 * neighbouring rows would compete for few cache sets. */
static int64_t padded_row(int64_t length) {
    const int64_t line = 64 / sizeof(float), conflict = 1024 / sizeof(float);
    if (length < line) return length;
    const int64_t row = brconv1d_ceil_div(length, line) * line;
    return row % conflict ? row : row + line;
}

brconv1d_src_packing brconv1d_src_packing_of(const brconv1d_problem *p, int64_t outputs) {
    const int64_t common = greatest_common_divisor(p->stride, p->dilation);
    brconv1d_src_packing packing;
    packing.phases = brconv1d_min(p->stride / common, p->kw);
    packing.tap_step = p->dilation / common;
    if (packing.tap_step > outputs) {
        packing.phases = p->kw;
        packing.tap_step = 0;
    }
    const int64_t most_taps = brconv1d_ceil_div(p->kw, packing.phases);
    packing.segment = outputs + (most_taps - 1) * packing.tap_step;
    const int64_t positions = brconv1d_product(packing.phases, packing.segment);
    const int64_t ic = brconv1d_group_ic(p);
    const bool ncw = p->layout == BRCONV1D_NCW;
    packing.rows = ncw ? ic : positions;
    packing.pitch = padded_row(ncw ? positions : ic);
    return packing;
}

int64_t brconv1d_packed_src_bytes(const brconv1d_src_packing *packing) {
    return brconv1d_product(brconv1d_product(packing->rows, packing->pitch), sizeof(float));
}

/* The part of a segment of `length` positions that lies inside src; position i of it is position
 * first + i * stride of src. */
static brconv1d_range inside_src(const brconv1d_problem *p, int64_t first, int64_t length) {
    brconv1d_range r;
    r.begin = first >= 0 ? 0 : brconv1d_ceil_div(-first, p->stride);
    r.end = first >= p->iw ? 0 : brconv1d_ceil_div(p->iw - first, p->stride);
    r.begin = brconv1d_min(r.begin, length);
    r.end = brconv1d_max(brconv1d_min(r.end, length), r.begin);
    return r;
}

/* Copies every stride-th of a vector's lanes to the front of `to` and returns how many: the rest of
 * the vector that is stored is overwritten by the next, so at least 16 elements must be left. */
__attribute__((target("avx512f"))) static int64_t copy_strided_avx512(
        float *to, const float *from, int64_t stride, int64_t count) {
    const int64_t lanes = 16, picked = brconv1d_ceil_div(lanes, stride);
    __mmask16 mask = 0;
    for (int64_t lane = 0; lane < lanes; lane += stride)
        mask |= (__mmask16)(1u << lane);
    int64_t i = 0;
    for (; i + lanes <= count; i += picked)
        _mm512_storeu_ps(
                to + i, _mm512_maskz_compress_ps(mask, _mm512_loadu_ps(from + i * stride)));
    return i;
}

/* to[i] = from[i * stride] for i below count. */
static void copy_strided(
        brconv1d_isa isa, float *to, const float *from, int64_t stride, int64_t count) {
    const int64_t worth_a_vector = 4;
    if (stride == 1) {
        memcpy(to, from, (size_t)count * sizeof(*to));
        return;
    }
    int64_t i = 0;
    if (isa == BRCONV1D_ISA_AVX512_CORE && stride <= worth_a_vector)
        i = copy_strided_avx512(to, from, stride, count);
    for (; i < count; ++i)
        to[i] = from[i * stride];
}

static void zero(float *to, int64_t count) { memset(to, 0, (size_t)count * sizeof(*to)); }

/* One segment of one channel. */
static void pack_ncw_row(const float *src, const brconv1d_problem *p, int64_t first, int64_t length,
        brconv1d_range inside, float *packed) {
    zero(packed, inside.begin);
    if (inside.end > inside.begin)
        copy_strided(p->isa, packed + inside.begin, src + first + inside.begin * p->stride,
                p->stride, inside.end - inside.begin);
    zero(packed + inside.end, length - inside.end);
}

/* One segment of all channels. */
static void pack_nwc_segment(const float *src, const brconv1d_problem *p, int64_t first,
        int64_t length, brconv1d_range inside, int64_t pitch, float *packed) {
    const int64_t ic = brconv1d_group_ic(p);
    zero(packed, inside.begin * pitch);
    for (int64_t i = inside.begin; i < inside.end; ++i)
        memcpy(packed + i * pitch, src + (first + i * p->stride) * p->src.pitch,
                (size_t)ic * sizeof(*packed));
    zero(packed + inside.end * pitch, (length - inside.end) * pitch);
}

void brconv1d_pack_src(const brconv1d_problem *p, const brconv1d_src_packing *packing,
        const float *src, int64_t ow, int64_t ow_count, float *packed) {
    const int64_t ic = brconv1d_group_ic(p), base = ow * p->stride - p->pad_l;
    for (int64_t t = 0; t < packing->phases; ++t) {
        const int64_t taps = brconv1d_ceil_div(p->kw - t, packing->phases);
        const int64_t length = ow_count + (taps - 1) * packing->tap_step;
        const int64_t first = base + t * p->dilation, start = t * packing->segment;
        const brconv1d_range inside = inside_src(p, first, length);
        if (p->layout == BRCONV1D_NWC) {
            pack_nwc_segment(
                    src, p, first, length, inside, packing->pitch, packed + start * packing->pitch);
            continue;
        }
        for (int64_t c = 0; c < ic; ++c)
            pack_ncw_row(src + c * p->src.pitch, p, first, length, inside,
                    packed + c * packing->pitch + start);
    }
}
