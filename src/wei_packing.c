/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "wei_packing.h"

#include "problem.h"

int64_t brconv1d_wei_block_elements(const brconv1d_problem *p, int64_t oc_block) {
    return brconv1d_product(brconv1d_product(p->kw, brconv1d_group_ic(p)), oc_block);
}

brconv1d_packed_wei brconv1d_packed_wei_of(const brconv1d_problem *p, int64_t oc_block) {
    const int64_t blocks = brconv1d_ceil_div(brconv1d_group_oc(p), oc_block);
    const int64_t elements = brconv1d_product(
            brconv1d_product(p->groups, blocks), brconv1d_wei_block_elements(p, oc_block));
    const brconv1d_packed_wei packing
            = {oc_block, blocks, (size_t)brconv1d_product(elements, sizeof(float))};
    return packing;
}

static void pack_block(const brconv1d_problem *p, const float *wei, int64_t filters,
        int64_t oc_block, float *packed) {
    const brconv1d_weights *w = &p->wei;
    const int64_t ic = brconv1d_group_ic(p);
    for (int64_t k = 0; k < oc_block; ++k)
        for (int64_t c = 0; c < ic; ++c)
            for (int64_t s = 0; s < p->kw; ++s)
                packed[(s * ic + c) * oc_block + k] = k < filters
                        ? wei[k * w->oc_stride + c * w->ic_stride + s * w->kw_stride]
                        : 0.f;
}

void brconv1d_pack_wei(const brconv1d_problem *p, const brconv1d_packed_wei *packing,
        const float *wei, int64_t begin, int64_t end, float *packed) {
    const int64_t oc = brconv1d_group_oc(p);
    const int64_t elements = brconv1d_wei_block_elements(p, packing->oc_block);
    for (int64_t i = begin; i < end; ++i) {
        const int64_t g = i / packing->oc_blocks;
        const int64_t k = i % packing->oc_blocks * packing->oc_block;
        pack_block(p, wei + g * p->wei.g_stride + k * p->wei.oc_stride,
                brconv1d_min(packing->oc_block, oc - k), packing->oc_block, packed + i * elements);
    }
}
