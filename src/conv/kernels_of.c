/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/kernels_of.h"

#include "brgemm/integers.h"
#include "conv/problem.h"

/* Splits that the problem allows its values to be written as; 0: none but f32 itself. */
static int64_t splits_allowed(const brdnn_conv_problem *p) {
    const bool is_gradient = p->pass == BRDNN_BACKWARD_WEIGHTS;
    const brdnn_type data = p->pass == BRDNN_FORWARD ? p->src.type : p->dst.type;
    const brdnn_type other = is_gradient ? p->src.type : p->wei.type;
    if (data == BRDNN_BF16 && other == BRDNN_BF16) return 1;
    if (data != other) return p->math == BRDNN_MATH_BF16 ? 1 : 0;
    switch (p->math) {
    case BRDNN_MATH_F32: return 0;
    case BRDNN_MATH_BF16: return 1;
    case BRDNN_MATH_TF32: return 2;
    case BRDNN_MATH_BF16X3: return 3;
    }
    return 0;
}

/* Most splits whose products are fewer instructions than those of the f32 kernels. */
static int64_t splits_worth_it(unsigned isa) {
    if (brdnn_has(isa, BRDNN_ISA_AVX512_CORE_AMX)) return 3;
    return brdnn_has(isa, BRDNN_ISA_AVX512_CORE_BF16) ? 1 : 0;
}

/* Products left out are below 2^-24 of a term. A sum of this many and more hides that among its own
 * roundings; a shorter one would be less exact than in f32 (docs/numerics.md). */
static const int64_t fewest_terms_of_three_splits = 64;

static int64_t summed_terms(const brdnn_conv_problem *p) {
    switch (p->pass) {
    case BRDNN_FORWARD: return brdnn_product(brdnn_group_ic(p), p->kw);
    case BRDNN_BACKWARD_DATA: return brdnn_product(brdnn_group_oc(p), p->kw) / p->stride;
    case BRDNN_BACKWARD_WEIGHTS: return brdnn_product(p->mb, p->ow);
    }
    return 0;
}

brdnn_kernels brdnn_f32_kernels_of(const brdnn_conv_problem *p) {
    const bool has_avx512 = brdnn_has(p->isa, BRDNN_ISA_AVX512_CORE);
    return (brdnn_kernels) {has_avx512 ? BRDNN_AVX512_F32 : BRDNN_AVX2_F32, 1};
}

brdnn_kernels brdnn_kernels_of(const brdnn_conv_problem *p) {
    const int64_t splits = splits_allowed(p);
    if (splits == 0 || splits > splits_worth_it(p->isa)) return brdnn_f32_kernels_of(p);
    if (splits == 3 && summed_terms(p) < fewest_terms_of_three_splits)
        return brdnn_f32_kernels_of(p);
    const bool has_amx = brdnn_has(p->isa, BRDNN_ISA_AVX512_CORE_AMX);
    return (brdnn_kernels) {has_amx ? BRDNN_AMX_VNNI : BRDNN_AVX512_BF16_VNNI, splits};
}

brdnn_conv_problem brdnn_with_f32_kernels(const brdnn_conv_problem *p) {
    brdnn_conv_problem f32 = *p;
    f32.isa &= BRDNN_ISA_AVX512_CORE;
    f32.math = BRDNN_MATH_F32;
    return f32;
}
