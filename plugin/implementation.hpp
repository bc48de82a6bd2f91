// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file implementation.hpp
/// Which instruction set a problem is computed with. Those that multiply differently are
/// avx512_core_amx, avx512_core_bf16, avx512_core and avx2. The choice follows from the problem,
/// its attributes and what stays the same in a process: oneDNN's cache of primitives tells nothing
/// else apart.

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

struct implementation_t {
    cpu_isa_t isa;
    brdnn_math math; ///< of f32 tensors
};

/// The implementation for a problem, which need not be one that can be done. bf16 tensors go to the
/// best instruction set there is, f32 ones to one that multiplies bf16 only where fpmath_mode or
/// BRDNN_F32 allows it.
implementation_t implementation_of(
        const roles_t &roles, const convolution_desc_t &desc, fpmath_mode_t fpmath_mode);

/// What oneDNN's lists and verbose lines call an implementation. oneDNN's own helper calls AMX
/// avx10_1_512_amx.
const char *name_of(cpu_isa_t isa);

/// The instruction set that an epilogue is generated for: vectors are all the same from avx512_core
/// on.
cpu_isa_t vector_isa_of(cpu_isa_t isa);

/// What the core calls an implementation's instruction set.
brdnn_isa core_isa(cpu_isa_t isa);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
