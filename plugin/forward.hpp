// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// @file forward.hpp
/// Forward 1D convolution as a oneDNN primitive: everything is decided in the primitive descriptor,
/// kernels are generated with the primitive, execute() only passes pointers on.

#ifndef BRCONV1D_PLUGIN_FORWARD_HPP
#define BRCONV1D_PLUGIN_FORWARD_HPP

#include <memory>

#include "brconv1d.h"

#include "common/primitive.hpp"
#include "cpu/cpu_convolution_pd.hpp"
#include "cpu/x64/cpu_isa_traits.hpp"

#include "compat.hpp"
#include "epilogue.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brconv1d {

template <cpu_isa_t isa>
struct forward_t : public primitive_t {
    struct pd_t : public cpu_convolution_fwd_pd_t {
        using cpu_convolution_fwd_pd_t::cpu_convolution_fwd_pd_t;

        DECLARE_COMMON_PD_T(JIT_IMPL_NAME_HELPER("brconv1d:", isa, ""), forward_t);

        status_t init(compat::pd_engine_t *engine);

        brconv1d_problem problem_ = brconv1d_problem();
        brconv1d_info info_ = brconv1d_info();
        epilogue_conf_t epilogue_ = epilogue_conf_t();
        int nthr_ = 1;

    private:
        bool free_layout_ = false; ///< src or dst was `any`

        // Each returns nullptr, or why the problem is left to another implementation.
        const char *why_not();
        const char *check_descriptor();
        const char *check_attributes() const;
        const char *settle_data();
        const char *settle_bias();
        const char *settle_weights();
        const char *settle_post_ops();
        void book_scratchpad();
        void report(compat::pd_engine_t *engine, const char *declined) const;
    };

    explicit forward_t(const pd_t *apd) : primitive_t(apd) {}

    status_t init(engine_t *engine) override;
    status_t execute(const exec_ctx_t &ctx) const override;

private:
    struct run_t;
    struct plan_deleter_t {
        void operator()(brconv1d_plan *plan) const { brconv1d_plan_destroy(plan); }
    };

    const pd_t *pd() const { return static_cast<const pd_t *>(primitive_t::pd().get()); }

    std::unique_ptr<brconv1d_plan, plan_deleter_t> plan_;
    std::unique_ptr<epilogue_t<isa>> epilogue_;
};

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
