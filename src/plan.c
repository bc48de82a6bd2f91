/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "plan.h"

#include "problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void describe(const brconv1d_schedule *s, char *text, size_t size) {
    const brconv1d_blocking *b = &s->blocking;
    const char *packing = !s->packs_src ? "none" : s->reads_in_place ? "edges" : "all";
    snprintf(text, size,
            "%s %s, tile %" PRId64 " positions x %" PRId64 " filters, %" PRId64
            " channels x %" PRId64 " taps a batch of %" PRId64 ", chunks of %" PRId64
            " positions, src packed: %s",
            s->problem.isa == BRCONV1D_ISA_AVX512_CORE ? "avx512_core" : "avx2",
            s->problem.layout == BRCONV1D_NCW ? "ncw" : "nwc", b->ow.block, b->oc.block,
            b->ic.block, s->problem.kw, brconv1d_batch_entries(s), b->chunk_tiles * b->ow.block,
            packing);
}

brconv1d_status brconv1d_query(const brconv1d_problem *problem, brconv1d_info *info) {
    if (!info) return BRCONV1D_INVALID;
    *info = (brconv1d_info) {0};
    brconv1d_schedule s;
    const char *why;
    const brconv1d_status status = brconv1d_schedule_problem(problem, &s, &why);
    if (status != BRCONV1D_SUCCESS) {
        snprintf(info->text, sizeof(info->text), "%s", why);
        return status;
    }
    info->packed_wei = s.wei;
    info->phases = s.problem.wei.packed ? 1 : 2;
    info->work_items
            = s.problem.mb * s.problem.groups * s.blocking.oc.blocks * s.blocking.ow.blocks;
    info->shared_scratch_bytes = s.packed_wei_bytes;
    info->scratch_bytes_per_thread = s.packed_src_bytes + s.sums_bytes + s.offsets_bytes;
    info->lane_use = s.blocking.lane_use;
    describe(&s, info->text, sizeof(info->text));
    return BRCONV1D_SUCCESS;
}

size_t brconv1d_scratch_bytes(const brconv1d_info *info, int nthr) {
    if (!info || nthr < 1) return 0;
    return info->shared_scratch_bytes + (size_t)nthr * info->scratch_bytes_per_thread;
}

/* Elements from channel 0 of tap 0 to channel c of tap s. */
static int64_t src_offset(const brconv1d_schedule *s, bool in_place, int64_t c, int64_t tap) {
    const brconv1d_problem *p = &s->problem;
    const bool ncw = p->layout == BRCONV1D_NCW;
    const int64_t pitch = in_place ? p->src.pitch : s->src_packing.pitch;
    const int64_t position
            = in_place ? tap * p->dilation : brconv1d_packed_tap(&s->src_packing, tap);
    return ncw ? c * pitch + position : position * pitch + c;
}

static int64_t wei_offset(const brconv1d_schedule *s, int64_t c, int64_t tap) {
    return (tap * brconv1d_group_ic(&s->problem) + c) * s->blocking.oc.block;
}

static uint64_t *allocate_offsets(const brconv1d_schedule *s) {
    return malloc((size_t)brconv1d_batch_entries(s) * sizeof(uint64_t));
}

static bool fill_wei_offsets(brconv1d_plan *plan) {
    const brconv1d_schedule *s = &plan->schedule;
    plan->wei_offsets = allocate_offsets(s);
    if (!plan->wei_offsets) return false;
    for (int64_t i = 0; i < brconv1d_batch_entries(s); ++i) {
        const int64_t c = i / s->problem.kw * s->blocking.ic.block, tap = i % s->problem.kw;
        plan->wei_offsets[i] = (uint64_t)wei_offset(s, c, tap) * sizeof(float);
    }
    return true;
}

static bool fill_kernel_set(brconv1d_plan *plan, bool in_place) {
    const brconv1d_schedule *s = &plan->schedule;
    brconv1d_kernel_set *set = in_place ? &plan->in_place : &plan->packed;
    set->src_offsets = allocate_offsets(s);
    if (!set->src_offsets) return false;
    for (int64_t i = 0; i < brconv1d_batch_entries(s); ++i) {
        const int64_t c = i / s->problem.kw * s->blocking.ic.block, tap = i % s->problem.kw;
        set->src_offsets[i] = (uint64_t)src_offset(s, in_place, c, tap) * sizeof(float);
    }
    const bool ow_tail = s->blocking.ow.tail != s->blocking.ow.block;
    const bool oc_tail = s->blocking.oc.tail != s->blocking.oc.block;
    for (int w = 0; w <= ow_tail; ++w)
        for (int k = 0; k <= oc_tail; ++k) {
            const brconv1d_brgemm_shape shape = brconv1d_kernel_shape(s, in_place, w, k);
            set->kernels[w][k] = brconv1d_brgemm_generate(plan->code, &shape);
            if (!set->kernels[w][k]) return false;
        }
    return true;
}

static bool fill_plan(brconv1d_plan *plan) {
    const brconv1d_schedule *s = &plan->schedule;
    const int most_kernels = 4 * (s->reads_in_place + s->packs_src);
    plan->code = brconv1d_brgemm_code_create(most_kernels);
    return plan->code && fill_wei_offsets(plan)
            && (!s->reads_in_place || fill_kernel_set(plan, true))
            && (!s->packs_src || fill_kernel_set(plan, false))
            && brconv1d_brgemm_code_seal(plan->code);
}

brconv1d_status brconv1d_plan_create(brconv1d_plan **plan, const brconv1d_problem *problem) {
    if (!plan) return BRCONV1D_INVALID;
    *plan = NULL;
    brconv1d_schedule schedule;
    const char *why;
    const brconv1d_status status = brconv1d_schedule_problem(problem, &schedule, &why);
    if (status != BRCONV1D_SUCCESS) return status;
    brconv1d_plan *made = calloc(1, sizeof(*made));
    if (!made) return BRCONV1D_OUT_OF_MEMORY;
    made->schedule = schedule;
    if (!fill_plan(made)) {
        brconv1d_plan_destroy(made);
        return BRCONV1D_OUT_OF_MEMORY;
    }
    *plan = made;
    return BRCONV1D_SUCCESS;
}

void brconv1d_plan_destroy(brconv1d_plan *plan) {
    if (!plan) return;
    brconv1d_brgemm_code_destroy(plan->code);
    free(plan->in_place.src_offsets);
    free(plan->packed.src_offsets);
    free(plan->wei_offsets);
    free(plan);
}
