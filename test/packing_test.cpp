// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// What packs, unpacks and sums up tensors, by comparison with doing so one element at a time, in
/// guarded memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "harness.hpp"
#include "planner.hpp"

extern "C" {
#include "bias.h"
#include "interleave.h"
#include "src_packing.h"
}

namespace brconv1d_test {
namespace {

class Packing : public testing::TestWithParam<brconv1d_isa> {
protected:
    void SetUp() override { BRCONV1D_SKIP_UNLESS_CPU_HAS(GetParam()); }
};

/// An image whose elements differ from their neighbours, read-only and with nothing behind it.
class Image {
public:
    Image(brconv1d_layout layout, int64_t channels, int64_t width, int64_t row_gap)
        : memory_((layout == BRCONV1D_NCW ? channels - 1 : width - 1)
                        * ((layout == BRCONV1D_NCW ? width : channels) + row_gap)
                + (layout == BRCONV1D_NCW ? width : channels)),
          image_ {layout, memory_.data(), (layout == BRCONV1D_NCW ? width : channels) + row_gap,
                  channels, width} {
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t w = 0; w < width; ++w)
                memory_[offset(c, w)] = static_cast<float>(1 + (c * width + w) % 10007);
        memory_.make_read_only();
    }

    const brconv1d_image *get() const { return &image_; }

    /// Zero outside.
    float at(int64_t channel, int64_t position) const {
        return position >= 0 && position < image_.width ? memory_[offset(channel, position)] : 0;
    }

private:
    int64_t offset(int64_t c, int64_t w) const {
        return image_.layout == BRCONV1D_NCW ? c * image_.pitch + w : w * image_.pitch + c;
    }

    GuardedFloats memory_;
    brconv1d_image image_;
};

/// Packs with rows of channels or of positions and compares every element, gaps included.
void check_progression(brconv1d_isa isa, const Image &image, brconv1d_progression p,
        brconv1d_layout rows, int64_t row_gap) {
    const int64_t channels = image.get()->channels;
    const bool by_channel = rows == BRCONV1D_NCW;
    const int64_t length = by_channel ? p.count : channels, pitch = length + row_gap;
    GuardedFloats packed(((by_channel ? channels : p.count) - 1) * pitch + length);
    if (by_channel) brconv1d_pack_by_channel(isa, image.get(), p, packed.data(), pitch);
    else brconv1d_pack_by_position(isa, image.get(), p, packed.data(), pitch);
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

TEST_P(Packing, CopiesProgressionsOfPositions) {
    for (brconv1d_layout layout : {BRCONV1D_NCW, BRCONV1D_NWC})
        for (int64_t channels : {1, 2, 3, 7, 8, 9, 15, 16, 19})
            for (int64_t width : {1, 7, 8, 40, 150}) {
                const Image image(layout, channels, width, channels % 3);
                for (int64_t step : {1, 2, 3, 4, 5, 9})
                    for (int64_t first : {-1000, -17, -1, 0, 5, 1000})
                        for (int64_t count : {1, 8, 21, 64, 70}) {
                            SCOPED_TRACE(testing::Message()
                                    << layout_name(layout) << " channels " << channels << " width "
                                    << width << " first " << first << " step " << step << " count "
                                    << count);
                            const brconv1d_progression p = {first, step, count};
                            const int64_t gap = count % 2 * 5;
                            if (layout == BRCONV1D_NCW)
                                check_progression(GetParam(), image, p, BRCONV1D_NCW, gap);
                            check_progression(GetParam(), image, p, BRCONV1D_NWC, gap);
                            if (HasFailure()) return;
                        }
            }
}

/// Each hand is compared with what a progression of its own gives; a gap is left between hands.
void check_deal(brconv1d_isa isa, const Image &image, int64_t first, int64_t hands, int64_t rounds,
        int64_t row_gap) {
    const int64_t channels = image.get()->channels, pitch = channels + row_gap;
    const int64_t hand_pitch = rounds * pitch + 7;
    GuardedFloats packed((hands - 1) * hand_pitch + (rounds - 1) * pitch + channels);
    brconv1d_deal_positions(
            isa, image.get(), first, hands, rounds, packed.data(), hand_pitch, pitch);
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

TEST_P(Packing, DealsPositions) {
    for (int64_t channels : {1, 2, 7, 8, 15, 16, 19})
        for (int64_t width : {1, 8, 40, 150}) {
            const Image image(BRCONV1D_NCW, channels, width, channels % 3);
            for (int64_t hands : {1, 2, 3, 7, 8, 9, 70})
                for (int64_t first : {-1000, -17, -1, 0, 5, 1000})
                    for (int64_t rounds : {1, 2, 8, 21}) {
                        SCOPED_TRACE(testing::Message()
                                << "channels " << channels << " width " << width << " first "
                                << first << " hands " << hands << " rounds " << rounds);
                        check_deal(GetParam(), image, first, hands, rounds, rounds % 2 * 5);
                        if (HasFailure()) return;
                    }
        }
}

TEST_P(Packing, InterleavesBranches) {
    for (int64_t branches = 1; branches <= 20; ++branches)
        for (int64_t count = 1; count <= 130; ++count)
            for (int64_t gap : {0, 3}) {
                SCOPED_TRACE(testing::Message() << branches << " branches, " << count);
                const int64_t stride = divide_up(count, branches) + gap;
                const int64_t last = (branches - 1) * stride + divide_up(count, branches);
                GuardedFloats from(last + brconv1d_interleave_slack), to(count);
                for (int64_t i = 0; i < from.count(); ++i)
                    from[i] = static_cast<float>(i);
                from.make_read_only();
                brconv1d_interleave(GetParam(), from.data(), stride, branches, to.data(), count);
                for (int64_t i = 0; i < count; ++i)
                    ASSERT_EQ(to[i], from[i % branches * stride + i / branches]) << i;
                ASSERT_TRUE(to.slack_is_untouched());
            }
}

INSTANTIATE_TEST_SUITE_P(
        , Packing, all_isas(), [](const auto &info) { return isa_name(info.param); });

TEST(Sums, OfPositionsAreAddedToWhatIsThere) {
    BRCONV1D_SKIP_UNLESS_CPU_HAS(BRCONV1D_ISA_AVX2);
    constexpr int64_t width = 300;
    for (brconv1d_layout layout : {BRCONV1D_NCW, BRCONV1D_NWC})
        for (int64_t channels : {1, 2, 5, 8, 31, 63, 64, 65, 130})
            for (int64_t row_gap : {0, 3}) {
                const Image image(layout, channels, width, row_gap);
                for (int64_t position : {0, 1, 77})
                    for (int64_t count : {1, 8, 63, 64, 65, 200, 223}) {
                        SCOPED_TRACE(testing::Message()
                                << layout_name(layout) << " channels " << channels << " gap "
                                << row_gap << " position " << position << " count " << count);
                        GuardedFloats sums(channels);
                        for (int64_t c = 0; c < channels; ++c)
                            sums[c] = 1000;
                        brconv1d_sum_positions(image.get(), position, count, sums.data());
                        for (int64_t c = 0; c < channels; ++c) {
                            float expected = 1000;
                            for (int64_t i = position; i < position + count; ++i)
                                expected += image.at(c, i);
                            ASSERT_EQ(sums[c], expected) << "channel " << c;
                        }
                        ASSERT_TRUE(sums.slack_is_untouched());
                    }
            }
}

/// See accuracy_test.cpp; here without the parts that backward weights is cut into.
TEST(Sums, OfManyPositionsKeepTheirDigits) {
    BRCONV1D_SKIP_UNLESS_CPU_HAS(BRCONV1D_ISA_AVX2);
    constexpr int64_t width = 500000, channels = 3;
    const std::vector<float> tenths(channels * width, 0.1F);
    const brconv1d_image images[] = {{BRCONV1D_NCW, tenths.data(), width, channels, width},
            {BRCONV1D_NWC, tenths.data(), channels, channels, width},
            {BRCONV1D_NWC, tenths.data(), channels, 1, width}};
    for (const brconv1d_image &image : images) {
        float sums[channels] = {0, 0, 0};
        brconv1d_sum_positions(&image, 0, width, sums);
        for (int64_t c = 0; c < image.channels; ++c)
            EXPECT_NEAR(sums[c], width * 0.1, width * 0.1 * 5e-4);
    }
}

int64_t packed_positions(const brconv1d_src_packing &packing) {
    return packing.form == BRCONV1D_NCW ? packing.pitch : packing.rows;
}

/// Every position that a tap reads for any output of a piece lies inside the packed piece, and no
/// two different ones share a place.
void expect_place_for_every_tap(const Case &problem, int64_t outputs) {
    SCOPED_TRACE(name_of(problem));
    const brconv1d_correlation c = correlation_of(problem);
    const brconv1d_src_packing packing = brconv1d_src_packing_of(&c, c.layout, outputs);
    constexpr int64_t nothing = INT64_MIN;
    std::vector<int64_t> source(packed_positions(packing), nothing);
    for (int64_t s = 0; s < c.kw; ++s)
        for (int64_t j = 0; j < outputs; ++j) {
            const int64_t at = brconv1d_packed_tap(&c, &packing, s) + j;
            const int64_t position = j * c.stride + brconv1d_tap_offset(&c, s);
            ASSERT_GE(at, 0);
            ASSERT_LT(at, packed_positions(packing));
            ASSERT_TRUE(source[at] == nothing || source[at] == position);
            source[at] = position;
        }
}

TEST(SrcPacking, GivesEveryTapItsPlace) {
    for (brconv1d_pass pass : {BRCONV1D_FORWARD, BRCONV1D_BACKWARD_DATA})
        for (brconv1d_layout layout : {BRCONV1D_NCW, BRCONV1D_NWC})
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
} // namespace brconv1d_test
