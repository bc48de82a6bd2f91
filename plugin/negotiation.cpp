// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

#include "negotiation.hpp"

#include <cstdio>

#include "common/dnnl_thread.hpp"
#include "common/memory_desc_wrapper.hpp"
#include "common/type_helpers.hpp"
#include "common/utils.hpp"

#include "formats.hpp"
#include "policy.hpp"
#include "roles.hpp"
#include "settings.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brconv1d {

namespace {

bool is_any(const tensor_t &tensor) { return tensor.md->format_kind == format_kind::any; }

class negotiation_t {
public:
    negotiation_t(const offer_t &offer, agreement_t &agreement)
        : offer_(offer), roles_(roles_of(offer.pd)), agreement_(agreement),
          problem_(agreement.problem), info_(agreement.info) {}

    /// nullptr, or why the problem is left to another implementation; that is what all functions here
    /// answer.
    const char *why_not();
    void conclude();

private:
    const char *check_descriptor();
    const char *check_tensors() const;
    const char *check_attributes() const;
    const char *settle_data();
    const char *settle_bias();
    const char *settle_finish();
    const char *settle_weights();
    const char *settle_read_weights();
    const char *settle_plain_weights();
    const char *check_speed() const;

    bool is_forward() const;
    const char *query();

    const offer_t &offer_;
    const roles_t roles_;
    bool free_layout_ = false; ///< src or dst was `any`
    agreement_t &agreement_;
    brconv1d_problem &problem_;
    brconv1d_info &info_;
};

const char *negotiation_t::why_not() {
    const char *declined = check_descriptor();
    if (!declined) declined = check_tensors();
    if (!declined) declined = check_attributes();
    if (!declined) declined = settle_data();
    if (!declined) declined = settle_bias();
    if (!declined) declined = settle_finish();
    if (!declined) declined = settle_weights();
    if (!declined && !settings().take_all) declined = check_speed();
    return declined;
}

/// In oneDNN's sense.
bool negotiation_t::is_forward() const {
    return utils::one_of(
            offer_.desc.prop_kind, prop_kind::forward_training, prop_kind::forward_inference);
}

const char *negotiation_t::check_descriptor() {
    using namespace alg_kind;
    if (!mayiuse(offer_.isa)) return "the instruction set is not there or not allowed";
    if (offer_.isa == avx2 && mayiuse(avx512_core)) return "brconv1d:avx512_core is asked instead";
    alg_kind_t &alg = offer_.desc.alg_kind;
    if (alg == convolution_auto) alg = convolution_direct;
    if (!utils::one_of(alg, convolution_direct, deconvolution_direct))
        return "not the direct algorithm";
    if (offer_.desc.use_inversion) return "the filter is to be flipped";
    return nullptr;
}

const char *negotiation_t::check_tensors() const {
    using namespace data_type;
    bool is_f32 = offer_.desc.accum_data_type == f32;
    bool is_known = true, is_empty = false;
    for (const tensor_t &tensor : {roles_.src, roles_.wei, roles_.bias, roles_.dst}) {
        if (tensor.md->ndims == 0) continue; // no bias
        const memory_desc_wrapper mdw(tensor.md);
        is_f32 = is_f32 && mdw.data_type() == f32;
        is_known = is_known && !mdw.has_runtime_dims_or_strides();
        is_empty = is_empty || mdw.has_zero_dim();
    }
    if (!is_f32) return "a data type other than f32";
    if (!is_known) return "sizes or strides that are known at run time only";
    if (is_empty) return "an empty tensor";
    return is_1d(roles_, offer_.desc) ? nullptr : "more than one spatial dimension";
}

const char *negotiation_t::check_attributes() const {
    using mask_t = primitive_attr_t::skip_mask_t;
    if (is_forward())
        return offer_.attr.has_default_values(
                       mask_t::post_ops | mask_t::sum_dt | mask_t::fpmath_mode)
                ? nullptr
                : "an attribute other than post-ops and fpmath mode";
    return offer_.attr.has_default_values(mask_t::fpmath_mode)
            ? nullptr
            : "an attribute other than fpmath mode";
}

const char *negotiation_t::settle_data() {
    problem_ = problem_of(roles_, offer_.desc);
    problem_.isa = offer_.isa == avx512_core ? BRCONV1D_ISA_AVX512_CORE : BRCONV1D_ISA_AVX2;
    free_layout_ = is_any(roles_.src) || is_any(roles_.dst);
    const char *const declined
            = choose_data_layout(*roles_.src.md, *roles_.dst.md, problem_.layout);
    if (declined) return declined;
    problem_.src = placement(*roles_.src.md, problem_.layout);
    problem_.dst = placement(*roles_.dst.md, problem_.layout);
    return nullptr;
}

const char *negotiation_t::settle_bias() {
    if (!roles_.with_bias()) return nullptr;
    memory_desc_t &bias = *roles_.bias.md;
    if (is_any(roles_.bias) && memory_desc_init_by_tag(bias, format_tag::x) != status::success)
        return "the bias can't be given a format";
    const bool dense = is_strided(bias) && stride_of(bias, 0) <= 1;
    return dense ? nullptr : "the bias is not dense";
}

const char *negotiation_t::settle_finish() {
    const bool with_bias = roles_.with_bias();
    if (problem_.pass == BRCONV1D_BACKWARD_WEIGHTS) {
        const auto sums = roles_.is_deconvolution ? BRCONV1D_BIAS_OF_SRC : BRCONV1D_BIAS_OF_DST;
        problem_.finish = with_bias ? sums : BRCONV1D_STORE;
        return nullptr;
    }
    const memory_desc_t &result = *roles_.result().md;
    if (offer_.attr.set_default_formats(&result) != status::success)
        return "a post-op's input can't be given a format";
    const post_ops_t &post_ops = offer_.attr.post_ops_;
    const char *const declined = check_post_ops(post_ops, result, offer_.isa);
    if (declined) return declined;
    problem_.finish = finish_of(with_bias, post_ops);
    agreement_.epilogue = epilogue_conf(problem_, with_bias, post_ops, result, offer_.isa);
    return nullptr;
}

const char *negotiation_t::query() {
    return brconv1d_query(&problem_, &info_) == BRCONV1D_SUCCESS ? nullptr : info_.text;
}

const char *negotiation_t::settle_weights() {
    if (problem_.pass != BRCONV1D_BACKWARD_WEIGHTS) return settle_read_weights();
    if (is_any(roles_.wei)) *roles_.wei.md = dense_weights_md(*roles_.wei.md, roles_.wei_dims);
    return settle_plain_weights();
}

/// Asks the core first about its packed weights, which is what `any` becomes, and about the given
/// ones if they turn out to be something else.
const char *negotiation_t::settle_read_weights() {
    problem_.wei.packed = true;
    if (const char *const declined = query()) return declined;
    memory_desc_t &wei = *roles_.wei.md;
    const auto packed = packed_weights_md(wei, roles_.wei_dims, problem_.pass, info_.packed_wei);
    if (is_any(roles_.wei)) wei = packed;
    return same_placement(wei, packed) ? nullptr : settle_plain_weights();
}

const char *negotiation_t::settle_plain_weights() {
    if (!is_strided(*roles_.wei.md))
        return "the weights are in a blocked format of others or broadcast";
    problem_.wei = plain_weights(*roles_.wei.md, roles_.wei_dims);
    return query();
}

const char *negotiation_t::check_speed() const {
    circumstances_t circumstances;
    circumstances.is_deconvolution = roles_.is_deconvolution;
    circumstances.free_layout = free_layout_;
    circumstances.is_2d = roles_.src.md->ndims == 4;
    circumstances.copies_operands = copies_operands(agreement_.epilogue);
    return decline_for_speed(problem_, info_, circumstances);
}

/// Fills in what is known once formats are.
void negotiation_t::conclude() {
    const auto argument = [](const tensor_t &tensor) {
        return argument_t {tensor.argument, tensor.md->offset0};
    };
    agreement_.src = argument(roles_.src);
    agreement_.wei = argument(roles_.wei);
    agreement_.bias = argument(roles_.bias);
    agreement_.dst = argument(roles_.dst);

    const dim_t most = nstl::min<dim_t>(dnnl_get_max_threads(), info_.work_items);
    agreement_.nthr = static_cast<int>(nstl::max<dim_t>(1, most));
    auto scratchpad = offer_.pd.scratchpad_registry().registrar();
    scratchpad.template book<char>(
            compat::scratch_key, brconv1d_scratch_bytes(&info_, agreement_.nthr));
}

} // namespace

const char *negotiate(const offer_t &offer, agreement_t &agreement) {
    negotiation_t negotiation(offer, agreement);
    const char *const declined = negotiation.why_not();
    if (!declined) negotiation.conclude();
    if (settings().verbose)
        std::fprintf(stderr, "brconv1d,%s,%s,%s\n", declined ? "declined" : "taken",
                offer.pd.info(offer.engine), declined ? declined : agreement.info.text);
    return declined;
}

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
