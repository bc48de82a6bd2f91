// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

#include "problem.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brconv1d {

bool is_1d(const convolution_pd_t &pd) {
    const bool flat_depth = utils::everyone_is(1, pd.ID(), pd.OD(), pd.KD()) && pd.padFront() == 0;
    const bool flat_height = utils::everyone_is(1, pd.IH(), pd.OH(), pd.KH()) && pd.padT() == 0;
    return utils::one_of(pd.ndims(), 3, 4, 5) && flat_depth && flat_height;
}

brconv1d_problem problem_of(const convolution_pd_t &pd) {
    brconv1d_problem problem = brconv1d_problem();
    problem.mb = pd.MB();
    problem.groups = pd.G();
    problem.ic = pd.IC();
    problem.oc = pd.OC();
    problem.iw = pd.IW();
    problem.ow = pd.OW();
    problem.kw = pd.KW();
    problem.stride = pd.KSW();
    problem.dilation = pd.KDW() + 1; // oneDNN counts the zeros between taps
    problem.pad_l = pd.padL();
    return problem;
}

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
