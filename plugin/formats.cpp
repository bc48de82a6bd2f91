// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "formats.hpp"

#include "common/memory_desc_wrapper.hpp"
#include "common/type_helpers.hpp"
#include "common/utils.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

bool is_plain(const memory_desc_t &md) {
    const memory_desc_wrapper mdw(md);
    return mdw.is_blocking_desc() && mdw.blocking_desc().inner_nblks == 0
            && md.extra.flags == memory_extra_flags::none
            && utils::array_cmp(md.dims, md.padded_dims, md.ndims);
}

bool is_strided(const memory_desc_t &md) {
    if (!is_plain(md)) return false;
    for (int dim = 0; dim < md.ndims; ++dim)
        if (md.dims[dim] > 1 && md.format_desc.blocking.strides[dim] < 1) return false;
    return true;
}

static bool is_any(const memory_desc_t &md) { return md.format_kind == format_kind::any; }

dim_t stride_of(const memory_desc_t &md, int dim) {
    return md.dims[dim] == 1 ? 0 : md.format_desc.blocking.strides[dim];
}

/// Whether the rows of the layout (channels in ncw, positions in nwc) are contiguous.
static bool fits(const memory_desc_t &md, brdnn_layout layout) {
    if (is_any(md)) return true;
    const int contiguous = layout == BRDNN_NCW ? md.ndims - 1 : 1;
    return is_strided(md) && stride_of(md, contiguous) <= 1;
}

static status_t fill_in(memory_desc_t &md, brdnn_layout layout) {
    using namespace format_tag;
    if (!is_any(md)) return status::success;
    const int extra = md.ndims - 3;
    return memory_desc_init_by_tag(md,
            layout == BRDNN_NCW ? utils::pick(extra, abc, abcd, abcde)
                                : utils::pick(extra, acb, acdb, acdeb));
}

const char *choose_data_layout(memory_desc_t &src, memory_desc_t &dst, brdnn_layout &layout) {
    const bool ncw = fits(src, BRDNN_NCW) && fits(dst, BRDNN_NCW);
    const bool nwc = fits(src, BRDNN_NWC) && fits(dst, BRDNN_NWC);
    if (!ncw && !nwc) return "src and dst are neither both ncw nor both nwc";

    // One position in, one out: the same bytes in both, and lanes run along the channels.
    const bool single = src.dims[src.ndims - 1] == 1 && dst.dims[dst.ndims - 1] == 1;
    layout = ncw && !(nwc && single) ? BRDNN_NCW : BRDNN_NWC;
    const bool ok
            = fill_in(src, layout) == status::success && fill_in(dst, layout) == status::success;
    return ok ? nullptr : "src or dst can't be given a plain format";
}

brdnn_type core_type(data_type_t data_type) {
    return data_type == data_type::bf16 ? BRDNN_BF16 : BRDNN_F32;
}

data_type_t onednn_type(brdnn_type type) {
    return type == BRDNN_BF16 ? data_type::bf16 : data_type::f32;
}

brdnn_conv_tensor placement(const memory_desc_t &md, brdnn_layout layout) {
    const int w = md.ndims - 1;
    const int row = layout == BRDNN_NCW ? 1 : w, along = layout == BRDNN_NCW ? w : 1;
    brdnn_conv_tensor tensor;
    tensor.pitch = stride_of(md, row) ? stride_of(md, row) : md.dims[along];
    tensor.mb_stride = stride_of(md, 0) ? stride_of(md, 0) : md.dims[row] * tensor.pitch;
    tensor.type = core_type(md.data_type);
    return tensor;
}

brdnn_conv_weights plain_weights(const memory_desc_t &md, const wei_dims_t &dims) {
    const auto stride_or_1 = [&](int dim) { return nstl::max<dim_t>(1, stride_of(md, dim)); };
    brdnn_conv_weights weights;
    weights.packed = false;
    weights.g_stride = dims.with_groups ? stride_or_1(0) : 1;
    weights.oc_stride = stride_or_1(dims.oc);
    weights.ic_stride = stride_or_1(dims.ic);
    weights.kw_stride = stride_or_1(md.ndims - 1);
    weights.type = core_type(md.data_type);
    return weights;
}

/// A blocked descriptor whose dimensions still have no strides.
static memory_desc_t without_strides(const memory_desc_t &like) {
    memory_desc_t md = like;
    md.format_kind = format_kind::blocked;
    md.format_desc.blocking = blocking_desc_t();
    utils::array_copy(md.padded_dims, md.dims, md.ndims);
    return md;
}

/// Puts a dimension of `count` steps around `size` elements, which grow by it.
static void wrap(memory_desc_t &md, int dim, dim_t count, dim_t &size) {
    md.format_desc.blocking.strides[dim] = size;
    size *= count;
}

static void wrap_taps(memory_desc_t &md, const wei_dims_t &dims, dim_t &size) {
    for (int dim = md.ndims - 1; dim > nstl::max(dims.oc, dims.ic); --dim)
        wrap(md, dim, md.dims[dim], size);
}

memory_desc_t dense_weights_md(const memory_desc_t &like, const wei_dims_t &dims) {
    memory_desc_t md = without_strides(like);
    dim_t size = 1;
    wrap_taps(md, dims, size);
    wrap(md, dims.ic, md.dims[dims.ic], size);
    wrap(md, dims.oc, md.dims[dims.oc], size);
    if (dims.with_groups) wrap(md, 0, md.dims[0], size);
    return md;
}

/// Adds a block inside of those added before.
static void add_inner_block(memory_desc_t &md, int dim, dim_t size) {
    if (size == 1) return;
    blocking_desc_t &blocking = md.format_desc.blocking;
    blocking.inner_blks[blocking.inner_nblks] = size;
    blocking.inner_idxs[blocking.inner_nblks] = dim;
    ++blocking.inner_nblks;
}

memory_desc_t packed_weights_md(const memory_desc_t &like, const wei_dims_t &dims, brdnn_pass pass,
        const brdnn_conv_packed_wei &packed) {
    const int blocked = pass == BRDNN_FORWARD ? dims.oc : dims.ic;
    const int summed = pass == BRDNN_FORWARD ? dims.ic : dims.oc;
    memory_desc_t md = without_strides(like);
    md.padded_dims[blocked] = packed.block * packed.blocks;
    md.padded_dims[summed] = utils::rnd_up(md.dims[summed], packed.depth);
    if (packed.is_depth_innermost) {
        add_inner_block(md, blocked, packed.block);
        add_inner_block(md, summed, packed.depth);
    } else {
        add_inner_block(md, summed, packed.depth / packed.pair);
        add_inner_block(md, blocked, packed.block);
        add_inner_block(md, summed, packed.pair);
    }
    dim_t size = packed.block * packed.depth;
    wrap(md, summed, md.padded_dims[summed] / packed.depth, size);
    wrap_taps(md, dims, size);
    wrap(md, blocked, packed.blocks, size);
    if (dims.with_groups) wrap(md, 0, md.dims[0], size);
    return md;
}

/// Steps of a dimension outside the inner blocks.
static dim_t outer_steps(const memory_desc_t &md, int dim) {
    const blocking_desc_t &blocking = md.format_desc.blocking;
    dim_t steps = md.padded_dims[dim];
    for (int i = 0; i < blocking.inner_nblks; ++i)
        if (blocking.inner_idxs[i] == dim) steps /= blocking.inner_blks[i];
    return steps;
}

bool same_placement(const memory_desc_t &a, const memory_desc_t &b) {
    const bool both_blocked
            = a.format_kind == format_kind::blocked && b.format_kind == format_kind::blocked;
    if (!both_blocked || a.extra.flags != b.extra.flags) return false;
    if (!utils::array_cmp(a.padded_dims, b.padded_dims, a.ndims)) return false;

    const blocking_desc_t &x = a.format_desc.blocking, &y = b.format_desc.blocking;
    if (x.inner_nblks != y.inner_nblks) return false;
    if (!utils::array_cmp(x.inner_blks, y.inner_blks, x.inner_nblks)) return false;
    if (!utils::array_cmp(x.inner_idxs, y.inner_idxs, x.inner_nblks)) return false;
    for (int dim = 0; dim < a.ndims; ++dim)
        if (outer_steps(a, dim) > 1 && x.strides[dim] != y.strides[dim]) return false;
    return true;
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
