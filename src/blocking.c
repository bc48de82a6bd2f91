/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "blocking.h"

#include "problem.h"
#include "src_packing.h"
#include "wei_packing.h"

/* Cache that a chunk of src may fill. A core of any machine with AVX2 has 256 KiB of second-level
 * cache, most have 1 MiB and more; weights and dst need room beside it. */
static const int64_t chunk_bytes = 192 * INT64_C(1024), large_chunk_bytes = 640 * INT64_C(1024);

/* First-level cache that the rows of one channel block may fill: half of the smallest, 32 KiB. */
static const int64_t rows_bytes = 16 * INT64_C(1024);

int64_t brconv1d_lanes(brconv1d_isa isa) { return isa == BRCONV1D_ISA_AVX512_CORE ? 16 : 8; }

int64_t brconv1d_largest_n(brconv1d_isa isa, int64_t vectors) {
    /* LIBXSMM's AVX2 kernels hold at most three columns, whatever m is. */
    if (isa != BRCONV1D_ISA_AVX512_CORE) return 3;
    const int64_t registers = 32;
    return (registers - vectors - 1) / vectors;
}

brconv1d_cut brconv1d_cut_into(int64_t extent, int64_t block) {
    const brconv1d_cut cut
            = {block, brconv1d_ceil_div(extent, block), extent % block ? extent % block : block};
    return cut;
}

/* Vector instructions that cover m elements. AVX-512 masks a short rest; LIBXSMM's AVX2 kernels do
 * it by a half vector and single elements. */
static int64_t vectors_of(brconv1d_isa isa, int64_t m) {
    const int64_t lanes = brconv1d_lanes(isa), rest = m % lanes;
    if (isa == BRCONV1D_ISA_AVX512_CORE) return brconv1d_ceil_div(m, lanes);
    return m / lanes + rest / (lanes / 2) + rest % (lanes / 2);
}

/* Expected cost of one term of the reduction over a tile, in FMA instructions: those of the tile
 * (at least as many as hide their own latency), and a share of its loads. A vector of A is dearer
 * than a broadcast: it often straddles two cache lines and comes from the second-level cache. The
 * two weights reproduce the order of seven tiles measured on Sapphire Rapids with 15 channels,
 * 51 taps and dilation 8; on Zen 4 all tiles without waste are within 3 % of each other. */
static double term_cost(int64_t vectors, int64_t n) {
    const double latency_bound = 8.0, per_vector = 2.5, per_broadcast = 0.35;
    const double fmas = (double)(vectors * n);
    return (fmas > latency_bound ? fmas : latency_bound) + per_vector * (double)vectors
            + per_broadcast * (double)n;
}

/* Cost of a whole tile: its terms, the instructions around each batch entry, and the call with
 * the store of C. */
static double tile_cost(brconv1d_isa isa, int64_t m, int64_t n, int64_t k, double entries) {
    const double per_entry = 12.0, per_call = 40.0, per_store = 2.0;
    const int64_t vectors = vectors_of(isa, m);
    return entries * ((double)k * term_cost(vectors, n) + per_entry) + per_call
            + per_store * (double)(vectors * n);
}

/* Taps that a tile of so many positions uses, on average. Where padding is wide for the width,
 * narrow tiles can leave out more of them. */
static double average_taps(const brconv1d_problem *p, brconv1d_cut ow) {
    const int64_t too_many_to_matter = 64;
    if (ow.blocks > too_many_to_matter) return (double)p->kw;
    int64_t taps = 0;
    for (int64_t i = 0; i < ow.blocks; ++i) {
        const int64_t positions = i + 1 < ow.blocks ? ow.block : ow.tail;
        const brconv1d_range useful = brconv1d_useful_taps(p, i * ow.block, positions);
        taps += brconv1d_max(useful.end - useful.begin, 0);
    }
    return (double)taps / (double)ow.blocks;
}

static double total_cost(
        const brconv1d_problem *p, brconv1d_cut m, brconv1d_cut n, double entries) {
    const brconv1d_isa isa = p->isa;
    const int64_t k = brconv1d_group_ic(p);
    const double m_whole = (double)(m.blocks - 1), n_whole = (double)(n.blocks - 1);
    return m_whole * n_whole * tile_cost(isa, m.block, n.block, k, entries)
            + m_whole * tile_cost(isa, m.block, n.tail, k, entries)
            + n_whole * tile_cost(isa, m.tail, n.block, k, entries)
            + tile_cost(isa, m.tail, n.tail, k, entries);
}

brconv1d_register_tile brconv1d_choose_tile(const brconv1d_problem *p) {
    const bool ncw = p->layout == BRCONV1D_NCW;
    const int64_t oc = brconv1d_group_oc(p);
    const int64_t m_extent = ncw ? p->ow : oc, n_extent = ncw ? oc : p->ow;
    const int64_t lanes = brconv1d_lanes(p->isa), most_vectors = 4;
    brconv1d_register_tile best = {0, 0};
    double best_cost = 0;
    for (int64_t vectors = 1; vectors <= most_vectors; ++vectors) {
        const brconv1d_cut m = brconv1d_cut_into(m_extent, brconv1d_min(vectors * lanes, m_extent));
        const int64_t most_n = brconv1d_min(brconv1d_largest_n(p->isa, vectors), n_extent);
        const double taps_of_m = ncw ? average_taps(p, m) : 0;
        for (int64_t i = 1; i <= most_n; ++i) {
            const brconv1d_cut n = brconv1d_cut_into(n_extent, i);
            const double cost = total_cost(p, m, n, ncw ? taps_of_m : average_taps(p, n));
            if (best.m && cost >= best_cost) continue;
            best = (brconv1d_register_tile) {m.block, n.block};
            best_cost = cost;
        }
    }
    return best;
}

/* Channels of one batch entry. In ncw the taps of a channel block run before the next block, so
 * that the block's rows stay in the first-level cache from tap to tap; in nwc a position holds all
 * its channels side by side and there is nothing to gain. */
static int64_t choose_ic_block(const brconv1d_problem *p, int64_t ow_block) {
    const int64_t ic = brconv1d_group_ic(p), fewest = 8;
    if (p->layout == BRCONV1D_NWC || p->kw == 1) return ic;
    const int64_t row = ow_block + (p->kw - 1) * p->dilation;
    const int64_t most = brconv1d_max(rows_bytes / (row * (int64_t)sizeof(float)), fewest);
    for (int64_t block = brconv1d_min(most, ic); block >= fewest; --block)
        if (ic % block == 0) return block;
    return ic;
}

/* What a chunk keeps in the cache: its src, packed or not. In nwc also its dst, which the blocks of
 * filters otherwise write in short pieces all over a large stretch of memory. */
static int64_t chunk_footprint(const brconv1d_problem *p, int64_t outputs) {
    const brconv1d_src_packing packing = brconv1d_src_packing_of(p, outputs);
    const int64_t dst = p->layout == BRCONV1D_NWC
            ? brconv1d_product(outputs, brconv1d_group_oc(p) * (int64_t)sizeof(float))
            : 0;
    return brconv1d_packed_src_bytes(&packing) + dst;
}

/* Most tiles whose footprint stays within `bytes`, at least one. */
static int64_t tiles_within(const brconv1d_problem *p, brconv1d_cut ow, int64_t bytes) {
    int64_t low = 1, high = ow.blocks;
    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (chunk_footprint(p, middle * ow.block) <= bytes) low = middle;
        else high = middle - 1;
    }
    return low;
}

static int64_t choose_chunk_tiles(const brconv1d_problem *p, brconv1d_cut ow) {
    const int64_t tiles = tiles_within(p, ow, chunk_bytes);
    /* A chunk shorter than its halo packs most elements several times, and every chunk streams all
     * weights that the cache can't hold. Then rather use more of the cache for src. */
    const int64_t halo = (p->kw - 1) * p->dilation;
    const int64_t weights
            = brconv1d_product(brconv1d_wei_block_elements(p, brconv1d_group_oc(p)), sizeof(float));
    const bool shorter_than_halo = tiles * ow.block * p->stride < halo;
    const bool streams_weights = weights > large_chunk_bytes;
    return shorter_than_halo || streams_weights ? tiles_within(p, ow, large_chunk_bytes) : tiles;
}

brconv1d_blocking brconv1d_choose_blocking(const brconv1d_problem *p) {
    const bool ncw = p->layout == BRCONV1D_NCW;
    const int64_t ic = brconv1d_group_ic(p), oc = brconv1d_group_oc(p);
    const int64_t m_extent = ncw ? p->ow : oc;
    const brconv1d_register_tile tile = brconv1d_choose_tile(p);

    brconv1d_blocking b;
    b.oc = brconv1d_cut_into(oc, ncw ? tile.n : tile.m);
    b.ow = brconv1d_cut_into(p->ow, ncw ? tile.m : tile.n);
    b.ic = brconv1d_cut_into(ic, choose_ic_block(p, b.ow.block));
    b.chunk_tiles = choose_chunk_tiles(p, b.ow);
    b.lane_use = (double)m_extent / (double)(vectors_of(p->isa, m_extent) * brconv1d_lanes(p->isa));
    return b;
}
