/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file plan.h
 * A schedule with its kernels and tables. */

#ifndef BRCONV1D_PLAN_H
#define BRCONV1D_PLAN_H

#include "brgemm.h"
#include "schedule.h"

/** Kernels for src in place, or for its packed copy. */
typedef struct {
    /** Bytes from what a tile's first output reads of channel 0 and tap 0 to what it reads in
     * each batch entry. Entry b * kw + s is channel block b and tap s. */
    uint64_t *src_offsets;
    /** kernels[ow tail][oc tail], for tiles that are cut short in that dimension. */
    brconv1d_brgemm kernels[2][2];
} brconv1d_kernel_set;

struct brconv1d_plan {
    brconv1d_schedule schedule;
    brconv1d_kernel_set in_place, packed; /**< empty where the schedule does not use it */
    uint64_t *wei_offsets; /**< bytes from a block's first weight to each batch entry's */
    brconv1d_brgemm_code *code;
};

#endif
