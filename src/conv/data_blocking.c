/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/data_blocking.h"

#include "brgemm/amx.h"
#include "conv/cache.h"
#include "pack/src.h"

/* Second-level cache that a chunk of src may fill: weights and dst need room beside it. */
static int64_t chunk_bytes(void) { return brdnn_core_cache(2) * 3 / 16; }
static int64_t large_chunk_bytes(void) { return brdnn_core_cache(2) * 5 / 8; }

/* First-level cache that the rows of one channel block may fill. */
static int64_t rows_bytes(void) { return brdnn_core_cache(1) / 2; }

/* Elements that the branches' tiles of sums may have before they are merged: a quarter of the
 * first-level cache, or as many as there are branches. */
static int64_t branch_sums(void) { return brdnn_core_cache(1) / 4 / (int64_t)sizeof(float); }

/* Tap groups of a branch that a tile of so many outputs uses, on average. Where padding is wide for the
 * width, narrow tiles can leave out more of them. */
static double average_tap_groups(const brdnn_correlation *c, brdnn_cut outputs) {
    const int64_t too_many_to_matter = 64;
    if (outputs.blocks > too_many_to_matter)
        return (double)c->kw / (double)c->branches / (double)c->tap_group;
    double tap_groups = 0;
    for (int64_t i = 0; i < outputs.blocks; ++i) {
        const int64_t count = i + 1 < outputs.blocks ? outputs.block : outputs.tail;
        tap_groups += brdnn_average_useful_tap_groups(c, i * outputs.block, count);
    }
    return tap_groups / (double)outputs.blocks;
}

/* With a stride in ncw the tiles of all branches are kept side by side. */
static bool fits_branches(const brdnn_correlation *c, int64_t m, int64_t n) {
    if (c->branches == 1 || c->layout == BRDNN_NWC) return true;
    return m * n <= brdnn_max(branch_sums() / c->branches, brdnn_lanes(c->kernels));
}

/* Filters in 16s at most, all alike, and as many blocks of outputs as there are registers for, and room
 * for with all branches: each holds as much of the filters' weights as it can use. */
static brdnn_register_tile amx_tile(const brdnn_correlation *c) {
    const int64_t edge = brdnn_amx_edge, filters = brdnn_even_block(c->oc, edge);
    int64_t most = brdnn_amx_most_blocks(c->kernels.splits);
    while (most > 1 && !fits_branches(c, most * edge, filters))
        --most;
    const int64_t blocks = brdnn_even_block(brdnn_ceil_div(c->outputs, edge), most);
    const int64_t outputs = c->outputs < edge ? c->outputs : blocks * edge;
    return c->layout == BRDNN_NCW ? (brdnn_register_tile) {outputs, filters}
                                  : (brdnn_register_tile) {filters, outputs};
}

/* The best tile of those whose filters divide `filters`. */
static brdnn_register_tile best_tile(const brdnn_correlation *c, int64_t filters) {
    const bool ncw = c->layout == BRDNN_NCW;
    const int64_t m_extent = ncw ? c->outputs : c->oc, n_extent = ncw ? c->oc : c->outputs;
    const int64_t lanes = brdnn_lanes(c->kernels);
    brdnn_register_tile best = {0, 0};
    double best_cost = 0;
    for (int64_t vectors = 1; vectors <= brdnn_most_vectors; ++vectors) {
        const brdnn_cut m = brdnn_cut_into(m_extent, brdnn_min(vectors * lanes, m_extent));
        const int64_t most_n = brdnn_min(brdnn_largest_n(c->kernels, vectors), n_extent);
        const double tap_groups_of_m = ncw ? average_tap_groups(c, m) : 0;
        for (int64_t i = 1; i <= most_n; ++i) {
            const brdnn_cut n = brdnn_cut_into(n_extent, i);
            if (filters % (ncw ? n.block : m.block) != 0) continue;
            if (best.m && !fits_branches(c, m.block, n.block)) continue;
            const double tap_groups = ncw ? tap_groups_of_m : average_tap_groups(c, n);
            const double cost = brdnn_area_cost(c->kernels, m, n, c->depth, tap_groups);
            if (best.m && cost >= best_cost) continue;
            best = (brdnn_register_tile) {m.block, n.block};
            best_cost = cost;
        }
    }
    return best;
}

/* Any number divides this. */
static const int64_t any_filters = 0;

brdnn_register_tile brdnn_choose_tile(const brdnn_correlation *c) {
    if (brdnn_uses_amx(c->kernels)) return amx_tile(c);
    return best_tile(c, c->wei.packed ? brdnn_packed_wei_blocks(c).block : any_filters);
}

/* Words of one batch entry, a part of `entry`. In ncw the taps of a channel block run before the next block,
 * so that the block's rows stay in the first-level cache from tap to tap; in nwc a position holds all its
 * channels side by side and there is nothing to gain. With AMX it is what an instruction takes. */
static int64_t choose_depth_block(const brdnn_correlation *c, int64_t outputs, int64_t entry) {
    if (brdnn_uses_amx(c->kernels)) return brdnn_even_block(c->depth, brdnn_amx_depth);
    const int64_t fewest = 8, tap_groups = c->kw / c->branches / c->tap_group;
    if (c->layout == BRDNN_NWC || tap_groups <= 1) return entry;
    const int64_t row = outputs + (tap_groups - 1) * c->tap_group * c->dilation;
    const int64_t most = brdnn_max(rows_bytes() / (row * brdnn_word_bytes), fewest);
    for (int64_t block = brdnn_min(most, entry); block >= fewest; --block)
        if (entry % block == 0) return block;
    return entry;
}

bool brdnn_has_contiguous_words(const brdnn_correlation *c) {
    return brdnn_is_vnni(c->kernels) && c->layout == BRDNN_NCW;
}

bool brdnn_has_packed_wei(const brdnn_correlation *c) {
    const brdnn_type type = brdnn_is_vnni(c->kernels) ? BRDNN_BF16 : BRDNN_F32;
    return c->wei.type == type && c->tap_group == 1 && c->kernels.splits == 1;
}

brdnn_wei_blocks brdnn_packed_wei_blocks(const brdnn_correlation *c) {
    brdnn_correlation row = *c;
    row.outputs = 1 << 16;
    if (c->pass == BRDNN_BACKWARD_DATA) row.branches = c->problem_stride;
    const brdnn_register_tile tile
            = brdnn_uses_amx(c->kernels) ? amx_tile(&row) : best_tile(&row, any_filters);
    const bool ncw = c->layout == BRDNN_NCW;
    const int64_t outputs = ncw ? tile.m : tile.n;
    return (brdnn_wei_blocks) {.block = ncw ? tile.n : tile.m,
            .entry = brdnn_has_contiguous_words(c) ? choose_depth_block(&row, outputs, c->depth)
                                                   : c->depth};
}

/* What a chunk keeps in the cache: its src, packed or not. In nwc also its dst, which the blocks of
 * filters otherwise write in short pieces all over a large stretch of memory. */
static int64_t chunk_footprint(const brdnn_correlation *c, int64_t outputs) {
    const brdnn_src_packing packing = brdnn_src_packing_of(&c->window, c->layout, outputs);
    const int64_t dst = c->layout == BRDNN_NWC
            ? brdnn_product(brdnn_product(outputs, c->branches), c->oc * brdnn_word_bytes)
            : 0;
    return brdnn_packed_src_bytes(&c->window, &packing) + dst;
}

/* Most tiles whose footprint stays within `bytes`, at least one. */
static int64_t tiles_within(const brdnn_correlation *c, brdnn_cut outputs, int64_t bytes) {
    int64_t low = 1, high = outputs.blocks;
    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (chunk_footprint(c, middle * outputs.block) <= bytes) low = middle;
        else high = middle - 1;
    }
    return low;
}

static int64_t choose_chunk_tiles(const brdnn_correlation *c, brdnn_cut outputs) {
    const int64_t tiles = tiles_within(c, outputs, chunk_bytes());
    /* A chunk shorter than its halo packs most elements several times, and every chunk streams all
     * weights that the cache can't hold. Then rather use more of the cache for src. */
    const int64_t halo = c->last_offset - c->first_offset;
    const int64_t weights
            = brdnn_product(brdnn_product(brdnn_most_tap_groups(c) * c->kernels.splits,
                                    c->depth * brdnn_word_bytes),
                    c->oc);
    const bool shorter_than_halo = tiles * outputs.block * c->stride < halo;
    const bool streams_weights = weights > large_chunk_bytes();
    return shorter_than_halo || streams_weights ? tiles_within(c, outputs, large_chunk_bytes())
                                                : tiles;
}

/* The cuts and chunks that follow from a tile. */
static brdnn_correlation_blocking block_by(const brdnn_correlation *c, brdnn_register_tile tile) {
    const bool ncw = c->layout == BRDNN_NCW;
    const int64_t m_extent = ncw ? c->outputs : c->oc;
    brdnn_correlation_blocking b;
    b.oc = brdnn_cut_into(c->oc, ncw ? tile.n : tile.m);
    b.outputs = brdnn_cut_into(c->outputs, ncw ? tile.m : tile.n);
    const brdnn_wei_blocks packed = c->wei.packed ? brdnn_packed_wei_blocks(c)
                                                  : (brdnn_wei_blocks) {b.oc.block, c->depth};
    b.depth = brdnn_cut_into(c->depth, choose_depth_block(c, b.outputs.block, packed.entry));
    b.wei_block = packed.block;
    b.wei_entry = c->wei.packed ? packed.entry : b.depth.block;
    b.chunk_tiles = choose_chunk_tiles(c, b.outputs);
    b.lane_use = (double)m_extent
            / (double)(brdnn_vectors_of(c->kernels, m_extent) * brdnn_lanes(c->kernels));
    return b;
}

brdnn_correlation_blocking brdnn_block_correlation(const brdnn_correlation *c) {
    return block_by(c, brdnn_choose_tile(c));
}

brdnn_correlation_blocking brdnn_block_for_chunks(
        const brdnn_correlation *c, const brdnn_correlation_blocking *others) {
    const bool ncw = c->layout == BRDNN_NCW;
    const int64_t widest = brdnn_most_vectors * brdnn_lanes(c->kernels);
    const int64_t outputs = others->outputs.block;
    brdnn_register_tile tile
            = {ncw ? brdnn_largest_divisor(outputs, widest) : brdnn_min(c->oc, widest), 0};
    const int64_t most_n = brdnn_largest_n(c->kernels, brdnn_vectors_of(c->kernels, tile.m));
    tile.n = ncw ? brdnn_min(c->oc, most_n) : brdnn_largest_divisor(outputs, most_n);
    brdnn_correlation_blocking b = block_by(c, tile);
    b.depth = brdnn_block_correlation(c).depth;
    b.wei_entry = b.depth.block;
    b.chunk_tiles = others->chunk_tiles * (outputs / b.outputs.block);
    return b;
}
