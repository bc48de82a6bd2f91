// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file policy.hpp
/// Which problems are left to oneDNN's own implementations because those are faster. Correctness
/// never depends on it: BRDNN_TAKE=all switches it off.

#ifndef BRDNN_PLUGIN_POLICY_HPP
#define BRDNN_PLUGIN_POLICY_HPP

#include "brdnn.h"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

/// What the rules look at beside the problem.
struct circumstances_t {
    /// The core runs a deconvolution as the opposite pass, but the built-in has other implementations
    /// for it.
    bool is_deconvolution;
    /// src or dst was `any`: the alternative is the built-in in the blocked layout that it likes
    /// best, with reorders around it.
    bool free_layout;
    bool is_2d;           ///< the tensors have a height, of 1: frameworks ask so
    bool copies_operands; ///< of post-ops, see operand_t::is_copied
};

/// Why a built-in is expected to be as fast or faster; nullptr where it isn't. docs/policy.md has the
/// measurements behind each rule.
const char *decline_for_speed(const brdnn_conv_problem &problem, const brdnn_conv_info &info,
        const circumstances_t &circumstances);

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
