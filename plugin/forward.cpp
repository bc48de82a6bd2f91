// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

#include "forward.hpp"

#include <atomic>
#include <cstdio>

#include "common/dnnl_thread.hpp"
#include "common/memory_desc_wrapper.hpp"
#include "common/type_helpers.hpp"
#include "cpu/cpu_primitive.hpp"

#include "formats.hpp"
#include "policy.hpp"
#include "problem.hpp"
#include "settings.hpp"

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
status_t forward_t<isa>::pd_t::init(compat::pd_engine_t *engine) {
    const char *const declined = why_not();
    if (!declined) book_scratchpad();
    if (settings().verbose) report(engine, declined);
    VDISPATCH_CONV(!declined, "%s", declined);
    return status::success;
}

template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::why_not() {
    const char *declined = check_descriptor();
    if (!declined) declined = check_attributes();
    if (!declined) declined = settle_data();
    if (!declined) declined = settle_bias();
    if (!declined) declined = settle_post_ops();
    if (!declined) declined = settle_weights();
    if (!declined && !settings().take_all)
        declined = decline_for_speed(problem_, info_, {free_layout_, copies_operands(epilogue_)});
    return declined;
}

template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::check_descriptor() {
    using namespace data_type;
    if (!mayiuse(isa)) return "the instruction set is not there or not allowed";
    if (isa == avx2 && mayiuse(avx512_core)) return "brconv1d:avx512_core is asked instead";
    if (!is_fwd()) return "not a forward pass";
    if (!expect_data_types(f32, f32, f32, f32, f32)) return "a data type other than f32";
    if (!set_default_alg_kind(alg_kind::convolution_direct)) return "not the direct algorithm";
    if (desc()->use_inversion) return "the filter is to be flipped";
    if (memory_desc_wrapper(src_md_).has_runtime_dims_or_strides()
            || memory_desc_wrapper(weights_md_).has_runtime_dims_or_strides()
            || memory_desc_wrapper(dst_md_).has_runtime_dims_or_strides())
        return "sizes or strides that are known at run time only";
    if (has_zero_dim_memory()) return "an empty tensor";
    if (!is_1d(*this)) return "more than one spatial dimension";
    return nullptr;
}

template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::check_attributes() const {
    using skip_mask_t = primitive_attr_t::skip_mask_t;
    const auto known = skip_mask_t::post_ops | skip_mask_t::sum_dt | skip_mask_t::fpmath_mode;
    return attr()->has_default_values(known) ? nullptr
                                             : "an attribute other than post-ops and fpmath mode";
}

template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::settle_data() {
    problem_ = problem_of(*this);
    problem_.isa = isa == avx512_core ? BRCONV1D_ISA_AVX512_CORE : BRCONV1D_ISA_AVX2;
    free_layout_
            = src_md_.format_kind == format_kind::any || dst_md_.format_kind == format_kind::any;
    const char *const declined = choose_data_layout(src_md_, dst_md_, problem_.layout);
    if (declined) return declined;
    problem_.src = placement(src_md_, problem_.layout);
    problem_.dst = placement(dst_md_, problem_.layout);
    return nullptr;
}

template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::settle_bias() {
    if (!with_bias()) return nullptr;
    if (bias_md_.format_kind == format_kind::any
            && memory_desc_init_by_tag(bias_md_, format_tag::x) != status::success)
        return "the bias can't be given a format";
    const bool dense = is_strided(bias_md_) && stride_of(bias_md_, 0) <= 1;
    return dense ? nullptr : "the bias is not dense";
}

template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::settle_post_ops() {
    if (attr_.set_default_formats(dst_md(0)) != status::success)
        return "a post-op's input can't be given a format";
    const post_ops_t &post_ops = attr()->post_ops_;
    const char *const declined = check_post_ops(post_ops, dst_md_, isa);
    if (declined) return declined;
    problem_.finish = finish_of(with_bias(), post_ops);
    epilogue_ = epilogue_conf(problem_, with_bias(), post_ops, dst_md_, isa);
    return nullptr;
}

/// Asks the core first about its packed weights, which is what `any` becomes, and about the given
/// ones if they turn out to be something else.
template <cpu_isa_t isa>
const char *forward_t<isa>::pd_t::settle_weights() {
    problem_.wei.packed = true;
    if (brconv1d_query(&problem_, &info_) != BRCONV1D_SUCCESS) return info_.text;
    const auto packed = packed_weights_md(weights_md_, with_groups(), info_.packed_wei);
    if (weights_md_.format_kind == format_kind::any) {
        weights_md_ = packed;
        return nullptr;
    }
    if (same_placement(weights_md_, packed)) return nullptr;
    if (!is_strided(weights_md_))
        return "the weights are in a blocked format of others or broadcast";
    problem_.wei = plain_weights(weights_md_, with_groups());
    return brconv1d_query(&problem_, &info_) == BRCONV1D_SUCCESS ? nullptr : info_.text;
}

template <cpu_isa_t isa>
void forward_t<isa>::pd_t::book_scratchpad() {
    const dim_t most = nstl::min<dim_t>(dnnl_get_max_threads(), info_.work_items);
    nthr_ = static_cast<int>(nstl::max<dim_t>(1, most));
    auto scratchpad = scratchpad_registry().registrar();
    scratchpad.template book<char>(compat::scratch_key, brconv1d_scratch_bytes(&info_, nthr_));
}

template <cpu_isa_t isa>
void forward_t<isa>::pd_t::report(compat::pd_engine_t *engine, const char *declined) const {
    std::fprintf(stderr, "brconv1d,%s,%s,%s\n", declined ? "declined" : "taken", info(engine),
            declined ? declined : info_.text);
}

template <cpu_isa_t isa>
status_t forward_t<isa>::init(engine_t *) {
    brconv1d_plan *plan = nullptr;
    CHECK(to_onednn(brconv1d_plan_create(&plan, &pd()->problem_)));
    plan_.reset(plan);
    if (pd()->problem_.finish != BRCONV1D_CALLBACK) return status::success;
    epilogue_.reset(new epilogue_t<isa>(pd()->epilogue_, pd()->attr()->post_ops_));
    return epilogue_->init();
}

/// What the threads of one execution share. Each parallel region holds a reference: a threadpool
/// may run it after execute() has returned.
template <cpu_isa_t isa>
struct forward_t<isa>::run_t {
    brconv1d_args args = brconv1d_args();
    typename epilogue_t<isa>::run_t epilogue = typename epilogue_t<isa>::run_t();
    std::atomic<int> status {BRCONV1D_SUCCESS};
};

template <typename T>
static T *at_offset(T *base, const memory_desc_t *md) {
    return base ? base + md->offset0 : nullptr;
}

template <cpu_isa_t isa>
status_t forward_t<isa>::execute(const exec_ctx_t &ctx) const {
    const auto run = std::make_shared<run_t>();
    brconv1d_args &args = run->args;
    args.src = at_offset(CTX_IN_MEM(const float *, DNNL_ARG_SRC), pd()->src_md());
    args.wei = at_offset(CTX_IN_MEM(const float *, DNNL_ARG_WEIGHTS), pd()->weights_md());
    args.bias = at_offset(CTX_IN_MEM(const float *, DNNL_ARG_BIAS), pd()->weights_md(1));
    args.dst = at_offset(CTX_OUT_MEM(float *, DNNL_ARG_DST), pd()->dst_md());
    args.scratch = ctx.get_scratchpad_grantor().template get<char>(compat::scratch_key);
    if (!args.dst || (pd()->with_bias() && !args.bias)) return status::invalid_arguments;
    if (epilogue_) {
        run->epilogue.dst = args.dst;
        run->epilogue.bias = args.bias;
        CHECK(epilogue_->start(run->epilogue, ctx));
        args.epilogue = epilogue_t<isa>::callback;
        args.epilogue_context = &run->epilogue;
    }

    const brconv1d_plan *const plan = plan_.get();
    for (int phase = 0; phase < pd()->info_.phases; ++phase)
        parallel(pd()->nthr_, [=](int ithr, int nthr) {
            const auto status = brconv1d_run(plan, phase, &run->args, ithr, nthr);
            if (status != BRCONV1D_SUCCESS) run->status = status;
        });
    return to_onednn(static_cast<brconv1d_status>(run->status.load()));
}

template struct forward_t<avx512_core>;
template struct forward_t<avx2>;

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
