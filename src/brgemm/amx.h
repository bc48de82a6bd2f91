/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/amx.h
 * The provider of bf16 kernels on AMX, behind brgemm.h. */

#ifndef BRDNN_BRGEMM_AMX_H
#define BRDNN_BRGEMM_AMX_H

#include "brgemm/brgemm.h"

/** Most 16 x 16 blocks of C: of eight tile registers the others hold A and B. */
static inline int64_t brdnn_amx_most_blocks(int64_t splits) { return splits == 1 ? 6 : 4; }

/** Whether the shape keeps the rules of brgemm.h for AMX. */
bool brdnn_amx_supported(const brdnn_brgemm_shape *shape);

/** Configures the calling thread's tile registers for the shape, and releases them. */
void brdnn_amx_configure(const brdnn_brgemm_shape *shape);
void brdnn_amx_release(void);

/** Runs the kernel of a supported shape; arguments as in brdnn_brgemm_run(). */
void brdnn_amx_run(const brdnn_brgemm_shape *shape, const void *a, const void *b, float *c,
        uint64_t count, const uint64_t *a_offsets, const uint64_t *b_offsets);

#endif
