/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file finish/bias.h
 * Adds bias to finished sums, and sums up its gradient. */

#ifndef BRDNN_FINISH_BIAS_H
#define BRDNN_FINISH_BIAS_H

#include "pack/positions.h"

/** Adds bias[r] to row r of a tile of sums: filters in ncw.
 * @param rows, length, ld  the tile's rows, their length and elements from one to the next
 * @param type  of the bias */
void brdnn_add_bias_to_rows(
        float *sums, int64_t rows, int64_t length, int64_t ld, brdnn_type type, const void *bias);

/** Adds bias[i] to element i of each row of a tile of sums: positions in nwc. */
void brdnn_add_bias_along_rows(
        float *sums, int64_t rows, int64_t length, int64_t ld, brdnn_type type, const void *bias);

/** sums[c] += the sum over positions [position, position + count) of channel c of an image. */
void brdnn_sum_positions(const brdnn_image *image, int64_t position, int64_t count, float *sums);

/** to[i] += from[i] for i below count. */
void brdnn_add_row(float *to, const float *from, int64_t count);

#endif
