// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Block sizes and schedules of forward and backward data over wide grids: what every choice must
/// satisfy, whichever is made. No kernel is generated or run.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "planner.hpp"

extern "C" {
#include "conv/cache.h"
#include "conv/data_blocking.h"
#include "conv/data_schedule.h"
}

namespace brdnn_test {
namespace {

const std::vector<int64_t> extents = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 30, 31, 32,
        33, 47, 48, 49, 63, 64, 65, 80, 100, 127, 128, 257, 1000, 60000, (INT64_C(1) << 31) + 1};
constexpr brdnn_isa isas[] = {BRDNN_ISA_AVX2, BRDNN_ISA_AVX512_CORE};

int64_t registers(brdnn_isa isa) { return isa == BRDNN_ISA_AVX512_CORE ? 32 : 16; }

TEST(Cut, CoversTheExtentExactly) {
    for (int64_t extent : extents)
        for (int64_t block : extents) {
            SCOPED_TRACE(testing::Message() << "extent " << extent << " block " << block);
            const brdnn_cut cut = brdnn_cut_into(extent, block);
            EXPECT_EQ(cut.block, block);
            // A block wider than the extent leaves one block with the extent as its tail.
            expect_covers(cut, extent);
        }
}

TEST(RegisterTile, FitsTheRegisterFile) {
    for (brdnn_isa isa : isas)
        for (int64_t vectors = 1; vectors <= brdnn_most_vectors; ++vectors) {
            SCOPED_TRACE(testing::Message() << isa_name(isa) << " vectors " << vectors);
            const int64_t n = brdnn_largest_n(best_kernels(isa), vectors);
            ASSERT_GE(n, 1);
            // Either A's vectors stay in registers while B is broadcast, or the other way round.
            EXPECT_LE(vectors * n + std::min(vectors, n) + 1, registers(isa));
        }
}

const std::vector<int64_t> grid_widths
        = {1, 2, 7, 8, 9, 15, 16, 17, 31, 47, 49, 64, 65, 1000, 60000, (INT64_C(1) << 31) + 1};

/// For each pass the channels and widths are those of what it computes.
std::vector<Case> grid_of_problems(brdnn_pass pass) {
    std::vector<Case> cases;
    for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
        for (brdnn_isa isa : isas)
            for (int64_t from : {1, 3, 15, 16, 64, 127, 1024})
                for (int64_t to : {1, 2, 15, 16, 17, 65, 512})
                    for (int64_t width : grid_widths)
                        for (int64_t kw : {1, 3, 51})
                            for (int64_t step : {1, 2, 8}) {
                                Case c;
                                c.pass = pass;
                                c.layout = layout;
                                c.isa = isa;
                                c.kw = kw;
                                c.dilation = step;
                                c.stride = step == 2 ? 3 : 1;
                                c.ic = pass == BRDNN_FORWARD ? from : to;
                                c.oc = pass == BRDNN_FORWARD ? to : from;
                                c.iw = pass == BRDNN_FORWARD ? (width - 1) * c.stride + c.reach()
                                                             : width;
                                if (!c.has_output()) c.pad_l = c.pad_r = c.reach();
                                cases.push_back(c);
                            }
    return cases;
}

class Blocking : public testing::TestWithParam<brdnn_pass> {
protected:
    /// Calls check(case, correlation) for the whole grid until one fails.
    template <typename Check>
    void for_grid(Check check) {
        for (const Case &problem : grid_of_problems(GetParam())) {
            SCOPED_TRACE(name_of(problem));
            check(problem, correlation_of(problem));
            if (HasFailure()) return;
        }
    }
};

/// m runs along what is contiguous.
brdnn_register_tile tile_of(const brdnn_correlation &c, const brdnn_correlation_blocking &b) {
    return c.layout == BRDNN_NCW ? brdnn_register_tile {b.outputs.block, b.oc.block}
                                 : brdnn_register_tile {b.oc.block, b.outputs.block};
}

TEST_P(Blocking, KeepsTilesWithinTheirLimits) {
    for_grid([](const Case &, const brdnn_correlation &c) {
        const brdnn_register_tile tile = tile_of(c, brdnn_block_correlation(&c));
        const int64_t lanes = brdnn_lanes(c.kernels), vectors = divide_up(tile.m, lanes);
        const int64_t m_extent = c.layout == BRDNN_NCW ? c.outputs : c.oc;
        ASSERT_LE(vectors, brdnn_most_vectors);
        ASSERT_LE(tile.n, brdnn_largest_n(c.kernels, vectors));
        // Lanes are left empty only where there is nothing more to put in them.
        ASSERT_TRUE(tile.m % lanes == 0 || tile.m == m_extent) << tile.m;
    });
}

TEST_P(Blocking, CutsEveryProblemExactly) {
    for_grid([](const Case &problem, const brdnn_correlation &c) {
        const brdnn_correlation_blocking b = brdnn_block_correlation(&c);
        expect_covers(b.oc, problem.result_channels());
        expect_covers(b.outputs, divide_up(problem.result_width(), c.branches));
        expect_covers(b.depth, c.ic);
        ASSERT_EQ(b.depth.tail, b.depth.block);
        ASSERT_GE(b.chunk_tiles, 1);
        ASSERT_LE(b.chunk_tiles, b.outputs.blocks);
        ASSERT_GT(b.lane_use, 0);
        ASSERT_LE(b.lane_use, 1);
    });
}

TEST_P(Blocking, KeepsChunksOfSeveralTilesInTheSecondLevelCache) {
    for_grid([](const Case &, const brdnn_correlation &c) {
        const int64_t cache_bytes = brdnn_core_cache(2);
        const brdnn_correlation_blocking b = brdnn_block_correlation(&c);
        const brdnn_src_packing packing
                = brdnn_src_packing_of(&c.window, c.layout, b.chunk_tiles * b.outputs.block);
        if (b.chunk_tiles == 1) return; // there is no smaller chunk
        ASSERT_LE(brdnn_packed_src_bytes(&c.window, &packing), cache_bytes);
    });
}

/// Work that threads share must not hang on how many images or groups there are, or results would
/// change with the batch that a layer is run with.
TEST_P(Blocking, IsThatOfOneImage) {
    for_grid([](Case problem, const brdnn_correlation &one) {
        problem.mb = 7;
        const brdnn_correlation seven = correlation_of(problem);
        const brdnn_correlation_blocking a = brdnn_block_correlation(&one);
        const brdnn_correlation_blocking b = brdnn_block_correlation(&seven);
        ASSERT_EQ(a.outputs.block, b.outputs.block);
        ASSERT_EQ(a.oc.block, b.oc.block);
        ASSERT_EQ(a.depth.block, b.depth.block);
    });
}

/// A problem that is scheduled names only kernels that can be generated; one that is not gives a
/// reason.
TEST_P(Blocking, NamesOnlyKernelsThatCanBeGenerated) {
    for_grid([](Case problem, const brdnn_correlation &) {
        for (int64_t row_gap : {INT64_C(0), INT64_C(5), INT64_C(1) << 24, INT64_C(1) << 28}) {
            problem.src_row_gap = problem.dst_row_gap = row_gap;
            constexpr int64_t address_space = INT64_C(1) << 45;
            if (src_placement(problem).count() + dst_placement(problem).count() > address_space)
                continue;
            const brdnn_conv_problem p = complete(problem);
            brdnn_correlation_schedule s;
            const char *why = nullptr;
            const brdnn_status status = brdnn_schedule_correlation(&p, &s, &why);
            ASSERT_NE(status, BRDNN_INVALID);
            if (status != BRDNN_SUCCESS) {
                ASSERT_NE(why, nullptr);
                continue;
            }
            ASSERT_TRUE(s.reads_in_place || s.packs_src);
            for (bool in_place : {false, true}) {
                if (!(in_place ? s.reads_in_place : s.packs_src)) continue;
                for (int tails = 0; tails < 4; ++tails) {
                    const brdnn_brgemm_shape shape
                            = brdnn_kernel_shape(&s, in_place, (tails & 1) != 0, (tails & 2) != 0);
                    ASSERT_TRUE(brdnn_brgemm_supported(&shape));
                }
            }
        }
    });
}

INSTANTIATE_TEST_SUITE_P(, Blocking, testing::Values(BRDNN_FORWARD, BRDNN_BACKWARD_DATA),
        [](const auto &info) { return pass_name(info.param); });

/// A tile measured to be good must not be lost to a change of the cost model: at 15 filters most of
/// the accumulators are in use and hardly a filter is padding.
TEST(RegisterTile, SuitsTheGenomicsLayer) {
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA}) {
        Case problem;
        problem.pass = pass;
        problem.isa = BRDNN_ISA_AVX512_CORE;
        problem.ic = problem.oc = 15;
        problem.iw = 60000;
        problem.kw = 51;
        problem.dilation = 8;
        problem.pad_l = problem.pad_r = 200;
        const brdnn_correlation c = correlation_of(problem);
        const brdnn_register_tile tile = tile_of(c, brdnn_block_correlation(&c));
        EXPECT_GE(tile.m / 16 * tile.n, 15);
        EXPECT_LE(divide_up(c.oc, tile.n) * tile.n, 16) << "more than one filter of padding";
    }
}

} // namespace
} // namespace brdnn_test
