/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/kernels_of.h
 * Which kernels multiply a problem: what its tensors and its math allow, and its instruction set has. */

#ifndef BRDNN_CONV_KERNELS_OF_H
#define BRDNN_CONV_KERNELS_OF_H

#include "brdnn.h"
#include "brgemm/kernels.h"

/** The kernels of a complete problem (problem.h): for bf16 where its tensors or its math allow them and
 * its instruction set has them, else for f32. */
brdnn_kernels brdnn_kernels_of(const brdnn_conv_problem *p);

/** Those for f32, whatever is allowed. */
brdnn_kernels brdnn_f32_kernels_of(const brdnn_conv_problem *p);

/** The same problem with just these. */
brdnn_conv_problem brdnn_with_f32_kernels(const brdnn_conv_problem *p);

#endif
