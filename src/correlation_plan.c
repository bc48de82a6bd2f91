/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "correlation_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void describe_blocks(const brconv1d_correlation_schedule *s, char *text, size_t size) {
    const brconv1d_correlation *c = &s->correlation;
    const brconv1d_correlation_blocking *b = &s->blocking;
    const char *packing = !s->packs_src ? "none" : s->reads_in_place ? "edges" : "all";
    snprintf(text, size,
            "%s %s, tile %" PRId64 " positions x %" PRId64 " filters x %" PRId64
            " branches, %" PRId64 " channels x %" PRId64 " taps, chunks of %" PRId64
            " positions, input packed: %s",
            c->isa == BRCONV1D_ISA_AVX512_CORE ? "avx512_core" : "avx2",
            c->layout == BRCONV1D_NCW ? "ncw" : "nwc", b->outputs.block, b->oc.block, c->branches,
            b->ic.block, c->kw, b->chunk_tiles * b->outputs.block, packing);
}

void brconv1d_describe_correlation(const brconv1d_correlation_schedule *s, brconv1d_info *info) {
    const brconv1d_correlation *c = &s->correlation;
    info->packed_wei = s->wei;
    info->phases = c->wei.packed ? 1 : 2;
    info->work_items = c->mb * c->groups * s->blocking.oc.blocks * s->blocking.outputs.blocks;
    info->shared_scratch_bytes = s->packed_wei_bytes;
    info->scratch_bytes_per_thread = brconv1d_correlation_scratch_per_thread(s);
    info->lane_use = s->blocking.lane_use;
    describe_blocks(s, info->text, sizeof(info->text));
}

/* Elements from what a tile's first output reads of channel 0 to channel `channel` of tap `tap`. */
static int64_t src_offset(
        const brconv1d_correlation_schedule *s, bool in_place, int64_t channel, int64_t tap) {
    const brconv1d_correlation *c = &s->correlation;
    const brconv1d_tensor packed = {0, s->src_packing.pitch};
    return in_place ? brconv1d_element(c->layout, &c->src, 0, channel, brconv1d_tap_offset(c, tap))
                    : brconv1d_element(c->layout, &packed, 0, channel,
                            brconv1d_packed_tap(c, &s->src_packing, tap));
}

static int64_t wei_offset(const brconv1d_correlation_schedule *s, int64_t channel, int64_t tap) {
    return (tap * s->correlation.ic + channel) * s->blocking.oc.block;
}

static uint64_t *allocate_offsets(const brconv1d_correlation_schedule *s) {
    return malloc((size_t)brconv1d_batch_entries(s) * sizeof(uint64_t));
}

/* The offset of each batch entry: of src in place or packed, or of the weights. */
typedef enum { IN_PLACE, PACKED, WEIGHTS } operand;

static void fill_offsets(const brconv1d_correlation_plan *plan, operand which, uint64_t *offsets) {
    const brconv1d_correlation_schedule *s = &plan->schedule;
    const brconv1d_cut *ic = &s->blocking.ic;
    for (int64_t b = 0; b < s->correlation.branches; ++b) {
        const brconv1d_branch *branch = &plan->branches[b];
        uint64_t *entry = offsets + branch->taps_before * ic->blocks;
        for (int64_t i = 0; i < ic->blocks * branch->taps; ++i) {
            const int64_t channel = i / branch->taps * ic->block;
            const int64_t tap = branch->first_tap + i % branch->taps * s->correlation.tap_step;
            const int64_t elements = which == WEIGHTS
                    ? wei_offset(s, channel, tap)
                    : src_offset(s, which == IN_PLACE, channel, tap);
            entry[i] = (uint64_t)elements * sizeof(float);
        }
    }
}

static bool fill_kernel_set(brconv1d_correlation_plan *plan, bool in_place) {
    const brconv1d_correlation_schedule *s = &plan->schedule;
    brconv1d_kernel_set *set = in_place ? &plan->in_place : &plan->packed;
    set->src_offsets = allocate_offsets(s);
    if (!set->src_offsets) return false;
    fill_offsets(plan, in_place ? IN_PLACE : PACKED, set->src_offsets);
    const brconv1d_cut *outputs = &s->blocking.outputs, *oc = &s->blocking.oc;
    for (int w = 0; w <= (outputs->tail != outputs->block); ++w)
        for (int k = 0; k <= (oc->tail != oc->block); ++k) {
            const brconv1d_brgemm_shape shape = brconv1d_kernel_shape(s, in_place, w, k);
            set->kernels[w][k] = brconv1d_brgemm_generate(plan->code, &shape);
            if (!set->kernels[w][k]) return false;
        }
    return true;
}

static bool fill_tables(brconv1d_correlation_plan *plan) {
    const brconv1d_correlation_schedule *s = &plan->schedule;
    plan->branches = malloc((size_t)s->correlation.branches * sizeof(*plan->branches));
    plan->wei_offsets = allocate_offsets(s);
    if (!plan->branches || !plan->wei_offsets) return false;
    brconv1d_list_branches(&s->correlation, plan->branches);
    fill_offsets(plan, WEIGHTS, plan->wei_offsets);
    return true;
}

bool brconv1d_plan_correlation(
        brconv1d_correlation_plan *plan, const brconv1d_correlation_schedule *s) {
    plan->schedule = *s;
    const int most_kernels = 4 * (s->reads_in_place + s->packs_src);
    plan->code = brconv1d_brgemm_code_create(most_kernels);
    return plan->code && fill_tables(plan) && (!s->reads_in_place || fill_kernel_set(plan, true))
            && (!s->packs_src || fill_kernel_set(plan, false))
            && brconv1d_brgemm_code_seal(plan->code);
}

void brconv1d_correlation_plan_clear(brconv1d_correlation_plan *plan) {
    brconv1d_brgemm_code_destroy(plan->code);
    free(plan->branches);
    free(plan->in_place.src_offsets);
    free(plan->packed.src_offsets);
    free(plan->wei_offsets);
}
