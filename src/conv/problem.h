/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/problem.h
 * A problem with its defaults filled in, and the rules that make it valid. */

#ifndef BRDNN_CONV_PROBLEM_H
#define BRDNN_CONV_PROBLEM_H

#include "brdnn.h"

/** Checks `given` against every rule of the public header and copies it to `out` with dense
 * strides filled in where they were 0.
 * @return NULL where it is valid, else a sentence that says what is wrong. */
const char *brdnn_problem_complete(const brdnn_conv_problem *given, brdnn_conv_problem *out);

/** Whether a set of instructions has all of another. */
static inline bool brdnn_has(unsigned isa, unsigned wanted) { return (isa & wanted) == wanted; }

/** Channels of one group, of src and of dst. */
static inline int64_t brdnn_group_ic(const brdnn_conv_problem *p) { return p->ic / p->groups; }
static inline int64_t brdnn_group_oc(const brdnn_conv_problem *p) { return p->oc / p->groups; }

/** Element of a tensor of a layout. */
static inline int64_t brdnn_element(brdnn_layout layout, const brdnn_conv_tensor *t, int64_t n,
        int64_t channel, int64_t position) {
    return n * t->mb_stride
            + (layout == BRDNN_NCW ? channel * t->pitch + position : position * t->pitch + channel);
}

#endif
