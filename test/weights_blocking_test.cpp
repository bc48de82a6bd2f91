// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// How backward weights is cut: what every choice must satisfy, whichever is made. No kernel is
/// generated or run.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "planner.hpp"

extern "C" {
#include "conv/weights_plan.h"
#include "conv/weights_tiles.h"
}

namespace brdnn_test {
namespace {

std::vector<Case> grid(const std::vector<int64_t> &channels, const std::vector<int64_t> &widths,
        const std::vector<int64_t> &taps) {
    std::vector<Case> cases;
    for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
        for (brdnn_isa isa : {BRDNN_ISA_AVX2, BRDNN_ISA_AVX512_CORE})
            for (int64_t ic : channels)
                for (int64_t oc : channels)
                    for (int64_t ow : widths)
                        for (int64_t kw : taps)
                            for (auto [stride, dilation] : {std::pair<int64_t, int64_t> {1, 1},
                                         {1, 8}, {3, 1}, {2, 2}, {4, 6}, {7, 3}}) {
                                Case c;
                                c.pass = BRDNN_BACKWARD_WEIGHTS;
                                c.layout = layout;
                                c.isa = isa;
                                c.mb = ow % 5 == 0 ? 7 : 1;
                                c.groups = kw == 3 ? 2 : 1;
                                c.ic = c.groups * ic;
                                c.oc = c.groups * oc;
                                c.kw = kw;
                                c.stride = stride;
                                c.dilation = dilation;
                                c.iw = (ow - 1) * stride + c.reach();
                                cases.push_back(c);
                            }
    return cases;
}

/// Calls check(case, problem, blocking) for all of them until one fails.
template <typename Check>
void for_all(const std::vector<Case> &cases, Check check) {
    for (const Case &c : cases) {
        SCOPED_TRACE(name_of(c));
        const brdnn_conv_problem p = complete(c);
        check(c, p, brdnn_block_weights(&p));
        if (testing::Test::HasFailure()) return;
    }
}

std::vector<Case> wide_grid() {
    return grid({1, 3, 16, 17, 127, 512}, {1, 7, 33, 100, 1000, 60000, (INT64_C(1) << 31) + 1},
            {1, 3, 51, 3000});
}

/// Small enough to look at each position of a chunk.
std::vector<Case> small_grid() {
    return grid({1, 2, 5, 16, 40}, {1, 3, 33, 100, 513}, {1, 2, 9, 51});
}

TEST(WeightsBlocking, CutsTermsAndFiltersExactly) {
    for_all(wide_grid(),
            [](const Case &c, const brdnn_conv_problem &, const brdnn_weights_blocking &b) {
                expect_covers(b.oc, c.oc_per_group());
                expect_covers(b.terms, c.ic_per_group() * (b.taps_side_by_side ? c.kw : 1));
                ASSERT_EQ(brdnn_term_tiles(&b), b.terms.blocks * (b.taps_side_by_side ? 1 : c.kw));
                ASSERT_GT(b.lane_use, 0);
                ASSERT_LE(b.lane_use, 1);
            });
}

TEST(WeightsBlocking, KeepsTilesWithinTheirLimits) {
    for_all(wide_grid(),
            [](const Case &c, const brdnn_conv_problem &, const brdnn_weights_blocking &b) {
                const int64_t m = b.filters_along_lanes ? b.oc.block : b.terms.block;
                const int64_t n = b.filters_along_lanes ? b.terms.block : b.oc.block;
                const int64_t vectors = divide_up(m, brdnn_lanes(best_kernels(c.isa)));
                ASSERT_LE(vectors, brdnn_most_vectors);
                ASSERT_LE(n, brdnn_largest_n(best_kernels(c.isa), vectors));
            });
}

TEST(WeightsBlocking, CoversEveryPositionWithOneChunk) {
    for_all(wide_grid(),
            [](const Case &c, const brdnn_conv_problem &p, const brdnn_weights_blocking &b) {
                ASSERT_GE(b.positions, 1);
                ASSERT_GE(b.images, 1);
                ASSERT_LE(b.images, c.mb);
                const int64_t per_image = brdnn_chunks_per_image(&b);
                const int64_t last = brdnn_last_positions(&b);
                ASSERT_GE(last, 1);
                ASSERT_LE(last, b.positions);
                ASSERT_EQ((per_image - 1) * b.positions + last, c.ow());
                ASSERT_EQ(brdnn_chunks(&p, &b), per_image * divide_up(c.mb, b.images));
                // Otherwise tables of entries would have to know which chunk is an image's last.
                ASSERT_TRUE(b.images == 1 || per_image == 1);
                ASSERT_TRUE(per_image == 1 || brdnn_in_rounds(&b, b.positions) == b.positions);
                for (int64_t positions : {last, b.positions}) {
                    const int64_t in_rounds = brdnn_in_rounds(&b, positions);
                    ASSERT_EQ(in_rounds % (b.interval * b.k), 0);
                    ASSERT_LE(in_rounds, positions);
                    ASSERT_LT(positions - in_rounds, b.interval * b.k);
                }
            });
}

/// Parts are what threads share and scratch is made of, so the bound of scratch is one of theirs.
TEST(WeightsBlocking, HasPartsForManyThreadsWithinTheBoundOfScratch) {
    for_all(wide_grid(),
            [](const Case &c, const brdnn_conv_problem &p, const brdnn_weights_blocking &b) {
                constexpr int64_t most_bytes = INT64_C(64) << 20;
                const auto float_bytes = static_cast<int64_t>(sizeof(float));
                ASSERT_EQ(brdnn_partial_elements(&p, &b), c.weights_count());
                ASSERT_GE(b.partials, 1);
                ASSERT_LE(b.partials, brdnn_chunks(&p, &b));
                ASSERT_TRUE(b.partials == 1
                        || b.partials * c.weights_count() * float_bytes <= most_bytes);
                const bool is_long = c.mb * c.ow() >= 60000, is_small = c.weights_count() < 10000;
                const int64_t pieces = b.partials * c.groups * b.oc.blocks;
                ASSERT_TRUE(pieces >= 8 || !is_long || !is_small) << pieces;
            });
}

TEST(WeightsBlocking, NamesOnlyKernelsThatCanBeGenerated) {
    int64_t supported = 0;
    for_all(wide_grid(),
            [&](const Case &, const brdnn_conv_problem &p, const brdnn_weights_blocking &) {
                brdnn_gradient_schedule s;
                const char *why = nullptr;
                const brdnn_status status = brdnn_schedule_gradient(&p, &s, &why);
                ASSERT_NE(status, BRDNN_INVALID);
                if (status != BRDNN_SUCCESS) {
                    ASSERT_NE(why, nullptr);
                    return;
                }
                ++supported;
                for (int kind = 0; kind < 16; ++kind) {
                    brdnn_weights_kernel kernel = {};
                    kernel.is_first = kind & 1;
                    kernel.single = kind & 2;
                    kernel.kind = (kind & 4) != 0;
                    kernel.oc_tail = kind & 8;
                    const brdnn_brgemm_shape shape
                            = brdnn_weights_kernel_shape(&s.blocking, kernel);
                    ASSERT_TRUE(brdnn_brgemm_supported(&shape));
                    ASSERT_EQ(shape.accumulate, !kernel.is_first);
                }
            });
    EXPECT_GT(supported, 10000);
}

/// A packed chunk whose elements say what they are copies of.
class PackedChunk {
public:
    PackedChunk(const Case &c, const brdnn_weights_blocking &b)
        : c_(c), b_(b), image_(c.ic_per_group() * c.iw),
          packed_(b.src_packing.rows * b.src_packing.pitch, -1.0F) {
        for (size_t i = 0; i < image_.size(); ++i)
            image_[i] = static_cast<float>(i);
        const brdnn_image image
                = {BRDNN_NCW, BRDNN_F32, image_.data(), c.iw, c.ic_per_group(), c.iw};
        const int64_t outputs = b.taps_side_by_side ? c.kw : b.positions;
        brdnn_pack_src(&b.window, &b.src_packing, &image, 0, outputs, packed_.data());
    }

    /// Element that holds the first term of a position: for tap s where taps stand apart, else for
    /// all of them.
    int64_t first_term(int64_t position, int64_t s) const {
        const int64_t row = brdnn_packed_position(
                &b_.window, &b_.src_packing, b_.taps_side_by_side ? position : s);
        return (row + (b_.taps_side_by_side ? 0 : position)) * b_.src_packing.pitch;
    }

    /// Compares what stands for a position, all taps and channels, with src. With taps apart the
    /// channels of each tap follow its first term, else those of all taps do.
    void expect_terms_of(int64_t position) const {
        for (int64_t s = 0; s < c_.kw; ++s)
            for (int64_t i = 0; i < c_.ic_per_group(); ++i) {
                const int64_t term = i + (b_.taps_side_by_side ? s * c_.ic_per_group() : 0);
                const int64_t w = position * c_.stride + s * c_.dilation - c_.pad_l;
                ASSERT_EQ(packed_.at(first_term(position, s) + term),
                        w < c_.iw ? image_[i * c_.iw + w] : 0)
                        << "position " << position << " tap " << s << " channel " << i;
            }
    }

private:
    const Case &c_;
    const brdnn_weights_blocking &b_;
    std::vector<float> image_, packed_;
};

TEST(WeightsPacking, PutsEachTermOfAPositionInItsPlace) {
    for_all(small_grid(),
            [](const Case &c, const brdnn_conv_problem &, const brdnn_weights_blocking &b) {
                const PackedChunk chunk(c, b);
                for (int64_t q = 0; q < std::min(b.positions, c.ow()); ++q)
                    chunk.expect_terms_of(q);
            });
}

/// Those that an entry takes at once stand evenly spaced and clear of each other.
TEST(WeightsPacking, SpacesThePositionsOfAnEntryEvenly) {
    int64_t entries = 0;
    for_all(small_grid(),
            [&](const Case &c, const brdnn_conv_problem &, const brdnn_weights_blocking &b) {
                const PackedChunk chunk(c, b);
                const brdnn_brgemm_shape shape = brdnn_weights_kernel_shape(&b, {});
                const int64_t src_ld = b.filters_along_lanes ? shape.ldb : shape.lda;
                const int64_t dst_ld = b.filters_along_lanes ? shape.lda : shape.ldb;
                ASSERT_EQ(shape.k, b.k);
                ASSERT_GE(src_ld, b.terms.block);
                ASSERT_EQ(dst_ld, b.interval * b.dst_pitch);
                const int64_t round = b.interval * b.k;
                for (int64_t first = 0; first < brdnn_in_rounds(&b, b.positions); first += round)
                    for (int64_t start = first; start < first + b.interval; ++start)
                        for (int64_t i = 0; i < b.k; ++i)
                            for (int64_t s : {INT64_C(0), c.kw - 1}) {
                                ++entries;
                                ASSERT_EQ(chunk.first_term(start + i * b.interval, s),
                                        chunk.first_term(start, s) + i * src_ld)
                                        << "position " << start << " row " << i << " tap " << s;
                            }
            });
    EXPECT_GT(entries, 10000);
}

} // namespace
} // namespace brdnn_test
