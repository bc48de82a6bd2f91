/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file finish/rescue.h
 * Which values kernels for bf16 can carry. Where they can't, f32 kernels take over. */

#ifndef BRDNN_FINISH_RESCUE_H
#define BRDNN_FINISH_RESCUE_H

#include "pack/exponent_range.h"

/** Whether products of values of these magnitudes come out of bf16 kernels, with factors of so many
 * splits (brgemm/kernels.h), as docs/numerics.md promises. */
bool brdnn_splits_carry(brdnn_exponent_range a, brdnn_exponent_range b, int64_t splits);

#endif
