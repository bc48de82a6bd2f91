/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm.h
 * The one contract between the convolution passes and the kernels under them.
 *
 * A batch-reduce GEMM multiplies a batch of small matrix pairs and adds up the products:
 *
 *     C = sum over i in [0, count) of A_i * B_i          A_i: m x k, B_i: k x n, C: m x n, f32
 *
 * All matrices are column-major, as in BLAS: element (row, column) of A_i stands at
 * a + a_offsets[i] / 4 + row + column * lda, so the m dimension runs along vector lanes.
 * B_i is read one element at a time and may be stored either way:
 *
 *     n_contiguous false:  (row, column) at row + column * ldb    ldb >= k
 *     n_contiguous true:   (row, column) at row * ldb + column    ldb >= n
 *
 * C is written, never read, unless `accumulate` is set: then the sum is added to what it holds.
 * Exactly its m x n elements are touched; of A and B exactly the elements named above are read,
 * whatever m, n and k are (hardware prefetch hints may name other addresses). No alignment is
 * needed. count is at least 1. Offsets are in bytes and wrap around, so a negative one is given in
 * two's complement. lda, ldb, ldc count elements.
 *
 * One kernel holds all of C in registers over the whole batch: m and n are meant to be one
 * register tile (tile.h), and n at most the tile's limit there.
 */

#ifndef BRCONV1D_BRGEMM_H
#define BRCONV1D_BRGEMM_H

#include "brconv1d.h"

typedef struct {
    brconv1d_isa isa;
    int64_t m, n, k;
    int64_t lda, ldb, ldc;
    bool n_contiguous, accumulate;
} brconv1d_brgemm_shape;

typedef void (*brconv1d_brgemm)(const float *a, const float *b, float *c, const uint64_t *count,
        const uint64_t *a_offsets, const uint64_t *b_offsets);

/** Whether a kernel of this shape can be generated: exactly the shapes for which
 * brconv1d_brgemm_generate() succeeds while memory lasts. */
bool brconv1d_brgemm_supported(const brconv1d_brgemm_shape *shape);

/** Executable memory that holds the kernels of one plan. */
typedef struct brconv1d_brgemm_code brconv1d_brgemm_code;

/** Room for so many kernels; NULL where memory can't be had. */
brconv1d_brgemm_code *brconv1d_brgemm_code_create(int kernels);

/** Generates one kernel, to be called only once the code is sealed; NULL where not supported or
 * where there is no room left. */
brconv1d_brgemm brconv1d_brgemm_generate(
        brconv1d_brgemm_code *code, const brconv1d_brgemm_shape *shape);

/** Makes the code executable and no longer writable. False where the system refuses. */
bool brconv1d_brgemm_code_seal(brconv1d_brgemm_code *code);

/** Frees the code and every kernel in it. NULL is allowed. */
void brconv1d_brgemm_code_destroy(brconv1d_brgemm_code *code);

#endif
