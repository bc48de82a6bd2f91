/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/libxsmm.c
 * BRGEMM kernels from LIBXSMM's generator (libxsmm 1.17).
 *
 * Only the generator is used, never LIBXSMM's run-time front: its initialisation changes the
 * environment, creates a lock file, registers an exit handler and keeps every kernel for ever.
 * The generator writes machine code into memory of ours and has no state.
 */

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "brgemm/libxsmm.h"

#include <libxsmm_cpuid.h>
#include <libxsmm_generator.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    /* Room per kernel. The longest, 23 unrolled steps of 4 x 6 vectors, has about 8 KiB; pages
     * that are not written cost nothing. */
    code_bytes_per_kernel = 64 * 1024,
    /* How many columns of A the generated code prefetches ahead. */
    prefetch_columns = 16
};

struct brdnn_brgemm_code {
    unsigned char *start;
    size_t bytes, used;
};

static bool is_bf16(const brdnn_brgemm_shape *s) { return brdnn_is_vnni(s->kernels); }

static int generator_arch(const brdnn_brgemm_shape *s) {
    /* The generator knows AVX512_BF16 by the first CPU that had it, Cooper Lake. */
    if (is_bf16(s)) return LIBXSMM_X86_AVX512_CPX;
    return brdnn_has_avx512(s->kernels) ? LIBXSMM_X86_AVX512_CORE : LIBXSMM_X86_AVX2;
}

static bool has_kernel(const brdnn_brgemm_shape *s) {
    const bool bf16 = s->kernels.family == BRDNN_AVX512_BF16_VNNI && !s->n_contiguous;
    return s->kernels.splits == 1 && (bf16 || !is_bf16(s));
}

/* The generator computes displacements in 32 bits and does not notice when they overflow. */
static bool displacement_fits(int64_t columns, int64_t ld) {
    const int64_t most = INT32_MAX / (int64_t)sizeof(float);
    return ld <= most / (columns + 1);
}

bool brdnn_libxsmm_supported(const brdnn_brgemm_shape *s) {
    const bool positive = s->m > 0 && s->n > 0 && s->k > 0;
    const bool wide_enough
            = s->lda >= s->m && s->ldc >= s->m && s->ldb >= (s->n_contiguous ? s->n : s->k);
    if (!has_kernel(s) || !positive || !wide_enough) return false;
    /* Any extent beyond these would overflow below; tiles and channel blocks are far smaller. */
    const int64_t extent_limit = INT32_MAX / 64;
    if (s->m > extent_limit || s->n > extent_limit || s->k > extent_limit) return false;
    const int64_t b_columns = s->n_contiguous ? s->k : s->n;
    return displacement_fits(s->k + prefetch_columns, s->lda)
            && displacement_fits(b_columns, s->ldb) && displacement_fits(s->n, s->ldc);
}

brdnn_brgemm_code *brdnn_brgemm_code_create(int kernels) {
    brdnn_brgemm_code *code = malloc(sizeof(*code));
    if (!code) return NULL;
    *code = (brdnn_brgemm_code) {.bytes = (size_t)kernels * code_bytes_per_kernel};
    if (kernels == 0) return code;
    code->start
            = mmap(NULL, code->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code->start == MAP_FAILED) {
        free(code);
        return NULL;
    }
    return code;
}

/* What the generator is to make, in its own terms: of a pair of terms in A both stand in one place,
 * as with its VNNI layout, but k and ldb count single terms. */
static const libxsmm_gemm_descriptor *describe(
        libxsmm_descriptor_blob *blob, const brdnn_brgemm_shape *s) {
    const libxsmm_gemm_precision precision
            = is_bf16(s) ? LIBXSMM_GEMM_PRECISION_BF16 : LIBXSMM_GEMM_PRECISION_F32;
    const int flags = LIBXSMM_GEMM_FLAG_BATCH_REDUCE_OFFSET
            | (s->accumulate ? LIBXSMM_GEMM_FLAG_NONE : LIBXSMM_GEMM_FLAG_BETA_0)
            | (s->n_contiguous ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE)
            | (is_bf16(s) ? LIBXSMM_GEMM_FLAG_VNNI_A : LIBXSMM_GEMM_FLAG_NONE);
    return libxsmm_gemm_descriptor_dinit2(blob, precision, LIBXSMM_GEMM_PRECISION_F32,
            (libxsmm_blasint)s->m, (libxsmm_blasint)s->n,
            (libxsmm_blasint)(s->k * brdnn_terms_of(s->kernels)), (libxsmm_blasint)s->lda,
            (libxsmm_blasint)(s->ldb * brdnn_terms_of(s->kernels)), (libxsmm_blasint)s->ldc, 1.0,
            s->accumulate ? 1.0 : 0.0, flags, LIBXSMM_GEMM_PREFETCH_NONE);
}

brdnn_brgemm_code_entry brdnn_libxsmm_generate(
        brdnn_brgemm_code *code, const brdnn_brgemm_shape *s) {
    if (code->bytes - code->used < code_bytes_per_kernel) return NULL;
    libxsmm_descriptor_blob blob;
    const libxsmm_gemm_descriptor *descriptor = describe(&blob, s);
    if (!descriptor) return NULL;

    unsigned char *entry = code->start + code->used;
    libxsmm_generated_code generated = {0};
    generated.generated_code = entry;
    generated.buffer_size = code_bytes_per_kernel;
    generated.code_type = 2; /* machine code */
    generated.arch = (unsigned)generator_arch(s);
    libxsmm_generator_gemm_kernel(&generated, descriptor);
    if (generated.last_error) return NULL;

    const size_t line = 64; /* entry points start a cache line */
    code->used += (generated.code_size + line - 1) / line * line;
    /* An object pointer becomes a function pointer: POSIX allows it, ISO C has no cast for it. */
    union {
        unsigned char *object;
        brdnn_brgemm_code_entry function;
    } kernel = {.object = entry};
    return kernel.function;
}

bool brdnn_brgemm_code_seal(brdnn_brgemm_code *code) {
    return code->bytes == 0 || mprotect(code->start, code->bytes, PROT_READ | PROT_EXEC) == 0;
}

void brdnn_brgemm_code_destroy(brdnn_brgemm_code *code) {
    if (!code) return;
    if (code->bytes > 0) munmap(code->start, code->bytes);
    free(code);
}
