// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file deconvolution.hpp
/// The three passes of deconvolution (transposed convolution); see convolution.hpp, which differs in
/// the names of oneDNN's classes and macros only.

#ifndef BRDNN_PLUGIN_DECONVOLUTION_HPP
#define BRDNN_PLUGIN_DECONVOLUTION_HPP

#include "cpu/cpu_deconvolution_pd.hpp"

#include "execution.hpp"
#include "implementation.hpp"
#include "negotiation.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

template <typename base_pd_t>
struct deconvolution_t : public execution_t {
    struct pd_t : public base_pd_t {
        using base_pd_t::base_pd_t;

        DECLARE_COMMON_PD_T(name_of(agreement_.implementation.isa), deconvolution_t);

        status_t init(compat::pd_engine_t *engine) {
            const char *const declined
                    = negotiate({*this, this->desc_, this->attr_, engine}, agreement_);
            VDISPATCH_DECONVOLUTION(!declined, "%s", declined);
            return status::success;
        }

        agreement_t agreement_ = agreement_t();
    };

    explicit deconvolution_t(const pd_t *pd) : execution_t(pd, pd->agreement_) {}
};

using deconvolution_fwd_t = deconvolution_t<cpu_deconvolution_fwd_pd_t>;
using deconvolution_bwd_data_t = deconvolution_t<cpu_deconvolution_bwd_data_pd_t>;
using deconvolution_bwd_weights_t = deconvolution_t<cpu_deconvolution_bwd_weights_pd_t>;

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
