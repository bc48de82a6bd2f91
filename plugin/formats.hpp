// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file formats.hpp
/// Memory descriptors: which the plugin takes, what it answers to `any`, and what they mean to the
/// core. All functions see tensors of 3, 4 or 5 dimensions whose extra spatial ones are 1.

#ifndef BRDNN_PLUGIN_FORMATS_HPP
#define BRDNN_PLUGIN_FORMATS_HPP

#include "brdnn.h"

#include "common/c_types_map.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// Settles on one layout for src and dst and fills in what is `any`: like the other one, and plain
/// ncw where both are `any`, since that is what a framework's tensors are.
/// @return nullptr, or why no layout that the core knows fits both.
const char *choose_data_layout(memory_desc_t &src, memory_desc_t &dst, brdnn_layout &layout);

/// A data type in the core's terms, and back: f32 or bf16.
brdnn_type core_type(data_type_t data_type);
data_type_t onednn_type(brdnn_type type);

/// Where the elements of src or dst lie and their type, all strides filled in.
brdnn_conv_tensor placement(const memory_desc_t &md, brdnn_layout layout);

/// Whether md names every element by strides alone: no blocks, padding or compensation.
bool is_plain(const memory_desc_t &md);

/// Whether md is plain and no two elements share a place, as they would with a stride of 0.
bool is_strided(const memory_desc_t &md);

/// Elements between neighbours in one dimension of a plain tensor; 0 where there are none.
dim_t stride_of(const memory_desc_t &md, int dim);

/// Which dimensions of a weights' descriptor are the core's filters (oc) and channels (ic). Groups, if
/// there are any, come before them, the width last.
struct wei_dims_t {
    bool with_groups;
    int oc, ic;
};

/// Where the elements of plain weights lie, and their type.
brdnn_conv_weights plain_weights(const memory_desc_t &md, const wei_dims_t &dims);

/// The core's dense weights as a descriptor with the dimensions and data type of `like`.
memory_desc_t dense_weights_md(const memory_desc_t &like, const wei_dims_t &dims);

/// The core's packed weights as a descriptor with the dimensions and data type of `like`.
memory_desc_t packed_weights_md(const memory_desc_t &like, const wei_dims_t &dims, brdnn_pass pass,
        const brdnn_conv_packed_wei &packed);

/// Whether two descriptors of equal dimensions put every element in the same place.
bool same_placement(const memory_desc_t &a, const memory_desc_t &b);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
