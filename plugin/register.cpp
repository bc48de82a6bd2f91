// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file register.cpp
/// The way in. oneDNN asks get_convolution_impl_list() and get_deconvolution_impl_list() which
/// implementations to try, best first. The build renames oneDNN's own definitions of them
/// (cmake/oneDNNPlugin.cmake); these put ours in front of what those answer.

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "cpu/cpu_engine.hpp"

#include "convolution.hpp"
#include "deconvolution.hpp"
#include "settings.hpp"

namespace dnnl {
namespace impl {
namespace cpu {

/// oneDNN's own functions, renamed.
const impl_list_item_t *get_builtin_convolution_impl_list(const convolution_desc_t *desc);
const impl_list_item_t *get_builtin_deconvolution_impl_list(const deconvolution_desc_t *desc);

namespace {

using namespace x64;
using namespace x64::brdnn;
using namespace prop_kind;
using impl_list_t = std::vector<impl_list_item_t>;
using impl_items_t = std::map<prop_kind_t, impl_list_item_t>;

const impl_items_t &our_convolutions() {
    static const impl_items_t items = {
            {forward, CPU_INSTANCE(convolution_fwd_t)},
            {backward_data, CPU_INSTANCE(convolution_bwd_data_t)},
            {backward_weights, CPU_INSTANCE(convolution_bwd_weights_t)},
    };
    return items;
}

const impl_items_t &our_deconvolutions() {
    static const impl_items_t items = {
            {forward, CPU_INSTANCE(deconvolution_fwd_t)},
            {backward_data, CPU_INSTANCE(deconvolution_bwd_data_t)},
            {backward_weights, CPU_INSTANCE(deconvolution_bwd_weights_t)},
    };
    return items;
}

impl_list_t joined(const impl_list_item_t &ours, const impl_list_item_t *builtin) {
    impl_list_t list = {ours};
    for (; *builtin; ++builtin)
        list.push_back(*builtin);
    list.push_back(nullptr);
    return list;
}

/// Ours in front of a built-in list; made once and kept, since callers keep pointers into it. The key
/// holds both, as oneDNN answers one and the same empty list wherever it has nothing.
const impl_list_item_t *with_ours_first(
        const impl_list_item_t &ours, const impl_list_item_t *builtin) {
    using key_t = std::pair<const impl_list_item_t *, const impl_list_item_t *>;
    static std::mutex mutex;
    static std::map<key_t, impl_list_t> lists;
    const std::lock_guard<std::mutex> lock(mutex);
    const key_t key(&ours, builtin);
    auto known = lists.find(key);
    if (known == lists.end()) known = lists.emplace(key, joined(ours, builtin)).first;
    return known->second.data();
}

const impl_list_item_t *extended(
        const impl_items_t &ours, prop_kind_t prop_kind, const impl_list_item_t *builtin) {
    if (!settings().enable) return builtin;
    const auto found = ours.find(prop_kind == forward_inference ? forward : prop_kind);
    return found == ours.end() ? builtin : with_ours_first(found->second, builtin);
}

} // namespace

const impl_list_item_t *get_convolution_impl_list(const convolution_desc_t *desc) {
    return extended(our_convolutions(), desc->prop_kind, get_builtin_convolution_impl_list(desc));
}

const impl_list_item_t *get_deconvolution_impl_list(const deconvolution_desc_t *desc) {
    return extended(
            our_deconvolutions(), desc->prop_kind, get_builtin_deconvolution_impl_list(desc));
}

} // namespace cpu
} // namespace impl
} // namespace dnnl
