/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm.c
 * The choice between the providers of kernels. */

#include "brgemm.h"

#include "brgemm_amx.h"
#include "brgemm_libxsmm.h"

static bool uses_amx(const brconv1d_brgemm_shape *shape) {
    return brconv1d_uses_amx(shape->isa, shape->items);
}

bool brconv1d_brgemm_supported(const brconv1d_brgemm_shape *shape) {
    return uses_amx(shape) ? brconv1d_amx_supported(shape) : brconv1d_libxsmm_supported(shape);
}

bool brconv1d_brgemm_generate(
        brconv1d_brgemm *kernel, brconv1d_brgemm_code *code, const brconv1d_brgemm_shape *shape) {
    kernel->shape = *shape;
    kernel->entry = NULL;
    if (!brconv1d_brgemm_supported(shape)) return false;
    if (uses_amx(shape)) return true;
    kernel->entry = brconv1d_libxsmm_generate(code, shape);
    return kernel->entry != NULL;
}

void brconv1d_brgemm_enter(const brconv1d_brgemm_shape *shape) {
    if (uses_amx(shape)) brconv1d_amx_configure(shape);
}

void brconv1d_brgemm_leave(const brconv1d_brgemm_shape *shape) {
    if (uses_amx(shape)) brconv1d_amx_release();
}

void brconv1d_brgemm_run(const brconv1d_brgemm *kernel, const void *a, const void *b, float *c,
        uint64_t count, const uint64_t *a_offsets, const uint64_t *b_offsets) {
    if (kernel->entry) kernel->entry(a, b, c, &count, a_offsets, b_offsets);
    else brconv1d_amx_run(&kernel->shape, a, b, c, count, a_offsets, b_offsets);
}
