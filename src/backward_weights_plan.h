/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file backward_weights_plan.h
 * Backward weights: what follows from the problem, and with it kernels and tables. */

#ifndef BRCONV1D_BACKWARD_WEIGHTS_PLAN_H
#define BRCONV1D_BACKWARD_WEIGHTS_PLAN_H

#include "backward_weights_blocking.h"
#include "brgemm.h"

typedef struct {
    brconv1d_problem problem; /**< complete, see problem.h */
    brconv1d_weights_blocking blocking;
    int64_t bias_channels; /**< of the bias gradient: oc, ic or 0 */
    /** Scratch for all threads: the parts' sums of weights and of bias; then for each. */
    size_t partial_bytes, partial_bias_bytes, packed_src_bytes, packed_dst_bytes;
} brconv1d_weights_schedule;

/** Schedules backward weights of a complete problem.
 * @param[out] why the reason, unless the result is SUCCESS
 * @return SUCCESS or UNSUPPORTED as brconv1d_query() documents them */
brconv1d_status brconv1d_schedule_weights(
        const brconv1d_problem *p, brconv1d_weights_schedule *s, const char **why);

/** Kernels for bf16 and, where these can't carry all values (guard.h), f32 kernels that take over a block
 * of filters of a chunk where they would lose some. They add to the same partial sums. */
typedef struct {
    brconv1d_weights_schedule main;
    bool is_guarded;
    brconv1d_weights_schedule fallback; /**< only where guarded */
} brconv1d_guarded_weights_schedule;

/** The same with what guards it. */
brconv1d_status brconv1d_schedule_guarded_weights(
        const brconv1d_problem *p, brconv1d_guarded_weights_schedule *s, const char **why);

/** Scratch for each thread. */
size_t brconv1d_guarded_weights_scratch(const brconv1d_guarded_weights_schedule *s);

/** Says what was planned; info is zeroed before. */
void brconv1d_describe_weights(const brconv1d_guarded_weights_schedule *s, brconv1d_info *info);

/** Bytes from the start of a packed chunk to the first row that each batch entry reads. */
typedef struct {
    uint64_t *src_offsets, *dst_offsets;
    int64_t per_image; /**< entries of one image */
} brconv1d_entry_table;

typedef struct {
    brconv1d_weights_schedule schedule;
    /** Batch entries of a whole chunk, of the last one of an image, and the single positions that
     * remain of that. Where a chunk has several images, they are those of all. */
    brconv1d_entry_table whole, last, single;
    /** kernels[is_first][single][kind][oc_tail], see brconv1d_weights_kernel; those in use. */
    brconv1d_brgemm kernels[2][2][brconv1d_term_tile_kinds][2];
    brconv1d_brgemm_code *code;
} brconv1d_weights_plan;

typedef struct {
    brconv1d_guarded_weights_schedule schedule;
    brconv1d_weights_plan main, fallback; /**< fallback: empty unless guarded */
} brconv1d_guarded_weights_plan;

/** Fills a zeroed plan, even when it fails with something to destroy. False where memory is short. */
bool brconv1d_plan_guarded_weights(
        brconv1d_guarded_weights_plan *plan, const brconv1d_guarded_weights_schedule *schedule);

/** Frees what a plan holds, not the plan. */
void brconv1d_guarded_weights_plan_clear(brconv1d_guarded_weights_plan *plan);

/** One thread's share of one phase, as brconv1d_run() documents it. */
brconv1d_status brconv1d_backward_weights(const brconv1d_guarded_weights_plan *plan, int phase,
        const brconv1d_args *args, int ithr, int nthr);

#endif
