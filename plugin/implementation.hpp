// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file implementation.hpp
/// The plugin has an implementation for each instruction set that multiplies differently:
/// avx512_core_amx, avx512_core_bf16, avx512_core, avx2. For each problem one of them is chosen; it
/// alone decides whether the problem is taken, the others always decline.

#ifndef BRDNN_PLUGIN_IMPLEMENTATION_HPP
#define BRDNN_PLUGIN_IMPLEMENTATION_HPP

#include "brdnn.h"

#include "common/primitive_attr.hpp"
#include "cpu/x64/cpu_isa_traits.hpp"

#include "roles.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// An implementation's name. oneDNN's own helper calls AMX avx10_1_512_amx.
constexpr const char *name_of(cpu_isa_t isa) {
    return isa == avx512_core_amx     ? "brdnn:avx512_core_amx"
            : isa == avx512_core_bf16 ? "brdnn:avx512_core_bf16"
            : isa == avx512_core      ? "brdnn:avx512_core"
                                      : "brdnn:avx2";
}

/// The instruction set that an epilogue is generated for: vectors are all the same from avx512_core on.
constexpr cpu_isa_t vector_isa_of(cpu_isa_t isa) { return isa == avx2 ? avx2 : avx512_core; }

struct implementation_t {
    cpu_isa_t isa;
    brdnn_math math; ///< of f32 tensors
};

/// The implementation for a problem, which need not be one that can be done. bf16 tensors go to the best
/// instruction set there is, f32 ones to one that multiplies bf16 only where fpmath_mode or
/// BRDNN_F32 allows it.
implementation_t implementation_of(
        const roles_t &roles, const convolution_desc_t &desc, fpmath_mode_t fpmath_mode);

/// Why the implementation for `isa`, which isn't the one chosen, declines.
const char *decline_for_implementation(cpu_isa_t isa, const implementation_t &implementation);

/// What the core calls an implementation's instruction set.
brdnn_isa core_isa(cpu_isa_t isa);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
