// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// The convolution as brconv1d.h defines it, in double precision, on operands without any
/// placement: src (n, c, w), weights (k, c within its group, s), bias (k), result (n, k, q).

#ifndef BRCONV1D_TEST_REFERENCE_HPP
#define BRCONV1D_TEST_REFERENCE_HPP

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "problems.hpp"

namespace brconv1d_test {

struct Operands {
    std::vector<float> src, wei, bias;
};

struct Reference {
    std::vector<double> values;
    /// What the result may differ by, given f32 sums in any order: the largest product of the sum
    /// x (its terms x epsilon + one epsilon for the result).
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

/// Calls visit(output, product) for each product of the filter k in image n.
template <typename Visit>
void for_each_product(const Case &c, const Operands &x, int64_t n, int64_t k, Visit visit) {
    const int64_t first_channel = k / c.oc_per_group() * c.ic_per_group();
    for (int64_t i = 0; i < c.ic_per_group(); ++i) {
        const float *row = x.src.data() + (n * c.ic + first_channel + i) * c.iw;
        const float *taps = x.wei.data() + (k * c.ic_per_group() + i) * c.kw;
        for (int64_t s = 0; s < c.kw; ++s) {
            const OutputRange range = outputs_inside(c, s);
            const double weight = taps[s];
            const int64_t shift = s * c.dilation - c.pad_l;
            for (int64_t q = range.begin; q < range.end; ++q)
                visit(q, weight * static_cast<double>(row[q * c.stride + shift]));
        }
    }
}

inline double bias_of(const Case &c, const Operands &x, int64_t k) {
    return c.finish == BRCONV1D_ADD_BIAS ? x.bias[k] : 0;
}

inline std::vector<double> reference_values(const Case &c, const Operands &x) {
    std::vector<double> values(c.mb * c.oc * c.ow());
    for (int64_t n = 0; n < c.mb; ++n)
        for (int64_t k = 0; k < c.oc; ++k) {
            double *row = values.data() + (n * c.oc + k) * c.ow();
            std::fill(row, row + c.ow(), bias_of(c, x, k));
            for_each_product(c, x, n, k, [row](int64_t q, double p) { row[q] += p; });
        }
    return values;
}

inline std::vector<double> reference_bounds(const Case &c, const Operands &x) {
    constexpr double epsilon = std::numeric_limits<float>::epsilon();
    std::vector<double> bounds;
    for (int64_t n = 0; n < c.mb; ++n)
        for (int64_t k = 0; k < c.oc; ++k) {
            const double bias = std::abs(bias_of(c, x, k));
            std::vector<double> largest(c.ow(), bias);
            std::vector<int64_t> terms(c.ow(), bias != 0);
            for_each_product(c, x, n, k, [&](int64_t q, double product) {
                largest[q] = std::max(largest[q], std::abs(product));
                ++terms[q];
            });
            for (int64_t q = 0; q < c.ow(); ++q)
                bounds.push_back(largest[q] * (static_cast<double>(terms[q]) * epsilon + epsilon));
        }
    return bounds;
}

inline Reference reference(const Case &c, const Operands &x) {
    return {reference_values(c, x), reference_bounds(c, x)};
}

/// For each position of src, whether any output reads it.
inline std::vector<bool> positions_read(const Case &c) {
    std::vector<bool> read(c.iw, false);
    for (int64_t s = 0; s < c.kw; ++s) {
        const OutputRange range = outputs_inside(c, s);
        for (int64_t q = range.begin; q < range.end; ++q)
            read[q * c.stride + s * c.dilation - c.pad_l] = true;
    }
    return read;
}

enum class Fill { integers, reals };

/// Integers are so small that every f32 sum of them is exact. Positions that no output reads are
/// NaN: computing with them and throwing the result away is fine, letting them through is not.
inline Operands make_operands(const Case &c, Fill fill, Random &random) {
    std::uniform_int_distribution<int> integer(-4, 4);
    std::uniform_real_distribution<float> real(-1, 1);
    auto value = [&] {
        return fill == Fill::integers ? static_cast<float>(integer(random)) : real(random);
    };
    Operands x;
    x.src.resize(c.mb * c.ic * c.iw);
    x.wei.resize(c.oc * c.ic_per_group() * c.kw);
    x.bias.resize(c.oc);
    for (auto *v : {&x.src, &x.wei, &x.bias})
        std::generate(v->begin(), v->end(), value);
    const std::vector<bool> read = positions_read(c);
    for (size_t i = 0; i < x.src.size(); ++i)
        if (!read[i % c.iw]) x.src[i] = std::numeric_limits<float>::quiet_NaN();
    return x;
}

} // namespace brconv1d_test

#endif
