/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file correlation_schedule.h
 * How a correlation will be run: everything that follows from it before memory is allocated. */

#ifndef BRCONV1D_CORRELATION_SCHEDULE_H
#define BRCONV1D_CORRELATION_SCHEDULE_H

#include "brgemm.h"
#include "correlation_blocking.h"
#include "src_packing.h"
#include "wei_packing.h"

typedef struct {
    brconv1d_correlation correlation;
    brconv1d_correlation_blocking blocking;
    brconv1d_wei_packing wei_packing;
    brconv1d_src_packing src_packing;
    bool is_fallback;     /**< these are the f32 kernels that guard others, see below */
    bool reads_in_place;  /**< tiles that no padding touches read src where it is */
    bool packs_src;       /**< some or all tiles read a packed copy of src */
    bool sums_in_scratch; /**< a tile's sums are finished in scratch rather than in dst */
    /** In ncw the tiles of several branches are interleaved; until then they stand apart. */
    bool interleaves;
    /** Scratch for packed weights: for all threads, 0 where they come packed, or those of one tile of
     * the guarded kernels for each (see below). Then for each thread. */
    size_t packed_wei_bytes, packed_src_bytes, branch_sums_bytes, sums_bytes, offsets_bytes;
} brconv1d_correlation_schedule;

/** Schedules forward or backward data of a complete problem (problem.h).
 * @param[out] why the reason, unless the result is SUCCESS
 * @return SUCCESS or UNSUPPORTED as brconv1d_query() documents them */
brconv1d_status brconv1d_schedule_correlation(
        const brconv1d_problem *p, brconv1d_correlation_schedule *s, const char **why);

/** Kernels for bf16 and, where these can't carry all values (guard.h), f32 kernels that take over a tile
 * where they would lose some: always with a packed copy of src, and weights that are packed for it. */
typedef struct {
    brconv1d_correlation_schedule main;
    bool is_guarded;
    brconv1d_correlation_schedule fallback; /**< only where guarded */
} brconv1d_guarded_schedule;

/** The same with what guards it. */
brconv1d_status brconv1d_schedule_guarded(
        const brconv1d_problem *p, brconv1d_guarded_schedule *s, const char **why);

/** Bytes of brconv1d_magnitudes of each block of weights. */
size_t brconv1d_wei_seen_bytes(const brconv1d_guarded_schedule *s);

/** Scratch for each thread. */
size_t brconv1d_guarded_scratch_per_thread(const brconv1d_guarded_schedule *s);

/** What of it is a schedule's own. */
size_t brconv1d_correlation_scratch_per_thread(const brconv1d_correlation_schedule *s);

/** Batch entries of all branches, or a few more: for each block of a bundle's items, each bundle. */
int64_t brconv1d_batch_entries(const brconv1d_correlation_schedule *s);

/** Items from what one output reads to what the next one of its branch reads, in src or its packed
 * copy. */
int64_t brconv1d_src_step(const brconv1d_correlation_schedule *s, bool in_place);

/** Elements from one row of a finished tile to the next, wherever it stands. */
int64_t brconv1d_sums_ld(const brconv1d_correlation_schedule *s);

/** Whether outputs [j, j + count) are computed from src where it is, not from a packed copy. */
bool brconv1d_readable_in_place(const brconv1d_correlation_schedule *s, int64_t j, int64_t count);

/** Shape of the kernel for one kind of tile: reading src in place or packed, whole or cut short
 * in either dimension. */
brconv1d_brgemm_shape brconv1d_kernel_shape(
        const brconv1d_correlation_schedule *s, bool in_place, bool outputs_tail, bool oc_tail);

#endif
