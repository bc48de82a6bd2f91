// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// @file register.cpp
/// The way in. oneDNN asks get_convolution_impl_list() which implementations to try, best first.
/// The build renames oneDNN's own definition of it (cmake/oneDNNPlugin.cmake); this one puts ours
/// in front of what that answers.

#include <map>
#include <mutex>
#include <vector>

#include "cpu/cpu_engine.hpp"

#include "forward.hpp"
#include "settings.hpp"

namespace dnnl {
namespace impl {
namespace cpu {

/// oneDNN's own get_convolution_impl_list(), renamed.
const impl_list_item_t *get_builtin_convolution_impl_list(const convolution_desc_t *desc);

using impl_list_t = std::vector<impl_list_item_t>;

static impl_list_t with_ours_first(const impl_list_item_t *builtin) {
    // clang-format off
    impl_list_t list = {
            CPU_INSTANCE(x64::brconv1d::forward_t<x64::avx512_core>)
            CPU_INSTANCE(x64::brconv1d::forward_t<x64::avx2>)};
    // clang-format on
    for (; *builtin; ++builtin)
        list.push_back(*builtin);
    list.push_back(nullptr);
    return list;
}

/// The list for one built-in list; made once and kept, since callers keep pointers into it.
static const impl_list_item_t *extended_list(const impl_list_item_t *builtin) {
    static std::mutex mutex;
    static std::map<const impl_list_item_t *, impl_list_t> lists;
    const std::lock_guard<std::mutex> lock(mutex);
    auto known = lists.find(builtin);
    if (known == lists.end()) known = lists.emplace(builtin, with_ours_first(builtin)).first;
    return known->second.data();
}

const impl_list_item_t *get_convolution_impl_list(const convolution_desc_t *desc) {
    const impl_list_item_t *const builtin = get_builtin_convolution_impl_list(desc);
    const bool is_forward = utils::one_of(
            desc->prop_kind, prop_kind::forward_training, prop_kind::forward_inference);
    if (!is_forward || !x64::brconv1d::settings().enable) return builtin;
    return extended_list(builtin);
}

} // namespace cpu
} // namespace impl
} // namespace dnnl
