// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "execution.hpp"

#include <atomic>

#include "common/dnnl_thread.hpp"
#include "cpu/cpu_primitive.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

static status_t to_onednn(brdnn_status status) {
    switch (status) {
    case BRDNN_SUCCESS: return status::success;
    case BRDNN_INVALID: return status::invalid_arguments;
    case BRDNN_UNSUPPORTED: return status::unimplemented;
    case BRDNN_OUT_OF_MEMORY: return status::out_of_memory;
    }
    return status::runtime_error;
}

status_t execution_t::init(engine_t * /*engine*/) {
    brdnn_conv_plan *plan = nullptr;
    CHECK(to_onednn(brdnn_conv_plan_create(&plan, &agreement_.problem)));
    plan_.reset(plan);
    if (agreement_.problem.finish != BRDNN_CALLBACK) return status::success;
    epilogue_.reset(new epilogue_t(agreement_.epilogue, pd()->attr()->post_ops_));
    return epilogue_->init();
}

/// What the threads of one execution share. Each parallel region holds a reference: a threadpool
/// may run it after execute() has returned.
struct execution_t::run_t {
    brdnn_conv_args args = brdnn_conv_args();
    epilogue_t::run_t epilogue = epilogue_t::run_t();
    std::atomic<int> status {BRDNN_SUCCESS};
};

status_t execution_t::execute(const exec_ctx_t &ctx) const {
    const auto run = std::make_shared<run_t>();
    run->args = tensors(ctx);
    run->args.scratch = ctx.get_scratchpad_grantor().get<char>(compat::scratch_key);
    if (epilogue_) CHECK(start_epilogue(*run, ctx));

    const brdnn_conv_plan *const plan = plan_.get();
    for (int phase = 0; phase < agreement_.info.phases; ++phase)
        parallel(agreement_.nthr, [=](int ithr, int nthr) {
            const auto status = brdnn_conv_run(plan, phase, &run->args, ithr, nthr);
            if (status != BRDNN_SUCCESS) run->status = status;
        });
    return to_onednn(static_cast<brdnn_status>(run->status.load()));
}

brdnn_conv_args execution_t::tensors(const exec_ctx_t &ctx) const {
    const auto output = [&](const argument_t &argument) {
        char *const base = CTX_OUT_MEM(char *, argument.id);
        return base ? base + argument.offset_bytes : nullptr;
    };
    const auto input = [&](const argument_t &argument) -> const char * {
        const char *const base = CTX_IN_MEM(const char *, argument.id);
        return base ? base + argument.offset_bytes : nullptr;
    };

    const agreement_t &by_role = agreement_;
    brdnn_conv_args args = brdnn_conv_args();
    switch (agreement_.problem.pass) {
    case BRDNN_FORWARD:
        args.src = input(by_role.src);
        args.wei = input(by_role.wei);
        args.bias = input(by_role.bias);
        args.dst = output(by_role.dst);
        break;
    case BRDNN_BACKWARD_DATA:
        args.diff_dst = input(by_role.dst);
        args.wei = input(by_role.wei);
        args.bias = input(by_role.bias);
        args.diff_src = output(by_role.src);
        break;
    case BRDNN_BACKWARD_WEIGHTS:
        args.src = input(by_role.src);
        args.diff_dst = input(by_role.dst);
        args.diff_wei = output(by_role.wei);
        args.diff_bias = output(by_role.bias);
        break;
    }
    return args;
}

status_t execution_t::start_epilogue(run_t &run, const exec_ctx_t &ctx) const {
    brdnn_conv_args &args = run.args;
    args.epilogue = epilogue_t::callback;
    args.epilogue_context = &run.epilogue;
    void *const result = args.dst ? args.dst : args.diff_src;
    return epilogue_->start(run.epilogue, ctx, result, args.bias);
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
