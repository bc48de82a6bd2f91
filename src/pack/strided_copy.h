/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/strided_copy.h
 * Elements at even distances become neighbours: what all packing begins with. */

#ifndef BRDNN_PACK_STRIDED_COPY_H
#define BRDNN_PACK_STRIDED_COPY_H

#include "brdnn.h"
#include "brgemm/kernels.h"

/** Rows of elements, `row_step` elements apart, of which every `step`-th counts. */
typedef struct {
    brdnn_type type;
    const void *start;
    int64_t rows, row_step;
    int64_t count, step; /**< both steps at least 1 */
} brdnn_strided_rows;

/** Element i of row r goes to r * pitch + i, of the same type.
 * @param kernels whose instructions may be used */
void brdnn_strided_copy(
        brdnn_kernels kernels, const brdnn_strided_rows *from, void *to, int64_t pitch);

/** The same as f32. */
void brdnn_strided_copy_f32(
        brdnn_kernels kernels, const brdnn_strided_rows *from, float *to, int64_t pitch);

#endif
