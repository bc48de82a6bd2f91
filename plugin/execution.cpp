// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

#include "execution.hpp"

#include <atomic>

#include "common/dnnl_thread.hpp"
#include "cpu/cpu_primitive.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brconv1d {

static status_t to_onednn(brconv1d_status status) {
    switch (status) {
    case BRCONV1D_SUCCESS: return status::success;
    case BRCONV1D_INVALID: return status::invalid_arguments;
    case BRCONV1D_UNSUPPORTED: return status::unimplemented;
    case BRCONV1D_OUT_OF_MEMORY: return status::out_of_memory;
    }
    return status::runtime_error;
}

template <cpu_isa_t isa>
status_t execution_t<isa>::init(engine_t * /*engine*/) {
    brconv1d_plan *plan = nullptr;
    CHECK(to_onednn(brconv1d_plan_create(&plan, &agreement_.problem)));
    plan_.reset(plan);
    if (agreement_.problem.finish != BRCONV1D_CALLBACK) return status::success;
    epilogue_.reset(new epilogue_t<isa>(agreement_.epilogue, pd()->attr()->post_ops_));
    return epilogue_->init();
}

/// What the threads of one execution share. Each parallel region holds a reference: a threadpool
/// may run it after execute() has returned.
template <cpu_isa_t isa>
struct execution_t<isa>::run_t {
    brconv1d_args args = brconv1d_args();
    typename epilogue_t<isa>::run_t epilogue = typename epilogue_t<isa>::run_t();
    std::atomic<int> status {BRCONV1D_SUCCESS};
};

template <cpu_isa_t isa>
status_t execution_t<isa>::execute(const exec_ctx_t &ctx) const {
    const auto run = std::make_shared<run_t>();
    run->args = tensors(ctx);
    run->args.scratch = ctx.get_scratchpad_grantor().template get<char>(compat::scratch_key);
    if (epilogue_) CHECK(start_epilogue(*run, ctx));

    const brconv1d_plan *const plan = plan_.get();
    for (int phase = 0; phase < agreement_.info.phases; ++phase)
        parallel(agreement_.nthr, [=](int ithr, int nthr) {
            const auto status = brconv1d_run(plan, phase, &run->args, ithr, nthr);
            if (status != BRCONV1D_SUCCESS) run->status = status;
        });
    return to_onednn(static_cast<brconv1d_status>(run->status.load()));
}

template <cpu_isa_t isa>
brconv1d_args execution_t<isa>::tensors(const exec_ctx_t &ctx) const {
    const auto output = [&](const argument_t &argument) {
        char *const base = CTX_OUT_MEM(char *, argument.id);
        return base ? base + argument.offset_bytes : nullptr;
    };
    const auto input = [&](const argument_t &argument) -> const char * {
        const char *const base = CTX_IN_MEM(const char *, argument.id);
        return base ? base + argument.offset_bytes : nullptr;
    };

    const agreement_t &by_role = agreement_;
    brconv1d_args args = brconv1d_args();
    switch (agreement_.problem.pass) {
    case BRCONV1D_FORWARD:
        args.src = input(by_role.src);
        args.wei = input(by_role.wei);
        args.bias = input(by_role.bias);
        args.dst = output(by_role.dst);
        break;
    case BRCONV1D_BACKWARD_DATA:
        args.diff_dst = input(by_role.dst);
        args.wei = input(by_role.wei);
        args.bias = input(by_role.bias);
        args.diff_src = output(by_role.src);
        break;
    case BRCONV1D_BACKWARD_WEIGHTS:
        args.src = input(by_role.src);
        args.diff_dst = input(by_role.dst);
        args.diff_wei = output(by_role.wei);
        args.diff_bias = output(by_role.bias);
        break;
    }
    return args;
}

template <cpu_isa_t isa>
status_t execution_t<isa>::start_epilogue(run_t &run, const exec_ctx_t &ctx) const {
    brconv1d_args &args = run.args;
    args.epilogue = epilogue_t<isa>::callback;
    args.epilogue_context = &run.epilogue;
    void *const result = args.dst ? args.dst : args.diff_src;
    return epilogue_->start(run.epilogue, ctx, result, args.bias);
}

template struct execution_t<avx512_core>;
template struct execution_t<avx2>;

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
