// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "operands.hpp"

#include "common/memory_desc_wrapper.hpp"
#include "cpu/binary_injector_utils.hpp"
#include "cpu/ref_io_helper.hpp"
#include "cpu/x64/injectors/jit_uni_binary_injector.hpp"

#include "formats.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

const char *check_operand(const memory_desc_t &operand, const memory_desc_t &dst) {
    if (memory_desc_wrapper(operand).has_runtime_dims_or_strides() || !is_plain(operand))
        return "the second input of a binary post-op is in no plain format";
    bool broadcasts = operand.ndims == dst.ndims;
    for (int dim = 0; broadcasts && dim < dst.ndims; ++dim)
        broadcasts = utils::one_of(operand.dims[dim], 1, dst.dims[dim]);
    return broadcasts ? nullptr : "the second input of a binary post-op doesn't broadcast to dst";
}

static bool is_comparison(const post_ops_t::entry_t &entry) {
    using namespace alg_kind;
    return entry.is_binary()
            && utils::one_of(entry.binary.alg, binary_ge, binary_gt, binary_le, binary_lt,
                    binary_eq, binary_ne);
}

static bool needs_copy(const post_ops_t::entry_t &entry, const operand_t &operand,
        brdnn_layout layout, cpu_isa_t isa) {
    const dim_t stride = operand.stride_along_row(layout);
    // The injector's comparison can't be masked: it fails to generate code, or reads too much.
    const bool needs_padding = stride == 1 && is_comparison(entry);
    return stride > 1 || needs_padding
            || !binary_injector::is_data_supported(isa, operand.data_type);
}

static operand_t operand_of(const memory_desc_t &md, int argument) {
    operand_t operand = operand_t();
    operand.argument = argument;
    operand.data_type = md.data_type;
    operand.offset0 = md.offset0;
    operand.mb_stride = stride_of(md, 0);
    operand.oc_stride = stride_of(md, 1);
    operand.ow_stride = stride_of(md, md.ndims - 1);
    return operand;
}

std::vector<operand_t> operands_of(
        const post_ops_t &post_ops, const memory_desc_t &dst, brdnn_layout layout, cpu_isa_t isa) {
    std::vector<operand_t> operands;
    for (int i = 0; i < post_ops.len(); ++i) {
        const auto &entry = post_ops.entry_[i];
        if (!entry.is_like_binary()) continue;
        const memory_desc_t md = binary_injector_utils::get_src1_desc(entry, dst);
        const int kind = entry.is_prelu() ? DNNL_ARG_WEIGHTS : DNNL_ARG_SRC_1;
        operand_t operand = operand_of(md, DNNL_ARG_ATTR_MULTIPLE_POST_OP(i) | kind);
        operand.is_copied = needs_copy(entry, operand, layout, isa);
        operands.push_back(operand);
    }
    return operands;
}

void copy_along_row(float *to, const operand_t &operand, const void *base, brdnn_layout layout,
        dim_t n, dim_t oc, dim_t ow, dim_t count) {
    const dim_t first = operand.offset(n, oc, ow), stride = operand.stride_along_row(layout);
    if (operand.data_type == data_type::f32) {
        const float *from = static_cast<const float *>(base) + first;
        for (dim_t i = 0; i < count; ++i)
            to[i] = from[i * stride];
    } else {
        for (dim_t i = 0; i < count; ++i)
            to[i] = io::load_float_value(operand.data_type, base, first + i * stride);
    }
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
