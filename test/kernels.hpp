// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Families of kernels in tests that look inside.

#ifndef BRDNN_TEST_KERNELS_HPP
#define BRDNN_TEST_KERNELS_HPP

#include "brdnn.h"

extern "C" {
#include "brgemm/kernels.h"
}

namespace brdnn_test {

constexpr brdnn_kernels f32_avx2 = {BRDNN_AVX2_F32, 1}, f32_avx512 = {BRDNN_AVX512_F32, 1};
constexpr brdnn_kernels vnni_avx512 = {BRDNN_AVX512_BF16_VNNI, 1};

/// Those with the best instructions of a set.
inline brdnn_kernels best_kernels(brdnn_isa isa) {
    switch (isa) {
    case BRDNN_ISA_AVX2: return f32_avx2;
    case BRDNN_ISA_AVX512_CORE: return f32_avx512;
    case BRDNN_ISA_AVX512_CORE_BF16: return vnni_avx512;
    default: return {BRDNN_AMX_VNNI, 1};
    }
}

/// What they need.
inline brdnn_isa isa_of(brdnn_kernels kernels) {
    switch (kernels.family) {
    case BRDNN_AVX2_F32: return BRDNN_ISA_AVX2;
    case BRDNN_AVX512_F32: return BRDNN_ISA_AVX512_CORE;
    case BRDNN_AVX512_BF16_VNNI: return BRDNN_ISA_AVX512_CORE_BF16;
    default: return BRDNN_ISA_AVX512_CORE_AMX;
    }
}

} // namespace brdnn_test

#endif
