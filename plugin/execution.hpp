// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// @file execution.hpp
/// The primitive that carries an agreement out, whatever the operation and the pass: kernels are
/// generated in init(), execute() only passes pointers on.

#ifndef BRDNN_PLUGIN_EXECUTION_HPP
#define BRDNN_PLUGIN_EXECUTION_HPP

#include <memory>

#include "brdnn.h"

#include "common/primitive.hpp"

#include "epilogue.hpp"
#include "negotiation.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

struct execution_t : public primitive_t {
    execution_t(const primitive_desc_t *pd, const agreement_t &agreement)
        : primitive_t(pd), agreement_(agreement) {}

    status_t init(engine_t *engine) override;
    status_t execute(const exec_ctx_t &ctx) const override;

private:
    struct run_t;
    struct plan_deleter_t {
        void operator()(brdnn_conv_plan *plan) const { brdnn_conv_plan_destroy(plan); }
    };

    brdnn_conv_args tensors(const exec_ctx_t &ctx) const;
    status_t start_epilogue(run_t &run, const exec_ctx_t &ctx) const;

    const agreement_t agreement_;
    std::unique_ptr<brdnn_conv_plan, plan_deleter_t> plan_;
    std::unique_ptr<epilogue_t> epilogue_;
};

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl

#endif
