/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "wei_packing.h"

int64_t brconv1d_wei_block_elements(const brconv1d_correlation *c, int64_t block) {
    return brconv1d_product(brconv1d_product(c->kw, c->ic), block);
}

brconv1d_packed_wei brconv1d_packed_wei_of(const brconv1d_correlation *c, int64_t block) {
    const int64_t blocks = brconv1d_ceil_div(c->oc, block);
    const int64_t elements = brconv1d_product(
            brconv1d_product(c->groups, blocks), brconv1d_wei_block_elements(c, block));
    const brconv1d_packed_wei packing
            = {block, blocks, (size_t)brconv1d_product(elements, sizeof(float))};
    return packing;
}

static void pack_block(const brconv1d_correlation *c, const float *wei, int64_t filters,
        int64_t block, float *packed) {
    const brconv1d_weights *w = &c->wei;
    for (int64_t k = 0; k < block; ++k)
        for (int64_t i = 0; i < c->ic; ++i)
            for (int64_t s = 0; s < c->kw; ++s)
                packed[(s * c->ic + i) * block + k] = k < filters
                        ? wei[k * w->oc_stride + i * w->ic_stride + s * w->kw_stride]
                        : 0.f;
}

void brconv1d_pack_wei(const brconv1d_correlation *c, const brconv1d_packed_wei *packing,
        const float *wei, int64_t begin, int64_t end, float *packed) {
    const int64_t elements = brconv1d_wei_block_elements(c, packing->block);
    for (int64_t i = begin; i < end; ++i) {
        const int64_t g = i / packing->blocks, k = i % packing->blocks * packing->block;
        pack_block(c, wei + g * c->wei.g_stride + k * c->wei.oc_stride,
                brconv1d_min(packing->block, c->oc - k), packing->block, packed + i * elements);
    }
}
