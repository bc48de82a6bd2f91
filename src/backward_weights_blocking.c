/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "backward_weights_blocking.h"

#include "problem.h"

/* Second-level cache that the packed rows of a chunk may fill. Every chunk reads and writes all of
 * a partial sum once, so where that is beyond the cache a larger chunk pays. */
static int64_t chunk_bytes(const brconv1d_problem *p) {
    const int64_t usual = 480 * INT64_C(1024), large = 960 * INT64_C(1024);
    return brconv1d_partial_elements(p) / p->groups * (int64_t)sizeof(float) > large ? large
                                                                                     : usual;
}

/* Scratch that partial sums of weights and bias may take, unless there is but one. They are read again
 * at the end, best from a cache; but many threads need pieces of work more than that. */
static const int64_t cached_partial_bytes = 8 * INT64_C(1024) * 1024;
static const int64_t most_partial_bytes = 64 * INT64_C(1024) * 1024;

int64_t brconv1d_term_tiles(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    return b->terms.blocks * (b->taps_side_by_side ? 1 : p->kw);
}

int64_t brconv1d_chunks_per_image(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    return brconv1d_ceil_div(p->ow, b->positions);
}

int64_t brconv1d_chunks(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    return brconv1d_ceil_div(p->mb, b->images) * brconv1d_chunks_per_image(p, b);
}

int64_t brconv1d_last_positions(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    return p->ow - (brconv1d_chunks_per_image(p, b) - 1) * b->positions;
}

int64_t brconv1d_in_rounds(const brconv1d_weights_blocking *b, int64_t positions) {
    const int64_t round = b->interval * b->k;
    return positions / round * round;
}

int64_t brconv1d_partial_elements(const brconv1d_problem *p) {
    return brconv1d_product(brconv1d_product(p->oc, brconv1d_group_ic(p)), p->kw);
}

/* Packed rows of src from what a position reads to what the one `interval` further reads. */
static int64_t rows_per_interval(const brconv1d_weights_blocking *b) {
    if (!b->taps_side_by_side) return b->interval;
    if (b->interval >= b->positions) return 0; /* there is none */
    return brconv1d_packed_tap(&b->window, &b->src_packing, b->interval)
            - brconv1d_packed_tap(&b->window, &b->src_packing, 0);
}

brconv1d_brgemm_shape brconv1d_weights_kernel_shape(const brconv1d_problem *p,
        const brconv1d_weights_blocking *b, brconv1d_weights_kernel kernel) {
    const int64_t terms = kernel.terms_tail ? b->terms.tail : b->terms.block;
    const int64_t filters = kernel.oc_tail ? b->oc.tail : b->oc.block;
    const int64_t src_ld = brconv1d_max(rows_per_interval(b) * b->src_packing.pitch, terms);
    const int64_t dst_ld = b->interval * b->dst_pitch;
    brconv1d_brgemm_shape shape = {.isa = p->isa,
            .k = kernel.single ? 1 : b->k,
            .n_contiguous = true,
            .accumulate = !kernel.is_first};
    shape.m = b->filters_along_lanes ? filters : terms;
    shape.n = b->filters_along_lanes ? terms : filters;
    shape.lda = b->filters_along_lanes ? dst_ld : src_ld;
    shape.ldb = b->filters_along_lanes ? src_ld : dst_ld;
    shape.ldc = b->filters_along_lanes ? filters : brconv1d_group_ic(p) * p->kw;
    return shape;
}

/* Sets the positions of a chunk, and how its src is packed for them. */
static void pack_for(const brconv1d_problem *p, int64_t positions, brconv1d_weights_blocking *b) {
    b->positions = positions;
    b->window = b->taps_side_by_side ? brconv1d_correlation_over_positions(p, positions)
                                     : brconv1d_correlation_of(p);
    b->src_packing = brconv1d_src_packing_of(
            &b->window, BRCONV1D_NWC, b->taps_side_by_side ? p->kw : positions);
    if (b->taps_side_by_side) b->src_packing.pitch = brconv1d_group_ic(p);
}

/* The shortest interval at which the rows of a tile's terms stand clear of each other, and lie
 * evenly spaced in one segment of packed src. */
static int64_t shortest_interval(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    const int64_t segments = b->src_packing.segments;
    /* Where each position has a segment of its own, that holds all its terms. */
    if (!b->taps_side_by_side || segments >= b->positions) return 1;
    const int64_t apart = p->stride / brconv1d_gcd(p->stride, p->dilation);
    return segments * brconv1d_ceil_div(b->terms.block, brconv1d_group_ic(p) * apart);
}

/* A blocking without a tile: how src is packed, and how many positions the cache has room for. */
static brconv1d_weights_blocking sketch(const brconv1d_problem *p, bool taps_side_by_side) {
    brconv1d_weights_blocking b = {.taps_side_by_side = taps_side_by_side};
    b.dst_pitch = brconv1d_padded_row(brconv1d_group_oc(p));
    const int64_t channels = brconv1d_product(brconv1d_group_ic(p), brconv1d_min(p->stride, p->kw));
    const int64_t floats = chunk_bytes(p) / (int64_t)sizeof(float);
    const int64_t least = 16, room = floats / (channels + b.dst_pitch);
    /* Parts are made of chunks, so there should be some, unless groups are work enough. */
    const int64_t enough_chunks = 32, not_short = 512;
    const int64_t share
            = brconv1d_product(brconv1d_product(p->mb, p->ow), p->groups) / enough_chunks;
    const int64_t positions
            = brconv1d_max(brconv1d_min(room, brconv1d_max(share, not_short)), least);
    pack_for(p, brconv1d_ceil_div(p->ow, brconv1d_ceil_div(p->ow, positions)), &b);
    b.images = brconv1d_min(brconv1d_max(positions / p->ow, 1), p->mb);
    return b;
}

/* Cost of packing an element, in FMA instructions, as measured on Zen 4: in ncw it is transposed, and
 * gathered before that where positions are not neighbours. */
static double per_packed_element(const brconv1d_problem *p, int64_t step) {
    if (p->layout == BRCONV1D_NWC) return 0.15;
    return step == 1 ? 0.4 : 1.5;
}

/* Expected cost, in FMA instructions, of the whole problem. */
static double total_cost(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    const double per_load = 2.0;
    const double chunks = (double)brconv1d_chunks(p, b), images = (double)b->images;
    const brconv1d_cut *m = b->filters_along_lanes ? &b->oc : &b->terms;
    const brconv1d_cut *n = b->filters_along_lanes ? &b->terms : &b->oc;
    const double sums = (double)brconv1d_vectors_of(p->isa, m->block) * (double)n->block
            * (double)m->blocks * (double)n->blocks;
    const double packed = images
            * ((double)b->src_packing.rows * (double)b->src_packing.pitch
                            * per_packed_element(p, b->window.stride)
                    + (double)b->positions * (double)b->dst_pitch * per_packed_element(p, 1));
    /* Of each image the last chunk has single positions, unless it is a whole one. */
    const int64_t width = brconv1d_chunks_per_image(p, b) > 1
            ? brconv1d_round_up(b->positions, b->interval * b->k)
            : b->positions;
    const int64_t last = (p->ow - 1) % width + 1;
    const double entries = images * (double)brconv1d_in_rounds(b, width) / (double)b->k;
    const double singles = (double)p->mb * (double)(last - brconv1d_in_rounds(b, last));
    const double taps = b->taps_side_by_side ? 1.0 : (double)p->kw;
    return taps * chunks * (brconv1d_area_cost(p->isa, *m, *n, b->k, entries) + per_load * sums)
            + taps * brconv1d_area_cost(p->isa, *m, *n, 1, singles) + chunks * packed;
}

/* Chooses interval and k for the tile of a sketch, among all k or only powers of two. Returns the
 * cost. */
static double choose_entries(
        const brconv1d_problem *p, bool try_all, brconv1d_weights_blocking *b) {
    const int64_t enough = 32; /* to make what surrounds an entry cheap */
    b->interval = brconv1d_min(shortest_interval(p, b), b->positions);
    const int64_t most = brconv1d_min(enough, brconv1d_ceil_div(b->positions, b->interval));
    double best_cost = 0;
    int64_t best = 0;
    for (int64_t k = most; k > 0; k = try_all ? k - 1 : k / 2) {
        b->k = k;
        const double cost = total_cost(p, b);
        if (best && cost >= best_cost) continue;
        best = k;
        best_cost = cost;
    }
    b->k = best;
    return best_cost;
}

/* Tries every tile on a sketch and keeps the best. */
static void choose_tile(const brconv1d_problem *p, brconv1d_weights_blocking sketched,
        brconv1d_weights_blocking *best, double *best_cost) {
    const int64_t lanes = brconv1d_lanes(p->isa), oc = brconv1d_group_oc(p);
    const int64_t terms = brconv1d_group_ic(p) * (sketched.taps_side_by_side ? p->kw : 1);
    for (int filters_along_lanes = 0; filters_along_lanes < 2; ++filters_along_lanes) {
        const int64_t m_extent = filters_along_lanes ? oc : terms;
        const int64_t n_extent = filters_along_lanes ? terms : oc;
        for (int64_t vectors = 1; vectors <= brconv1d_most_vectors; ++vectors) {
            const int64_t m = brconv1d_min(vectors * lanes, m_extent);
            const int64_t most_n = brconv1d_min(brconv1d_largest_n(p->isa, vectors), n_extent);
            for (int64_t n = most_n; n > 0; --n) {
                /* Of all n that need the same number of blocks the smallest wastes least. */
                n = brconv1d_ceil_div(n_extent, brconv1d_ceil_div(n_extent, n));
                brconv1d_weights_blocking b = sketched;
                b.filters_along_lanes = filters_along_lanes;
                b.oc = brconv1d_cut_into(oc, filters_along_lanes ? m : n);
                b.terms = brconv1d_cut_into(terms, filters_along_lanes ? n : m);
                b.lane_use = (double)m_extent
                        / (double)(brconv1d_vectors_of(p->isa, m_extent) * lanes);
                const double cost = choose_entries(p, false, &b);
                if (best->k && cost >= *best_cost) continue;
                *best = b;
                *best_cost = cost;
            }
        }
    }
}

/* Makes a chunk whole rounds, where an image has several, and packs src for it. */
static void settle_chunk(const brconv1d_problem *p, brconv1d_weights_blocking *b) {
    if (b->positions == p->ow) return;
    pack_for(p, brconv1d_round_up(b->positions, b->interval * b->k), b);
    /* Rarely a few more positions change how src is packed best; entries of one position suit any. */
    if (b->interval % shortest_interval(p, b)) b->k = 1;
}

/* Enough partial sums for many threads, each of enough positions to make adding them up cheap, which
 * takes more of them beyond the caches. */
static int64_t choose_parts(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    const int64_t enough_items = 128, enough_positions = 256;
    const int64_t least_items = 48, many_positions = 1024;
    const int64_t elements = brconv1d_partial_elements(p) + brconv1d_max(p->ic, p->oc);
    const int64_t items = brconv1d_product(p->groups, b->oc.blocks);
    const int64_t bytes = brconv1d_product(elements, sizeof(float));
    const int64_t positions = brconv1d_product(p->mb, p->ow);
    const int64_t uncached = brconv1d_min(
            brconv1d_min(brconv1d_ceil_div(least_items, items), positions / many_positions),
            most_partial_bytes / bytes);
    int64_t parts = brconv1d_ceil_div(enough_items, items);
    parts = brconv1d_min(parts, brconv1d_max(cached_partial_bytes / bytes, uncached));
    parts = brconv1d_min(parts, positions / enough_positions);
    parts = brconv1d_min(parts, brconv1d_chunks(p, b));
    return brconv1d_max(parts, 1);
}

brconv1d_weights_blocking brconv1d_block_weights(const brconv1d_problem *p) {
    brconv1d_weights_blocking best = {0};
    double best_cost = 0;
    for (int taps_side_by_side = 0; taps_side_by_side <= (p->kw > 1); ++taps_side_by_side)
        choose_tile(p, sketch(p, taps_side_by_side), &best, &best_cost);
    choose_entries(p, true, &best);
    settle_chunk(p, &best);
    best.parts = choose_parts(p, &best);
    return best;
}
