// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "negotiation.hpp"

#include <cstdio>

#include "common/dnnl_thread.hpp"
#include "common/memory_desc_wrapper.hpp"
#include "common/type_helpers.hpp"
#include "common/utils.hpp"

#include "formats.hpp"
#include "implementation.hpp"
#include "policy.hpp"
#include "roles.hpp"
#include "settings.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

namespace {

bool is_any(const tensor_t &tensor) { return tensor.md->format_kind == format_kind::any; }

class negotiation_t {
public:
    negotiation_t(const offer_t &offer, agreement_t &agreement)
        : offer_(offer), roles_(roles_of(offer.pd)), agreement_(agreement),
          implementation_(agreement.implementation), problem_(agreement.problem),
          info_(agreement.info) {}

    /// nullptr, or why the problem is left to a built-in; that is what all functions here answer.
    const char *why_not();
    void conclude();

private:
    const char *choose_implementation();
    const char *check_descriptor();
    const char *check_tensors() const;
    const char *check_types() const;
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
    implementation_t &implementation_;
    brdnn_conv_problem &problem_;
    brdnn_conv_info &info_;
};

const char *negotiation_t::why_not() {
    const char *declined = choose_implementation();
    if (!declined) declined = check_descriptor();
    if (!declined) declined = check_types();
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

/// Comes first, as whatever is said about the problem has the implementation's name in it.
const char *negotiation_t::choose_implementation() {
    implementation_ = implementation_of(roles_, offer_.desc, offer_.attr.fpmath_.mode_);
    return mayiuse(implementation_.isa) ? nullptr
                                        : "the instruction set is not there or not allowed";
}

const char *negotiation_t::check_descriptor() {
    using namespace alg_kind;
    alg_kind_t &alg = offer_.desc.alg_kind;
    if (alg == convolution_auto) alg = convolution_direct;
    if (!utils::one_of(alg, convolution_direct, deconvolution_direct))
        return "not the direct algorithm";
    if (offer_.desc.use_inversion) return "the filter is to be flipped";
    return nullptr;
}

/// What is read is f32 or bf16; a bias and what is computed are of the same type or f32.
const char *negotiation_t::check_types() const {
    using namespace data_type;
    const data_type_t input_type = roles_.input_type();
    bool known = offer_.desc.accum_data_type == f32 && utils::one_of(input_type, f32, bf16);
    for (const tensor_t *tensor : {&roles_.src, &roles_.wei, &roles_.bias, &roles_.dst}) {
        if (tensor->md->ndims == 0) continue; // no bias
        const bool may_be_f32 = tensor == &roles_.bias || tensor == &roles_.computed();
        const data_type_t type = tensor->md->data_type;
        known = known && (type == input_type || (may_be_f32 && type == f32));
    }
    return known ? nullptr : "data types other than f32, or bf16 with results of bf16 or f32";
}

const char *negotiation_t::check_tensors() const {
    bool is_known = true, is_empty = false;
    for (const tensor_t &tensor : {roles_.src, roles_.wei, roles_.bias, roles_.dst}) {
        if (tensor.md->ndims == 0) continue; // no bias
        const memory_desc_wrapper mdw(tensor.md);
        is_known = is_known && !mdw.has_runtime_dims_or_strides();
        is_empty = is_empty || mdw.has_zero_dim();
    }
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
    problem_.isa = core_isa(implementation_.isa);
    problem_.math = implementation_.math;
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
    problem_.bias_type = core_type(bias.data_type);
    const bool dense = is_strided(bias) && stride_of(bias, 0) <= 1;
    return dense ? nullptr : "the bias is not dense";
}

const char *negotiation_t::settle_finish() {
    const bool with_bias = roles_.with_bias();
    if (problem_.pass == BRDNN_BACKWARD_WEIGHTS) {
        const auto sums = roles_.is_deconvolution ? BRDNN_BIAS_OF_SRC : BRDNN_BIAS_OF_DST;
        problem_.finish = with_bias ? sums : BRDNN_STORE;
        return nullptr;
    }
    const memory_desc_t &result = *roles_.result().md;
    if (offer_.attr.set_default_formats(&result) != status::success)
        return "a post-op's input can't be given a format";
    const post_ops_t &post_ops = offer_.attr.post_ops_;
    const cpu_isa_t isa = vector_isa_of(implementation_.isa);
    if (isa == avx2 && post_ops.len() > 0 && roles_.input_type() == data_type::bf16)
        return "post-ops with bf16 tensors need AVX-512";
    const char *const declined = check_post_ops(post_ops, result, isa);
    if (declined) return declined;
    problem_.finish = finish_of(with_bias, post_ops);
    agreement_.epilogue = epilogue_conf(problem_, with_bias, post_ops, result, isa);
    return nullptr;
}

const char *negotiation_t::query() {
    return brdnn_conv_query(&problem_, &info_) == BRDNN_SUCCESS ? nullptr : info_.text;
}

const char *negotiation_t::settle_weights() {
    if (problem_.pass != BRDNN_BACKWARD_WEIGHTS) return settle_read_weights();
    if (is_any(roles_.wei)) *roles_.wei.md = dense_weights_md(*roles_.wei.md, roles_.wei_dims);
    return settle_plain_weights();
}

/// Asks the core about dense weights first, as it tells then whether it has a packed layout. That is what
/// `any` becomes; without one, `any` becomes dense.
const char *negotiation_t::settle_read_weights() {
    memory_desc_t &wei = *roles_.wei.md;
    const memory_desc_t dense = dense_weights_md(wei, roles_.wei_dims);
    problem_.wei = plain_weights(dense, roles_.wei_dims);
    if (const char *const declined = query()) return declined;
    if (info_.packed_wei.bytes > 0) {
        const memory_desc_t packed
                = packed_weights_md(wei, roles_.wei_dims, problem_.pass, info_.packed_wei);
        if (is_any(roles_.wei)) wei = packed;
        problem_.wei.packed = same_placement(wei, packed);
        if (problem_.wei.packed) return query();
    }
    if (is_any(roles_.wei)) wei = dense;
    return settle_plain_weights();
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
        const bool is_there = tensor.md->ndims > 0;
        const size_t size = is_there ? types::data_type_size(tensor.md->data_type) : 0;
        return argument_t {tensor.argument, tensor.md->offset0 * static_cast<dim_t>(size)};
    };
    agreement_.src = argument(roles_.src);
    agreement_.wei = argument(roles_.wei);
    agreement_.bias = argument(roles_.bias);
    agreement_.dst = argument(roles_.dst);

    const dim_t most = nstl::min<dim_t>(dnnl_get_max_threads(), info_.work_items);
    agreement_.nthr = static_cast<int>(nstl::max<dim_t>(1, most));
    auto scratchpad = offer_.pd.scratchpad_registry().registrar();
    scratchpad.template book<char>(
            compat::scratch_key, brdnn_conv_scratch_bytes(&info_, agreement_.nthr));
}

} // namespace

const char *negotiate(const offer_t &offer, agreement_t &agreement) {
    negotiation_t negotiation(offer, agreement);
    const char *const declined = negotiation.why_not();
    if (!declined) negotiation.conclude();
    if (settings().verbose)
        std::fprintf(stderr, "brdnn,%s,%s,%s\n", declined ? "declined" : "taken",
                offer.pd.info(offer.engine), declined ? declined : agreement.info.text);
    return declined;
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
