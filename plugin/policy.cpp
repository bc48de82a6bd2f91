// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

#include "policy.hpp"

namespace dnnl {
namespace impl {
namespace cpu {
namespace x64 {
namespace brconv1d {

namespace {

/// What the rules look at, counted within a group.
struct facts_t {
    int64_t ic, oc;
    int64_t halo; ///< positions from the first tap to the last
    bool padded;
    double lane_use;

    facts_t(const brconv1d_problem &p, const brconv1d_info &info)
        : ic(p.ic / p.groups), oc(p.oc / p.groups), halo((p.kw - 1) * p.dilation),
          padded(p.pad_l > 0 || (p.ow - 1) * p.stride - p.pad_l + halo >= p.iw),
          lane_use(info.lane_use) {}

    /// The built-in's vectors run along channels: with these it wastes no lane.
    bool whole_vectors() const { return ic % 16 == 0 && oc % 16 == 0; }
};

const char *decline_ncw(const brconv1d_problem &p, const facts_t &f) {
    if (p.kw == 1 && p.stride == 1 && !f.padded && f.oc >= 8)
        return "one tap is a plain matrix product, which the built-in does well in ncw";
    if (f.lane_use < 0.65 && f.oc % 16 == 0)
        return "so few positions leave lanes empty, and whole vectors of filters don't";
    const bool many_channels = f.ic >= 64 && f.oc >= 64;
    if (f.lane_use < (many_channels ? 0.95 : f.whole_vectors() ? 0.85 : 0))
        return "the positions leave lanes empty, and so many channels don't";
    if (f.halo >= 2 * p.iw) return "most taps of most positions read padding";
    return nullptr;
}

const char *decline_nwc(const brconv1d_problem &p, const facts_t &f) {
    if (f.halo >= 2 * p.iw && p.dilation > 1) return "most taps of most positions read padding";
    const bool single = p.ow == 1;
    const bool many_padded_taps = f.padded && p.kw >= 16 && f.lane_use >= 0.7;
    const bool deep_strided = p.stride > 1 && p.kw > 1 && f.ic >= 256 && f.lane_use >= 0.9;
    return single || many_padded_taps || deep_strided
            ? nullptr
            : "in nwc the built-in is weak only for many padded taps, or many channels and a "
              "stride";
}

const char *decline_free_layout(const brconv1d_problem &p, const facts_t &f) {
    // Beyond such padding the built-in's direct kernels give up and im2col takes over.
    const bool wide_padding = p.pad_l >= 28;
    if (f.whole_vectors() && !wide_padding)
        return "whole vectors of channels fill a blocked layout";
    if (f.lane_use < (f.ic >= 64 && f.oc >= 64 ? 0.95 : 0.85))
        return "the positions leave lanes empty, and a blocked layout doesn't";
    if (f.oc % 16 == 0 && (p.ow < 64 || f.ic * p.kw < 64))
        return "little work for whole vectors of filters";
    if (p.stride > 1 && p.ow < 1000) return "a strided src is packed for few positions";
    return nullptr;
}

} // namespace

const char *decline_for_speed(const brconv1d_problem &problem, const brconv1d_info &info,
        const circumstances_t &circumstances) {
    const facts_t facts(problem, info);
    if (!problem.wei.packed && problem.mb * problem.ow < 16)
        return "packing plain weights costs more than so few positions gain";
    if (circumstances.copies_operands && (facts.whole_vectors() || facts.ic * problem.kw < 512))
        return "copying a post-op's operand costs more than the sums gain";
    if (problem.layout == BRCONV1D_NWC) return decline_nwc(problem, facts);
    return circumstances.free_layout ? decline_free_layout(problem, facts)
                                     : decline_ncw(problem, facts);
}

} // namespace brconv1d
} // namespace x64
} // namespace cpu
} // namespace impl
} // namespace dnnl
