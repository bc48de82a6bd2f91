// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// @file problem.hpp
/// A oneDNN convolution as a brconv1d_problem.

#ifndef BRCONV1D_PLUGIN_PROBLEM_HPP
#define BRCONV1D_PLUGIN_PROBLEM_HPP

#include "brconv1d.h"

#include "cpu/cpu_convolution_pd.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brconv1d {

/// Whether height and depth, where the descriptor has them, are 1 and do nothing.
bool is_1d(const convolution_pd_t &pd);

/// Sizes, stride, dilation and padding. Layout, placements, finish and ISA are left zero.
brconv1d_problem problem_of(const convolution_pd_t &pd);

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
