// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "policy.hpp"

#include <algorithm>

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brdnn {

namespace {

constexpr const char *few_positions_to_sum
        = "storing the weights costs more than the sums of so few positions gain";
constexpr const char *one_channel_groups = "the built-in has kernels for a single channel a group";
/// Below so many positions, weights' gradients are left to the built-in.
constexpr int64_t least_positions_to_sum = 160;

/// Useful share of the built-in's vectors, which run along channels.
double channel_fill(int64_t channels) {
    return static_cast<double>(channels) / static_cast<double>((channels + 15) / 16 * 16);
}

/// What the rules look at. Sums run over ic channels and kw taps, and results have oc channels and ow
/// positions: those of dst and src in backward data.
struct facts_t {
    int64_t ic, oc; ///< of a group
    int64_t iw, ow, kw;
    double terms;   ///< that a result is the sum of, away from padding
    int64_t halo;   ///< positions from the first tap to the last
    int64_t lead;   ///< positions that the first result's taps reach to the left of what they read
    bool strided;   ///< results skip positions of what they read
    bool scattered; ///< what they read skips positions of the results: backward data with a stride
    bool padded;
    double lane_use;

    facts_t(const brdnn_conv_problem &p, const brdnn_conv_info &info) {
        const bool is_backward_data = p.pass == BRDNN_BACKWARD_DATA;
        ic = (is_backward_data ? p.oc : p.ic) / p.groups;
        oc = (is_backward_data ? p.ic : p.oc) / p.groups;
        iw = is_backward_data ? p.ow : p.iw;
        ow = is_backward_data ? p.iw : p.ow;
        kw = p.kw;
        strided = p.stride > 1 && !is_backward_data;
        scattered = p.stride > 1 && is_backward_data;
        terms = static_cast<double>(ic) * p.kw / (scattered ? p.stride : 1);
        halo = (p.kw - 1) * p.dilation;
        lead = is_backward_data ? (halo - p.pad_l) / p.stride : p.pad_l;
        padded = p.pad_l > 0 || (p.ow - 1) * p.stride - p.pad_l + halo >= p.iw;
        lane_use = info.lane_use;
    }

    /// The built-in's vectors run along channels: with these it wastes no lane.
    bool whole_vectors() const { return ic % 16 == 0 && oc % 16 == 0; }
    bool many_channels() const { return ic >= 64 && oc >= 64; }
    /// Where the built-in's direct kernels give up, and im2col with a matrix product takes over: they
    /// hold the results that padding touches in registers, fewer of them where taps are few and
    /// several vectors of filters share a tap.
    bool needs_im2col() const { return lead >= (kw <= 3 ? 16 : 28); }
};

const char *decline_ncw(const brdnn_conv_problem &p, const facts_t &f) {
    if (p.kw == 1 && p.stride == 1 && !f.padded && f.ic >= 8 && f.oc >= 8)
        return "one tap is a plain matrix product, which the built-in does well in ncw";
    if (f.lane_use < 0.7 && f.oc % 16 == 0)
        return "so few positions leave lanes empty, and whole vectors of filters don't";
    if (f.lane_use < (f.many_channels() ? 0.95 : f.whole_vectors() ? 0.85 : 0))
        return "the positions leave lanes empty, and so many channels don't";
    if (f.halo >= 2 * f.iw) return "most taps of most positions read padding";
    if (f.strided && f.ic >= 8 && f.oc >= 8 && p.kw * f.oc < 48 * p.stride)
        return "packing a strided input costs more than so little use of it gains";
    if (f.strided && f.whole_vectors() && f.ow < 64)
        return "a strided input is packed for few positions";
    if (f.scattered && f.terms < 4 && f.oc >= 64)
        return "so few terms are a matter of writing the result, which whole vectors do faster";
    return nullptr;
}

/// Forward, also where a deconvolution's backward data is.
const char *decline_nwc_forward(const brdnn_conv_problem &p, const facts_t &f) {
    if (f.halo >= 2 * f.iw && p.dilation > 1) return "most taps of most positions read padding";
    const bool single = f.ow == 1;
    const bool many_padded_taps = p.pad_l >= 8 && p.kw >= 16 && f.lane_use >= 0.7;
    const bool deep_strided
            = p.stride > 1 && p.kw > 1 && f.ic >= 256 && f.oc >= 64 && f.lane_use >= 0.9;
    return single || many_padded_taps || deep_strided
            ? nullptr
            : "in nwc the built-in is weak only for many padded taps, or many channels and a "
              "stride";
}

/// Backward data, also where it is a deconvolution's forward pass.
const char *decline_nwc_backward(
        const brdnn_conv_problem &p, const facts_t &f, bool is_deconvolution) {
    if (f.lane_use < 0.75) return "the channels leave lanes empty";
    const bool dilated_stride = f.scattered && p.dilation > 1;
    const bool odd_stride = f.scattered && is_deconvolution && f.ic % 16 != 0;
    const bool few_channels = !is_deconvolution && f.ic < 16 && f.terms >= 16;
    return dilated_stride || odd_stride || few_channels
            ? nullptr
            : "in nwc the built-in is weak only for a stride with a dilation, and few channels";
}

/// Whether the built-in has a kernel of its own for one channel a group. It has them for images only, and
/// not for all of them; without, im2col makes each channel a matrix product.
bool has_depthwise_kernel(const brdnn_conv_problem &p, const circumstances_t &circumstances) {
    const bool depthwise = p.groups > 1 && p.groups == p.ic && p.groups == p.oc;
    if (!depthwise || !circumstances.is_2d) return false;
    switch (p.pass) {
    case BRDNN_FORWARD: return true;
    case BRDNN_BACKWARD_DATA: return p.dilation == 1;
    case BRDNN_BACKWARD_WEIGHTS: return p.dilation == 1 && p.kw <= 3;
    }
    return false;
}

const char *decline_free_layout(
        const brdnn_conv_problem &p, const facts_t &f, const circumstances_t &circumstances) {
    const bool is_forward = p.pass == BRDNN_FORWARD;
    if (f.needs_im2col() && f.lane_use >= 0.7) return nullptr;
    if (has_depthwise_kernel(p, circumstances)) return one_channel_groups;
    if (f.whole_vectors()) return "whole vectors of channels fill a blocked layout";
    const double builtin_fill = f.scattered ? 1 : channel_fill(f.oc);
    if (f.lane_use < (f.many_channels() ? 0.95 : 0.85) * builtin_fill)
        return "the positions leave lanes empty, and a blocked layout doesn't";
    if (f.oc % 16 == 0 && (f.ow < 64 || (is_forward && f.terms < 256)))
        return "little work for whole vectors of filters";
    if (f.strided && f.ow < 1000) return "a strided input is packed for few positions";
    if (f.strided && f.ic >= 8 && f.oc % 16 == 0 && p.kw * f.oc < 250 * p.stride)
        return "packing a strided input costs more than so little use of it gains";
    return decline_ncw(p, f);
}

/// What holds for forward and backward data whatever the kernels multiply.
const char *decline_any_correlation(
        const brdnn_conv_problem &p, const facts_t &f, const circumstances_t &circumstances) {
    if (!p.wei.packed && p.mb * f.ow < 16)
        return "packing plain weights costs more than so few positions gain";
    if (circumstances.copies_operands && (f.whole_vectors() || f.terms < 512))
        return "copying a post-op's operand costs more than the sums gain";
    return nullptr;
}

const char *decline_f32_correlation(const brdnn_conv_problem &p, const brdnn_conv_info &info,
        const circumstances_t &circumstances) {
    const facts_t f(p, info);
    if (const char *const declined = decline_any_correlation(p, f, circumstances)) return declined;
    const bool orders_weights = p.pass == BRDNN_BACKWARD_DATA && !circumstances.is_deconvolution;
    if (orders_weights && f.whole_vectors() && f.many_channels() && f.ow < 512)
        return "ordering the weights anew at each step costs more than so few positions gain";
    if (p.layout == BRDNN_NWC)
        return p.pass == BRDNN_FORWARD ? decline_nwc_forward(p, f)
                                       : decline_nwc_backward(p, f, circumstances.is_deconvolution);
    return circumstances.free_layout ? decline_free_layout(p, f, circumstances) : decline_ncw(p, f);
}

const char *decline_f32_backward_weights(
        const brdnn_conv_problem &p, const circumstances_t &circumstances) {
    const int64_t ic = p.ic / p.groups, oc = p.oc / p.groups;
    const bool whole_vectors = ic % 16 == 0 && oc % 16 == 0;
    // The built-in's vectors run along filters, or along channels where filters are too few for that.
    const bool fills_vectors = oc % 16 == 0 || (ic % 16 == 0 && oc >= 8);
    const bool nearly_whole_vectors = channel_fill(ic) >= 0.95 && channel_fill(oc) >= 0.95;
    const bool free_layout = circumstances.free_layout;
    const bool ncw_given = p.layout == BRDNN_NCW && !free_layout;
    // There the built-in's direct kernel gives up, and im2col with a matrix product takes over, which is
    // no worse than packing across a large stride.
    const bool needs_im2col = (p.kw > 14 || p.pad_l >= 28) && p.stride <= 4;
    if (p.mb * p.ow < least_positions_to_sum && !(free_layout && needs_im2col && p.groups > 1))
        return few_positions_to_sum;
    if (p.layout == BRDNN_NWC && p.groups > 1 && ic < 16 && oc < 16)
        return "small groups side by side fill the built-in's vectors";
    // Products that an element of src and diff_dst takes part in, once it is packed.
    const int64_t packed = ic * std::min(p.stride, p.kw) + oc;
    const int64_t enough_uses = ic < 32 && oc < 32 ? 20 : 30;
    if (free_layout && has_depthwise_kernel(p, circumstances)) return one_channel_groups;
    if (fills_vectors && ic * oc * p.kw < enough_uses * packed)
        return "packing costs more than so little use of each element gains";
    if (whole_vectors && p.kw == 1 && (!ncw_given || p.stride > 1))
        return "one tap is a plain matrix product, which the built-in does well";
    if (nearly_whole_vectors && p.kw <= 3 && p.stride == 1 && ic >= 64 && oc >= 256)
        return "few taps of so many channels are near a plain matrix product";
    if (whole_vectors && free_layout && !needs_im2col && (p.kw <= 3 || p.stride > 1))
        return "whole vectors of channels fill a blocked layout";
    return nullptr;
}

const char *decline_f32(const brdnn_conv_problem &problem, const brdnn_conv_info &info,
        const circumstances_t &circumstances) {
    return problem.pass == BRDNN_BACKWARD_WEIGHTS
            ? decline_f32_backward_weights(problem, circumstances)
            : decline_f32_correlation(problem, info, circumstances);
}

bool core_has_amx(const brdnn_conv_problem &p) {
    return (p.isa & BRDNN_ISA_AVX512_CORE_AMX) == BRDNN_ISA_AVX512_CORE_AMX;
}

/// A product of large matrices, in which the built-in's kernels are near the peak without AMX. With AMX only
/// those for blocked layouts are, which an answer of `any` stands for.
bool is_large_product(const brdnn_conv_problem &p, const circumstances_t &circumstances) {
    const int64_t ic = p.ic / p.groups, oc = p.oc / p.groups;
    const bool fills = channel_fill(ic) >= 0.95 && channel_fill(oc) >= 0.95;
    const bool has_amx = core_has_amx(p);
    if (!fills || (has_amx && !circumstances.free_layout)) return false;
    return std::min(ic, oc) >= 64 && (std::max(ic, oc) >= 128 || p.kw == 1);
}

const char *decline_bf16_correlation(const brdnn_conv_problem &p, const brdnn_conv_info &info,
        const circumstances_t &circumstances) {
    const facts_t f(p, info);
    if (const char *const declined = decline_any_correlation(p, f, circumstances)) return declined;
    const double products = static_cast<double>(p.mb * p.groups * f.oc * f.ow) * f.terms;
    if (products < 1 << 18) return "so little work is over before threads have started";
    // Weights are packed at each run, and with AMX all else takes less time.
    const int64_t enough_positions = core_has_amx(p) ? 4096 : 1500;
    const bool many_weights = f.ic * f.oc >= 64 * 64 && !f.needs_im2col();
    if (p.mb * f.ow < (many_weights ? enough_positions : 64))
        return "packing weights costs more than so few positions gain";
    if (p.layout == BRDNN_NWC && p.pass == BRDNN_BACKWARD_DATA)
        return decline_nwc_backward(p, f, circumstances.is_deconvolution);
    if (p.layout == BRDNN_NWC)
        return p.kw >= 16 && p.pad_l >= 28
                ? nullptr
                : "in nwc the built-in is weak only for very many padded taps";
    if (is_large_product(p, circumstances) && !f.needs_im2col())
        return "whole vectors of many channels are a matrix product, which the built-in does well";
    if (f.strided && f.ow < 64) return "a strided input is packed for few positions";
    const bool few_terms = f.terms < 16 && f.oc >= 64 && !circumstances.free_layout;
    if (few_terms || (f.terms < 100 && f.oc >= 256 && f.ow < 1000))
        return "so few terms are a matter of writing the result, which whole vectors do faster";
    if (!circumstances.free_layout && f.oc * p.kw < 4 * p.stride)
        return "packing the input costs more than so little use of it gains";
    return nullptr;
}

const char *decline_bf16_backward_weights(
        const brdnn_conv_problem &p, const circumstances_t &circumstances) {
    const int64_t ic = p.ic / p.groups, oc = p.oc / p.groups;
    if (p.mb * p.ow < least_positions_to_sum) return few_positions_to_sum;
    if (is_large_product(p, circumstances))
        return "whole vectors of many channels are a matrix product, which the built-in does well";
    if (p.layout == BRDNN_NWC && (oc % 16 == 0 || p.kw <= 14))
        return "in nwc the built-in is weak only for many taps of odd channels";
    if (p.groups > 1 && ic == 1 && oc == 1) return "single channels of groups leave lanes empty";
    if (p.stride > 1 && ic < 4 && oc >= 64) return "so few strided terms leave lanes empty";
    // Products that an item of src and diff_dst takes part in, once it is packed.
    const int64_t packed = ic * std::min(p.stride, p.kw) + oc, enough_uses = 45;
    if (oc % 8 == 0 && ic >= 8 && ic * oc * p.kw < enough_uses * packed)
        return "packing costs more than so little use of each element gains";
    if (circumstances.free_layout && oc % 8 == 0 && ic >= 16 && p.ow < 64)
        return "so few positions are packed a short row at a time";
    return nullptr;
}

/// Kernels for bf16, of whatever tensors.
const char *decline_bf16(const brdnn_conv_problem &problem, const brdnn_conv_info &info,
        const circumstances_t &circumstances) {
    const bool has_kernel = has_depthwise_kernel(problem, circumstances) && problem.dilation == 1;
    if (circumstances.free_layout && has_kernel) return one_channel_groups;
    return problem.pass == BRDNN_BACKWARD_WEIGHTS
            ? decline_bf16_backward_weights(problem, circumstances)
            : decline_bf16_correlation(problem, info, circumstances);
}

} // namespace

const char *decline_for_speed(const brdnn_conv_problem &problem, const brdnn_conv_info &info,
        const circumstances_t &circumstances) {
    if (info.splits > 0) return decline_bf16(problem, info, circumstances);
    const brdnn_conv_tensor &read = problem.pass == BRDNN_BACKWARD_DATA ? problem.dst : problem.src;
    if (read.type == BRDNN_BF16) return "bf16 without AVX512_BF16 is left to the built-in";
    return decline_f32(problem, info, circumstances);
}

} // namespace brdnn
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
