/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/data_plan.h"

#include "pack/elements.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void describe_blocks(const brdnn_correlation_schedule *s, char *text, size_t size) {
    const brdnn_correlation *c = &s->correlation;
    const brdnn_correlation_blocking *b = &s->blocking;
    const char *packing = !s->packs_src ? "none" : s->reads_in_place ? "edges" : "all";
    snprintf(text, size,
            "%s %s, tile %" PRId64 " positions x %" PRId64 " filters x %" PRId64
            " branches, %" PRId64 " words x %" PRId64 " taps by %" PRId64 ", chunks of %" PRId64
            " positions, input packed: %s",
            brdnn_kernels_name(c->kernels), c->layout == BRDNN_NCW ? "ncw" : "nwc",
            b->outputs.block, b->oc.block, c->branches, b->depth.block, c->kw, c->tap_group,
            b->chunk_tiles * b->outputs.block, packing);
}

static brdnn_conv_packed_wei packed_wei(const brdnn_correlation_schedule *s) {
    const brdnn_correlation *c = &s->correlation;
    if (!brdnn_has_packed_wei(c)) return (brdnn_conv_packed_wei) {0};
    const brdnn_wei_blocks of = brdnn_packed_wei_blocks(c);
    const int64_t pair = brdnn_terms_of(c->kernels), filled = c->depth * pair;
    const bool together = brdnn_has_contiguous_words(c);
    const bool is_filled_up = filled >= c->ic + pair; /* beyond the last pair */
    const int64_t blocks = brdnn_ceil_div(c->oc, of.block);
    const int64_t elements
            = brdnn_product(brdnn_product(c->groups * blocks, c->kw), of.block * filled);
    return (brdnn_conv_packed_wei) {.block = of.block,
            .blocks = blocks,
            .pair = pair,
            .depth = together      ? of.entry * pair
                    : is_filled_up ? s->blocking.depth.block * pair
                                   : pair,
            .is_depth_innermost = together,
            .bytes = (size_t)brdnn_product(elements, (int64_t)brdnn_type_bytes(c->wei.type))};
}

int brdnn_data_phases(const brdnn_data_schedule *s) {
    const int of_fast = s->fast.correlation.wei.packed ? 1 : 2;
    return of_fast + (s->has_rescue ? 2 : 0);
}

void brdnn_describe_data(const brdnn_data_schedule *of, brdnn_conv_info *info) {
    const brdnn_correlation_schedule *s = &of->fast;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_data_scratch scratch = brdnn_data_scratch_of(of);
    info->packed_wei = packed_wei(s);
    info->phases = brdnn_data_phases(of);
    info->work_items = c->mb * c->groups * s->blocking.oc.blocks * s->blocking.outputs.blocks;
    info->shared_scratch_bytes = scratch.shared;
    info->scratch_bytes_per_thread = scratch.per_thread;
    info->lane_use = s->blocking.lane_use;
    info->splits = !brdnn_is_vnni(c->kernels) ? 0 : (int)c->kernels.splits;
    describe_blocks(s, info->text, sizeof(info->text));
}

/* Words from what a tile's first output reads first to word `word` of a tap group that starts with tap
 * `tap`. In place, channels are counted in words, as src holds them. */
static int64_t src_offset(
        const brdnn_correlation_schedule *s, bool in_place, int64_t word, int64_t tap) {
    const brdnn_correlation *c = &s->correlation;
    const brdnn_conv_tensor words = {
            .pitch = in_place ? c->src.pitch / brdnn_terms_of(c->kernels) : s->src_packing.pitch};
    const int64_t position = in_place
            ? brdnn_tap_offset(c, tap)
            : brdnn_packed_position(&c->window, &s->src_packing, brdnn_entry_of_tap(c, tap));
    return brdnn_element(c->layout, &words, 0, word, position);
}

static uint64_t *allocate_offsets(const brdnn_correlation_schedule *s) {
    return malloc((size_t)brdnn_batch_entries(s) * sizeof(uint64_t));
}

/* The offset of each batch entry: of src in place or packed, or of the weights. */
typedef enum { IN_PLACE, PACKED, WEIGHTS } operand;

static void fill_offsets(const brdnn_correlation_plan *plan, operand which, uint64_t *offsets) {
    const brdnn_correlation_schedule *s = &plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_cut *depth = &s->blocking.depth;
    for (int64_t b = 0; b < c->branches; ++b) {
        const brdnn_branch *branch = &plan->branches[b];
        uint64_t *entry = offsets + branch->tap_groups_before * depth->blocks;
        for (int64_t i = 0; i < depth->blocks * branch->tap_groups; ++i) {
            const int64_t word = i / branch->tap_groups * depth->block;
            const int64_t tap_group = i % branch->tap_groups;
            const int64_t tap = branch->first_tap + tap_group * c->tap_group * c->tap_step;
            const int64_t words = which == WEIGHTS
                    ? brdnn_wei_word(&s->wei_packing, brdnn_place_of(c, branch, tap_group), word, 0)
                    : src_offset(s, which == IN_PLACE, word, tap);
            entry[i] = (uint64_t)words * brdnn_word_bytes;
        }
    }
}

static bool fill_kernel_set(brdnn_correlation_plan *plan, bool in_place) {
    const brdnn_correlation_schedule *s = &plan->schedule;
    brdnn_kernel_set *set = in_place ? &plan->in_place : &plan->packed;
    set->src_offsets = allocate_offsets(s);
    if (!set->src_offsets) return false;
    fill_offsets(plan, in_place ? IN_PLACE : PACKED, set->src_offsets);
    const brdnn_cut *outputs = &s->blocking.outputs, *oc = &s->blocking.oc;
    for (int w = 0; w <= (outputs->tail != outputs->block); ++w)
        for (int k = 0; k <= (oc->tail != oc->block); ++k) {
            const brdnn_brgemm_shape shape = brdnn_kernel_shape(s, in_place, w, k);
            if (!brdnn_brgemm_generate(&set->kernels[w][k], plan->code, &shape)) return false;
        }
    return true;
}

static bool fill_tables(brdnn_correlation_plan *plan) {
    const brdnn_correlation_schedule *s = &plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const int64_t taps = brdnn_most_tap_groups(c) * c->tap_group;
    plan->branches = malloc((size_t)c->branches * sizeof(*plan->branches));
    plan->taps = malloc((size_t)taps * sizeof(*plan->taps));
    plan->wei_offsets = allocate_offsets(s);
    if (!plan->branches || !plan->taps || !plan->wei_offsets) return false;
    brdnn_list_branches(c, plan->branches);
    brdnn_list_taps(c, plan->branches, plan->taps);
    plan->wei_block_words = brdnn_wei_block_words(&s->wei_packing);
    plan->tiles_of_wei_block = s->wei_packing.block / s->blocking.oc.block;
    plan->wei_tile_words = brdnn_wei_word(&s->wei_packing, 0, 0, s->blocking.oc.block);
    fill_offsets(plan, WEIGHTS, plan->wei_offsets);
    return true;
}

static bool fill_plan(brdnn_correlation_plan *plan, const brdnn_correlation_schedule *s) {
    plan->schedule = *s;
    const bool own = brdnn_uses_amx(s->correlation.kernels);
    const int most_kernels = own ? 0 : 4 * (s->reads_in_place + s->packs_src);
    plan->code = brdnn_brgemm_code_create(most_kernels);
    return plan->code && fill_tables(plan) && (!s->reads_in_place || fill_kernel_set(plan, true))
            && (!s->packs_src || fill_kernel_set(plan, false))
            && brdnn_brgemm_code_seal(plan->code);
}

bool brdnn_plan_data(brdnn_data_plan *plan, const brdnn_data_schedule *schedule) {
    plan->schedule = *schedule;
    plan->scratch = brdnn_data_scratch_of(schedule);
    return fill_plan(&plan->fast, &schedule->fast)
            && (!schedule->has_rescue || fill_plan(&plan->rescue, &schedule->rescue));
}

static void clear_plan(brdnn_correlation_plan *plan) {
    brdnn_brgemm_code_destroy(plan->code);
    free(plan->branches);
    free(plan->taps);
    free(plan->in_place.src_offsets);
    free(plan->packed.src_offsets);
    free(plan->wei_offsets);
}

void brdnn_data_plan_clear(brdnn_data_plan *plan) {
    clear_plan(&plan->fast);
    clear_plan(&plan->rescue);
}
