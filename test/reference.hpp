// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The passes as brdnn.h defines them, in double precision, on operands without any placement:
/// src (n, c, w), dst (n, k, q), weights (k, c within its group, s), biases by channel.

#ifndef BRDNN_TEST_REFERENCE_HPP
#define BRDNN_TEST_REFERENCE_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "elements.hpp"
#include "problems.hpp"

namespace brdnn_test {

/// What a pass reads; the others are empty.
struct Operands {
    std::vector<float> src, wei, diff_dst, bias;
};

struct Reference {
    std::vector<double> values;
    /// What the result may differ by, see reference_bounds().
    std::vector<double> bounds;
};

/// Outputs [begin, end) whose tap s reads inside src.
struct OutputRange {
    int64_t begin, end;
};

inline OutputRange outputs_inside(const Case &c, int64_t tap) {
    int64_t shift = tap * c.dilation - c.pad_l;
    int64_t begin = std::max<int64_t>(0, divide_up(-shift, c.stride));
    int64_t end = std::min(c.ow(), divide_up(c.iw - shift, c.stride));
    return {begin, std::max(begin, end)};
}

/// Calls visit(src, wei, dst) for each product of the convolution, with the places of the three
/// elements that it ties together. Each pass multiplies two of them and adds the product to the
/// third.
template <typename Visit>
void for_each_product(const Case &c, Visit visit) {
    for (int64_t n = 0; n < c.mb; ++n)
        for (int64_t k = 0; k < c.oc; ++k)
            for (int64_t i = 0; i < c.ic_per_group(); ++i)
                for (int64_t s = 0; s < c.kw; ++s) {
                    const int64_t channel = k / c.oc_per_group() * c.ic_per_group() + i;
                    const int64_t wei = (k * c.ic_per_group() + i) * c.kw + s;
                    const int64_t src = (n * c.ic + channel) * c.iw + s * c.dilation - c.pad_l;
                    const int64_t dst = (n * c.oc + k) * c.ow();
                    const OutputRange range = outputs_inside(c, s);
                    for (int64_t q = range.begin; q < range.end; ++q)
                        visit(src + q * c.stride, wei, dst + q);
                }
}

/// Calls visit(value, channel) for each element of a tensor without placement.
template <typename Visit>
void for_each_element(const Placement &p, Visit visit) {
    for (int64_t i = 0; i < p.elements(); ++i)
        visit(i, i / p.width % p.channels);
}

/// Elements of the result in the order in which all functions here have them: those of dst, of
/// diff_src or of diff_wei, then those of diff_bias.
inline int64_t result_count(const Case &c) {
    switch (c.pass) {
    case BRDNN_FORWARD: return dst_placement(c).elements();
    case BRDNN_BACKWARD_DATA: return src_placement(c).elements();
    default: return c.weights_count() + c.bias_count();
    }
}

/// Calls visit(element of the result, term) for each term of the sums that the header defines.
template <typename Visit>
void for_each_term(const Case &c, const Operands &x, Visit visit) {
    const auto product = [](float a, float b) { return static_cast<double>(a) * b; };
    if (c.pass == BRDNN_FORWARD)
        for_each_product(c, [&](int64_t src, int64_t wei, int64_t dst) {
            visit(dst, product(x.wei[wei], x.src[src]));
        });
    else if (c.pass == BRDNN_BACKWARD_DATA)
        for_each_product(c, [&](int64_t src, int64_t wei, int64_t dst) {
            visit(src, product(x.wei[wei], x.diff_dst[dst]));
        });
    else
        for_each_product(c, [&](int64_t src, int64_t wei, int64_t dst) {
            visit(wei, product(x.diff_dst[dst], x.src[src]));
        });

    const Placement src = src_placement(c), dst = dst_placement(c);
    if (c.finish == BRDNN_ADD_BIAS)
        for_each_element(c.pass == BRDNN_FORWARD ? dst : src, [&](int64_t i, int64_t channel) {
            visit(i, static_cast<double>(x.bias[channel]));
        });
    else if (c.finish == BRDNN_BIAS_OF_DST)
        for_each_element(dst, [&](int64_t i, int64_t channel) {
            visit(c.weights_count() + channel, static_cast<double>(x.diff_dst[i]));
        });
    else if (c.finish == BRDNN_BIAS_OF_SRC)
        for_each_element(src, [&](int64_t i, int64_t channel) {
            visit(c.weights_count() + channel, static_cast<double>(x.src[i]));
        });
}

inline std::vector<double> reference_values(const Case &c, const Operands &x) {
    std::vector<double> values(result_count(c), 0);
    for_each_term(c, x, [&](int64_t i, double term) { values[i] += term; });
    return values;
}

/// The result as its tensor must hold it, where the f32 sums are exact: rounded once.
inline std::vector<double> reference_stored(const Case &c, const Operands &x) {
    std::vector<double> values = reference_values(c, x);
    for (size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<double>(
                stored_as(c.result_type(static_cast<int64_t>(i)), static_cast<float>(values[i])));
    return values;
}

/// What the product of two f32 in splits leaves out, as a share of it. One split is a factor rounded to 8
/// bits: half a unit in the last of them is 2^-8 of the smallest that they hold. A bf16 has 8 bits, so what remains
/// of a factor after p splits is at most 2^-8p of it. Of a * b, with a = a0 + a1 + r and b = b0 + b1 + s
/// in two splits, a0 * s, r * b0 and a1 * b1 are missing, each at most 2^-16 of it, and smaller ones. In
/// three splits that hold all 24 bits of a factor, a1 * b2 and a2 * b1 are missing, each at most 2^-24,
/// and smaller ones.
inline double share_left_out(int splits) {
    constexpr double smaller_ones = 1.02;
    switch (splits) {
    case 1: return smaller_ones * 2 * std::ldexp(1, -8);
    case 2: return smaller_ones * 3 * std::ldexp(1, -16);
    case 3: return smaller_ones * 2 * std::ldexp(1, -24);
    default: return 0;
    }
}

/// Given f32 sums in any order: the largest product of the sum x (its terms x (epsilon + what the
/// products leave out) + one epsilon for the result), and half an epsilon of the result for each term,
/// since sums on the way are as large as that. Rounding to bf16 adds half a unit in the last of 8 bits.
inline std::vector<double> reference_bounds(
        const Case &c, const Operands &x, const std::vector<double> &values) {
    constexpr double epsilon = std::numeric_limits<float>::epsilon();
    const double rounding_to_bf16 = std::ldexp(1, -8);
    std::vector<double> largest(result_count(c), 0);
    std::vector<int64_t> terms(result_count(c), 0);
    for_each_term(c, x, [&](int64_t i, double term) {
        largest[i] = std::max(largest[i], std::abs(term));
        ++terms[i];
    });
    const double per_term = epsilon + share_left_out(c.splits());
    std::vector<double> bounds(result_count(c));
    for (size_t i = 0; i < bounds.size(); ++i) {
        const auto count = static_cast<double>(terms[i]);
        bounds[i] = largest[i] * (count * per_term + epsilon)
                + count * epsilon / 2 * std::abs(values[i]);
        if (c.result_type(static_cast<int64_t>(i)) == BRDNN_BF16)
            bounds[i] += rounding_to_bf16 * (std::abs(values[i]) + bounds[i]);
    }
    return bounds;
}

inline Reference reference(const Case &c, const Operands &x) {
    const std::vector<double> values = reference_values(c, x);
    return {values, reference_bounds(c, x, values)};
}

/// For each position of src whether any output reads it, and for each of dst whether it reads any.
struct UsedPositions {
    std::vector<bool> src, dst;
};

inline UsedPositions used_positions(const Case &c) {
    UsedPositions used {std::vector<bool>(c.iw, false), std::vector<bool>(c.ow(), false)};
    for (int64_t s = 0; s < c.kw; ++s) {
        const OutputRange range = outputs_inside(c, s);
        for (int64_t q = range.begin; q < range.end; ++q)
            used.src[q * c.stride + s * c.dilation - c.pad_l] = used.dst[q] = true;
    }
    return used;
}

inline void make_nan_unless_used(const std::vector<bool> &used, std::vector<float> *values) {
    for (size_t i = 0; i < values->size(); ++i)
        if (!used[i % used.size()]) (*values)[i] = std::numeric_limits<float>::quiet_NaN();
}

enum class Fill { integers, reals };
/// What stands in elements that no term of the result has.
enum class Unused { nan, filled };

/// Rounds values to those that their tensors hold.
inline void round_to_types(const Case &c, Operands *x) {
    const auto round = [](brdnn_type type, std::vector<float> *values) {
        for (float &v : *values)
            v = stored_as(type, v);
    };
    round(c.src_type, &x->src);
    round(c.wei_type, &x->wei);
    round(c.dst_type, &x->diff_dst);
    round(c.bias_type, &x->bias);
}

/// Integers are so small that every f32 sum of them is exact. Elements that no sum needs are NaN:
/// computing with them and throwing the result away is fine, letting them through is not. Only
/// diff_dst in backward weights is left out, as zeros of the padding may meet all of it.
inline Operands make_operands(
        const Case &c, Fill fill, Random &random, Unused unused = Unused::nan) {
    std::uniform_int_distribution<int> integer(-4, 4);
    std::uniform_real_distribution<float> real(-1, 1);
    auto value = [&] {
        return fill == Fill::integers ? static_cast<float>(integer(random)) : real(random);
    };
    Operands x;
    if (c.has_src()) x.src.resize(src_placement(c).elements());
    if (c.has_weights()) x.wei.resize(c.weights_count());
    if (c.has_diff_dst()) x.diff_dst.resize(dst_placement(c).elements());
    if (c.finish == BRDNN_ADD_BIAS) x.bias.resize(c.bias_count());
    for (auto *v : {&x.src, &x.wei, &x.diff_dst, &x.bias})
        std::generate(v->begin(), v->end(), value);
    round_to_types(c, &x);
    if (unused == Unused::filled) return x;
    const UsedPositions used = used_positions(c);
    if (c.finish != BRDNN_BIAS_OF_SRC) make_nan_unless_used(used.src, &x.src);
    if (c.pass == BRDNN_BACKWARD_DATA) make_nan_unless_used(used.dst, &x.diff_dst);
    return x;
}

} // namespace brdnn_test

#endif
