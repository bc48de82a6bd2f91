// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file compat.hpp
/// Everything that differs between the versions of oneDNN that the plugin is built in (3.7 to 3.13,
/// and the development version after it). The rest of the plugin names no version.

#ifndef BRDNN_PLUGIN_COMPAT_HPP
#define BRDNN_PLUGIN_COMPAT_HPP

#include "oneapi/dnnl/dnnl_version.h"

#include "common/c_types_map.hpp"
#include "common/memory_tracking.hpp"
#include "cpu/x64/injectors/jit_uni_binary_injector.hpp"
#include "cpu/x64/injectors/jit_uni_eltwise_injector.hpp"
#include "cpu/x64/jit_generator.hpp"

#define BRDNN_ONEDNN_SINCE(major, minor) \
    (DNNL_VERSION_MAJOR > (major) \
            || (DNNL_VERSION_MAJOR == (major) && DNNL_VERSION_MINOR >= (minor)))

#if !BRDNN_ONEDNN_SINCE(3, 7)
#error "brdnn needs oneDNN 3.7 or later"
#endif

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {
namespace compat {

/// What pd_t::init() is given.
#if BRDNN_ONEDNN_SINCE(3, 14)
using pd_engine_t = const engine_t;
#else
using pd_engine_t = engine_t;
#endif

/// The base of every JIT kernel. Kernels name their instruction set when they construct it.
#if BRDNN_ONEDNN_SINCE(3, 8)
using jit_generator_t = x64::jit_generator_t;
#else
using jit_generator_t = x64::jit_generator;
#endif

/// Code for one element-wise operation, and for one binary operation or PReLU.
#if BRDNN_ONEDNN_SINCE(3, 14)
template <cpu_isa_t isa, typename Vmm>
using eltwise_injector_t = jit_uni_eltwise_injector_t<Vmm>;
template <cpu_isa_t isa, typename Vmm>
using binary_injector_t = binary_injector::jit_uni_binary_injector_t<Vmm>;
#elif BRDNN_ONEDNN_SINCE(3, 8)
template <cpu_isa_t isa, typename Vmm>
using eltwise_injector_t = jit_uni_eltwise_injector_t<isa, Vmm>;
template <cpu_isa_t isa, typename Vmm>
using binary_injector_t = binary_injector::jit_uni_binary_injector_t<isa, Vmm>;
#else
template <cpu_isa_t isa, typename Vmm>
using eltwise_injector_t = jit_uni_eltwise_injector<isa, Vmm>;
template <cpu_isa_t isa, typename Vmm>
using binary_injector_t = binary_injector::jit_uni_binary_injector_t<isa, Vmm>;
#endif

/// Scratchpad key of the core's scratch. Keys are an enum of oneDNN's; no other convolution books
/// anything in our pd, so any of them serves.
constexpr auto scratch_key = memory_tracking::names::key_conv_brgemm_inp_buffer;

} // namespace compat
} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
