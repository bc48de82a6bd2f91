/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm_libxsmm.c
 * BRGEMM kernels from LIBXSMM's generator (libxsmm 1.17).
 *
 * Only the generator is used, never LIBXSMM's run-time front: its initialisation changes the
 * environment, creates a lock file, registers an exit handler and keeps every kernel for ever.
 * The generator writes machine code into memory of ours and has no state.
 */

#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */

#include "brgemm.h"

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

struct brconv1d_brgemm_code {
    unsigned char *start;
    size_t bytes, used;
};

static int generator_arch(brconv1d_isa isa) {
    return isa == BRCONV1D_ISA_AVX512_CORE ? LIBXSMM_X86_AVX512_CORE : LIBXSMM_X86_AVX2;
}

/* The generator computes displacements in 32 bits and does not notice when they overflow. */
static bool displacement_fits(int64_t columns, int64_t ld) {
    const int64_t most = INT32_MAX / (int64_t)sizeof(float);
    return ld <= most / (columns + 1);
}

bool brconv1d_brgemm_supported(const brconv1d_brgemm_shape *s) {
    const bool positive = s->m > 0 && s->n > 0 && s->k > 0;
    const bool wide_enough
            = s->lda >= s->m && s->ldc >= s->m && s->ldb >= (s->n_contiguous ? s->n : s->k);
    if (!positive || !wide_enough) return false;
    /* Any extent beyond these would overflow below; tiles and channel blocks are far smaller. */
    const int64_t extent_limit = INT32_MAX / 64;
    if (s->m > extent_limit || s->n > extent_limit || s->k > extent_limit) return false;
    const int64_t b_columns = s->n_contiguous ? s->k : s->n;
    return displacement_fits(s->k + prefetch_columns, s->lda)
            && displacement_fits(b_columns, s->ldb) && displacement_fits(s->n, s->ldc);
}

brconv1d_brgemm_code *brconv1d_brgemm_code_create(int kernels) {
    brconv1d_brgemm_code *code = malloc(sizeof(*code));
    if (!code) return NULL;
    code->used = 0;
    code->bytes = (size_t)kernels * code_bytes_per_kernel;
    code->start
            = mmap(NULL, code->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code->start == MAP_FAILED) {
        free(code);
        return NULL;
    }
    return code;
}

brconv1d_brgemm brconv1d_brgemm_generate(
        brconv1d_brgemm_code *code, const brconv1d_brgemm_shape *s) {
    if (!brconv1d_brgemm_supported(s) || code->bytes - code->used < code_bytes_per_kernel)
        return NULL;
    const float alpha = 1.f, beta = s->accumulate ? 1.f : 0.f;
    const int flags = LIBXSMM_GEMM_FLAG_BATCH_REDUCE_OFFSET
            | (s->accumulate ? LIBXSMM_GEMM_FLAG_NONE : LIBXSMM_GEMM_FLAG_BETA_0)
            | (s->n_contiguous ? LIBXSMM_GEMM_FLAG_TRANS_B : LIBXSMM_GEMM_FLAG_NONE);
    libxsmm_descriptor_blob blob;
    const libxsmm_gemm_descriptor *descriptor = libxsmm_gemm_descriptor_init(&blob,
            LIBXSMM_GEMM_PRECISION_F32, (libxsmm_blasint)s->m, (libxsmm_blasint)s->n,
            (libxsmm_blasint)s->k, (libxsmm_blasint)s->lda, (libxsmm_blasint)s->ldb,
            (libxsmm_blasint)s->ldc, &alpha, &beta, flags, LIBXSMM_GEMM_PREFETCH_NONE);
    if (!descriptor) return NULL;

    unsigned char *entry = code->start + code->used;
    libxsmm_generated_code generated = {0};
    generated.generated_code = entry;
    generated.buffer_size = code_bytes_per_kernel;
    generated.code_type = 2; /* machine code */
    generated.arch = (unsigned)generator_arch(s->isa);
    libxsmm_generator_gemm_kernel(&generated, descriptor);
    if (generated.last_error) return NULL;

    const size_t line = 64; /* entry points start a cache line */
    code->used += (generated.code_size + line - 1) / line * line;
    /* An object pointer becomes a function pointer: POSIX allows it, ISO C has no cast for it. */
    union {
        unsigned char *object;
        brconv1d_brgemm function;
    } kernel = {.object = entry};
    return kernel.function;
}

bool brconv1d_brgemm_code_seal(brconv1d_brgemm_code *code) {
    return mprotect(code->start, code->bytes, PROT_READ | PROT_EXEC) == 0;
}

void brconv1d_brgemm_code_destroy(brconv1d_brgemm_code *code) {
    if (!code) return;
    munmap(code->start, code->bytes);
    free(code);
}
