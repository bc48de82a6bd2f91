/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file finish/guard.h
 * Which values kernels for bf16 can carry. Where they can't, f32 kernels take over. */

#ifndef BRDNN_FINISH_GUARD_H
#define BRDNN_FINISH_GUARD_H

#include "finish/exponent_range.h"

/** Whether products of values of these magnitudes come out of bf16 kernels, with factors of so many
 * parts (items.h), as docs/numerics.md promises. */
bool brdnn_parts_carry(brdnn_magnitudes a, brdnn_magnitudes b, int64_t parts);

#endif
