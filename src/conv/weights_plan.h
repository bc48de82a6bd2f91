/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_plan.h
 * Backward weights: what follows from the problem, and with it kernels and tables. */

#ifndef BRDNN_CONV_WEIGHTS_PLAN_H
#define BRDNN_CONV_WEIGHTS_PLAN_H

#include "brgemm/brgemm.h"
#include "conv/weights_tiles.h"

typedef struct {
    brdnn_conv_problem problem; /**< complete, see problem.h */
    brdnn_weights_blocking blocking;
    int64_t bias_channels; /**< of the bias gradient: oc, ic or 0 */
    /** Scratch for all threads: the partials' sums of weights and of bias; then for each. */
    size_t partial_bytes, partial_bias_bytes, packed_src_bytes, packed_dst_bytes;
} brdnn_gradient_schedule;

/** Schedules backward weights of a complete problem.
 * @param[out] why the reason, unless the result is SUCCESS
 * @return SUCCESS or UNSUPPORTED as brdnn_conv_query() documents them */
brdnn_status brdnn_schedule_gradient(
        const brdnn_conv_problem *p, brdnn_gradient_schedule *s, const char **why);

/** Kernels that are fast and, where these are for bf16 and can't carry all values (pack/exponent_range.h), an
 * f32 plan that comes to the rescue: in a further phase it adds to the same partial sums each chunk of a
 * block of filters that the fast run marks and leaves out. */
typedef struct {
    brdnn_gradient_schedule fast;
    bool has_rescue;
    brdnn_gradient_schedule rescue; /**< only where there is one */
} brdnn_weights_schedule;

/** Schedules a complete problem with the kernels that it names. */
brdnn_status brdnn_schedule_weights(
        const brdnn_conv_problem *p, brdnn_weights_schedule *s, const char **why);

/** Where things stand in scratch: bytes from its start. First what threads share, partial sums at 0. */
typedef struct {
    size_t bias, marks;
    size_t shared, per_thread;
} brdnn_weights_scratch;

brdnn_weights_scratch brdnn_weights_scratch_of(const brdnn_weights_schedule *s);

/** Phases of a run: sums, what is rescued, and storing. */
int brdnn_weights_phases(const brdnn_weights_schedule *s);

/** Says what was planned; info is zeroed before. */
void brdnn_describe_weights(const brdnn_weights_schedule *s, brdnn_conv_info *info);

/** Bytes from the start of a packed chunk to the first row that each batch entry reads. */
typedef struct {
    uint64_t *src_offsets, *dst_offsets;
    int64_t per_image; /**< entries of one image */
} brdnn_entry_table;

typedef struct {
    brdnn_gradient_schedule schedule;
    /** Batch entries of a whole chunk, of the last one of an image, and the single positions that
     * remain of that. Where a chunk has several images, they are those of all. */
    brdnn_entry_table whole, last, single;
    /** kernels[is_first][single][kind][oc_tail], see brdnn_weights_kernel; those in use. */
    brdnn_brgemm kernels[2][2][brdnn_term_tile_kinds][2];
    brdnn_brgemm_code *code;
} brdnn_gradient_plan;

typedef struct {
    brdnn_weights_schedule schedule;
    brdnn_weights_scratch scratch;
    brdnn_gradient_plan fast, rescue; /**< rescue: empty unless there is one */
} brdnn_weights_plan;

/** Fills a zeroed plan, even when it fails with something to destroy. False where memory is short. */
bool brdnn_plan_weights(brdnn_weights_plan *plan, const brdnn_weights_schedule *schedule);

/** Frees what a plan holds, not the plan. */
void brdnn_weights_plan_clear(brdnn_weights_plan *plan);

/** One thread's share of one phase, as brdnn_conv_run() documents it. */
brdnn_status brdnn_run_weights(
        const brdnn_weights_plan *plan, int phase, const brdnn_conv_args *args, int ithr, int nthr);

#endif
