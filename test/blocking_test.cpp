// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// The planner's pure functions over wide grids: what every choice must satisfy, whichever is made.
/// No kernel is generated or run.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "problems.hpp"

extern "C" {
#include "blocking.h"
#include "problem.h"
#include "schedule.h"
#include "src_packing.h"
}

namespace brconv1d_test {
namespace {

const std::vector<int64_t> extents = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 30, 31, 32,
        33, 47, 48, 49, 63, 64, 65, 80, 100, 127, 128, 257, 1000, 60000, (INT64_C(1) << 31) + 1};
constexpr brconv1d_isa isas[] = {BRCONV1D_ISA_AVX2, BRCONV1D_ISA_AVX512_CORE};
constexpr int64_t most_vectors = 4;

int64_t registers(brconv1d_isa isa) { return isa == BRCONV1D_ISA_AVX512_CORE ? 32 : 16; }

void expect_covers(const brconv1d_cut &cut, int64_t extent) {
    ASSERT_GE(cut.block, 1);
    ASSERT_GE(cut.blocks, 1);
    EXPECT_GE(cut.tail, 1);
    EXPECT_LE(cut.tail, cut.block);
    EXPECT_EQ((cut.blocks - 1) * cut.block + cut.tail, extent);
}

TEST(Cut, CoversTheExtentExactly) {
    for (int64_t extent : extents)
        for (int64_t block : extents) {
            SCOPED_TRACE(testing::Message() << "extent " << extent << " block " << block);
            const brconv1d_cut cut = brconv1d_cut_into(extent, block);
            EXPECT_EQ(cut.block, block);
            // A block wider than the extent leaves one block with the extent as its tail.
            expect_covers(cut, extent);
        }
}

TEST(RegisterTile, FitsTheRegisterFile) {
    for (brconv1d_isa isa : isas)
        for (int64_t vectors = 1; vectors <= most_vectors; ++vectors) {
            SCOPED_TRACE(testing::Message() << isa_name(isa) << " vectors " << vectors);
            const int64_t n = brconv1d_largest_n(isa, vectors);
            ASSERT_GE(n, 1);
            // Either A's vectors stay in registers while B is broadcast, or the other way round.
            EXPECT_LE(vectors * n + std::min(vectors, n) + 1, registers(isa));
        }
}

const std::vector<int64_t> grid_widths
        = {1, 2, 7, 8, 9, 15, 16, 17, 31, 47, 49, 64, 65, 1000, 60000, (INT64_C(1) << 31) + 1};

std::vector<Case> grid_of_problems() {
    std::vector<Case> cases;
    for (brconv1d_layout layout : {BRCONV1D_NCW, BRCONV1D_NWC})
        for (brconv1d_isa isa : isas)
            for (int64_t ic : {1, 3, 15, 16, 64, 127, 1024})
                for (int64_t oc : {1, 2, 15, 16, 17, 65, 512})
                    for (int64_t ow : grid_widths)
                        for (int64_t kw : {1, 3, 51})
                            for (int64_t step : {1, 2, 8}) {
                                Case c;
                                c.layout = layout;
                                c.isa = isa;
                                c.ic = ic;
                                c.oc = oc;
                                c.kw = kw;
                                c.dilation = step;
                                c.stride = step == 2 ? 3 : 1;
                                c.iw = (ow - 1) * c.stride + c.reach();
                                cases.push_back(c);
                            }
    return cases;
}

/// What the pure functions take: the problem with its defaults filled in.
brconv1d_problem complete(const Case &c) {
    const brconv1d_problem given = problem_of(c);
    brconv1d_problem problem;
    EXPECT_EQ(brconv1d_problem_complete(&given, &problem), nullptr);
    return problem;
}

/// m runs along what is contiguous.
brconv1d_register_tile tile_of(const Case &c, const brconv1d_blocking &b) {
    return c.layout == BRCONV1D_NCW ? brconv1d_register_tile {b.ow.block, b.oc.block}
                                    : brconv1d_register_tile {b.oc.block, b.ow.block};
}

TEST(RegisterTile, LiesWithinItsLimits) {
    for (const Case &c : grid_of_problems()) {
        SCOPED_TRACE(name_of(c));
        const brconv1d_problem p = complete(c);
        const brconv1d_register_tile tile = tile_of(c, brconv1d_choose_blocking(&p));
        const int64_t lanes = brconv1d_lanes(c.isa), vectors = divide_up(tile.m, lanes);
        const int64_t m_extent = c.layout == BRCONV1D_NCW ? c.ow() : c.oc_per_group();
        ASSERT_LE(vectors, most_vectors);
        ASSERT_LE(tile.n, brconv1d_largest_n(c.isa, vectors));
        // Lanes are left empty only where there is nothing more to put in them.
        ASSERT_TRUE(tile.m % lanes == 0 || tile.m == m_extent) << tile.m;
    }
}

/// A tile measured to be good must not be lost to a change of the cost model: at 15 filters most of
/// the accumulators are in use and hardly a filter is padding.
TEST(RegisterTile, SuitsTheGenomicsLayer) {
    Case c;
    c.isa = BRCONV1D_ISA_AVX512_CORE;
    c.ic = c.oc = 15;
    c.iw = 60000;
    c.kw = 51;
    c.dilation = 8;
    c.pad_l = c.pad_r = 200;
    const brconv1d_problem p = complete(c);
    const brconv1d_register_tile tile = tile_of(c, brconv1d_choose_blocking(&p));
    EXPECT_GE(tile.m / 16 * tile.n, 15);
    EXPECT_LE(divide_up(c.oc, tile.n) * tile.n, 16) << "more than one filter of padding";
}

TEST(Blocking, CutsEveryProblemExactly) {
    for (const Case &c : grid_of_problems()) {
        SCOPED_TRACE(name_of(c));
        const brconv1d_problem p = complete(c);
        const brconv1d_blocking b = brconv1d_choose_blocking(&p);
        expect_covers(b.oc, c.oc_per_group());
        expect_covers(b.ow, c.ow());
        expect_covers(b.ic, c.ic_per_group());
        ASSERT_EQ(b.ic.tail, b.ic.block);
        ASSERT_GE(b.chunk_tiles, 1);
        ASSERT_LE(b.chunk_tiles, b.ow.blocks);
        ASSERT_GT(b.lane_use, 0);
        ASSERT_LE(b.lane_use, 1);
        if (testing::Test::HasFailure()) return;
    }
}

TEST(Blocking, ChunksOfSeveralTilesStayInTheSecondLevelCache) {
    constexpr int64_t cache_bytes = INT64_C(1) << 20;
    for (const Case &c : grid_of_problems()) {
        SCOPED_TRACE(name_of(c));
        const brconv1d_problem p = complete(c);
        const brconv1d_blocking b = brconv1d_choose_blocking(&p);
        const brconv1d_src_packing packing
                = brconv1d_src_packing_of(&p, b.chunk_tiles * b.ow.block);
        if (b.chunk_tiles == 1) continue; // there is no smaller chunk
        ASSERT_LE(brconv1d_packed_src_bytes(&packing), cache_bytes);
    }
}

/// Work that threads share must not hang on how many images or groups there are, or results would
/// change with the batch that a layer is run with.
TEST(Blocking, IsThatOfOneImage) {
    for (Case c : grid_of_problems()) {
        SCOPED_TRACE(name_of(c));
        const brconv1d_problem one = complete(c);
        c.mb = 7;
        const brconv1d_problem seven = complete(c);
        const brconv1d_blocking a = brconv1d_choose_blocking(&one);
        const brconv1d_blocking b = brconv1d_choose_blocking(&seven);
        ASSERT_EQ(a.ow.block, b.ow.block);
        ASSERT_EQ(a.oc.block, b.oc.block);
        ASSERT_EQ(a.ic.block, b.ic.block);
    }
}

int64_t packed_positions(const Case &c, const brconv1d_src_packing &packing) {
    return c.layout == BRCONV1D_NCW ? packing.pitch : packing.rows;
}

/// Every position that a tap reads for any output of a chunk lies inside the packed chunk, and no
/// two different ones share a place.
void expect_place_for_every_tap(const Case &c) {
    SCOPED_TRACE(name_of(c));
    const brconv1d_problem p = complete(c);
    const brconv1d_src_packing packing = brconv1d_src_packing_of(&p, c.ow());
    std::vector<int64_t> source(packed_positions(c, packing), -1);
    for (int64_t s = 0; s < c.kw; ++s)
        for (int64_t q = 0; q < c.ow(); ++q) {
            const int64_t at = brconv1d_packed_tap(&packing, s) + q;
            const int64_t position = q * c.stride + s * c.dilation;
            ASSERT_GE(at, 0);
            ASSERT_LT(at, packed_positions(c, packing));
            ASSERT_TRUE(source[at] == -1 || source[at] == position);
            source[at] = position;
        }
}

TEST(SrcPacking, GivesEveryTapItsPlace) {
    for (brconv1d_layout layout : {BRCONV1D_NCW, BRCONV1D_NWC})
        for (int64_t stride : {1, 2, 3, 4, 5, 6, 7})
            for (int64_t dilation : {1, 2, 3, 4, 6, 8, 64, 512})
                for (int64_t kw : {1, 2, 3, 9, 17})
                    for (int64_t outputs : {1, 3, 16, 63, 257}) {
                        Case c;
                        c.layout = layout;
                        c.stride = stride;
                        c.dilation = dilation;
                        c.kw = kw;
                        c.iw = (outputs - 1) * stride + c.reach();
                        expect_place_for_every_tap(c);
                        if (testing::Test::HasFailure()) return;
                    }
}

/// A problem that is scheduled names only kernels that can be generated; one that is not gives a
/// reason.
TEST(Schedule, NamesOnlyKernelsThatCanBeGenerated) {
    for (Case c : grid_of_problems())
        for (int64_t row_gap : {INT64_C(0), INT64_C(5), INT64_C(1) << 24, INT64_C(1) << 28}) {
            c.src_row_gap = c.dst_row_gap = row_gap;
            constexpr int64_t address_space = INT64_C(1) << 45;
            if (src_placement(c).count() + dst_placement(c).count() > address_space) continue;
            SCOPED_TRACE(name_of(c));
            const brconv1d_problem problem = problem_of(c);
            brconv1d_schedule s;
            const char *why = nullptr;
            const brconv1d_status status = brconv1d_schedule_problem(&problem, &s, &why);
            ASSERT_NE(status, BRCONV1D_INVALID);
            if (status != BRCONV1D_SUCCESS) {
                ASSERT_NE(why, nullptr);
                continue;
            }
            ASSERT_TRUE(s.reads_in_place || s.packs_src);
            for (bool in_place : {false, true}) {
                if (!(in_place ? s.reads_in_place : s.packs_src)) continue;
                for (int tails = 0; tails < 4; ++tails) {
                    const brconv1d_brgemm_shape shape = brconv1d_kernel_shape(
                            &s, in_place, (tails & 1) != 0, (tails & 2) != 0);
                    ASSERT_TRUE(brconv1d_brgemm_supported(&shape));
                }
            }
        }
}

} // namespace
} // namespace brconv1d_test
