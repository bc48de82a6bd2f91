/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/libxsmm.h
 * The provider of generated kernels, behind brgemm.h. */

#ifndef BRDNN_BRGEMM_LIBXSMM_H
#define BRDNN_BRGEMM_LIBXSMM_H

#include "brgemm/brgemm.h"

/** Whether the generator has a kernel of this shape. */
bool brdnn_libxsmm_supported(const brdnn_brgemm_shape *shape);

/** Generates the kernel of a supported shape; NULL where there is no room left. */
brdnn_brgemm_code_entry brdnn_libxsmm_generate(
        brdnn_brgemm_code *code, const brdnn_brgemm_shape *shape);

#endif
