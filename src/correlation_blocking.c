/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "correlation_blocking.h"

#include "brgemm_amx.h"
#include "cache.h"
#include "src_packing.h"

/* Second-level cache that a chunk of src may fill: weights and dst need room beside it. */
static int64_t chunk_bytes(void) { return brconv1d_core_cache(2) * 3 / 16; }
static int64_t large_chunk_bytes(void) { return brconv1d_core_cache(2) * 5 / 8; }

/* First-level cache that the rows of one channel block may fill. */
static int64_t rows_bytes(void) { return brconv1d_core_cache(1) / 2; }

/* Elements that the branches' tiles of sums may have before they are interleaved: a quarter of the
 * first-level cache, or as many as there are branches. */
static int64_t branch_sums(void) { return brconv1d_core_cache(1) / 4 / (int64_t)sizeof(float); }

/* Bundles of a branch that a tile of so many outputs uses, on average. Where padding is wide for the
 * width, narrow tiles can leave out more of them. */
static double average_bundles(const brconv1d_correlation *c, brconv1d_cut outputs) {
    const int64_t too_many_to_matter = 64;
    if (outputs.blocks > too_many_to_matter)
        return (double)c->kw / (double)c->branches / (double)c->bundle;
    double bundles = 0;
    for (int64_t i = 0; i < outputs.blocks; ++i) {
        const int64_t count = i + 1 < outputs.blocks ? outputs.block : outputs.tail;
        bundles += brconv1d_average_useful_bundles(c, i * outputs.block, count);
    }
    return bundles / (double)outputs.blocks;
}

/* With a stride in ncw the tiles of all branches are kept side by side. */
static bool fits_branches(const brconv1d_correlation *c, int64_t m, int64_t n) {
    if (c->branches == 1 || c->layout == BRCONV1D_NWC) return true;
    return m * n <= brconv1d_max(branch_sums() / c->branches, brconv1d_lanes(c->isa));
}

/* Filters in 16s at most, all alike, and as many blocks of outputs as there are registers for, and room
 * for with all branches: each holds as much of the filters' weights as it can use. */
static brconv1d_register_tile amx_tile(const brconv1d_correlation *c) {
    const int64_t edge = brconv1d_amx_edge, filters = brconv1d_even_block(c->oc, edge);
    int64_t most = brconv1d_amx_most_blocks(c->items.parts);
    while (most > 1 && !fits_branches(c, most * edge, filters))
        --most;
    const int64_t blocks = brconv1d_even_block(brconv1d_ceil_div(c->outputs, edge), most);
    const int64_t outputs = c->outputs < edge ? c->outputs : blocks * edge;
    return c->layout == BRCONV1D_NCW ? (brconv1d_register_tile) {outputs, filters}
                                     : (brconv1d_register_tile) {filters, outputs};
}

brconv1d_register_tile brconv1d_choose_tile(const brconv1d_correlation *c) {
    if (brconv1d_uses_amx(c->isa, c->items)) return amx_tile(c);
    const bool ncw = c->layout == BRCONV1D_NCW;
    const int64_t m_extent = ncw ? c->outputs : c->oc, n_extent = ncw ? c->oc : c->outputs;
    const int64_t lanes = brconv1d_lanes(c->isa);
    brconv1d_register_tile best = {0, 0};
    double best_cost = 0;
    for (int64_t vectors = 1; vectors <= brconv1d_most_vectors; ++vectors) {
        const brconv1d_cut m = brconv1d_cut_into(m_extent, brconv1d_min(vectors * lanes, m_extent));
        const int64_t most_n = brconv1d_min(brconv1d_largest_n(c->isa, vectors), n_extent);
        const double bundles_of_m = ncw ? average_bundles(c, m) : 0;
        for (int64_t i = 1; i <= most_n; ++i) {
            const brconv1d_cut n = brconv1d_cut_into(n_extent, i);
            if (best.m && !fits_branches(c, m.block, n.block)) continue;
            const double bundles = ncw ? bundles_of_m : average_bundles(c, n);
            const double cost = brconv1d_area_cost(c->isa, m, n, c->depth, bundles);
            if (best.m && cost >= best_cost) continue;
            best = (brconv1d_register_tile) {m.block, n.block};
            best_cost = cost;
        }
    }
    return best;
}

/* Items of one batch entry. In ncw the taps of a channel block run before the next block, so that the
 * block's rows stay in the first-level cache from tap to tap; in nwc a position holds all its channels
 * side by side and there is nothing to gain. With AMX it is what an instruction takes. */
static int64_t choose_depth_block(const brconv1d_correlation *c, int64_t outputs) {
    if (brconv1d_uses_amx(c->isa, c->items))
        return brconv1d_even_block(c->depth, brconv1d_amx_depth);
    const int64_t fewest = 8, bundles = c->kw / c->branches / c->bundle;
    if (c->layout == BRCONV1D_NWC || bundles <= 1) return c->depth;
    const int64_t row = outputs + (bundles - 1) * c->bundle * c->dilation;
    const int64_t most = brconv1d_max(rows_bytes() / (row * brconv1d_item_bytes), fewest);
    for (int64_t block = brconv1d_min(most, c->depth); block >= fewest; --block)
        if (c->depth % block == 0) return block;
    return c->depth;
}

/* What a chunk keeps in the cache: its src, packed or not. In nwc also its dst, which the blocks of
 * filters otherwise write in short pieces all over a large stretch of memory. */
static int64_t chunk_footprint(const brconv1d_correlation *c, int64_t outputs) {
    const brconv1d_src_packing packing = brconv1d_src_packing_of(c, c->layout, outputs);
    const int64_t dst = c->layout == BRCONV1D_NWC
            ? brconv1d_product(brconv1d_product(outputs, c->branches), c->oc * brconv1d_item_bytes)
            : 0;
    return brconv1d_packed_src_bytes(&packing) + dst;
}

/* Most tiles whose footprint stays within `bytes`, at least one. */
static int64_t tiles_within(const brconv1d_correlation *c, brconv1d_cut outputs, int64_t bytes) {
    int64_t low = 1, high = outputs.blocks;
    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (chunk_footprint(c, middle * outputs.block) <= bytes) low = middle;
        else high = middle - 1;
    }
    return low;
}

static int64_t choose_chunk_tiles(const brconv1d_correlation *c, brconv1d_cut outputs) {
    const int64_t tiles = tiles_within(c, outputs, chunk_bytes());
    /* A chunk shorter than its halo packs most elements several times, and every chunk streams all
     * weights that the cache can't hold. Then rather use more of the cache for src. */
    const int64_t halo = c->last_offset - c->first_offset;
    const int64_t weights
            = brconv1d_product(brconv1d_product(brconv1d_most_bundles(c) * c->items.parts,
                                       c->depth * brconv1d_item_bytes),
                    c->oc);
    const bool shorter_than_halo = tiles * outputs.block * c->stride < halo;
    const bool streams_weights = weights > large_chunk_bytes();
    return shorter_than_halo || streams_weights ? tiles_within(c, outputs, large_chunk_bytes())
                                                : tiles;
}

/* The cuts and chunks that follow from a tile. */
static brconv1d_correlation_blocking block_by(
        const brconv1d_correlation *c, brconv1d_register_tile tile) {
    const bool ncw = c->layout == BRCONV1D_NCW;
    const int64_t m_extent = ncw ? c->outputs : c->oc;
    brconv1d_correlation_blocking b;
    b.oc = brconv1d_cut_into(c->oc, ncw ? tile.n : tile.m);
    b.outputs = brconv1d_cut_into(c->outputs, ncw ? tile.m : tile.n);
    b.depth = brconv1d_cut_into(c->depth, choose_depth_block(c, b.outputs.block));
    b.chunk_tiles = choose_chunk_tiles(c, b.outputs);
    b.lane_use = (double)m_extent
            / (double)(brconv1d_vectors_of(c->isa, m_extent) * brconv1d_lanes(c->isa));
    return b;
}

brconv1d_correlation_blocking brconv1d_block_correlation(const brconv1d_correlation *c) {
    return block_by(c, brconv1d_choose_tile(c));
}

brconv1d_correlation_blocking brconv1d_block_within(
        const brconv1d_correlation *c, const brconv1d_correlation_blocking *tile) {
    const bool ncw = c->layout == BRCONV1D_NCW;
    const int64_t m = ncw ? tile->outputs.block : tile->oc.block;
    const int64_t n = ncw ? tile->oc.block : tile->outputs.block;
    brconv1d_register_tile within;
    within.m = brconv1d_largest_divisor(m, brconv1d_most_vectors * brconv1d_lanes(c->isa));
    within.n = brconv1d_largest_divisor(
            n, brconv1d_largest_n(c->isa, brconv1d_vectors_of(c->isa, within.m)));
    brconv1d_correlation_blocking b = block_by(c, within);
    b.depth = brconv1d_block_correlation(c).depth;
    b.chunk_tiles = tile->chunk_tiles * (tile->outputs.block / b.outputs.block);
    return b;
}
