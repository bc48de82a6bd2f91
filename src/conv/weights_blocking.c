/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/weights_blocking.h"

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

/* From one tap group to the next of the same tile: neighbours in a segment of packed src, or all where
 * each has one of its own. Only then do they lie evenly spaced. */
static int64_t tap_group_step(const brdnn_weights_blocking *b) {
    return b->src_packing.segments < b->tap_groups ? b->src_packing.segments : 1;
}

/* Tap groups from `first` on in steps. */
static int64_t tap_groups_from(const brdnn_weights_blocking *b, int64_t first) {
    return brdnn_ceil_div(b->tap_groups - first, tap_group_step(b));
}

/* Tiles whose blocks are tap groups first, first + step, ..., the same terms of each. */
static int64_t tiles_from(const brdnn_weights_blocking *b, int64_t first) {
    return brdnn_ceil_div(tap_groups_from(b, first), b->most_blocks);
}

int64_t brdnn_term_tiles(const brdnn_weights_blocking *b) {
    if (b->taps_side_by_side) return b->terms.blocks;
    if (b->most_blocks == 1) return b->tap_groups * b->terms.blocks;
    if (b->tap_groups == 1) return brdnn_ceil_div(b->terms.blocks, b->most_blocks);
    const int64_t step = tap_group_step(b), longer = (b->tap_groups - 1) % step + 1;
    const int64_t tiles = longer * tiles_from(b, 0)
            + (step - longer) * tiles_from(b, brdnn_min(longer, b->tap_groups - 1));
    return tiles * b->terms.blocks;
}

/* Of a row of `all` blocks the tile that starts with block `first`. */
static int tile_kind(const brdnn_weights_blocking *b, int64_t first, int64_t all) {
    return (int)brdnn_min(b->most_blocks, all - first) - 1;
}

static brdnn_term_tile amx_tile_at(const brdnn_weights_blocking *b, int64_t index) {
    if (b->tap_groups == 1) {
        const int64_t block = index * b->most_blocks;
        return (brdnn_term_tile) {0, block * b->terms.block, tile_kind(b, block, b->terms.blocks)};
    }
    const int64_t term = index % b->terms.blocks * b->terms.block;
    /* Of the rows of tap groups, each `step` apart, the first `longer` ones have one more than the others. */
    const int64_t longer = (b->tap_groups - 1) % tap_group_step(b) + 1;
    const int64_t in_longer = longer * tiles_from(b, 0), tile = index / b->terms.blocks;
    const bool is_longer = tile < in_longer;
    const int64_t per_row = is_longer ? tiles_from(b, 0) : tiles_from(b, longer);
    const int64_t in_rows = is_longer ? tile : tile - in_longer;
    const int64_t first = in_rows / per_row + (is_longer ? 0 : longer);
    const int64_t block = in_rows % per_row * b->most_blocks;
    return (brdnn_term_tile) {first + block * tap_group_step(b), term,
            tile_kind(b, block, tap_groups_from(b, first))};
}

brdnn_term_tile brdnn_term_tile_at(const brdnn_weights_blocking *b, int64_t index) {
    if (uses_amx(b)) return amx_tile_at(b, index);
    const int64_t block = index % b->terms.blocks;
    const bool is_tail = block + 1 == b->terms.blocks && b->terms.tail != b->terms.block;
    return (brdnn_term_tile) {index / b->terms.blocks, block * b->terms.block, is_tail};
}

/* Words from the first that a tap group reads in packed src to the first that tap group reads. */
static int64_t tap_group_word(const brdnn_weights_blocking *b, int64_t tap_group) {
    if (b->taps_side_by_side) return 0;
    return brdnn_packed_position(&b->window, &b->src_packing, tap_group) * b->src_packing.pitch;
}

int64_t brdnn_term_tile_word(const brdnn_weights_blocking *b, const brdnn_term_tile *tile) {
    return tap_group_word(b, tile->tap_group) + tile->term;
}

int64_t brdnn_term_tile_sum(const brdnn_weights_blocking *b, const brdnn_term_tile *tile) {
    return tile->tap_group * b->tap_group_terms + tile->term;
}

int64_t brdnn_chunks_per_image(const brdnn_weights_blocking *b) {
    return brdnn_ceil_div(b->ow, b->positions);
}

int64_t brdnn_chunks(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    return brdnn_ceil_div(p->mb, b->images) * brdnn_chunks_per_image(b);
}

int64_t brdnn_last_positions(const brdnn_weights_blocking *b) {
    return b->ow - (brdnn_chunks_per_image(b) - 1) * b->positions;
}

int64_t brdnn_in_rounds(const brdnn_weights_blocking *b, int64_t positions) {
    const int64_t round = b->interval * b->k;
    return uses_amx(b) ? brdnn_round_up(positions, round) : positions / round * round;
}

int64_t brdnn_partial_elements(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    return brdnn_product(brdnn_product(p->groups, b->partial_oc), b->partial_terms);
}

/* Packed rows of src from what a position reads to what the one `interval` further reads. */
static int64_t rows_per_interval(const brdnn_weights_blocking *b) {
    if (!b->taps_side_by_side) return b->interval;
    if (b->interval >= b->positions) return 0; /* there is none */
    return brdnn_packed_position(&b->window, &b->src_packing, b->interval)
            - brdnn_packed_position(&b->window, &b->src_packing, 0);
}

/* On AMX: the blocks of a tile are tap groups, or neighbouring terms of the only one. */
static void describe_tile_blocks(
        const brdnn_weights_blocking *b, int kind, brdnn_brgemm_shape *shape) {
    const bool are_tap_groups = b->tap_groups > 1;
    const int64_t step = tap_group_step(b);
    shape->m = (kind + 1) * b->terms.block;
    shape->m_block = b->terms.block;
    shape->a_block
            = are_tap_groups ? tap_group_word(b, step) - tap_group_word(b, 0) : b->terms.block;
    shape->c_block = are_tap_groups ? step * b->tap_group_terms : b->terms.block;
}

brdnn_brgemm_shape brdnn_weights_kernel_shape(
        const brdnn_weights_blocking *b, brdnn_weights_kernel kernel) {
    const bool is_f32 = !brdnn_is_vnni(b->kernels);
    const int64_t terms = kernel.kind == 1 ? b->terms.tail : b->terms.block;
    const int64_t filters = kernel.oc_tail ? b->oc.tail : b->oc.block;
    const int64_t src_ld = brdnn_max(rows_per_interval(b) * b->src_packing.pitch, terms);
    const int64_t dst_ld = is_f32 ? b->interval * b->dst_pitch : b->dst_pitch;
    brdnn_brgemm_shape shape = {.kernels = b->kernels,
            .k = kernel.single ? 1 : b->k,
            .a_plane = b->src_packing.plane,
            .b_plane = b->dst_plane,
            .n_contiguous = is_f32,
            .accumulate = !kernel.is_first};
    shape.m = b->filters_along_lanes ? filters : terms;
    shape.n = b->filters_along_lanes ? terms : filters;
    shape.lda = b->filters_along_lanes ? dst_ld : src_ld;
    shape.ldb = b->filters_along_lanes ? src_ld : dst_ld;
    shape.ldc = b->filters_along_lanes ? filters : b->partial_terms;
    if (uses_amx(b)) describe_tile_blocks(b, kernel.kind, &shape);
    return shape;
}

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
        b->most_blocks = brdnn_min(
                b->most_blocks, b->tap_groups > 1 ? tap_groups_from(b, 0) : b->terms.blocks);
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
