// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// ExponentRange of rows and images, by comparison with looking at one element at a time, in guarded memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "harness.hpp"
#include "image.hpp"

extern "C" {
#include "pack/exponent_range.h"
}

namespace brdnn_test {
namespace {

/// Either sign, from denormals on, and some zeros; each element may be the largest or the smallest.
float any_magnitude(int64_t i) {
    const uint32_t hash = static_cast<uint32_t>(i + 1) * 2654435761U;
    if (hash % 5 == 0) return 0;
    return from_bits(hash % 0x7f800000 | (hash & 0x80000000));
}

brdnn_exponent_range joined(brdnn_exponent_range all, float value) {
    const uint32_t magnitude = bits_of(std::fabs(value));
    all.largest = std::max(all.largest, magnitude);
    if (magnitude > 0) all.smallest = std::min(all.smallest, magnitude);
    return all;
}

void expect_equal(const brdnn_exponent_range &actual, const brdnn_exponent_range &expected) {
    EXPECT_EQ(actual.largest, expected.largest);
    EXPECT_EQ(actual.smallest, expected.smallest);
}

class ExponentRange : public testing::TestWithParam<brdnn_type> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_BF16); }

    brdnn_exponent_range of_row(const std::vector<float> &values) const {
        GuardedElements row(GetParam(), static_cast<int64_t>(values.size()));
        for (size_t i = 0; i < values.size(); ++i)
            row.set(static_cast<int64_t>(i), stored_as(GetParam(), values[i]));
        brdnn_exponent_range seen = brdnn_no_exponents();
        brdnn_exponents_of_row(GetParam(), row.data(), row.count(), &seen);
        return seen;
    }
    void check_positions(const Image &image, brdnn_range positions) const;
};

void ExponentRange::check_positions(const Image &image, brdnn_range positions) const {
    brdnn_exponent_range seen = brdnn_no_exponents(), expected = seen;
    brdnn_exponents_of_positions(image.get(), positions, &seen);
    for (int64_t c = 0; c < image.get()->channels; ++c)
        for (int64_t w = positions.begin; w < positions.end; ++w)
            expected = joined(expected, image.at(c, w));
    expect_equal(seen, expected);
}

TEST_P(ExponentRange, OfPositions) {
    for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
        for (int64_t channels : {1, 2, 15, 16, 17, 31, 32, 33, 67})
            for (int64_t width : {1, 7, 33, 150})
                for (int64_t gap : {0, 5}) {
                    const Image image(layout, GetParam(), channels, width, gap, any_magnitude);
                    for (brdnn_range positions : {brdnn_range {0, width}, {-9, width + 9}, {3, 6},
                                 {width - 1, width}, {-5, 0}, {width, width + 3}, {4, 4}}) {
                        SCOPED_TRACE(testing::Message()
                                << layout_name(layout) << " channels " << channels << " width "
                                << width << " gap " << gap << " positions [" << positions.begin
                                << ", " << positions.end << ")");
                        check_positions(image, positions);
                        if (HasFailure()) return;
                    }
                }
}

TEST_P(ExponentRange, FindOneElementWhereverItIs) {
    for (int64_t count : {1, 15, 16, 17, 31, 32, 33, 70})
        for (int64_t i = 0; i < count; ++i)
            for (float value : {-2.0F, 0.5F}) {
                std::vector<float> row(static_cast<size_t>(count), 0.0F);
                row[static_cast<size_t>(i)] = value;
                expect_equal(of_row(row), {bits_of(std::fabs(value)), bits_of(std::fabs(value))});
                ASSERT_FALSE(HasFailure()) << "element " << i << " of " << count;
            }
}

TEST_P(ExponentRange, OfZerosAreNone) {
    expect_equal(of_row({0.0F, -0.0F, 0.0F}), brdnn_no_exponents());
    expect_equal(of_row({}), brdnn_no_exponents());
}

TEST_P(ExponentRange, OfInfinitiesNanAndDenormals) {
    const float infinity = from_bits(0x7f800000), denormal = from_bits(0x00010000);
    const float nan = from_bits(0xffff0000);
    expect_equal(of_row({1, -infinity, 0, -denormal}), {bits_of(infinity), bits_of(denormal)});
    expect_equal(of_row({1, nan, infinity}), {bits_of(nan) & 0x7fffffff, bits_of(1)});
}

TEST_P(ExponentRange, AddToThoseSeenBefore) {
    const float values[] = {1, 4};
    GuardedElements row(GetParam(), 2);
    for (int64_t i = 0; i < 2; ++i)
        row.set(i, values[i]);
    brdnn_exponent_range seen = {bits_of(2), bits_of(0.5F)};
    brdnn_exponents_of_row(GetParam(), row.data(), 2, &seen);
    expect_equal(seen, {bits_of(4), bits_of(0.5F)});
}

INSTANTIATE_TEST_SUITE_P(, ExponentRange, testing::Values(BRDNN_BF16, BRDNN_F32),
        [](const auto &info) { return type_name(info.param); });

TEST(MagnitudesSeen, AreJoined) {
    brdnn_exponent_range all = brdnn_no_exponents();
    brdnn_join_exponents(&all, {7, 5});
    brdnn_join_exponents(&all, brdnn_no_exponents());
    expect_equal(all, {7, 5});
    brdnn_join_exponents(&all, {9, 6});
    brdnn_join_exponents(&all, {8, 2});
    expect_equal(all, {9, 2});
}

} // namespace
} // namespace brdnn_test
