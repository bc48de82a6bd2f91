// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file roles.hpp
/// oneDNN has convolutions and deconvolutions, each forward, backward data and backward weights; the
/// core has one convolution with three passes. Here the tensors of any of the six find the role that
/// they play in the core's formula. A deconvolution is the convolution that leads back, from its
/// dst to its src, run backward:
///
///     oneDNN                            the core's pass       src        dst
///     convolution    forward            forward               src        dst
///                    backward data      backward data         diff_src   diff_dst
///                    backward weights   backward weights      src        diff_dst
///     deconvolution  forward            backward data         dst        src
///                    backward data      forward               diff_dst   diff_src
///                    backward weights   backward weights      diff_dst   src

#ifndef BRDNN_PLUGIN_ROLES_HPP
#define BRDNN_PLUGIN_ROLES_HPP

#include "brdnn.h"

#include "common/primitive_desc.hpp"

#include "formats.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// A tensor of a primitive, or its gradient.
struct tensor_t {
    memory_desc_t *md; ///< the primitive descriptor's own: what is `any` gets filled in
    int argument;      ///< of execute()
};

/// The tensors, named as in brdnn.h. The bias is the forward pass's, or its gradient.
struct roles_t {
    brdnn_pass pass;
    bool is_deconvolution;
    tensor_t src, wei, bias, dst;
    wei_dims_t wei_dims;

    bool with_bias() const { return bias.md->ndims > 0; }
    /// The data type of what is read, the bias aside: that of the weights, too, where they are read.
    data_type_t input_type() const {
        return pass == BRDNN_BACKWARD_DATA ? dst.md->data_type : src.md->data_type;
    }
    /// What is computed, the bias's gradient aside.
    const tensor_t &computed() const { return pass == BRDNN_BACKWARD_WEIGHTS ? wei : result(); }
    /// What has positions and is computed. Backward weights have no such tensor.
    const tensor_t &result() const { return pass == BRDNN_FORWARD ? dst : src; }
};

/// The roles in a convolution's or a deconvolution's primitive descriptor. They hold pointers into
/// it.
roles_t roles_of(primitive_desc_t &pd);

/// Whether height and depth, where the tensors have them, are 1 and do nothing.
bool is_1d(const roles_t &roles, const convolution_desc_t &desc);

/// Pass, sizes, stride, dilation and padding. Layout, placements, types, finish, math and
/// ISA are left zero.
brdnn_conv_problem problem_of(const roles_t &roles, const convolution_desc_t &desc);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
