/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/amx.c
 * BRGEMM kernels for pairs of bf16 on AMX.
 *
 * The instruction TDPBF16PS multiplies two tiles of up to 16 rows of 64 bytes: the left one has
 * pairs of terms along its rows, the right one has a row for each pair of terms. So in the words of
 * brgemm.h a row of the left tile is a column of B, a row of the right tile is a column of A, and a
 * row of the result is a column of C; `left` and `right` below are tiles, never A and B.
 *
 * All blocks of C stay in tile registers for the whole batch. For each entry one operand is held,
 * and the other, which has as many blocks as C, is streamed past it.
 *
 * The eight registers, whichever operand is held:
 *
 *     one plane          C 0 to 5    left 6       right 7
 *     two or three      C 0 to 3    left 4, 5    right 6, 7
 *
 * So all kernels of one plan share a configuration, and left is always numbered below right.
 *
 * The instructions are inline assembly of our own since GCC 12's intrinsics declare too little of
 * the memory that they read: stores that pack an operand could move behind the loads here.
 */

#include "brgemm/amx.h"

#include "brgemm/integers.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { tile_registers = 8, edge = brdnn_amx_edge };

/* A tile's number is part of its instruction, so that each number takes a statement of its own.
 * All numbers are constant once the kernels are inlined, and one statement is left of each. */

#define LOAD(tile) \
    case tile: \
        __asm__ volatile("tileloadd (%0, %1, 1), %%tmm" #tile \
                : \
                : "r"(start), "r"(row_bytes) \
                : "memory"); \
        break

/** Loads a tile whose rows are row_bytes apart. */
ALWAYS_INLINE void tile_load(int tile, const char *start, int64_t row_bytes) {
    switch (tile) {
        LOAD(0);
        LOAD(1);
        LOAD(2);
        LOAD(3);
        LOAD(4);
        LOAD(5);
        LOAD(6);
        LOAD(7);
    default: __builtin_unreachable();
    }
}

#define STORE(tile) \
    case tile: \
        __asm__ volatile("tilestored %%tmm" #tile ", (%0, %1, 1)" \
                : \
                : "r"(start), "r"(row_bytes) \
                : "memory"); \
        break

/** Stores a tile of C. */
ALWAYS_INLINE void tile_store(int tile, char *start, int64_t row_bytes) {
    switch (tile) {
        STORE(0);
        STORE(1);
        STORE(2);
        STORE(3);
        STORE(4);
        STORE(5);
    default: __builtin_unreachable();
    }
}

#define ZERO(tile) \
    case tile: __asm__ volatile("tilezero %tmm" #tile); break

/** Clears a tile of C. */
ALWAYS_INLINE void tile_zero(int tile) {
    switch (tile) {
        ZERO(0);
        ZERO(1);
        ZERO(2);
        ZERO(3);
        ZERO(4);
        ZERO(5);
    default: __builtin_unreachable();
    }
}

#define TRIPLE(c, left, right) (((c) * tile_registers + (left)) * tile_registers + (right))

#define MULTIPLY(c, left, right) \
    case TRIPLE(c, left, right): \
        __asm__ volatile("tdpbf16ps %tmm" #right ", %tmm" #left ", %tmm" #c); \
        break

#define MULTIPLY_SPLITS(c) \
    MULTIPLY(c, 4, 6); \
    MULTIPLY(c, 4, 7); \
    MULTIPLY(c, 5, 6); \
    MULTIPLY(c, 5, 7)

/** Adds a product to a tile of C. Of the factors the left one is the one numbered lower. */
ALWAYS_INLINE void tile_multiply(int c, int factor, int other) {
    const int left = factor < other ? factor : other, right = factor < other ? other : factor;
    switch (TRIPLE(c, left, right)) {
        MULTIPLY(0, 6, 7);
        MULTIPLY(1, 6, 7);
        MULTIPLY(2, 6, 7);
        MULTIPLY(3, 6, 7);
        MULTIPLY(4, 6, 7);
        MULTIPLY(5, 6, 7);
        MULTIPLY_SPLITS(0);
        MULTIPLY_SPLITS(1);
        MULTIPLY_SPLITS(2);
        MULTIPLY_SPLITS(3);
    default: __builtin_unreachable();
    }
}

/** What the code of a kernel is specialised for: constants wherever it appears. */
typedef struct {
    int blocks, splits;
    int held, streamed; /**< first tile of each */
    int other;          /**< from there to the other one; with one plane there is none */
} kind;

ALWAYS_INLINE kind kind_of(int blocks, int splits, bool left_is_held) {
    const int left = splits == 1 ? 6 : 4, right = splits == 1 ? 7 : 6, other = splits == 1 ? 0 : 1;
    const int held = left_is_held ? left : right, streamed = left_is_held ? right : left;
    return (kind) {blocks, splits, held, streamed, other};
}

/** An operand in bytes: one tile's rows, and what lies between neighbouring blocks and splits. */
typedef struct {
    const char *start;
    const uint64_t *offsets;
    int64_t row, block, plane;
} operand;

/** The same of C. */
typedef struct {
    char *start;
    int64_t row, block;
} result;

/** Loads a plane of an entry's held operand as first or second of the splits held. */
ALWAYS_INLINE void hold(
        const kind kind, const operand *held, const char *entry, int which, int plane) {
    tile_load(kind.held + which * kind.other, entry + plane * held->plane, held->row);
}

/** Multiplies one plane of all streamed blocks by the held splits asked for, the second one first.
 * Products of neighbouring blocks don't wait for each other. */
ALWAYS_INLINE void stream(const kind kind, const operand *streamed, const char *entry, int plane,
        bool by_first, bool by_second) {
    const char *block_start = entry + plane * streamed->plane;
#pragma GCC unroll 6
    for (int block = 0; block < kind.blocks; ++block) {
        const int tile = kind.streamed + block % 2 * kind.other;
        tile_load(tile, block_start, streamed->row);
        if (by_second) tile_multiply(block, kind.held + kind.other, tile);
        if (by_first) tile_multiply(block, kind.held, tile);
        block_start += streamed->block;
    }
}

/** Adds one entry's products of the highest splits. */
ALWAYS_INLINE void add_largest(const kind kind, const operand *held, const char *held_entry,
        const operand *streamed, const char *streamed_entry) {
    hold(kind, held, held_entry, 0, 0);
    stream(kind, streamed, streamed_entry, 0, true, false);
}

/** Adds all others of three splits, the smallest first. */
ALWAYS_INLINE void add_smaller(const kind kind, const operand *held, const char *held_entry,
        const operand *streamed, const char *streamed_entry) {
    hold(kind, held, held_entry, 0, 0);
    hold(kind, held, held_entry, 1, 2);
    stream(kind, streamed, streamed_entry, 0, false, true);
    hold(kind, held, held_entry, 1, 1);
    stream(kind, streamed, streamed_entry, 2, true, false);
    stream(kind, streamed, streamed_entry, 1, true, true);
    stream(kind, streamed, streamed_entry, 0, false, true);
}

/** Adds all products of two splits. */
ALWAYS_INLINE void add_both(const kind kind, const operand *held, const char *held_entry,
        const operand *streamed, const char *streamed_entry) {
    hold(kind, held, held_entry, 0, 0);
    hold(kind, held, held_entry, 1, 1);
    stream(kind, streamed, streamed_entry, 1, true, false);
    stream(kind, streamed, streamed_entry, 0, true, true);
}

/** One kernel, to be inlined for each kind. */
ALWAYS_INLINE void run(const kind kind, const operand *held, const operand *streamed,
        const result *c, bool accumulate, uint64_t count) {
#pragma GCC unroll 6
    for (int block = 0; block < kind.blocks; ++block) {
        if (accumulate) tile_load(block, c->start + block * c->block, c->row);
        else tile_zero(block);
    }
    const operand h = *held, s = *streamed;
    /* Of three splits the smaller products of the whole batch come first, where the sums are still
     * small enough to keep their digits: half the error of taking entries one by one, or less. */
    for (uint64_t i = 0; kind.splits == 3 && i < count; ++i)
        add_smaller(kind, &h, h.start + (int64_t)h.offsets[i], &s, s.start + (int64_t)s.offsets[i]);
    for (uint64_t i = 0; i < count; ++i) {
        const char *of_held = h.start + (int64_t)h.offsets[i];
        const char *of_streamed = s.start + (int64_t)s.offsets[i];
        if (kind.splits == 2) add_both(kind, &h, of_held, &s, of_streamed);
        else add_largest(kind, &h, of_held, &s, of_streamed);
    }
#pragma GCC unroll 6
    for (int block = 0; block < kind.blocks; ++block)
        tile_store(block, c->start + block * c->block, c->row);
}

/** Calls the kernel. Here and below, brdnn_amx_supported() has refused all other numbers. */
ALWAYS_INLINE void run_with(int splits, bool left_is_held, int64_t blocks, const operand *held,
        const operand *streamed, const result *c, bool accumulate, uint64_t count) {
    if (blocks > brdnn_amx_most_blocks(splits)) __builtin_unreachable();
    switch (blocks) {
    case 1: run(kind_of(1, splits, left_is_held), held, streamed, c, accumulate, count); break;
    case 2: run(kind_of(2, splits, left_is_held), held, streamed, c, accumulate, count); break;
    case 3: run(kind_of(3, splits, left_is_held), held, streamed, c, accumulate, count); break;
    case 4: run(kind_of(4, splits, left_is_held), held, streamed, c, accumulate, count); break;
    case 5: run(kind_of(5, 1, left_is_held), held, streamed, c, accumulate, count); break;
    case 6: run(kind_of(6, 1, left_is_held), held, streamed, c, accumulate, count); break;
    default: __builtin_unreachable();
    }
}

/** Streams the right operand, where the blocks lie along m. */
static void run_along_m(int64_t splits, int64_t blocks, const operand *left, const operand *right,
        const result *c, bool accumulate, uint64_t count) {
    switch (splits) {
    case 1: run_with(1, true, blocks, left, right, c, accumulate, count); break;
    case 2: run_with(2, true, blocks, left, right, c, accumulate, count); break;
    case 3: run_with(3, true, blocks, left, right, c, accumulate, count); break;
    default: __builtin_unreachable();
    }
}

/** Streams the left operand, where the blocks lie along n. */
static void run_along_n(int64_t splits, int64_t blocks, const operand *left, const operand *right,
        const result *c, bool accumulate, uint64_t count) {
    switch (splits) {
    case 1: run_with(1, false, blocks, right, left, c, accumulate, count); break;
    case 2: run_with(2, false, blocks, right, left, c, accumulate, count); break;
    case 3: run_with(3, false, blocks, right, left, c, accumulate, count); break;
    default: __builtin_unreachable();
    }
}

/** Columns of C in a block. */
static int64_t n_block(const brdnn_brgemm_shape *s) { return brdnn_min(s->n, edge); }

void brdnn_amx_run(const brdnn_brgemm_shape *s, const void *a, const void *b, float *c,
        uint64_t count, const uint64_t *a_offsets, const uint64_t *b_offsets) {
    const int64_t word = brdnn_word_bytes;
    const bool along_n = s->n > edge;
    const operand right = {a, a_offsets, word * s->lda, word * s->a_block, word * s->a_plane};
    const int64_t n = n_block(s);
    const operand left = {b, b_offsets, word * s->ldb, word * s->ldb * n, word * s->b_plane};
    const result to = {(char *)c, word * s->ldc, word * (along_n ? s->ldc * n : s->c_block)};
    const int64_t blocks = along_n ? s->n / n : s->m / s->m_block;
    if (along_n) run_along_n(s->kernels.splits, blocks, &left, &right, &to, s->accumulate, count);
    else run_along_m(s->kernels.splits, blocks, &left, &right, &to, s->accumulate, count);
}

static bool is_whole_blocks(int64_t extent, int64_t block) {
    return extent > 0 && block > 0 && block <= edge && extent % block == 0;
}

/* Larger ones could overflow in bytes. */
static bool is_step(int64_t words) { return words >= 1 && words <= BRDNN_SIZE_LIMIT; }

/* Blocks of C along m: one behind the other, or side by side within longer columns. */
static bool blocks_are_apart(const brdnn_brgemm_shape *s) {
    if (s->m == s->m_block) return true;
    if (!is_step(s->a_block) || !is_step(s->c_block)) return false;
    const int64_t block = s->m_block, others = s->m / block - 1;
    return s->c_block >= (s->n - 1) * s->ldc + block
            || (s->c_block >= block && s->ldc >= others * s->c_block + block);
}

bool brdnn_amx_supported(const brdnn_brgemm_shape *s) {
    const int64_t splits = s->kernels.splits;
    if (splits < 1 || splits > brdnn_most_splits || s->n_contiguous) return false;
    if (s->k < 1 || s->k > brdnn_amx_depth) return false;
    if (!is_whole_blocks(s->m, s->m_block) || !is_whole_blocks(s->n, n_block(s))) return false;
    const int64_t along_m = s->m / s->m_block, along_n = s->n / n_block(s);
    if (brdnn_min(along_m, along_n) > 1) return false;
    if (brdnn_max(along_m, along_n) > brdnn_amx_most_blocks(splits)) return false;
    if (!is_step(s->lda) || !is_step(s->ldb) || !is_step(s->ldc)) return false;
    if (splits > 1 && (!is_step(s->a_plane) || !is_step(s->b_plane))) return false;
    return s->ldc >= s->m_block && blocks_are_apart(s);
}

/** Memory operand of LDTILECFG. */
typedef struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16]; /**< by tile */
    uint8_t rows[16];       /**< by tile */
} tile_configuration;

static void shape_tiles(
        tile_configuration *configuration, int first, int end, int64_t rows, int64_t row_words) {
    for (int tile = first; tile < end; ++tile) {
        configuration->rows[tile] = (uint8_t)rows;
        configuration->row_bytes[tile] = (uint16_t)(row_words * brdnn_word_bytes);
    }
}

void brdnn_amx_configure(const brdnn_brgemm_shape *s) {
    const int64_t m = s->m_block, n = n_block(s);
    const int left = (int)brdnn_amx_most_blocks(s->kernels.splits);
    const int right = (left + tile_registers) / 2;
    tile_configuration configuration = {.palette = 1};
    shape_tiles(&configuration, 0, left, n, m);
    shape_tiles(&configuration, left, right, n, s->k);
    shape_tiles(&configuration, right, tile_registers, s->k, m);
    __asm__ volatile("ldtilecfg %0" : : "m"(configuration));
}

void brdnn_amx_release(void) { __asm__ volatile("tilerelease"); }
