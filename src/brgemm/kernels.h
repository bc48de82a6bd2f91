/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/kernels.h
 * What the kernels multiply: items of 4 bytes, whatever the type of the tensors.
 *
 * An item is one f32, or a pair of bf16: two neighbouring terms of the sum, the first in the lower
 * half, since instructions for bf16 multiply pairs and add both products. So loops, tables and packed
 * copies count items and are the same for all types; only what fills an item differs (progression.h
 * for f32, pairs.h for bf16).
 *
 * An f32 can be written as a sum of bf16 parts of falling magnitude, 8 bits each, and so multiplied on
 * hardware for bf16. A packed operand then has a plane of items for each part.
 */

#ifndef BRDNN_BRGEMM_KERNELS_H
#define BRDNN_BRGEMM_KERNELS_H

#include "brdnn.h"

typedef struct {
    int64_t terms; /**< of the sum in one item: 1 f32 or 2 bf16 */
    int64_t parts; /**< planes of a packed operand: 1 to 3, and 1 for f32 */
} brdnn_items;

enum {
    brdnn_item_bytes = 4,
    brdnn_most_parts = 3,
    brdnn_amx_edge = 16, /**< of the block of C that an AMX instruction adds to */
    brdnn_amx_depth = 16 /**< items that it sums up */
};

/** The items of a complete problem (problem.h): bf16 where its tensors or its math allow them and its
 * instruction set has kernels for them, else f32. */
brdnn_items brdnn_items_of(const brdnn_conv_problem *p);

/** The same problem for f32 kernels. */
brdnn_conv_problem brdnn_with_f32_items(const brdnn_conv_problem *p);

/** The kernels' instruction set and, with bf16, parts: for people to read. */
const char *brdnn_kernels_name(brdnn_isa isa, brdnn_items items);

/** Items that so many neighbouring terms fill, the last perhaps by half. */
static inline int64_t brdnn_items_for(brdnn_items items, int64_t terms) {
    return (terms + items.terms - 1) / items.terms;
}

static inline bool brdnn_is_f32(brdnn_items items) { return items.terms == 1; }

/** Whether kernels for these items are those for AMX tiles. */
static inline bool brdnn_uses_amx(brdnn_isa isa, brdnn_items items) {
    return isa == BRDNN_ISA_AVX512_CORE_AMX && !brdnn_is_f32(items);
}

#endif
