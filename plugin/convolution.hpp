// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file convolution.hpp
/// The three passes of convolution, as oneDNN's list of implementations wants them: a primitive
/// whose primitive descriptor derives from the pass's own class. What they do is in negotiation.hpp
/// (whether and how) and execution.hpp.

#ifndef BRDNN_PLUGIN_CONVOLUTION_HPP
#define BRDNN_PLUGIN_CONVOLUTION_HPP

#include "cpu/cpu_convolution_pd.hpp"

#include "execution.hpp"
#include "implementation.hpp"
#include "negotiation.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

template <typename base_pd_t>
struct convolution_t : public execution_t {
    struct pd_t : public base_pd_t {
        using base_pd_t::base_pd_t;

        DECLARE_COMMON_PD_T(name_of(agreement_.implementation.isa), convolution_t);

        status_t init(compat::pd_engine_t *engine) {
            const char *const declined
                    = negotiate({*this, this->desc_, this->attr_, engine}, agreement_);
            VDISPATCH_CONV(!declined, "%s", declined);
            return status::success;
        }

        agreement_t agreement_ = agreement_t();
    };

    explicit convolution_t(const pd_t *pd) : execution_t(pd, pd->agreement_) {}
};

/// Deconvolution's reference implementation nests backward data. Where the nested one adds the bias,
/// the reference needs no pass and no buffer of its own for it.
struct backward_data_with_bias_pd_t : public cpu_convolution_bwd_data_pd_t {
    using cpu_convolution_bwd_data_pd_t::cpu_convolution_bwd_data_pd_t;
    bool support_bias() const override { return true; }
};

using convolution_fwd_t = convolution_t<cpu_convolution_fwd_pd_t>;
using convolution_bwd_data_t = convolution_t<backward_data_with_bias_pd_t>;
using convolution_bwd_weights_t = convolution_t<cpu_convolution_bwd_weights_pd_t>;

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
