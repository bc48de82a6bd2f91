/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file schedule.h
 * How a problem will be run: everything that follows from it before memory is allocated. */

#ifndef BRCONV1D_SCHEDULE_H
#define BRCONV1D_SCHEDULE_H

#include "blocking.h"
#include "brconv1d.h"
#include "brgemm.h"
#include "src_packing.h"

typedef struct {
    brconv1d_problem problem; /**< complete, see problem.h */
    brconv1d_blocking blocking;
    brconv1d_packed_wei wei;
    brconv1d_src_packing src_packing;
    bool reads_in_place;  /**< tiles that no padding touches read src where it is */
    bool packs_src;       /**< some or all tiles read a packed copy of src */
    bool sums_in_scratch; /**< a tile's sums are finished in scratch rather than in dst */
    /** Scratch for all threads (0 where the weights come packed), then for each. */
    size_t packed_wei_bytes, packed_src_bytes, sums_bytes, offsets_bytes;
} brconv1d_schedule;

/** Schedules a problem.
 * @param[out] why the reason, unless the result is SUCCESS
 * @return SUCCESS, INVALID or UNSUPPORTED as brconv1d_query() documents them */
brconv1d_status brconv1d_schedule_problem(
        const brconv1d_problem *problem, brconv1d_schedule *schedule, const char **why);

/** Batch entries that sum up a tile which no padding touches: for each channel block, each tap. */
int64_t brconv1d_batch_entries(const brconv1d_schedule *s);

/** Elements from what one output reads to what the next one reads, in src or its packed copy. */
int64_t brconv1d_src_step(const brconv1d_schedule *s, bool in_place);

/** Elements from one row of a tile of sums to the next, wherever the tile stands. */
int64_t brconv1d_sums_ld(const brconv1d_schedule *s);

/** Whether outputs [ow, ow + count) are computed from src where it is, not from a packed copy. */
bool brconv1d_readable_in_place(const brconv1d_schedule *s, int64_t ow, int64_t count);

/** Shape of the kernel for one kind of tile: reading src in place or packed, whole or cut short
 * in either dimension. */
brconv1d_brgemm_shape brconv1d_kernel_shape(
        const brconv1d_schedule *s, bool in_place, bool ow_tail, bool oc_tail);

#endif
