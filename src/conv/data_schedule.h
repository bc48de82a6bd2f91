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
    bool reads_in_place;  /**< tiles that no padding touches read src where it is */
    bool packs_src;       /**< some or all tiles read a packed copy of src */
    bool sums_in_scratch; /**< a tile's sums are finished in scratch rather than in dst */
    /** In ncw the tiles of several branches are merged; until then they stand apart. */
    bool merges_branches;
    /** Scratch: packed weights for all threads, 0 where they come packed; then for each thread. */
    size_t packed_wei_bytes, packed_src_bytes, branch_sums_bytes, sums_bytes, offsets_bytes;
} brdnn_correlation_schedule;

/** Schedules forward or backward data of a complete problem (problem.h).
 * @param[out] why the reason, unless the result is SUCCESS
 * @return SUCCESS or UNSUPPORTED as brdnn_conv_query() documents them */
brdnn_status brdnn_schedule_correlation(
        const brdnn_conv_problem *p, brdnn_correlation_schedule *s, const char **why);

/** Kernels that are fast and, where these are for bf16 and can't carry all values (pack/exponent_range.h), an
 * f32 plan that comes to the rescue. The fast run marks the chunks that it leaves out; in further phases the
 * f32 plan packs its weights and runs the chunks that are marked, of which there are none as a rule. */
typedef struct {
    brdnn_correlation_schedule fast;
    bool has_rescue;
    brdnn_correlation_schedule rescue; /**< only where there is one; its chunks are the fast ones */
} brdnn_data_schedule;

/** Schedules a complete problem with the kernels that it names. */
brdnn_status brdnn_schedule_data(
        const brdnn_conv_problem *p, brdnn_data_schedule *s, const char **why);

/** Where things stand in scratch: bytes from its start. First what threads share, packed weights at 0. */
typedef struct {
    size_t wei_ranges, marks, rescue_wei;
    size_t shared, per_thread;
} brdnn_data_scratch;

brdnn_data_scratch brdnn_data_scratch_of(const brdnn_data_schedule *s);

/** Chunks of an image and group, which the fast plan marks. */
int64_t brdnn_marked_chunks(const brdnn_correlation_schedule *s);

/** Scratch of each thread for one of the plans. */
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
