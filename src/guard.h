/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file guard.h
 * Which values kernels for bf16 can carry. Where they can't, f32 kernels take over. */

#ifndef BRCONV1D_GUARD_H
#define BRCONV1D_GUARD_H

#include "magnitudes.h"

/** Whether products of values of these magnitudes come out of bf16 kernels, with factors of so many
 * parts (items.h), as docs/numerics.md promises. */
bool brconv1d_parts_carry(brconv1d_magnitudes a, brconv1d_magnitudes b, int64_t parts);

#endif
