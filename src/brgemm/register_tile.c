/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "brgemm/register_tile.h"

#include "brgemm/integers.h"

int64_t brdnn_lanes(brdnn_kernels kernels) { return brdnn_has_avx512(kernels) ? 16 : 8; }

int64_t brdnn_largest_n(brdnn_kernels kernels, int64_t vectors) {
    /* LIBXSMM's AVX2 kernels hold at most three columns, whatever m is. */
    if (!brdnn_has_avx512(kernels)) return 3;
    const int64_t registers = 32;
    return (registers - vectors - 1) / vectors;
}

brdnn_cut brdnn_cut_into(int64_t extent, int64_t block) {
    const brdnn_cut cut
            = {block, brdnn_ceil_div(extent, block), extent % block ? extent % block : block};
    return cut;
}

int64_t brdnn_even_block(int64_t extent, int64_t most) {
    return brdnn_ceil_div(extent, brdnn_ceil_div(extent, most));
}

/* AVX-512 masks a short rest; LIBXSMM's AVX2 kernels do it by a half vector and single elements. */
int64_t brdnn_vectors_of(brdnn_kernels kernels, int64_t m) {
    const int64_t lanes = brdnn_lanes(kernels), rest = m % lanes;
    if (brdnn_has_avx512(kernels)) return brdnn_ceil_div(m, lanes);
    return m / lanes + rest / (lanes / 2) + rest % (lanes / 2);
}

/* Expected cost of one term of the reduction over a tile, in FMA instructions: those of the tile
 * (at least as many as hide their own latency), and a share of its loads. A vector of A is dearer
 * than a broadcast: it often straddles two cache lines and comes from the second-level cache. The
 * two weights reproduce the order of seven tiles measured on Sapphire Rapids with 15 channels,
 * 51 taps and dilation 8; on Zen 4 all tiles without waste are within 3 % of each other. */
static double term_cost(int64_t vectors, int64_t n) {
    const double latency_bound = 8.0, per_vector = 2.5, per_broadcast = 0.35;
    const double fmas = (double)(vectors * n);
    return (fmas > latency_bound ? fmas : latency_bound) + per_vector * (double)vectors
            + per_broadcast * (double)n;
}

double brdnn_tile_cost(brdnn_kernels kernels, int64_t m, int64_t n, int64_t k, double entries) {
    const double per_entry = 12.0, per_call = 40.0, per_store = 2.0;
    const int64_t vectors = brdnn_vectors_of(kernels, m);
    return entries * ((double)k * term_cost(vectors, n) + per_entry) + per_call
            + per_store * (double)(vectors * n);
}

double brdnn_area_cost(brdnn_kernels kernels, brdnn_cut m, brdnn_cut n, int64_t k, double entries) {
    const double m_whole = (double)(m.blocks - 1), n_whole = (double)(n.blocks - 1);
    return m_whole * n_whole * brdnn_tile_cost(kernels, m.block, n.block, k, entries)
            + m_whole * brdnn_tile_cost(kernels, m.block, n.tail, k, entries)
            + n_whole * brdnn_tile_cost(kernels, m.tail, n.block, k, entries)
            + brdnn_tile_cost(kernels, m.tail, n.tail, k, entries);
}
