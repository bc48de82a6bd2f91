/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "brgemm/kernels.h"

const char *brdnn_kernels_name(brdnn_kernels kernels) {
    switch (kernels.family) {
    case BRDNN_AVX2_F32: return "avx2 f32";
    case BRDNN_AVX512_F32: return "avx512_core f32";
    case BRDNN_AVX512_BF16_VNNI: return "avx512_core_bf16 bf16";
    case BRDNN_AMX_VNNI: break;
    }
    static const char *const of_splits[brdnn_most_splits] = {"avx512_core_amx bf16",
            "avx512_core_amx f32 as bf16x2", "avx512_core_amx f32 as bf16x3"};
    return of_splits[kernels.splits - 1];
}
