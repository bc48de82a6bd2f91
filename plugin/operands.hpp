// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file operands.hpp
/// The tensors that post-operations read (the second input of a binary one, PReLU's weights), seen
/// from an element (image, filter, position) of dst.

#ifndef BRDNN_PLUGIN_OPERANDS_HPP
#define BRDNN_PLUGIN_OPERANDS_HPP

#include <vector>

#include "brdnn.h"

#include "common/primitive_attr.hpp"
#include "cpu/x64/cpu_isa_traits.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// One operand. Its element for (n, oc, ow) of dst stands offset0 + n * mb_stride + oc * oc_stride
/// + ow * ow_stride elements from its base pointer; a dimension that is broadcast has stride 0. So
/// every kind of broadcast that oneDNN knows is just a set of strides.
struct operand_t {
    int argument; ///< of execute(): DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | ...
    data_type_t data_type;
    dim_t offset0, mb_stride, oc_stride, ow_stride;
    /// Whether rows of it are copied as f32 first, since the injector can't read it in place.
    bool is_copied;

    dim_t offset(dim_t n, dim_t oc, dim_t ow) const {
        return offset0 + n * mb_stride + oc * oc_stride + ow * ow_stride;
    }
    /// A row of a tile runs along the width in ncw and along the filters in nwc.
    dim_t stride_along_row(brdnn_layout layout) const {
        return layout == BRDNN_NCW ? ow_stride : oc_stride;
    }
    dim_t stride_between_rows(brdnn_layout layout) const {
        return layout == BRDNN_NCW ? oc_stride : ow_stride;
    }
};

/// nullptr where a binary post-op's second input is one that operands_of() can describe.
const char *check_operand(const memory_desc_t &operand, const memory_desc_t &dst);

/// The operands of a chain in the order of its operations.
std::vector<operand_t> operands_of(
        const post_ops_t &post_ops, const memory_desc_t &dst, brdnn_layout layout, cpu_isa_t isa);

/// Writes `count` elements of an operand from (n, oc, ow) on along a row, as f32.
void copy_along_row(float *to, const operand_t &operand, const void *base, brdnn_layout layout,
        dim_t n, dim_t oc, dim_t ow, dim_t count);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
