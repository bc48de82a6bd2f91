/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/brgemm.h
 * The one contract between the convolution passes and the kernels under them.
 *
 * A batch-reduce GEMM multiplies a batch of small matrix pairs and adds up the products:
 *
 *     C = sum over i in [0, count) of A_i * B_i          A_i: m x k, B_i: k x n, C: m x n
 *
 * A and B hold words (brgemm/kernels.h), C floats. With f32 words that is the whole formula. A bf16 word holds
 * two terms of the sum, so the product of two words is the sum of two products, and an operand may
 * come in splits:
 *
 *     C = sum over i, and over p, q >= 0 with p + q < splits, of A_i^p * B_i^q
 *
 * All matrices are column-major, as in BLAS: word (row, column) of plane p of A_i stands at
 * a + a_offsets[i] / 4 + p * a_plane + row + column * lda, so the m dimension runs along vector lanes.
 * B_i is read one word at a time and may be stored either way:
 *
 *     n_contiguous false:  (row, column) at row + column * ldb    ldb >= k
 *     n_contiguous true:   (row, column) at row * ldb + column    ldb >= n      f32 words only
 *
 * C is written, never read, unless `accumulate` is set: then the sum is added to what it holds.
 * Exactly its m x n elements are touched; of A and B exactly the words named above are read,
 * whatever m, n and k are (hardware prefetch hints may name other addresses). No alignment is
 * needed. count is at least 1. Offsets are in bytes and wrap around, so a negative one is given in
 * two's complement. lda, ldb, ldc count words.
 *
 * One kernel holds all of C in registers over the whole batch: m and n are meant to be one
 * register tile (brgemm/register_tile.h), and n at most the tile's limit there.
 *
 * Providers: f32 words are LIBXSMM's (brgemm/libxsmm.c) with any instruction set; so are VNNI pairs
 * of one plane with AVX512_BF16. With AMX VNNI pairs are multiplied by kernels of our own
 * (brgemm/amx.c), with further rules:
 *
 *   - C is a row of equal blocks of at most 16 x 16. Along m they are m_block each, which divides m;
 *     along n they are 16, or all of it where that is less. There is one in one of these directions,
 *     and brdnn_amx_most_blocks() in the other at most. k is at most 16.
 *   - Blocks along m may stand apart: a_block words from one to the next in A, c_block floats in C,
 *     both m_block where they don't. Columns of A may overlap (lda < m), those of B too (ldb < k).
 *   - The thread's tile registers must have been configured for the shape:
 *     brdnn_brgemm_enter(), and brdnn_brgemm_leave() when done. All kernels that run in
 *     between must agree in k and in the size of blocks.
 */

#ifndef BRDNN_BRGEMM_BRGEMM_H
#define BRDNN_BRGEMM_BRGEMM_H

#include "brgemm/kernels.h"

#include <stddef.h>

typedef struct {
    brdnn_kernels kernels;
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
    int64_t a_plane, b_plane; /**< words from one plane to the next; ignored with one plane */
    int64_t m_block, a_block, c_block; /**< see above; ignored unless AMX is used */
    bool n_contiguous, accumulate;
} brdnn_brgemm_shape;

/** Machine code of a kernel, as LIBXSMM generates it. */
typedef void (*brdnn_brgemm_code_entry)(const void *a, const void *b, float *c,
        const uint64_t *count, const uint64_t *a_offsets, const uint64_t *b_offsets);

/** One kernel; entry is NULL where it is one of our own. */
typedef struct {
    brdnn_brgemm_shape shape;
    brdnn_brgemm_code_entry entry;
} brdnn_brgemm;

/** Whether a kernel of this shape can be generated: exactly the shapes for which
 * brdnn_brgemm_generate() succeeds while memory lasts. */
bool brdnn_brgemm_supported(const brdnn_brgemm_shape *shape);

/** Executable memory that holds the kernels of one plan. */
typedef struct brdnn_brgemm_code brdnn_brgemm_code;

/** Room for so many kernels, or for none where all are our own; NULL where memory can't be had. */
brdnn_brgemm_code *brdnn_brgemm_code_create(int kernels);

/** Generates one kernel, to be run only once the code is sealed. False where not supported or where
 * there is no room left. */
bool brdnn_brgemm_generate(
        brdnn_brgemm *kernel, brdnn_brgemm_code *code, const brdnn_brgemm_shape *shape);

/** Makes the code executable and no longer writable. False where the system refuses. */
bool brdnn_brgemm_code_seal(brdnn_brgemm_code *code);

/** Frees the code and every kernel in it. NULL is allowed. */
void brdnn_brgemm_code_destroy(brdnn_brgemm_code *code);

/** Configures and releases the calling thread's tile registers; do nothing unless AMX is used. */
void brdnn_brgemm_enter(const brdnn_brgemm_shape *shape);
void brdnn_brgemm_leave(const brdnn_brgemm_shape *shape);

/** Runs a kernel. */
void brdnn_brgemm_run(const brdnn_brgemm *kernel, const void *a, const void *b, float *c,
        uint64_t count, const uint64_t *a_offsets, const uint64_t *b_offsets);

#endif
