/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/weights_tiles.h"

#include "brgemm/amx.h"
#include "conv/cache.h"
#include "conv/kernels_of.h"
#include "conv/problem.h"

/* Second-level cache that the packed rows of a chunk may fill. Every chunk reads and writes all of
 * a partial sum once, so where that is beyond the cache a larger chunk pays. */
static int64_t chunk_bytes(const brdnn_conv_problem *p) {
    const int64_t cache = brdnn_core_cache(2), usual = cache * 15 / 32, large = cache * 15 / 16;
    const int64_t terms = brdnn_product(brdnn_group_ic(p), p->kw);
    const int64_t sums = brdnn_product(brdnn_group_oc(p), terms);
    return brdnn_product(sums, sizeof(float)) > large ? large : usual;
}

/* Scratch that partial sums of weights and bias may take, unless there is but one. They are read again
 * at the end, best from a cache; but many threads need pieces of work more than that. */
static const int64_t cached_partial_bytes = 8 * INT64_C(1024) * 1024;
static const int64_t most_partial_bytes = 64 * INT64_C(1024) * 1024;

static bool uses_amx(const brdnn_weights_blocking *b) { return brdnn_uses_amx(b->kernels); }

/* Entries are groups of taps, and an output is a word: one position, or a pair of them. */
static brdnn_window over_taps(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    return (brdnn_window) {.kernels = b->kernels,
            .entries = b->tap_groups,
            .origin = -p->pad_l,
            .step = b->tap_group * p->dilation,
            .per = 1,
            .stride = p->stride * brdnn_terms_of(b->kernels),
            .tap_group = b->tap_group,
            .dilation = p->dilation,
            .depth = brdnn_group_ic(p) * b->tap_group,
            .pair_distance = brdnn_is_vnni(b->kernels) ? p->stride : 0};
}

/* The other way round: outputs are taps, and entries the positions of a chunk, since both enter alike into
 * where src is read. */
static brdnn_window over_positions(
        const brdnn_conv_problem *p, const brdnn_weights_blocking *b, int64_t positions) {
    return (brdnn_window) {.kernels = b->kernels,
            .entries = positions,
            .origin = -p->pad_l,
            .step = p->stride,
            .per = 1,
            .stride = p->dilation,
            .tap_group = 1,
            .depth = brdnn_group_ic(p)};
}

/* Sets the positions of a chunk, and how its src is packed for them. */
static void pack_for(const brdnn_conv_problem *p, int64_t positions, brdnn_weights_blocking *b) {
    b->positions = positions;
    b->window = b->taps_side_by_side ? over_positions(p, b, positions) : over_taps(p, b);
    b->src_packing
            = brdnn_src_packing_of(&b->window, BRDNN_NWC, b->taps_side_by_side ? p->kw : positions);
    if (b->taps_side_by_side) b->src_packing.pitch = brdnn_group_ic(p);
    if (uses_amx(b)) b->src_packing.pitch = brdnn_round_up(b->src_packing.pitch, brdnn_amx_edge);
}

/* The shortest interval at which the rows of a tile's terms stand clear of each other, and lie
 * evenly spaced in one segment of packed src. */
static int64_t shortest_interval(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    const int64_t segments = b->src_packing.segments;
    /* Where each position has a segment of its own, that holds all its terms. */
    if (!b->taps_side_by_side || segments >= b->positions) return 1;
    const int64_t apart = p->stride / brdnn_gcd(p->stride, p->dilation);
    return segments * brdnn_ceil_div(b->terms.block, brdnn_group_ic(p) * apart);
}

/* A blocking without a tile: how src is packed, and how many positions the cache has room for. */
static brdnn_weights_blocking sketch(const brdnn_conv_problem *p, brdnn_kernels kernels,
        bool taps_side_by_side, int64_t tap_group) {
    brdnn_weights_blocking b = {.kernels = kernels,
            .taps_side_by_side = taps_side_by_side,
            .tap_group = tap_group,
            .tap_groups = brdnn_ceil_div(p->kw, tap_group),
            .most_blocks = 1,
            .ow = brdnn_ceil_div(p->ow, brdnn_terms_of(kernels))};
    const int64_t ic = brdnn_group_ic(p), oc = brdnn_group_oc(p);
    b.dst_pitch = brdnn_padded_row(oc);
    b.tap_group_terms = tap_group * ic;
    b.partial_oc = oc;
    const int64_t channels
            = brdnn_product(tap_group * ic, brdnn_min(p->stride * brdnn_terms_of(kernels), p->kw));
    const int64_t room = chunk_bytes(p) / (brdnn_word_bytes * kernels.splits);
    /* Partial sums are made of chunks, so there should be some, unless groups are work enough. On AMX a
     * chunk of bf16 takes so little time that adding up many partials would be much of it; of split f32 it
     * takes longer, and more partial sums are more exact. */
    const int64_t enough_chunks = 32, least = 16;
    const bool is_fast = brdnn_uses_amx(kernels) && kernels.splits == 1;
    const int64_t not_short = is_fast ? 2048 : 512;
    const int64_t share = brdnn_product(brdnn_product(p->mb, b.ow), p->groups) / enough_chunks;
    const int64_t positions = brdnn_max(
            brdnn_min(room / (channels + b.dst_pitch), brdnn_max(share, not_short)), least);
    pack_for(p, brdnn_even_block(b.ow, positions), &b);
    b.images = brdnn_min(brdnn_max(positions / b.ow, 1), p->mb);
    return b;
}

/* Cost of packing an element, in FMA instructions, as measured on Zen 4: in ncw it is transposed, and
 * gathered before that where positions are not neighbours. */
static double per_packed_element(const brdnn_conv_problem *p, int64_t step) {
    if (p->layout == BRDNN_NWC) return 0.15;
    return step == 1 ? 0.4 : 1.5;
}

/* Expected cost, in FMA instructions, of the whole problem. */
static double total_cost(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    const double per_load = 2.0;
    const double chunks = (double)brdnn_chunks(p, b), images = (double)b->images;
    const brdnn_cut *m = b->filters_along_lanes ? &b->oc : &b->terms;
    const brdnn_cut *n = b->filters_along_lanes ? &b->terms : &b->oc;
    const double sums = (double)brdnn_vectors_of(b->kernels, m->block) * (double)n->block
            * (double)m->blocks * (double)n->blocks;
    const double packed = images
            * ((double)b->src_packing.rows * (double)b->src_packing.pitch
                            * per_packed_element(p, b->window.stride)
                    + (double)b->positions * (double)b->dst_pitch * per_packed_element(p, 1));
    /* Of each image the last chunk has single positions, unless it is a whole one. */
    const int64_t width = brdnn_chunks_per_image(b) > 1
            ? brdnn_round_up(b->positions, b->interval * b->k)
            : b->positions;
    const int64_t last = (b->ow - 1) % width + 1;
    const double entries = images * (double)brdnn_in_rounds(b, width) / (double)b->k;
    const double singles = (double)p->mb * (double)(last - brdnn_in_rounds(b, last));
    const double tap_groups = b->taps_side_by_side ? 1.0 : (double)b->tap_groups;
    return tap_groups * chunks
            * (brdnn_area_cost(b->kernels, *m, *n, b->k, entries) + per_load * sums)
            + tap_groups * brdnn_area_cost(b->kernels, *m, *n, 1, singles) + chunks * packed;
}

/* Chooses interval and k for the tile of a sketch, among all k or only powers of two. Returns the
 * cost. */
static double choose_entries(const brdnn_conv_problem *p, bool try_all, brdnn_weights_blocking *b) {
    const int64_t enough = 32; /* to make what surrounds an entry cheap */
    b->interval = brdnn_min(shortest_interval(p, b), b->positions);
    const int64_t most = brdnn_min(enough, brdnn_ceil_div(b->positions, b->interval));
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
static void choose_tile(const brdnn_conv_problem *p, brdnn_weights_blocking sketched,
        brdnn_weights_blocking *best, double *best_cost) {
    const int64_t lanes = brdnn_lanes(sketched.kernels), oc = brdnn_group_oc(p);
    const int64_t terms
            = brdnn_group_ic(p) * (sketched.taps_side_by_side ? p->kw : sketched.tap_group);
    const int orientations = !brdnn_is_vnni(sketched.kernels) ? 2 : 1;
    for (int filters_along_lanes = 0; filters_along_lanes < orientations; ++filters_along_lanes) {
        const int64_t m_extent = filters_along_lanes ? oc : terms;
        const int64_t n_extent = filters_along_lanes ? terms : oc;
        for (int64_t vectors = 1; vectors <= brdnn_most_vectors; ++vectors) {
            const int64_t m = brdnn_min(vectors * lanes, m_extent);
            const int64_t most_n = brdnn_min(brdnn_largest_n(sketched.kernels, vectors), n_extent);
            for (int64_t n = most_n; n > 0; --n) {
                /* Of all n that need the same number of blocks the smallest wastes least. */
                n = brdnn_ceil_div(n_extent, brdnn_ceil_div(n_extent, n));
                brdnn_weights_blocking b = sketched;
                b.filters_along_lanes = filters_along_lanes;
                b.oc = brdnn_cut_into(oc, filters_along_lanes ? m : n);
                b.terms = brdnn_cut_into(terms, filters_along_lanes ? n : m);
                b.lane_use = (double)m_extent
                        / (double)(brdnn_vectors_of(sketched.kernels, m_extent) * lanes);
                const double cost = choose_entries(p, false, &b);
                if (best->k && cost >= *best_cost) continue;
                *best = b;
                *best_cost = cost;
            }
        }
    }
}

/* Makes a chunk whole rounds, where an image has several or tiles must be whole, and packs src for
 * it. */
static void settle_chunk(const brdnn_conv_problem *p, brdnn_weights_blocking *b) {
    if (b->positions == b->ow && !uses_amx(b)) return;
    pack_for(p, brdnn_round_up(b->positions, b->interval * b->k), b);
    /* Rarely a few more positions change how src is packed best; entries of one position suit any. */
    if (b->interval % shortest_interval(p, b)) b->k = 1;
}

/* Sizes of scratch. */
static void settle_places(const brdnn_conv_problem *p, brdnn_weights_blocking *b) {
    const int64_t line = 64 / brdnn_word_bytes;
    const int64_t src_rows = brdnn_product(b->images, b->src_packing.rows);
    const int64_t positions = brdnn_product(b->images, b->positions);
    if (uses_amx(b)) {
        b->most_blocks = brdnn_min(b->most_blocks, brdnn_longest_row(b));
        b->tap_group_terms = b->terms.blocks * b->terms.block;
        b->partial_oc = b->oc.blocks * b->oc.block;
    }
    b->partial_terms = b->taps_side_by_side ? brdnn_group_ic(p) * p->kw
                                            : brdnn_product(b->tap_groups, b->tap_group_terms);
    const bool is_f32 = !brdnn_is_vnni(b->kernels);
    if (!is_f32) b->dst_pitch = brdnn_padded_row(positions);
    const int64_t dst_rows = is_f32 ? positions : b->partial_oc;
    b->src_packing.plane = brdnn_round_up(brdnn_product(src_rows, b->src_packing.pitch), line);
    b->dst_plane = brdnn_round_up(brdnn_product(dst_rows, b->dst_pitch), line);
}

/* Enough partial sums for many threads, each of enough positions to make adding them up cheap, which
 * takes more of them beyond the caches. */
static int64_t choose_partials(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    const int64_t enough_pieces = 128, enough_positions = 256;
    const int64_t least_pieces = 48, many_positions = 1024;
    const int64_t elements = brdnn_partial_elements(p, b) + brdnn_max(p->ic, p->oc);
    const int64_t pieces = brdnn_product(p->groups, b->oc.blocks);
    const int64_t bytes = brdnn_product(elements, sizeof(float));
    const int64_t positions = brdnn_product(p->mb, p->ow);
    const int64_t uncached
            = brdnn_min(brdnn_min(brdnn_ceil_div(least_pieces, pieces), positions / many_positions),
                    most_partial_bytes / bytes);
    int64_t partials = brdnn_ceil_div(enough_pieces, pieces);
    partials = brdnn_min(partials, brdnn_max(cached_partial_bytes / bytes, uncached));
    partials = brdnn_min(partials, positions / enough_positions);
    partials = brdnn_min(partials, brdnn_chunks(p, b));
    return brdnn_max(partials, 1);
}

/* On AMX: terms of a tap group, and filters, in 16s at most, all alike, and as many blocks of terms as there
 * are registers for. */
static brdnn_weights_blocking block_for_amx(const brdnn_conv_problem *p, brdnn_kernels kernels) {
    const int64_t ic = brdnn_group_ic(p), edge = brdnn_amx_edge;
    const int64_t taps = brdnn_max(edge / ic, 1);
    brdnn_weights_blocking b = sketch(p, kernels, false, brdnn_even_block(p->kw, taps));
    b.oc = brdnn_cut_into(brdnn_group_oc(p), brdnn_even_block(brdnn_group_oc(p), edge));
    b.terms = brdnn_cut_into(b.tap_group_terms, brdnn_even_block(b.tap_group_terms, edge));
    b.most_blocks = brdnn_amx_most_blocks(kernels.splits);
    b.interval = 1;
    b.k = brdnn_amx_depth;
    b.lane_use = (double)b.tap_group_terms / (double)(b.terms.blocks * edge);
    return b;
}

/* Taps that tap groups may have: more fill vectors, but cost packing. */
static brdnn_weights_blocking block_for_vectors(
        const brdnn_conv_problem *p, brdnn_kernels kernels) {
    brdnn_weights_blocking best = {0};
    double best_cost = 0;
    const bool is_f32 = !brdnn_is_vnni(kernels);
    const int64_t widest = brdnn_most_vectors * brdnn_lanes(kernels);
    for (int64_t tap_group = 1; tap_group == 1
            || (!is_f32 && tap_group <= p->kw && tap_group * brdnn_group_ic(p) <= widest);
            ++tap_group)
        choose_tile(p, sketch(p, kernels, false, tap_group), &best, &best_cost);
    if (is_f32 && p->kw > 1) choose_tile(p, sketch(p, kernels, true, 1), &best, &best_cost);
    choose_entries(p, true, &best);
    return best;
}

brdnn_weights_blocking brdnn_block_weights(const brdnn_conv_problem *p) {
    const brdnn_kernels kernels = brdnn_kernels_of(p);
    brdnn_weights_blocking b
            = brdnn_uses_amx(kernels) ? block_for_amx(p, kernels) : block_for_vectors(p, kernels);
    settle_chunk(p, &b);
    settle_places(p, &b);
    b.partials = choose_partials(p, &b);
    return b;
}

brdnn_weights_blocking brdnn_block_weights_within(
        const brdnn_conv_problem *p, const brdnn_weights_blocking *of) {
    const brdnn_kernels kernels = brdnn_f32_kernels_of(p);
    const int64_t most_k = 32, ic = brdnn_group_ic(p);
    const int64_t m = brdnn_min(ic, brdnn_most_vectors * brdnn_lanes(kernels));
    const int64_t most_n = brdnn_largest_n(kernels, brdnn_vectors_of(kernels, m));
    brdnn_weights_blocking b = sketch(p, kernels, false, 1);
    b.terms = brdnn_cut_into(ic, m);
    b.oc = brdnn_cut_into(brdnn_group_oc(p), brdnn_largest_divisor(of->oc.block, most_n));
    pack_for(p, of->positions * brdnn_terms_of(of->kernels), &b);
    b.images = of->images;
    b.interval = 1;
    b.k = brdnn_largest_divisor(b.positions, most_k);
    b.partials = of->partials;
    settle_places(p, &b);
    b.tap_group_terms = of->tap_group_terms / of->tap_group;
    b.partial_terms = of->partial_terms;
    b.partial_oc = of->partial_oc;
    return b;
}
