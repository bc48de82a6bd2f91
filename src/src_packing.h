/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file src_packing.h
 * Packed copies of a piece of src.
 *
 * A chunk of outputs reads src at q * stride + s * dilation - pad_l. Where src can't be read in
 * place (the chunk reaches into the padding, stride > 1 in ncw, or a row pitch that the kernels
 * can't address) the positions that the chunk needs are copied, with zeros for the padding, so
 * that every tap finds its inputs for consecutive outputs at consecutive packed positions.
 *
 * Outputs q and q + 1 of one tap are `stride` apart in src. Taps s and s + phases read the same
 * positions modulo stride, `tap_step` outputs apart, so they share one segment:
 *
 *     segment t = s % phases:  src positions  base + t * dilation + i * stride,  i = 0, 1, ...
 *     tap s starts in it at    i = (s / phases) * tap_step
 *
 * With stride 1 that is one segment, the chunk and its halo. Taps further apart than the chunk is
 * long share nothing; then each tap has a segment of its own. Segments stand one after the other.
 * As in src itself, a row is a channel of all packed positions in ncw, and in nwc a packed position
 * with the channels of one group.
 */

#ifndef BRCONV1D_SRC_PACKING_H
#define BRCONV1D_SRC_PACKING_H

#include "brconv1d.h"

typedef struct {
    int64_t phases;   /**< segments */
    int64_t tap_step; /**< packed positions from a tap to the next one of its segment */
    int64_t segment;  /**< packed positions from one segment to the next */
    int64_t rows;     /**< channels in ncw, packed positions in nwc */
    int64_t pitch;    /**< elements from one row to the next */
} brconv1d_src_packing;

/** Layout of a packed chunk of at most `outputs` outputs. */
brconv1d_src_packing brconv1d_src_packing_of(const brconv1d_problem *p, int64_t outputs);

/** Bytes of a packed chunk. */
int64_t brconv1d_packed_src_bytes(const brconv1d_src_packing *packing);

/** First packed position of tap s. */
static inline int64_t brconv1d_packed_tap(const brconv1d_src_packing *packing, int64_t s) {
    return s % packing->phases * packing->segment + s / packing->phases * packing->tap_step;
}

/** Packs what outputs [ow, ow + ow_count) need of one image and one group.
 * @param src    channel 0 of the group, position 0 of the image
 * @param packed brconv1d_packed_src_bytes() bytes */
void brconv1d_pack_src(const brconv1d_problem *p, const brconv1d_src_packing *packing,
        const float *src, int64_t ow, int64_t ow_count, float *packed);

#endif
