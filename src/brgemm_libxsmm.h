/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm_libxsmm.h
 * The provider of generated kernels, behind brgemm.h. */

#ifndef BRCONV1D_BRGEMM_LIBXSMM_H
#define BRCONV1D_BRGEMM_LIBXSMM_H

#include "brgemm.h"

/** Whether the generator has a kernel of this shape. */
bool brconv1d_libxsmm_supported(const brconv1d_brgemm_shape *shape);

/** Generates the kernel of a supported shape; NULL where there is no room left. */
brconv1d_brgemm_code_entry brconv1d_libxsmm_generate(
        brconv1d_brgemm_code *code, const brconv1d_brgemm_shape *shape);

#endif
