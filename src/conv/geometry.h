/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/geometry.h
 * Forward and backward data as one: a correlation of src with the weights.
 *
 *     dst[n, k, j * branches + b] = sum over c and the taps s of branch b of
 *                                   wei[k, c, s] * src[n, c, j * stride + offset(s)]
 *
 * Forward is just that, with one branch and offset(s) = s * dilation - pad_l.
 *
 * In backward data diff_dst is what is read and diff_src what is written, so here, and wherever a
 * correlation is meant, src and ic stand for diff_dst and oc, dst and oc for diff_src and ic.
 * Position i of diff_src gets a term from tap s where some q * stride + s * dilation - pad_l = i.
 * So positions that are equal modulo the stride share their taps, and no others have these: they
 * are one branch (a polyphase decomposition). Within a branch consecutive outputs read consecutive
 * positions, offset(s) = (b + pad_l - s * dilation) / stride, and each result is touched once.
 *
 * Instructions for bf16 add up to 32 products at once, more than a tap with few channels has. So
 * neighbouring taps of a branch can be grouped: packed src has their positions side by side, as if they
 * were further channels, and a tap group is what a tap is otherwise. Where the taps don't fill the last
 * tap group of a branch, its weights are zero there.
 */

#ifndef BRDNN_CONV_GEOMETRY_H
#define BRDNN_CONV_GEOMETRY_H

#include "brdnn.h"
#include "brgemm/integers.h"
#include "brgemm/kernels.h"
#include "conv/problem.h"
#include "pack/src.h"

typedef struct {
    int64_t mb, groups;
    int64_t ic, oc; /**< channels of a group: those summed over, and those of the result */
    int64_t iw, ow, kw;
    int64_t branches;
    int64_t outputs; /**< of the longest branch; others may have one fewer */
    int64_t stride;  /**< positions of src from one output of a branch to the next */
    /** Positions of src between neighbouring taps of one branch, and weights' taps between them. */
    int64_t dilation, tap_step;
    int64_t tap_group; /**< taps of a tap group, 1 with f32 words */
    int64_t depth; /**< words of a tap group: all its terms, and zeros up to whole words or tiles */
    /** The lowest and the highest offset(s). */
    int64_t first_offset, last_offset;
    /** What is read of src: an entry for each tap group, in backward data for each tap. */
    brdnn_window window;
    brdnn_layout layout;
    brdnn_conv_tensor src, dst;
    brdnn_conv_weights wei; /**< oc_stride and ic_stride as in this correlation */
    brdnn_conv_finish finish;
    brdnn_type bias_type;
    brdnn_kernels kernels;
    brdnn_pass pass;
    int64_t pad_l, problem_stride, problem_dilation; /**< as in the problem */
} brdnn_correlation;

/** The correlation that computes a complete problem (problem.h), forward or backward data. */
brdnn_correlation brdnn_correlation_of(const brdnn_conv_problem *p);

/** Where tap s reads for output 0 of its branch. It rises with s forward, falls in backward data. */
int64_t brdnn_tap_offset(const brdnn_correlation *c, int64_t s);

/** The entry of the window that starts with a tap. */
static inline int64_t brdnn_entry_of_tap(const brdnn_correlation *c, int64_t s) {
    return c->pass == BRDNN_BACKWARD_DATA ? s : s / c->tap_group;
}

/** The taps of one branch by rising offset: tap t of `taps` is tap first_tap + t * tap_step of the
 * weights and reads at offset + t * dilation, both steps being the correlation's. */
typedef struct {
    int64_t taps, first_tap, offset;
    int64_t tap_groups;
    int64_t tap_groups_before; /**< of the branches before this one */
} brdnn_branch;

/** Fills in all branches; those without taps too. */
void brdnn_list_branches(const brdnn_correlation *c, brdnn_branch *branches);

/** Tap groups of all branches together, or a few more. */
int64_t brdnn_most_tap_groups(const brdnn_correlation *c);

/** Where a tap group's weights are packed (pack/wei.h): places are taps in the order of the weights, or the
 * groups of one branch after the other. */
static inline int64_t brdnn_place_of(
        const brdnn_correlation *c, const brdnn_branch *branch, int64_t tap_group) {
    return c->tap_group == 1 ? branch->first_tap + tap_group * c->tap_step
                             : branch->tap_groups_before + tap_group;
}

/** The taps of each place, -1 where there is none.
 * @param taps brdnn_most_tap_groups() * tap_group of them */
void brdnn_list_taps(const brdnn_correlation *c, const brdnn_branch *branches, int64_t *taps);

/** The tap groups of a branch that its outputs [j, j + count) can find inside src; all others read only
 * padding. */
brdnn_range brdnn_useful_tap_groups(
        const brdnn_correlation *c, const brdnn_branch *branch, int64_t j, int64_t count);

/** How many tap groups of a branch that is, on average over the branches. */
double brdnn_average_useful_tap_groups(const brdnn_correlation *c, int64_t j, int64_t count);

/** Whether everything that outputs [j, j + count) of all branches read lies inside src. */
bool brdnn_reads_inside(const brdnn_correlation *c, int64_t j, int64_t count);

#endif
