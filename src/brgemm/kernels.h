/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/kernels.h
 * The families of kernels, and what they multiply: words of 4 bytes.
 *
 * A word is one f32, or a VNNI pair: two neighbouring terms of the sum in bf16, the first in the lower
 * half, since instructions for bf16 multiply pairs and add both products. So loops, tables and packed
 * copies count words and are the same for all types; only what fills a word differs.
 *
 * An f32 can be written as a sum of bf16 values of falling magnitude, 8 bits each: its splits, bf16x2 or
 * bf16x3, multiplied on hardware for bf16. A packed operand then has a plane of words for each.
 */

#ifndef BRDNN_BRGEMM_KERNELS_H
#define BRDNN_BRGEMM_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

/** Who multiplies, with which instructions. */
typedef enum {
    BRDNN_AVX2_F32,         /**< LIBXSMM */
    BRDNN_AVX512_F32,       /**< LIBXSMM */
    BRDNN_AVX512_BF16_VNNI, /**< LIBXSMM; one split */
    BRDNN_AMX_VNNI          /**< kernels of our own (brgemm/amx.c) */
} brdnn_kernel_family;

typedef struct {
    brdnn_kernel_family family;
    int64_t splits; /**< planes of a packed operand: 1 to 3, and 1 for f32 */
} brdnn_kernels;

enum {
    brdnn_word_bytes = 4,
    brdnn_most_splits = 3,
    brdnn_amx_edge = 16, /**< of the block of C that an AMX instruction adds to */
    brdnn_amx_depth = 16 /**< words that it sums up */
};

static inline bool brdnn_is_vnni(brdnn_kernels kernels) {
    return kernels.family == BRDNN_AVX512_BF16_VNNI || kernels.family == BRDNN_AMX_VNNI;
}

static inline bool brdnn_uses_amx(brdnn_kernels kernels) {
    return kernels.family == BRDNN_AMX_VNNI;
}

/** Whether whatever surrounds the kernels may use AVX-512 F, BW, DQ and VL. */
static inline bool brdnn_has_avx512(brdnn_kernels kernels) {
    return kernels.family != BRDNN_AVX2_F32;
}

/** Terms of a sum in a word. */
static inline int64_t brdnn_terms_of(brdnn_kernels kernels) {
    return brdnn_is_vnni(kernels) ? 2 : 1;
}

/** Words that so many neighbouring terms fill, the last perhaps by half. */
static inline int64_t brdnn_words_for(brdnn_kernels kernels, int64_t terms) {
    return brdnn_is_vnni(kernels) ? (terms + 1) / 2 : terms;
}

/** The family and its splits: for people to read. */
const char *brdnn_kernels_name(brdnn_kernels kernels);

#endif
