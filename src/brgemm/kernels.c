/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "brgemm/kernels.h"

#include "brgemm/integers.h"
#include "conv/problem.h"

/* Parts that the problem allows its values to be taken apart into; 0: none but f32 itself. */
static int64_t parts_allowed(const brdnn_conv_problem *p) {
    const bool is_gradient = p->pass == BRDNN_BACKWARD_WEIGHTS;
    const brdnn_type data = p->pass == BRDNN_FORWARD ? p->src.type : p->dst.type;
    const brdnn_type other = is_gradient ? p->src.type : p->wei.type;
    if (data == BRDNN_BF16 && other == BRDNN_BF16) return 1;
    if (data != other) return p->math == BRDNN_MATH_BF16 ? 1 : 0;
    switch (p->math) {
    case BRDNN_MATH_F32: return 0;
    case BRDNN_MATH_BF16: return 1;
    case BRDNN_MATH_TF32: return 2;
    case BRDNN_MATH_F32_PARTS: return 3;
    }
    return 0;
}

/* Most parts whose products are fewer instructions than those of the f32 kernels. */
static int64_t parts_worth_it(brdnn_isa isa) {
    switch (isa) {
    case BRDNN_ISA_AVX2:
    case BRDNN_ISA_AVX512_CORE: return 0;
    case BRDNN_ISA_AVX512_CORE_BF16: return 1;
    case BRDNN_ISA_AVX512_CORE_AMX: return 3;
    }
    return 0;
}

/* Products left out are below 2^-24 of a term. A sum of this many and more hides that among its own
 * roundings; a shorter one would be less exact than in f32 (docs/numerics.md). */
static const int64_t fewest_terms_of_three_parts = 64;

static int64_t summed_terms(const brdnn_conv_problem *p) {
    switch (p->pass) {
    case BRDNN_FORWARD: return brdnn_product(brdnn_group_ic(p), p->kw);
    case BRDNN_BACKWARD_DATA: return brdnn_product(brdnn_group_oc(p), p->kw) / p->stride;
    case BRDNN_BACKWARD_WEIGHTS: return brdnn_product(p->mb, p->ow);
    }
    return 0;
}

brdnn_items brdnn_items_of(const brdnn_conv_problem *p) {
    const brdnn_items f32 = {1, 1};
    const int64_t parts = parts_allowed(p);
    if (parts == 0 || parts > parts_worth_it(p->isa)) return f32;
    if (parts == 3 && summed_terms(p) < fewest_terms_of_three_parts) return f32;
    return (brdnn_items) {2, parts};
}

brdnn_conv_problem brdnn_with_f32_items(const brdnn_conv_problem *p) {
    brdnn_conv_problem f32 = *p;
    if (f32.isa > BRDNN_ISA_AVX512_CORE) f32.isa = BRDNN_ISA_AVX512_CORE;
    f32.math = BRDNN_MATH_F32;
    return f32;
}

const char *brdnn_kernels_name(brdnn_isa isa, brdnn_items items) {
    if (brdnn_is_f32(items)) return isa == BRDNN_ISA_AVX2 ? "avx2 f32" : "avx512_core f32";
    if (isa == BRDNN_ISA_AVX512_CORE_BF16) return "avx512_core_bf16 bf16";
    switch (items.parts) {
    case 1: return "avx512_core_amx bf16";
    case 2: return "avx512_core_amx f32 as two bf16";
    default: return "avx512_core_amx f32 as three bf16";
    }
}
