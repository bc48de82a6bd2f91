/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file correlation_plan.h
 * The schedule of a correlation with its kernels and tables. */

#ifndef BRCONV1D_CORRELATION_PLAN_H
#define BRCONV1D_CORRELATION_PLAN_H

#include "brgemm.h"
#include "correlation_schedule.h"

/** Kernels for src in place, or for its packed copy. */
typedef struct {
    /** Bytes from what a tile's first output reads of channel 0 with offset 0 (in place) or first_offset
     * (packed) to what it reads in each batch entry. The entries of a branch stand together, of these
     * those of a block of a bundle's items, and of these one for each bundle. */
    uint64_t *src_offsets;
    /** kernels[outputs tail][oc tail], for tiles that are cut short in that dimension. */
    brconv1d_brgemm kernels[2][2];
} brconv1d_kernel_set;

typedef struct {
    brconv1d_correlation_schedule schedule;
    brconv1d_branch *branches;
    brconv1d_kernel_set in_place, packed; /**< empty where the schedule does not use it */
    uint64_t *wei_offsets; /**< bytes from a block's first weight to each batch entry's */
    brconv1d_brgemm_code *code;
} brconv1d_correlation_plan;

typedef struct {
    brconv1d_guarded_schedule schedule;
    brconv1d_correlation_plan main, fallback; /**< fallback: empty unless guarded */
} brconv1d_guarded_plan;

/** Says what was planned; info is zeroed before. */
void brconv1d_describe_correlation(const brconv1d_guarded_schedule *s, brconv1d_info *info);

/** Fills a zeroed plan, even when it fails with something to destroy. False where memory is short. */
bool brconv1d_plan_guarded(brconv1d_guarded_plan *plan, const brconv1d_guarded_schedule *schedule);

/** Frees what a plan holds, not the plan. */
void brconv1d_guarded_plan_clear(brconv1d_guarded_plan *plan);

/** One thread's share of one phase, as brconv1d_run() documents it. */
brconv1d_status brconv1d_correlate(const brconv1d_guarded_plan *plan, int phase,
        const brconv1d_args *args, int ithr, int nthr);

#endif
