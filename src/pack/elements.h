/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/elements.h
 * Elements of tensors of either type, read and written as f32. */

#ifndef BRDNN_PACK_ELEMENTS_H
#define BRDNN_PACK_ELEMENTS_H

#include "brdnn.h"
#include "brgemm/kernels.h"

#include <string.h>

static inline size_t brdnn_type_bytes(brdnn_type type) {
    return type == BRDNN_BF16 ? sizeof(uint16_t) : sizeof(float);
}

/** The address so many elements behind base; a negative number goes back. */
static inline const void *brdnn_at(brdnn_type type, const void *base, int64_t elements) {
    return (const char *)base + elements * (int64_t)brdnn_type_bytes(type);
}

static inline void *brdnn_at_mutable(brdnn_type type, void *base, int64_t elements) {
    return (char *)base + elements * (int64_t)brdnn_type_bytes(type);
}

static inline float brdnn_float_of_bf16(uint16_t value) {
    const uint32_t bits = (uint32_t)value << 16;
    float widened;
    memcpy(&widened, &bits, sizeof(widened));
    return widened;
}

/** The nearest bf16, of two the even one; NaN stays NaN, and denormals are kept. */
static inline uint16_t brdnn_bf16_of_float(float value) {
    const uint32_t infinity = 0x7f800000, quiet = 0x40;
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    const uint32_t truncated = bits >> 16, rounded = (bits + 0x7fff + (truncated & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffff) > infinity ? truncated | quiet : rounded);
}

/** Element `index` of a tensor at base. */
static inline float brdnn_load(brdnn_type type, const void *base, int64_t index) {
    return type == BRDNN_BF16 ? brdnn_float_of_bf16(((const uint16_t *)base)[index])
                              : ((const float *)base)[index];
}

/** Sets it, rounded as by brdnn_bf16_of_float(). */
static inline void brdnn_store(brdnn_type type, void *base, int64_t index, float value) {
    if (type == BRDNN_BF16) ((uint16_t *)base)[index] = brdnn_bf16_of_float(value);
    else ((float *)base)[index] = value;
}

/** Stores rows of finished sums, `ld` floats apart, as rows of `length` elements, `pitch` apart, rounded
 * as by brdnn_bf16_of_float(); with AVX512_BF16 bf16 denormals become zeros.
 * @param kernels what may be used */
void brdnn_store_sums(brdnn_kernels kernels, brdnn_type type, const float *from, int64_t rows,
        int64_t length, int64_t ld, void *to, int64_t pitch);

/** to[i] = from[i * step] for i below count. Needs AVX2. */
void brdnn_widen_row(const uint16_t *from, int64_t step, int64_t count, float *to);

#endif
