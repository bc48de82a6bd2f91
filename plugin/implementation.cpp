// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "implementation.hpp"

#include <algorithm>

#include "settings.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// Terms that a result is the sum of, away from padding. Sizes may still be anything: unknown until
/// run time, or 0.
static double terms_of(const brdnn_conv_problem &p) {
    const auto ic = static_cast<double>(p.ic), oc = static_cast<double>(p.oc);
    const auto groups = static_cast<double>(p.groups), kw = static_cast<double>(p.kw);
    switch (p.pass) {
    case BRDNN_FORWARD: return ic / groups * kw;
    case BRDNN_BACKWARD_DATA: return oc / groups * kw / static_cast<double>(p.stride);
    case BRDNN_BACKWARD_WEIGHTS: return static_cast<double>(p.mb) * static_cast<double>(p.ow);
    }
    return 0;
}

/// Products that a value of src or diff_dst takes part in, once it is split: of those that the
/// pass reads, the one with fewer.
static double uses_of(const brdnn_conv_problem &p) {
    const auto ic = static_cast<double>(p.ic), oc = static_cast<double>(p.oc);
    const auto taps = static_cast<double>(p.kw) / static_cast<double>(p.groups);
    const double of_src = oc * taps / static_cast<double>(p.stride), of_dst = ic * taps;
    switch (p.pass) {
    case BRDNN_FORWARD: return of_src;
    case BRDNN_BACKWARD_DATA: return of_dst;
    case BRDNN_BACKWARD_WEIGHTS: return std::min(of_src, of_dst);
    }
    return 0;
}

/// A shorter sum of products of three splits is less exact than one in f32 (docs/numerics.md).
static constexpr double least_terms_for_three_parts = 64;

/// Whether multiplying splits gains more than splitting values costs. The uses follow from what prototypes
/// measured on Sapphire Rapids (2.5 and 1.5 times the f32 peak with two and three splits), and a cycle for
/// each value that is split.
static bool is_worth_splitting(const brdnn_conv_problem &problem, brdnn_math math) {
    if (math == BRDNN_MATH_BF16X3 && terms_of(problem) < least_terms_for_three_parts) return false;
    if (settings().take_all) return true;
    switch (math) {
    case BRDNN_MATH_TF32: return uses_of(problem) >= 32;
    case BRDNN_MATH_BF16X3: return uses_of(problem) >= 64;
    default: return true;
    }
}

/// How f32 tensors may be multiplied. oneDNN's modes allow every type that is at least as accurate as
/// the one they name; `any` allows the least accurate.
static brdnn_math allowed_math(fpmath_mode_t fpmath_mode) {
    switch (fpmath_mode) {
    case fpmath_mode::bf16:
    case fpmath_mode::any: return BRDNN_MATH_BF16;
    case fpmath_mode::f16:
    case fpmath_mode::tf32: return BRDNN_MATH_TF32;
    default: break;
    }
    return settings().f32_on_amx ? BRDNN_MATH_BF16X3 : BRDNN_MATH_F32;
}

implementation_t implementation_of(
        const roles_t &roles, const convolution_desc_t &desc, fpmath_mode_t fpmath_mode) {
    const implementation_t amx = {avx512_core_amx, BRDNN_MATH_F32};
    const implementation_t bf16 = {avx512_core_bf16, BRDNN_MATH_F32};
    const implementation_t f32 = {mayiuse(avx512_core) ? avx512_core : avx2, BRDNN_MATH_F32};
    const bool has_amx = mayiuse(avx512_core_amx), has_bf16 = mayiuse(avx512_core_bf16);
    if (roles.input_type() == data_type::bf16) return has_amx ? amx : has_bf16 ? bf16 : f32;

    // Several bf16 products for each f32 one are a gain on AMX only.
    const brdnn_math math = allowed_math(fpmath_mode);
    if (math == BRDNN_MATH_F32 || !is_worth_splitting(problem_of(roles, desc), math)) return f32;
    if (has_amx) return {amx.isa, math};
    return has_bf16 && math == BRDNN_MATH_BF16 ? implementation_t {bf16.isa, math} : f32;
}

const char *name_of(cpu_isa_t isa) {
    switch (isa) {
    case avx512_core_amx: return "brdnn:avx512_core_amx";
    case avx512_core_bf16: return "brdnn:avx512_core_bf16";
    case avx512_core: return "brdnn:avx512_core";
    default: return "brdnn:avx2";
    }
}

cpu_isa_t vector_isa_of(cpu_isa_t isa) { return isa == avx2 ? avx2 : avx512_core; }

brdnn_isa core_isa(cpu_isa_t isa) {
    switch (isa) {
    case avx512_core_amx: return BRDNN_ISA_AVX512_CORE_AMX;
    case avx512_core_bf16: return BRDNN_ISA_AVX512_CORE_BF16;
    case avx512_core: return BRDNN_ISA_AVX512_CORE;
    default: return BRDNN_ISA_AVX2;
    }
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
