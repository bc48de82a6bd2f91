/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "finish/rescue.h"

#include "brgemm/integers.h"

/* Exponent of a magnitude as f32: of the power of two at or below it; -127 for all denormals. */
static int64_t exponent(uint32_t magnitude) { return (int64_t)(magnitude >> 23) - 127; }

/* What the hardware flushes is below 2^-126: a part of a value, or one of the few sums of each of a
 * product's splits, together below 2^-122. So a value or product keeps its digits, to an eighth of what its
 * splits leave out, from so many binades above that on: nine for each part of eight bits and a sign. */
static int64_t binades_needed(int64_t splits) { return 9 * splits; }

/* Of what is by so many binades smaller than the largest, digits may be lost. */
static const int64_t faint = 32;

static bool values_carry(brdnn_exponent_range v, int64_t splits) {
    return brdnn_max(exponent(v.smallest), exponent(v.largest) - faint)
            >= -126 + binades_needed(splits);
}

bool brdnn_splits_carry(brdnn_exponent_range a, brdnn_exponent_range b, int64_t splits) {
    /* From here on a value is rounded to infinity. */
    const uint32_t beyond_bf16 = 0x7f7f8000;
    if (a.largest >= beyond_bf16 || b.largest >= beyond_bf16) return false;
    if (splits == 1 || a.largest == 0 || b.largest == 0) return true;
    /* Sums have fewer than 2^46 terms, each below 4 * 2^largest. */
    const int64_t largest = exponent(a.largest) + exponent(b.largest), most = 127 - 2 - 46;
    const int64_t smallest = exponent(a.smallest) + exponent(b.smallest);
    return largest <= most && values_carry(a, splits) && values_carry(b, splits)
            && brdnn_max(smallest, largest - faint) >= -122 + binades_needed(splits);
}
