/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file finish/merge_branches.h
 * Puts the outputs of several branches (conv/geometry.h) in order. */

#ifndef BRDNN_FINISH_MERGE_BRANCHES_H
#define BRDNN_FINISH_MERGE_BRANCHES_H

#include "brgemm/kernels.h"

/** Elements that may be read behind the last one named. */
enum { brdnn_merge_slack = 16 };

/** to[i] = from[i % branches * branch_stride + i / branches] for i in [0, count). */
void brdnn_merge_branches(brdnn_kernels kernels, const float *from, int64_t branch_stride,
        int64_t branches, float *to, int64_t count);

#endif
