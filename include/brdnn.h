/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brdnn.h
 *
 * 1D convolution and its gradients on batch-reduce GEMM (BRGEMM) kernels, for f32 and bf16 tensors;
 * sums are f32 always, and rounded once. Forward is
 *
 *     dst[n, k, q] = bias[k] + sum over c, s of
 *                    wei[k, c, s] * src[n, c, q * stride + s * dilation - pad_l]
 *
 * with src taken as zero outside [0, iw). A problem always names the sizes of this formula; its
 * pass says which of the tensors, or of their gradients, is computed from the others:
 *
 *     backward data      diff_src[n, c, i] = sum over k, s and the q that read position i of
 *                                            wei[k, c, s] * diff_dst[n, k, q]
 *     backward weights   diff_wei[k, c, s] = sum over n, q of diff_dst[n, k, q]
 *                                            * src[n, c, q * stride + s * dilation - pad_l]
 *
 * A transposed convolution is backward data, plus a bias. The method is that of Chaudhary et al.,
 * "Efficient and Generic 1D Dilated Convolution Layer for Deep Learning" (arXiv 2104.08002),
 * without its limits.
 *
 * Life cycle: fill a problem, create a plan from it, run the plan any number of times, destroy it.
 *
 *     brdnn_conv_plan *plan;
 *     if (brdnn_conv_plan_create(&plan, &problem) != BRDNN_SUCCESS) ...
 *     brdnn_conv_info info;
 *     brdnn_conv_query(&problem, &info);
 *     args.scratch = aligned_alloc(64, brdnn_conv_scratch_bytes(&info, nthr));
 *     for (int phase = 0; phase < info.phases; ++phase)     // a barrier between phases
 *         // on each of nthr threads:
 *         brdnn_conv_run(plan, phase, &args, ithr, nthr);
 *     brdnn_conv_plan_destroy(plan);
 *
 * A plan is immutable: any number of threads may run it at once, each call with its own scratch.
 * Running allocates nothing, takes no lock and starts no thread, and its results do not depend, to
 * the last bit, on nthr. All sizes, strides and offsets count elements unless the name ends
 * in `_bytes`. Nothing here prints or exits.
 */

#ifndef BRDNN_H
#define BRDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a call can answer. */
typedef enum {
    BRDNN_SUCCESS = 0,
    /** The arguments make no sense: a null pointer, a size below 1 or beyond 2^46, rows or images
     * that overlap. Nothing was touched. */
    BRDNN_INVALID = 1,
    /** A legal problem that is not done here; brdnn_conv_info::text says why. It takes tables or packed
     * copies beyond any real layer: over 2^20 taps, a backward stride of over 2^20, and the like. */
    BRDNN_UNSUPPORTED = 2,
    /** Memory, or executable memory, could not be had. */
    BRDNN_OUT_OF_MEMORY = 3
} brdnn_status;

/** Which dimension of src and dst is contiguous. */
typedef enum {
    BRDNN_NCW, /**< width contiguous: element (n, c, w) at n * mb_stride + c * pitch + w */
    BRDNN_NWC  /**< channels contiguous: element (n, c, w) at n * mb_stride + w * pitch + c */
} brdnn_layout;

/** What an element of a tensor is. */
typedef enum {
    BRDNN_F32,
    BRDNN_BF16 /**< the upper half of an f32; rounded to the nearest, ties to even */
} brdnn_type;

/** Instructions that the kernels may use: a set of bits, each name with all that its kernels need. Sets
 * may be joined by |. */
typedef enum {
    BRDNN_ISA_AVX2 = 1 << 0,                                     /**< AVX2 with FMA */
    BRDNN_ISA_AVX512_CORE = 1 << 1 | BRDNN_ISA_AVX2,             /**< AVX-512 F, BW, DQ, VL */
    BRDNN_ISA_AVX512_CORE_BF16 = 1 << 2 | BRDNN_ISA_AVX512_CORE, /**< AVX512_BF16 */
    /** AMX-TILE and AMX-BF16, with the system's permission to use tiles (on Linux
     * arch_prctl(ARCH_REQ_XCOMP_PERM)). A run leaves the calling thread's tiles released, whatever was
     * in them before. */
    BRDNN_ISA_AVX512_CORE_AMX = 1 << 3 | BRDNN_ISA_AVX512_CORE_BF16
} brdnn_isa;

/** How f32 values may be multiplied. Kernels for bf16 split each value into a sum of so many bf16
 * values, of 8 bits each, and leave out products too small to matter (docs/numerics.md). Products of
 * bf16 tensors are exact with any of these. f32 kernels are used instead where they are as fast on the
 * instruction set, where the tensors that are read have different types (unless BF16 is allowed), where
 * a sum of three splits would have fewer than 64 terms, or where others would need too much scratch;
 * brdnn_conv_info::splits tells. */
typedef enum {
    BRDNN_MATH_F32,   /**< as f32: fused multiply-add */
    BRDNN_MATH_BF16,  /**< one split: values are rounded to bf16 */
    BRDNN_MATH_TF32,  /**< two splits, 16 bits: more than the 11 of TF32 */
    BRDNN_MATH_BF16X3 /**< three splits, 24 bits: all of an f32 */
} brdnn_math;

/** What is computed. */
typedef enum {
    BRDNN_FORWARD,         /**< dst from src and wei */
    BRDNN_BACKWARD_DATA,   /**< diff_src from diff_dst and wei */
    BRDNN_BACKWARD_WEIGHTS /**< diff_wei from src and diff_dst */
} brdnn_pass;

/** What becomes of the result's sums, and of a bias. */
typedef enum {
    BRDNN_STORE,    /**< the library stores the sums */
    BRDNN_ADD_BIAS, /**< forward, backward data: it adds brdnn_conv_args::bias and stores */
    BRDNN_CALLBACK, /**< forward, backward data: brdnn_conv_args::epilogue gets the sums and
                            writes the result itself */
    /** Backward weights: diff_bias[k] = sum over n, q of diff_dst[n, k, q] besides. */
    BRDNN_BIAS_OF_DST,
    /** Backward weights: diff_bias[c] = sum over n, i of src[n, c, i] besides. That is the bias
     * gradient of a transposed convolution, whose diff_dst takes the place of src. */
    BRDNN_BIAS_OF_SRC
} brdnn_conv_finish;

/** Placement of src or dst, or their gradients, in memory. */
typedef struct {
    /** Elements from one image of the batch to the next. 0: dense. */
    int64_t mb_stride;
    /** Elements from one row to the next, where a row is a channel of iw or ow positions (NCW) or
     * a position of all channels (NWC). At least the row's length. 0: dense. */
    int64_t pitch;
    brdnn_type type;
} brdnn_conv_tensor;

/** Placement of the weights or their gradient: element (g, k, c, s), with k and c counted within
 * their group. */
typedef struct {
    /** True: the layout that brdnn_conv_info::packed_wei describes; the strides are ignored. Not for
     * backward weights, and unsupported where that describes none. */
    bool packed;
    /** Elements between neighbours in each dimension, at least 1. All 0: dense (g, k, c, s), s
     * innermost. Weights that are only read may overlap; of a gradient each dimension must step over
     * all of those with smaller strides. */
    int64_t g_stride, oc_stride, ic_stride, kw_stride;
    brdnn_type type;
} brdnn_conv_weights;

/** One convolution problem. Unused fields must be zero: initialise with `= {0}`. */
typedef struct {
    int64_t mb;       /**< images in the batch, at least 1 */
    int64_t groups;   /**< at least 1; divides ic and oc */
    int64_t ic, oc;   /**< channels of src and of dst, all groups together */
    int64_t iw, ow;   /**< widths of src and dst; see brdnn_conv_output_width() */
    int64_t kw;       /**< filter taps */
    int64_t stride;   /**< at least 1 */
    int64_t dilation; /**< positions between neighbouring taps, 1 is dense */
    /** Zeros before the first element of src; negative crops. Whatever the last output reads past
     * iw is padding on the right, so the right padding (also a negative one) follows from ow. */
    int64_t pad_l;
    brdnn_pass pass;
    brdnn_layout layout; /**< of src and dst both */
    brdnn_conv_tensor src, dst;
    brdnn_conv_weights wei;
    brdnn_conv_finish finish;
    brdnn_type bias_type; /**< of the bias or its gradient */
    brdnn_math math;
    /** What the kernels may use, AVX2 at least; the caller knows that the CPU has it. */
    brdnn_isa isa;
} brdnn_conv_problem;

/** Packed weights, a layout that does not depend on widths: the result's channels in blocks, the channels that
 * are summed over in inner blocks of `depth`, both zero-filled to whole blocks. Forward, element (g, k, c, s)
 * stands at
 *
 *     (((g * blocks + k / block) * kw + s) * depths + c / depth) * (block * depth) + inner
 *
 *     inner = k % block * depth + c % depth                                         is_depth_innermost
 *             (c % depth / pair * block + k % block) * pair + c % pair              else
 *
 * with depths = ceil(ic / depth), and ic and oc the channels of one group. In backward data c and k, ic and oc
 * change places. A pair of 2 is oneDNN's VNNI layout. */
typedef struct {
    int64_t block, blocks;
    int64_t depth, pair; /**< pair divides depth; 1 for f32, 2 for bf16 */
    bool is_depth_innermost;
    size_t bytes;
} brdnn_conv_packed_wei;

/** What the planner decided. */
typedef struct {
    /** All 0 where weights can't come packed: for backward weights, where kernels multiply another type than
     * the weights have, and where few channels make them take several taps at once. */
    brdnn_conv_packed_wei packed_wei;
    /** Calls of run that make one convolution. Forward and backward data: plain weights are packed first.
     * Backward weights: partial sums, then their sum. Where kernels for bf16 can't carry all values, more
     * phases compute in f32 what was left out, as a rule nothing. */
    int phases;
    /** Pieces of the longest phase that can run side by side. */
    int64_t work_items;
    /** Forward and backward data share a copy of plain weights. Backward weights share partial sums:
     * at most 64 MiB, or one copy of weights and bias where that is more (kernels for bf16 need up to
     * twice the weights, filled up to whole tiles). Where those can't carry all values there is a byte
     * for each chunk of hundreds of positions besides, and forward and backward data have a second copy of
     * the weights, in f32. A thread's own are at most 64 MiB; a problem that needs more is unsupported. */
    size_t shared_scratch_bytes, scratch_bytes_per_thread;
    /** Share of vector lanes that does useful work in the inner loop, 0 to 1. */
    double lane_use;
    /** Splits (see brdnn_math) that kernels multiply; 0: they multiply f32. */
    int splits;
    /** One line: the tile, blocks and packing chosen, or why the problem is refused. */
    char text[192];
} brdnn_conv_info;

/** One finished tile of sums, as the epilogue sees it: rows of floats at acc, `ld` apart. In NCW a
 * row is a channel and runs along the width; in NWC a row is a position and runs along the
 * channels. Channels and positions are those of the result: dst, or diff_src. */
typedef struct {
    const float *acc;
    int64_t ld;
    int64_t n;                   /**< image */
    int64_t channel, channels;   /**< the first one, counted over all groups, and how many */
    int64_t position, positions; /**< the first one and how many */
} brdnn_conv_tile;

/** Turns a tile of sums into the result: bias, post-operations and the store. Tiles of one run never
 * overlap, and different threads may be in it at once. With AMX the thread's tile registers are in use
 * meanwhile: it must leave them as they are, and so not run another plan. */
typedef void (*brdnn_conv_epilogue)(void *context, const brdnn_conv_tile *tile);

/** Pointers of one run. A pass uses those that it reads or writes, and ignores the others. */
typedef struct {
    const void *src;      /**< forward, backward weights */
    const void *wei;      /**< forward, backward data */
    const void *diff_dst; /**< backward data, backward weights */
    /** With BRDNN_ADD_BIAS: an element for each channel of the result. */
    const void *bias;
    void *dst;       /**< forward, unless BRDNN_CALLBACK */
    void *diff_src;  /**< backward data, unless BRDNN_CALLBACK */
    void *diff_wei;  /**< backward weights */
    void *diff_bias; /**< with BRDNN_BIAS_OF_DST oc elements, with BRDNN_BIAS_OF_SRC ic */
    /** brdnn_conv_scratch_bytes() bytes at a multiple of 64; contents need not be kept. */
    void *scratch;
    brdnn_conv_epilogue epilogue; /**< with BRDNN_CALLBACK */
    void *epilogue_context;
} brdnn_conv_args;

/** A problem turned into blocks and kernels. */
typedef struct brdnn_conv_plan brdnn_conv_plan;

/** Bytes of data cache that a core has to itself at a level (1 to 3), or its share where cores share one.
 * Some virtual machines hide them from CPUID.
 * @param reported what CPUID, or whoever was asked, says; 0 where nobody was
 * @return what was reported, unless no cache is that small: then what the C library or the kernel says,
 *         else what is usual. A third level may have 0 bytes, as there need not be one. Of other levels, what
 *         was reported. */
int64_t brdnn_cache_bytes(int level, int64_t reported);

/** Output width for a padding of pad_l before and pad_r after (either may be negative); 0 or less
 * where there is no output. All arguments as in brdnn_conv_problem. */
int64_t brdnn_conv_output_width(
        int64_t iw, int64_t kw, int64_t stride, int64_t dilation, int64_t pad_l, int64_t pad_r);

/** Checks a problem and tells how it would be run, generating nothing: cheap.
 * @return SUCCESS, INVALID or UNSUPPORTED, exactly as brdnn_conv_plan_create() would answer (which
 *         alone can run out of memory). info->text is filled in every case, unless info is NULL
 *         (INVALID). */
brdnn_status brdnn_conv_query(const brdnn_conv_problem *problem, brdnn_conv_info *info);

/** Bytes that brdnn_conv_args::scratch must have for nthr threads. */
size_t brdnn_conv_scratch_bytes(const brdnn_conv_info *info, int nthr);

/** Plans a problem and generates its kernels.
 * @param[out] plan the plan, to be given to brdnn_conv_plan_destroy(); NULL unless SUCCESS.
 * @return SUCCESS, INVALID, UNSUPPORTED or OUT_OF_MEMORY. */
brdnn_status brdnn_conv_plan_create(brdnn_conv_plan **plan, const brdnn_conv_problem *problem);

/** Frees a plan and its kernels. NULL is allowed. */
void brdnn_conv_plan_destroy(brdnn_conv_plan *plan);

/** Does thread ithr's share of one phase. All threads must have finished a phase before any starts
 * the next; every share of every phase must be run, by any thread.
 * @return SUCCESS; INVALID where a pointer that the plan needs is NULL, scratch is not aligned to
 *         64 bytes, or phase or ithr is out of range (nothing is touched then). */
brdnn_status brdnn_conv_run(
        const brdnn_conv_plan *plan, int phase, const brdnn_conv_args *args, int ithr, int nthr);

#ifdef __cplusplus
}
#endif

#endif
