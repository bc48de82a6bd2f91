// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file negotiation.hpp
/// What happens in a primitive descriptor's init(), for all passes of convolution and deconvolution:
/// whether we take the problem, in which formats, and how the core will run it.

#ifndef BRDNN_PLUGIN_NEGOTIATION_HPP
#define BRDNN_PLUGIN_NEGOTIATION_HPP

#include "brdnn.h"

#include "common/opdesc.hpp"
#include "common/primitive_desc.hpp"

#include "compat.hpp"
#include "epilogue.hpp"
#include "implementation.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// A tensor that execute() is given.
struct argument_t {
    int id;
    dim_t offset_bytes; ///< of the first element
};

/// All that execution needs to know. Settled in init(), copied with the primitive descriptor.
struct agreement_t {
    implementation_t implementation;
    brdnn_conv_problem problem;
    brdnn_conv_info info;
    argument_t src, wei, bias, dst; ///< in their roles, see roles.hpp
    epilogue_conf_t epilogue;       ///< with BRDNN_CALLBACK
    int nthr;
};

/// What is negotiated about. The descriptor's formats, algorithm and post-operations are settled in
/// place.
struct offer_t {
    primitive_desc_t &pd;
    convolution_desc_t &desc; ///< oneDNN describes deconvolutions with the same type
    primitive_attr_t &attr;
    compat::pd_engine_t *engine;
};

/// Settles on an agreement and books scratchpad for it.
/// @return nullptr, or why the problem is left to a built-in.
const char *negotiate(const offer_t &offer, agreement_t &agreement);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
