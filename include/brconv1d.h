/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brconv1d.h
 *
 * 1D convolution on batch-reduce GEMM (BRGEMM) kernels, f32, forward:
 *
 *     dst[n, k, q] = bias[k] + sum over c, s of
 *                    wei[k, c, s] * src[n, c, q * stride + s * dilation - pad_l]
 *
 * with src taken as zero outside [0, iw). The method is that of Chaudhary et al., "Efficient and
 * Generic 1D Dilated Convolution Layer for Deep Learning" (arXiv 2104.08002), without its limits.
 *
 * Life cycle: fill a problem, create a plan from it, run the plan any number of times, destroy it.
 *
 *     brconv1d_plan *plan;
 *     if (brconv1d_plan_create(&plan, &problem) != BRCONV1D_SUCCESS) ...
 *     brconv1d_info info;
 *     brconv1d_query(&problem, &info);
 *     args.scratch = aligned_alloc(64, brconv1d_scratch_bytes(&info, nthr));
 *     for (int phase = 0; phase < info.phases; ++phase)     // a barrier between phases
 *         // on each of nthr threads:
 *         brconv1d_run(plan, phase, &args, ithr, nthr);
 *     brconv1d_plan_destroy(plan);
 *
 * A plan is immutable: any number of threads may run it at once, each call with its own scratch.
 * Running allocates nothing, takes no lock and starts no thread, and its results do not depend, to
 * the last bit, on nthr. All sizes, strides and offsets count elements (floats) unless the name
 * ends in `_bytes`. Nothing here prints or exits.
 */

#ifndef BRCONV1D_H
#define BRCONV1D_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a call can answer. */
typedef enum {
    BRCONV1D_SUCCESS = 0,
    /** The arguments make no sense: a null pointer, a size below 1 or beyond 2^46, rows or images
     * that overlap. Nothing was touched. */
    BRCONV1D_INVALID = 1,
    /** A legal problem that is not done here; brconv1d_info::text says why. */
    BRCONV1D_UNSUPPORTED = 2,
    /** Memory, or executable memory, could not be had. */
    BRCONV1D_OUT_OF_MEMORY = 3
} brconv1d_status;

/** Which dimension of src and dst is contiguous. */
typedef enum {
    BRCONV1D_NCW, /**< width contiguous: element (n, c, w) at n * mb_stride + c * pitch + w */
    BRCONV1D_NWC  /**< channels contiguous: element (n, c, w) at n * mb_stride + w * pitch + c */
} brconv1d_layout;

/** Instruction set that the kernels may use. */
typedef enum {
    BRCONV1D_ISA_AVX2,       /**< AVX2 with FMA */
    BRCONV1D_ISA_AVX512_CORE /**< AVX-512 F, BW, DQ, VL */
} brconv1d_isa;

/** Who finishes an output tile once its sums are complete. */
typedef enum {
    BRCONV1D_STORE,    /**< the library stores the sums */
    BRCONV1D_ADD_BIAS, /**< the library adds brconv1d_args::bias and stores */
    BRCONV1D_CALLBACK  /**< brconv1d_args::epilogue gets the sums and writes dst itself */
} brconv1d_finish;

/** Placement of src or dst in memory. */
typedef struct {
    /** Elements from one image of the batch to the next. 0: dense. */
    int64_t mb_stride;
    /** Elements from one row to the next, where a row is a channel of iw or ow positions (NCW) or
     * a position of all channels (NWC). At least the row's length. 0: dense. */
    int64_t pitch;
} brconv1d_tensor;

/** Placement of the weights: element (g, k, c, s), with k and c counted within their group. */
typedef struct {
    /** True: the layout that brconv1d_info::packed_wei describes; the strides are ignored. */
    bool packed;
    /** Elements between neighbours in each dimension, at least 1; weights are only read, so they may
     * overlap. All 0: dense (g, k, c, s), s innermost. */
    int64_t g_stride, oc_stride, ic_stride, kw_stride;
} brconv1d_weights;

/** One convolution problem. Unused fields must be zero: initialise with `= {0}`. */
typedef struct {
    int64_t mb;       /**< images in the batch, at least 1 */
    int64_t groups;   /**< at least 1; divides ic and oc */
    int64_t ic, oc;   /**< channels of src and of dst, all groups together */
    int64_t iw, ow;   /**< widths of src and dst; see brconv1d_output_width() */
    int64_t kw;       /**< filter taps */
    int64_t stride;   /**< at least 1 */
    int64_t dilation; /**< positions between neighbouring taps, 1 is dense */
    /** Zeros before the first element of src; negative crops. Whatever the last output reads past
     * iw is padding on the right, so the right padding (also a negative one) follows from ow. */
    int64_t pad_l;
    brconv1d_layout layout; /**< of src and dst both */
    brconv1d_tensor src, dst;
    brconv1d_weights wei;
    brconv1d_finish finish;
    brconv1d_isa
            isa; /**< the best that the kernels may use; the caller knows that the CPU has it */
} brconv1d_problem;

/** Packed weights: filters in blocks, zero-filled to a whole block. Element (g, k, c, s) stands at
 *
 *     ((((g * oc_blocks + k / oc_block) * kw + s) * ic + c) * oc_block) + k % oc_block
 *
 * with ic the channels of one group and oc_blocks = ceil(oc of one group / oc_block). */
typedef struct {
    int64_t oc_block, oc_blocks;
    size_t bytes;
} brconv1d_packed_wei;

/** What the planner decided. */
typedef struct {
    brconv1d_packed_wei packed_wei;
    /** Calls of run that make one convolution: 2 where plain weights are packed first, else 1. */
    int phases;
    /** Pieces of the last phase that can run side by side. */
    int64_t work_items;
    size_t shared_scratch_bytes, scratch_bytes_per_thread;
    /** Share of vector lanes that does useful work in the inner loop, 0 to 1. */
    double lane_use;
    /** One line: the tile, blocks and packing chosen, or why the problem is refused. */
    char text[192];
} brconv1d_info;

/** One finished tile of sums, as the epilogue sees it: `rows` x `row_length` floats at acc, rows
 * `ld` apart. In NCW a row is a filter and runs along the width; in NWC a row is a position and
 * runs along the filters. */
typedef struct {
    const float *acc;
    int64_t ld;
    int64_t n;            /**< image */
    int64_t oc, oc_count; /**< first filter, counted over all groups, and how many */
    int64_t ow, ow_count; /**< first position and how many */
} brconv1d_tile;

/** Turns a tile of sums into dst: bias, post-operations and the store. Tiles of one run never
 * overlap, and different threads may be in it at once. */
typedef void (*brconv1d_epilogue)(void *context, const brconv1d_tile *tile);

/** Pointers of one run. */
typedef struct {
    const float *src, *wei, *bias; /**< bias: oc floats with BRCONV1D_ADD_BIAS, else unused */
    float *dst;                    /**< unused with BRCONV1D_CALLBACK */
    /** brconv1d_scratch_bytes() bytes at a multiple of 64; contents need not be kept. */
    void *scratch;
    brconv1d_epilogue epilogue; /**< with BRCONV1D_CALLBACK */
    void *epilogue_context;
} brconv1d_args;

/** A problem turned into blocks and kernels. */
typedef struct brconv1d_plan brconv1d_plan;

/** Output width for a padding of pad_l before and pad_r after (either may be negative); 0 or less
 * where there is no output. All arguments as in brconv1d_problem. */
int64_t brconv1d_output_width(
        int64_t iw, int64_t kw, int64_t stride, int64_t dilation, int64_t pad_l, int64_t pad_r);

/** Checks a problem and tells how it would be run, generating nothing: cheap.
 * @return SUCCESS, INVALID or UNSUPPORTED, exactly as brconv1d_plan_create() would answer (which
 *         alone can run out of memory). info->text is filled in every case, unless info is NULL
 *         (INVALID). */
brconv1d_status brconv1d_query(const brconv1d_problem *problem, brconv1d_info *info);

/** Bytes that brconv1d_args::scratch must have for nthr threads. */
size_t brconv1d_scratch_bytes(const brconv1d_info *info, int nthr);

/** Plans a problem and generates its kernels.
 * @param[out] plan the plan, to be given to brconv1d_plan_destroy(); NULL unless SUCCESS.
 * @return SUCCESS, INVALID, UNSUPPORTED or OUT_OF_MEMORY. */
brconv1d_status brconv1d_plan_create(brconv1d_plan **plan, const brconv1d_problem *problem);

/** Frees a plan and its kernels. NULL is allowed. */
void brconv1d_plan_destroy(brconv1d_plan *plan);

/** Does thread ithr's share of one phase. All threads must have finished a phase before any starts
 * the next; every share of every phase must be run, by any thread.
 * @return SUCCESS; INVALID where a pointer that the plan needs is NULL, scratch is not aligned to
 *         64 bytes, or phase or ithr is out of range (nothing is touched then). */
brconv1d_status brconv1d_run(
        const brconv1d_plan *plan, int phase, const brconv1d_args *args, int ithr, int nthr);

#ifdef __cplusplus
}
#endif

#endif
