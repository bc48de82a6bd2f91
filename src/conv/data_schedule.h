/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/data_schedule.h
 * How a correlation will be run: everything that follows from it before memory is allocated. */

#ifndef BRDNN_CONV_DATA_SCHEDULE_H
#define BRDNN_CONV_DATA_SCHEDULE_H

#include "brgemm/brgemm.h"
#include "conv/data_blocking.h"
#include "pack/src.h"
#include "pack/wei.h"

typedef struct {
    brdnn_correlation correlation;
    brdnn_correlation_blocking blocking;
    brdnn_wei_packing wei_packing;
    brdnn_src_packing src_packing;
    bool is_fallback;     /**< these are the f32 kernels that guard others, see below */
    bool reads_in_place;  /**< tiles that no padding touches read src where it is */
    bool packs_src;       /**< some or all tiles read a packed copy of src */
    bool sums_in_scratch; /**< a tile's sums are finished in scratch rather than in dst */
    /** In ncw the tiles of several branches are interleaved; until then they stand apart. */
    bool interleaves;
    /** Scratch for packed weights: for all threads, 0 where they come packed, or those of one tile of
     * the guarded kernels for each (see below). Then for each thread. */
    size_t packed_wei_bytes, packed_src_bytes, branch_sums_bytes, sums_bytes, offsets_bytes;
} brdnn_correlation_schedule;

/** Schedules forward or backward data of a complete problem (problem.h).
 * @param[out] why the reason, unless the result is SUCCESS
 * @return SUCCESS or UNSUPPORTED as brdnn_conv_query() documents them */
brdnn_status brdnn_schedule_correlation(
        const brdnn_conv_problem *p, brdnn_correlation_schedule *s, const char **why);

/** Kernels for bf16 and, where these can't carry all values (guard.h), f32 kernels that take over a tile
 * where they would lose some: always with a packed copy of src, and weights that are packed for it. */
typedef struct {
    brdnn_correlation_schedule main;
    bool is_guarded;
    brdnn_correlation_schedule fallback; /**< only where guarded */
} brdnn_guarded_schedule;

/** The same with what guards it. */
brdnn_status brdnn_schedule_guarded(
        const brdnn_conv_problem *p, brdnn_guarded_schedule *s, const char **why);

/** Bytes of brdnn_exponent_range of each block of weights. */
size_t brdnn_wei_seen_bytes(const brdnn_guarded_schedule *s);

/** Scratch for each thread. */
size_t brdnn_guarded_scratch_per_thread(const brdnn_guarded_schedule *s);

/** What of it is a schedule's own. */
size_t brdnn_correlation_scratch_per_thread(const brdnn_correlation_schedule *s);

/** Batch entries of all branches, or a few more: for each block of a tap group's words, each tap group. */
int64_t brdnn_batch_entries(const brdnn_correlation_schedule *s);

/** Words from what one output reads to what the next one of its branch reads, in src or its packed
 * copy. */
int64_t brdnn_src_step(const brdnn_correlation_schedule *s, bool in_place);

/** Elements from one row of a finished tile to the next, wherever it stands. */
int64_t brdnn_sums_ld(const brdnn_correlation_schedule *s);

/** Whether outputs [j, j + count) are computed from src where it is, not from a packed copy. */
bool brdnn_readable_in_place(const brdnn_correlation_schedule *s, int64_t j, int64_t count);

/** Shape of the kernel for one kind of tile: reading src in place or packed, whole or cut short
 * in either dimension. */
brdnn_brgemm_shape brdnn_kernel_shape(
        const brdnn_correlation_schedule *s, bool in_place, bool outputs_tail, bool oc_tail);

#endif
