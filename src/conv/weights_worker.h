/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_worker.h
 * What the phases of backward weights have in common: one call of run, and where partial sums stand. */

#ifndef BRDNN_CONV_WEIGHTS_WORKER_H
#define BRDNN_CONV_WEIGHTS_WORKER_H

#include "conv/problem.h"
#include "conv/weights_plan.h"

/** What one call of run works with. */
typedef struct {
    const brdnn_gradient_plan *plan;
    const brdnn_conv_args *args;
    float *partial, *partial_bias; /**< of all partials */
    /** Of each chunk, group and block of filters whether the rescue is to add it; NULL without one. */
    unsigned char *marks;
    uint32_t *packed_src, *packed_dst; /**< this thread's */
} brdnn_weights_worker;

static inline const brdnn_conv_problem *brdnn_problem_of(const brdnn_weights_worker *w) {
    return &w->plan->schedule.problem;
}

static inline const brdnn_weights_blocking *brdnn_blocking_of(const brdnn_weights_worker *w) {
    return &w->plan->schedule.blocking;
}

/** One partial's sums of a block of filters: filter k of the block and term t at k * oc_stride + t *
 * term_stride. They are contiguous, and what runs along lanes is innermost. */
typedef struct {
    float *start;
    int64_t oc, filters; /**< the first, counted within the group, and how many */
    int64_t oc_stride, term_stride;
} brdnn_weights_sums;

brdnn_weights_sums brdnn_sums_of(
        const brdnn_weights_worker *w, int64_t partial, int64_t g, int64_t oc_block);

/** The last phase: adds up all partials and writes the gradients. */
void brdnn_store_gradient(const brdnn_weights_worker *w, int ithr, int nthr);

#endif
