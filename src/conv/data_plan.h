/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/data_plan.h
 * The schedule of a correlation with its kernels and tables. */

#ifndef BRDNN_CONV_DATA_PLAN_H
#define BRDNN_CONV_DATA_PLAN_H

#include "brgemm/brgemm.h"
#include "conv/data_schedule.h"

/** Kernels for src in place, or for its packed copy. */
typedef struct {
    /** Bytes from what a tile's first output reads of channel 0 with offset 0 (in place) or first_offset
     * (packed) to what it reads in each batch entry. The entries of a branch stand together, of these
     * those of a block of a tap group's words, and of these one for each tap group. */
    uint64_t *src_offsets;
    /** kernels[outputs tail][oc tail], for tiles that are cut short in that dimension. */
    brdnn_brgemm kernels[2][2];
} brdnn_kernel_set;

typedef struct {
    brdnn_correlation_schedule schedule;
    brdnn_branch *branches;
    int64_t *taps;                     /**< of each place of the packed weights */
    brdnn_kernel_set in_place, packed; /**< empty where the schedule does not use it */
    /** Where the weights of a tile begin: words of a packed block, tiles of filters in a block, and words
     * from one of these to the next. Divisions for each tile took as long as small tiles themselves. */
    int64_t wei_block_words, tiles_of_wei_block, wei_tile_words;
    uint64_t *wei_offsets; /**< bytes from a block's first weight to each batch entry's */
    brdnn_brgemm_code *code;
} brdnn_correlation_plan;

typedef struct {
    brdnn_data_schedule schedule;
    brdnn_data_scratch scratch;
    brdnn_correlation_plan fast, rescue; /**< rescue: empty unless there is one */
} brdnn_data_plan;

/** Says what was planned; info is zeroed before. */
void brdnn_describe_data(const brdnn_data_schedule *s, brdnn_conv_info *info);

/** Fills a zeroed plan, even when it fails with something to destroy. False where memory is short. */
bool brdnn_plan_data(brdnn_data_plan *plan, const brdnn_data_schedule *schedule);

/** Frees what a plan holds, not the plan. */
void brdnn_data_plan_clear(brdnn_data_plan *plan);

/** Phases of a run: each plan's weights are packed, unless they come so, then its tiles are run. */
int brdnn_data_phases(const brdnn_data_schedule *s);

/** One thread's share of one phase, as brdnn_conv_run() documents it. */
brdnn_status brdnn_run_data(
        const brdnn_data_plan *plan, int phase, const brdnn_conv_args *args, int ithr, int nthr);

#endif
