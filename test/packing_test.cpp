// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What packs, unpacks and sums up tensors, by comparison with doing so one element at a time, in
/// guarded memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "harness.hpp"
#include "image.hpp"
#include "planner.hpp"

extern "C" {
#include "finish/bias.h"
#include "finish/merge_branches.h"
#include "pack/elements.h"
#include "pack/src.h"
}

namespace brdnn_test {
namespace {

constexpr brdnn_type both_types[] = {BRDNN_F32, BRDNN_BF16};

class Packing : public testing::TestWithParam<brdnn_isa> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(GetParam()); }
};

/// Packs with rows of channels or of positions and compares every element, gaps included.
void check_progression(
        brdnn_isa isa, const Image &image, brdnn_positions p, brdnn_layout rows, int64_t row_gap) {
    const int64_t channels = image.get()->channels;
    const bool by_channel = rows == BRDNN_NCW;
    const int64_t length = by_channel ? p.count : channels, pitch = length + row_gap;
    GuardedFloats packed(((by_channel ? channels : p.count) - 1) * pitch + length);
    if (by_channel) brdnn_pack_by_channel(best_kernels(isa), image.get(), p, packed.data(), pitch);
    else brdnn_pack_by_position(best_kernels(isa), image.get(), p, packed.data(), pitch);
    for (int64_t i = 0; i < packed.count(); ++i) {
        const int64_t row = i / pitch, column = i % pitch;
        if (column >= length) {
            ASSERT_TRUE(is_untouched(packed[i])) << "gap behind row " << row;
            continue;
        }
        const int64_t channel = by_channel ? row : column, at = by_channel ? column : row;
        ASSERT_EQ(packed[i], image.at(channel, p.first + at * p.step))
                << "channel " << channel << " element " << at;
    }
}

/// All progressions of one image.
void check_progressions(brdnn_isa isa, const Image &image) {
    for (int64_t step : {1, 2, 3, 4, 5, 9})
        for (int64_t first : {-1000, -17, -1, 0, 5, 1000})
            for (int64_t count : {1, 8, 21, 64, 70}) {
                SCOPED_TRACE(testing::Message()
                        << "first " << first << " step " << step << " count " << count);
                const brdnn_positions p = {first, step, count};
                const int64_t gap = count % 2 * 5;
                if (image.get()->layout == BRDNN_NCW)
                    check_progression(isa, image, p, BRDNN_NCW, gap);
                check_progression(isa, image, p, BRDNN_NWC, gap);
                if (testing::Test::HasFailure()) return;
            }
}

TEST_P(Packing, CopiesProgressionsOfPositions) {
    for (brdnn_type type : both_types)
        for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
            for (int64_t channels : {1, 2, 3, 7, 8, 9, 15, 16, 19})
                for (int64_t width : {1, 7, 8, 40, 150}) {
                    SCOPED_TRACE(testing::Message()
                            << type_name(type) << " " << layout_name(layout) << " channels "
                            << channels << " width " << width);
                    check_progressions(
                            GetParam(), Image(layout, type, channels, width, channels % 3));
                    if (HasFailure()) return;
                }
}

/// Each hand is compared with what a progression of its own gives; a gap is left between hands.
void check_deal(brdnn_isa isa, const Image &image, int64_t first, int64_t hands, int64_t rounds,
        int64_t row_gap) {
    const int64_t channels = image.get()->channels, pitch = channels + row_gap;
    const int64_t hand_pitch = rounds * pitch + 7;
    GuardedFloats packed((hands - 1) * hand_pitch + (rounds - 1) * pitch + channels);
    brdnn_deinterleave_positions(
            best_kernels(isa), image.get(), first, hands, rounds, packed.data(), hand_pitch, pitch);
    for (int64_t i = 0; i < packed.count(); ++i) {
        const int64_t hand = i / hand_pitch, round = i % hand_pitch / pitch;
        const int64_t channel = i % hand_pitch % pitch;
        if (round >= rounds || channel >= channels)
            ASSERT_TRUE(is_untouched(packed[i])) << "gap in hand " << hand;
        else
            ASSERT_EQ(packed[i], image.at(channel, first + round * hands + hand))
                    << "channel " << channel << " round " << round << " hand " << hand;
    }
    ASSERT_TRUE(packed.slack_is_untouched());
}

void check_deals(brdnn_isa isa, const Image &image) {
    for (int64_t hands : {1, 2, 3, 7, 8, 9, 70})
        for (int64_t first : {-1000, -17, -1, 0, 5, 1000})
            for (int64_t rounds : {1, 2, 8, 21}) {
                SCOPED_TRACE(testing::Message()
                        << "first " << first << " hands " << hands << " rounds " << rounds);
                check_deal(isa, image, first, hands, rounds, rounds % 2 * 5);
                if (testing::Test::HasFailure()) return;
            }
}

TEST_P(Packing, DealsPositions) {
    for (brdnn_type type : both_types)
        for (int64_t channels : {1, 2, 7, 8, 15, 16, 19})
            for (int64_t width : {1, 8, 40, 150}) {
                SCOPED_TRACE(testing::Message()
                        << type_name(type) << " channels " << channels << " width " << width);
                check_deals(GetParam(), Image(BRDNN_NCW, type, channels, width, channels % 3));
                if (HasFailure()) return;
            }
}

TEST_P(Packing, InterleavesBranches) {
    for (int64_t branches = 1; branches <= 20; ++branches)
        for (int64_t count = 1; count <= 130; ++count)
            for (int64_t gap : {0, 3}) {
                SCOPED_TRACE(testing::Message() << branches << " branches, " << count);
                const int64_t stride = divide_up(count, branches) + gap;
                const int64_t last = (branches - 1) * stride + divide_up(count, branches);
                GuardedFloats from(last + brdnn_merge_slack), to(count);
                for (int64_t i = 0; i < from.count(); ++i)
                    from[i] = static_cast<float>(i);
                from.make_read_only();
                brdnn_merge_branches(
                        best_kernels(GetParam()), from.data(), stride, branches, to.data(), count);
                for (int64_t i = 0; i < count; ++i)
                    ASSERT_EQ(to[i], from[i % branches * stride + i / branches]) << i;
                ASSERT_TRUE(to.slack_is_untouched());
            }
}

INSTANTIATE_TEST_SUITE_P(
        , Packing, all_isas(), [](const auto &info) { return isa_name(info.param); });

/// Few distinct digits, so that sums are exact.
float small_number(int64_t i) { return static_cast<float>(1 + i % 127); }

void check_sums(const Image &image) {
    const int64_t channels = image.get()->channels;
    for (int64_t position : {0, 1, 77})
        for (int64_t count : {1, 8, 63, 64, 65, 200, 223}) {
            SCOPED_TRACE(testing::Message() << "position " << position << " count " << count);
            GuardedFloats sums(channels);
            for (int64_t c = 0; c < channels; ++c)
                sums[c] = 1000;
            brdnn_sum_positions(image.get(), position, count, sums.data());
            for (int64_t c = 0; c < channels; ++c) {
                float expected = 1000;
                for (int64_t i = position; i < position + count; ++i)
                    expected += image.at(c, i);
                ASSERT_EQ(sums[c], expected) << "channel " << c;
            }
            ASSERT_TRUE(sums.slack_is_untouched());
        }
}

TEST(Sums, OfPositionsAreAddedToWhatIsThere) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX2);
    for (brdnn_type type : both_types)
        for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
            for (int64_t channels : {1, 2, 5, 8, 31, 63, 64, 65, 130})
                for (int64_t row_gap : {0, 3}) {
                    SCOPED_TRACE(testing::Message()
                            << type_name(type) << " " << layout_name(layout) << " channels "
                            << channels << " gap " << row_gap);
                    check_sums(Image(layout, type, channels, 300, row_gap, small_number));
                    if (HasFailure()) return;
                }
}

/// See accuracy_test.cpp; here without the partial sums of backward weights.
TEST(Sums, OfManyPositionsKeepTheirDigits) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX2);
    constexpr int64_t width = 500000, channels = 3;
    for (brdnn_type type : both_types) {
        const float tenth = stored_as(type, 0.1F);
        GuardedElements tenths(type, channels * width);
        for (int64_t i = 0; i < tenths.count(); ++i)
            tenths.set(i, tenth);
        const brdnn_image images[] = {{BRDNN_NCW, type, tenths.data(), width, channels, width},
                {BRDNN_NWC, type, tenths.data(), channels, channels, width},
                {BRDNN_NWC, type, tenths.data(), channels, 1, width}};
        for (const brdnn_image &image : images) {
            float sums[channels] = {0, 0, 0};
            brdnn_sum_positions(&image, 0, width, sums);
            const double expected = width * static_cast<double>(tenth);
            for (int64_t c = 0; c < image.channels; ++c)
                EXPECT_NEAR(sums[c], expected, expected * 5e-4);
        }
    }
}

/// Adds a bias to a tile of integers and compares every element, gaps included.
void check_bias(brdnn_type type, bool along_rows, int64_t rows, int64_t length) {
    const int64_t ld = length + 3;
    GuardedFloats sums((rows - 1) * ld + length);
    GuardedElements bias(type, along_rows ? length : rows);
    for (int64_t i = 0; i < bias.count(); ++i)
        bias.set(i, small_number(i));
    bias.make_read_only();
    for (int64_t i = 0; i < sums.count(); ++i)
        if (i % ld < length) sums[i] = static_cast<float>(1000 * i);
    (along_rows ? brdnn_add_bias_along_rows : brdnn_add_bias_to_rows)(
            sums.data(), rows, length, ld, type, bias.data());
    for (int64_t i = 0; i < sums.count(); ++i)
        if (i % ld >= length) ASSERT_TRUE(is_untouched(sums[i])) << i;
        else
            ASSERT_EQ(sums[i],
                    static_cast<float>(1000 * i) + small_number(along_rows ? i % ld : i / ld))
                    << i;
    ASSERT_TRUE(sums.slack_is_untouched());
}

TEST(Bias, IsAddedToTiles) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX2);
    for (brdnn_type type : both_types)
        for (bool along_rows : {false, true})
            for (int64_t rows : {1, 2, 15, 64, 70})
                for (int64_t length : {1, 7, 8, 15, 64, 131}) {
                    SCOPED_TRACE(testing::Message()
                            << type_name(type) << (along_rows ? " along" : " to") << " rows "
                            << rows << " length " << length);
                    check_bias(type, along_rows, rows, length);
                    if (HasFailure()) return;
                }
}

class Conversion : public testing::TestWithParam<brdnn_isa> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(GetParam()); }
};

/// Rounded up, down and to even, of either sign, and what is no number.
constexpr uint32_t patterns[] = {0, 0x80000000, 0x3f800000, 0x3f808000, 0x3f808001, 0x3f818000,
        0x3f817fff, 0xbf818000, 0x3fffffff, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001,
        0x7fc00000, 0xffffffff, 0x00800000, 0x477fe000};

TEST_P(Conversion, RoundsRows) {
    constexpr int64_t many = sizeof patterns / sizeof *patterns;
    for (int64_t count = 1; count <= 70; ++count)
        for (brdnn_type type : both_types) {
            GuardedFloats from(count);
            for (int64_t i = 0; i < count; ++i)
                from[i] = from_bits(patterns[(i + count) % many]);
            from.make_read_only();
            GuardedElements to(type, count);
            brdnn_store_sums(
                    best_kernels(GetParam()), type, from.data(), 1, count, count, to.data(), count);
            for (int64_t i = 0; i < count; ++i)
                ASSERT_EQ(bits_of(to.get(i)), bits_of(stored_as(type, from[i])))
                        << type_name(type) << " element " << i << " of " << count;
            ASSERT_TRUE(to.slack_is_untouched());
        }
}

INSTANTIATE_TEST_SUITE_P(, Conversion,
        testing::Values(BRDNN_ISA_AVX2, BRDNN_ISA_AVX512_CORE, BRDNN_ISA_AVX512_CORE_BF16),
        [](const auto &info) { return isa_name(info.param); });

TEST(Elements, AreReadAndWrittenOneByOne) {
    for (brdnn_type type : both_types)
        for (uint32_t pattern : patterns) {
            const float value = from_bits(pattern);
            GuardedElements element(type, 3);
            brdnn_store(type, element.data(), 1, value);
            EXPECT_EQ(
                    bits_of(brdnn_load(type, element.data(), 1)), bits_of(stored_as(type, value)));
            EXPECT_EQ(bits_of(brdnn_load(type, brdnn_at(type, element.data(), 2), -1)),
                    bits_of(stored_as(type, value)));
            EXPECT_TRUE(is_untouched(element.get(0)) && is_untouched(element.get(2)));
        }
}

int64_t packed_positions(const brdnn_src_packing &packing) {
    return packing.form == BRDNN_NCW ? packing.pitch : packing.rows;
}

/// Every position that a tap reads for any output of a piece lies inside the packed piece, and no
/// two different ones share a place.
void expect_place_for_every_tap(const Case &problem, int64_t outputs) {
    SCOPED_TRACE(name_of(problem));
    const brdnn_correlation c = correlation_of(problem);
    const brdnn_src_packing packing = brdnn_src_packing_of(&c.window, c.layout, outputs);
    constexpr int64_t nothing = INT64_MIN;
    std::vector<int64_t> source(packed_positions(packing), nothing);
    for (int64_t s = 0; s < c.kw; ++s)
        for (int64_t j = 0; j < outputs; ++j) {
            const int64_t at = brdnn_packed_position(&c.window, &packing, s) + j;
            const int64_t position = j * c.stride + brdnn_tap_offset(&c, s);
            ASSERT_GE(at, 0);
            ASSERT_LT(at, packed_positions(packing));
            ASSERT_TRUE(source[at] == nothing || source[at] == position);
            source[at] = position;
        }
}

TEST(SrcPacking, GivesEveryTapItsPlace) {
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA})
        for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
            for (int64_t stride = 1; stride <= 9; ++stride)
                for (int64_t dilation : {1, 2, 3, 4, 6, 8, 64, 512})
                    for (int64_t kw : {1, 2, 3, 9, 17})
                        for (int64_t outputs : {1, 3, 16, 63, 257}) {
                            Case c;
                            c.pass = pass;
                            c.layout = layout;
                            c.stride = stride;
                            c.dilation = dilation;
                            c.kw = kw;
                            c.pad_l = kw;
                            c.iw = 10 * c.reach();
                            expect_place_for_every_tap(c, outputs);
                            if (testing::Test::HasFailure()) return;
                        }
}

} // namespace
} // namespace brdnn_test
