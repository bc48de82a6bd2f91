/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/brgemm.c
 * The choice between the providers of kernels. */

#include "brgemm/brgemm.h"

#include "brgemm/amx.h"
#include "brgemm/libxsmm.h"

static bool uses_amx(const brdnn_brgemm_shape *shape) { return brdnn_uses_amx(shape->kernels); }

bool brdnn_brgemm_supported(const brdnn_brgemm_shape *shape) {
    return uses_amx(shape) ? brdnn_amx_supported(shape) : brdnn_libxsmm_supported(shape);
}

bool brdnn_brgemm_generate(
        brdnn_brgemm *kernel, brdnn_brgemm_code *code, const brdnn_brgemm_shape *shape) {
    kernel->shape = *shape;
    kernel->entry = NULL;
    if (!brdnn_brgemm_supported(shape)) return false;
    if (uses_amx(shape)) return true;
    kernel->entry = brdnn_libxsmm_generate(code, shape);
    return kernel->entry != NULL;
}

void brdnn_brgemm_enter(const brdnn_brgemm_shape *shape) {
    if (uses_amx(shape)) brdnn_amx_configure(shape);
}

void brdnn_brgemm_leave(const brdnn_brgemm_shape *shape) {
    if (uses_amx(shape)) brdnn_amx_release();
}

void brdnn_brgemm_run(const brdnn_brgemm *kernel, const void *a, const void *b, float *c,
        uint64_t count, const uint64_t *a_offsets, const uint64_t *b_offsets) {
    if (kernel->entry) kernel->entry(a, b, c, &count, a_offsets, b_offsets);
    else brdnn_amx_run(&kernel->shape, a, b, c, count, a_offsets, b_offsets);
}
