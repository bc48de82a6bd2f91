// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "roles.hpp"

#include <utility>

#include "common/utils.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

static brdnn_pass pass_of(prop_kind_t prop_kind, bool is_deconvolution) {
    switch (prop_kind) {
    case prop_kind::backward_weights: return BRDNN_BACKWARD_WEIGHTS;
    case prop_kind::backward_data: return is_deconvolution ? BRDNN_FORWARD : BRDNN_BACKWARD_DATA;
    default: return is_deconvolution ? BRDNN_BACKWARD_DATA : BRDNN_FORWARD;
    }
}

/// oneDNN's accessors that serve all passes are read-only even for the descriptor's own init().
static memory_desc_t *writable(const memory_desc_t *md) { return const_cast<memory_desc_t *>(md); }

roles_t roles_of(primitive_desc_t &pd) {
    const prop_kind_t prop_kind = pd.get_prop_kind();
    const bool is_backward_data = prop_kind == prop_kind::backward_data;
    const bool is_backward_weights = prop_kind == prop_kind::backward_weights;
    const bool is_backward = is_backward_data || is_backward_weights;

    roles_t roles;
    roles.is_deconvolution = pd.kind() == primitive_kind::deconvolution;
    roles.pass = pass_of(prop_kind, roles.is_deconvolution);
    roles.src = {
            writable(pd.invariant_src_md()), is_backward_data ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC};
    roles.wei = {writable(pd.invariant_wei_md()),
            is_backward_weights ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS};
    roles.bias = {writable(pd.invariant_wei_md(1)),
            is_backward_weights ? DNNL_ARG_DIFF_BIAS : DNNL_ARG_BIAS};
    roles.dst = {writable(pd.invariant_dst_md()), is_backward ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST};

    const bool with_groups = roles.wei.md->ndims == roles.src.md->ndims + 1;
    roles.wei_dims = {with_groups, with_groups + 0, with_groups + 1};
    if (roles.is_deconvolution) {
        std::swap(roles.src, roles.dst);
        std::swap(roles.wei_dims.oc, roles.wei_dims.ic);
    }
    return roles;
}

bool is_1d(const roles_t &roles, const convolution_desc_t &desc) {
    const memory_desc_t &src = *roles.src.md, &wei = *roles.wei.md, &dst = *roles.dst.md;
    const int extra_in_wei = wei.ndims - src.ndims;
    for (int dim = 2; dim < src.ndims - 1; ++dim) {
        const bool flat
                = utils::everyone_is(1, src.dims[dim], dst.dims[dim], wei.dims[dim + extra_in_wei]);
        if (!flat || desc.padding[0][dim - 2] != 0) return false;
    }
    return utils::one_of(src.ndims, 3, 4, 5);
}

brdnn_conv_problem problem_of(const roles_t &roles, const convolution_desc_t &desc) {
    const memory_desc_t &src = *roles.src.md, &wei = *roles.wei.md, &dst = *roles.dst.md;
    const int width = src.ndims - 1;
    brdnn_conv_problem problem = brdnn_conv_problem();
    problem.pass = roles.pass;
    problem.mb = src.dims[0];
    problem.groups = roles.wei_dims.with_groups ? wei.dims[0] : 1;
    problem.ic = src.dims[1];
    problem.oc = dst.dims[1];
    problem.iw = src.dims[width];
    problem.ow = dst.dims[width];
    problem.kw = wei.dims[wei.ndims - 1];
    problem.stride = desc.strides[width - 2];
    problem.dilation = desc.dilates[width - 2] + 1; // oneDNN counts the zeros between taps
    problem.pad_l = desc.padding[0][width - 2];
    return problem;
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
