/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/weights_tiles.h"

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

int64_t brdnn_longest_row(const brdnn_weights_blocking *b) {
    return b->tap_groups > 1 ? tap_groups_from(b, 0) : b->terms.blocks;
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
