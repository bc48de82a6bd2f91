/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/strided_copy.h
 * Elements at even distances become neighbours: what all packing begins with. */

#ifndef BRDNN_PACK_STRIDED_COPY_H
#define BRDNN_PACK_STRIDED_COPY_H

#include "brdnn.h"
#include "brgemm/kernels.h"

/** to[i] = from[i * step] for i below count, of the type given.
 * @param kernels whose instructions may be used
 * @param step at least 1 */
void brdnn_strided_copy(brdnn_kernels kernels, brdnn_type type, const void *from, int64_t step,
        int64_t count, void *to);

/** The same as f32. */
void brdnn_strided_copy_f32(brdnn_kernels kernels, brdnn_type type, const void *from, int64_t step,
        int64_t count, float *to);

#endif
