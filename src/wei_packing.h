/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file wei_packing.h
 * Packed weights, the layout that brconv1d_packed_wei in the public header describes: the filters
 * of one tile (in backward data, the channels of diff_src) stand side by side for every tap and
 * channel, so that a tile reads its weights as one stream. */

#ifndef BRCONV1D_WEI_PACKING_H
#define BRCONV1D_WEI_PACKING_H

#include "correlation.h"

/** The layout for blocks of so many filters. Bytes beyond the size limit (problem.h) are given as
 * a number beyond it. */
brconv1d_packed_wei brconv1d_packed_wei_of(const brconv1d_correlation *c, int64_t block);

/** Elements of one block: its filters, all channels of a group and all taps. */
int64_t brconv1d_wei_block_elements(const brconv1d_correlation *c, int64_t block);

/** Packs blocks [begin, end) of the groups * blocks blocks from plain weights. */
void brconv1d_pack_wei(const brconv1d_correlation *c, const brconv1d_packed_wei *packing,
        const float *wei, int64_t begin, int64_t end, float *packed);

#endif
