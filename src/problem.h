/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file problem.h
 * A problem with its defaults filled in, and the rules that make it valid. */

#ifndef BRCONV1D_PROBLEM_H
#define BRCONV1D_PROBLEM_H

#include "brconv1d.h"

/** Checks `given` against every rule of the public header and copies it to `out` with dense
 * strides filled in where they were 0.
 * @return NULL where it is valid, else a sentence that says what is wrong. */
const char *brconv1d_problem_complete(const brconv1d_problem *given, brconv1d_problem *out);

/** Channels of one group, of src and of dst. */
static inline int64_t brconv1d_group_ic(const brconv1d_problem *p) { return p->ic / p->groups; }
static inline int64_t brconv1d_group_oc(const brconv1d_problem *p) { return p->oc / p->groups; }

#endif
