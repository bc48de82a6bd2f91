// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// Measures the arithmetic peak of this machine, in GFLOP/s:
///
///     brconv1d_peak [threads]
///
/// One line per kind that the CPU has: f32_fma (f32 fused multiply-add, the
/// widest vectors), bf16_dot (AVX512_BF16 dot product), bf16_amx (AMX tiles).
/// A multiply-add is two operations. Each kind takes about 0.2 s: RUNS short
/// runs in which all threads start together. The fastest counts, because
/// compare.py takes benchdnn's fastest run too: a peak that a busy moment
/// lowered would flatter every share of it.
///
/// The kernels are inline assembly, so that what is measured does not depend
/// on how a compiler allocates registers, and the file builds with baseline
/// x86-64 flags. The operands are small normal numbers: the accumulators
/// neither overflow nor become denormal in the time of a run.

#define _GNU_SOURCE
#include <cpuid.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 60, MAX_THREADS = 4096 };

static const double RUN_SECONDS = 0.003;

/// A kernel does `iterations` times a fixed number of floating-point operations.
typedef void kernel_fn(int64_t iterations);

struct kind {
    const char *name;
    const char *isa;
    bool (*supported)(void);
    kernel_fn *run;
    double flops_per_iteration; // of one thread
};

// 24 accumulators for 512-bit vectors and 12 for 256-bit ones: more than the
// latency (4 to 5 cycles) times two instructions a cycle needs.
#define REPEAT_12(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11)
#define REPEAT_24(op) \
    REPEAT_12(op) op(12) op(13) op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23)

#define CLOBBER_16 \
    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
            "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#define CLOBBER_32 \
    CLOBBER_16, "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", \
            "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31"

// 2^-10 as f32, and as two bf16.
static const uint32_t SMALL_F32 = 0x3a800000;
static const uint32_t SMALL_BF16_PAIR = 0x3a803a80;

__attribute__((target("avx2,fma"))) static void fma_avx2(int64_t iterations) {
#define ZERO(r) "vpxor %%ymm" #r ", %%ymm" #r ", %%ymm" #r "\n\t"
#define FMA(r) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" #r "\n\t"
    __asm__ volatile("vbroadcastss %1, %%ymm14\n\t"
                     "vbroadcastss %1, %%ymm15\n\t" REPEAT_12(ZERO)
                     "1:\n\t" REPEAT_12(FMA) "dec %0\n\t"
                     "jnz 1b\n\t"
                     "vzeroupper"
                     : "+r"(iterations)
                     : "m"(SMALL_F32)
                     : "cc", CLOBBER_16);
#undef FMA
#undef ZERO
}

__attribute__((target("avx512f"))) static void fma_avx512(int64_t iterations) {
#define ZERO(r) "vpxord %%zmm" #r ", %%zmm" #r ", %%zmm" #r "\n\t"
#define FMA(r) "vfmadd231ps %%zmm31, %%zmm30, %%zmm" #r "\n\t"
    __asm__ volatile("vbroadcastss %1, %%zmm30\n\t"
                     "vbroadcastss %1, %%zmm31\n\t" REPEAT_24(ZERO)
                     "1:\n\t" REPEAT_24(FMA) "dec %0\n\t"
                     "jnz 1b\n\t"
                     "vzeroupper"
                     : "+r"(iterations)
                     : "m"(SMALL_F32)
                     : "cc", CLOBBER_32);
#undef FMA
}

__attribute__((target("avx512f,avx512bf16"))) static void dot_avx512_bf16(int64_t iterations) {
#define DOT(r) "vdpbf16ps %%zmm31, %%zmm30, %%zmm" #r "\n\t"
    __asm__ volatile("vbroadcastss %1, %%zmm30\n\t"
                     "vbroadcastss %1, %%zmm31\n\t" REPEAT_24(ZERO)
                     "1:\n\t" REPEAT_24(DOT) "dec %0\n\t"
                     "jnz 1b\n\t"
                     "vzeroupper"
                     : "+r"(iterations)
                     : "m"(SMALL_BF16_PAIR)
                     : "cc", CLOBBER_32);
#undef DOT
#undef ZERO
}

/// What LDTILECFG reads: palette 1, eight tiles of 16 rows by 64 bytes.
struct tile_config {
    uint8_t palette;
    uint8_t start_row;
    uint8_t reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/// Four result tiles from two by two operand tiles, as a blocked GEMM uses
/// them: enough independent chains to keep the unit busy.
__attribute__((target("amx-tile,amx-bf16"))) static void dot_amx_bf16(int64_t iterations) {
    static const struct tile_config config = {.palette = 1,
            .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
            .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    uint32_t tile[16 * 16];
    for (int i = 0; i < 16 * 16; i++)
        tile[i] = SMALL_BF16_PAIR;
    __asm__ volatile("ldtilecfg (%1)\n\t"
                     "tileloadd (%2, %3), %%tmm4\n\t"
                     "tileloadd (%2, %3), %%tmm5\n\t"
                     "tileloadd (%2, %3), %%tmm6\n\t"
                     "tileloadd (%2, %3), %%tmm7\n\t"
                     "tilezero %%tmm0\n\t"
                     "tilezero %%tmm1\n\t"
                     "tilezero %%tmm2\n\t"
                     "tilezero %%tmm3\n\t"
                     "1:\n\t"
                     "tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n\t"
                     "tdpbf16ps %%tmm7, %%tmm4, %%tmm1\n\t"
                     "tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n\t"
                     "tdpbf16ps %%tmm7, %%tmm5, %%tmm3\n\t"
                     "dec %0\n\t"
                     "jnz 1b\n\t"
                     "tilerelease"
                     : "+r"(iterations)
                     : "r"(&config), "r"(tile), "r"((int64_t)64)
                     : "cc", "memory");
}

static bool has_fma_avx512(void) {
    return __builtin_cpu_supports("avx512f");
}

/// AVX2 stands in only where there is no AVX-512: one f32 line per machine.
static bool has_fma_avx2_only(void) {
    return !has_fma_avx512() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512_bf16(void) {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return has_fma_avx512() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)
            && (eax >> 5 & 1) != 0;
}

/// AMX needs the CPU (leaf 7: bits 22 and 24 of EDX) and Linux's permission,
/// which is per process and must be asked for before threads start.
static bool has_amx_bf16(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return false;
    if ((edx >> 22 & 1) == 0 || (edx >> 24 & 1) == 0) return false;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static const struct kind KINDS[] = {
        {"f32_fma", "avx512f", has_fma_avx512, fma_avx512, 24 * 16 * 2.0},
        {"f32_fma", "avx2", has_fma_avx2_only, fma_avx2, 12 * 8 * 2.0},
        {"bf16_dot", "avx512_bf16", has_avx512_bf16, dot_avx512_bf16, 24 * 16 * 2 * 2.0},
        {"bf16_amx", "amx_bf16", has_amx_bf16, dot_amx_bf16, 4 * 16 * 16 * 32 * 2.0},
};

/// One measurement, shared by its threads.
struct job {
    kernel_fn *run;
    int64_t iterations;
    double seconds; // of the fastest run; written by the thread that is `timer`
    pthread_barrier_t barrier;
};

struct worker {
    pthread_t thread;
    struct job *job;
    bool timer;
};

static double now_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *work(void *argument) {
    struct worker *worker = argument;
    struct job *job = worker->job;
    for (int run = 0; run < RUNS; run++) {
        pthread_barrier_wait(&job->barrier);
        double start = now_seconds();
        job->run(job->iterations);
        pthread_barrier_wait(&job->barrier);
        double seconds = now_seconds() - start;
        if (worker->timer && (run == 0 || seconds < job->seconds)) job->seconds = seconds;
    }
    return NULL;
}

/// Iterations that take about RUN_SECONDS on one thread; also warms up.
static int64_t calibrate(kernel_fn *run) {
    int64_t iterations = 1000;
    for (;;) {
        double start = now_seconds();
        run(iterations);
        double seconds = now_seconds() - start;
        if (seconds > 0.1 * RUN_SECONDS)
            return (int64_t)((double)iterations * RUN_SECONDS / seconds) + 1;
        iterations *= 4;
    }
}

/// GFLOP/s of `threads` threads together, or a negative number if they could
/// not be started.
static double measure(const struct kind *kind, int threads) {
    struct job job = {.run = kind->run, .iterations = calibrate(kind->run)};
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    if (workers == NULL || pthread_barrier_init(&job.barrier, NULL, (unsigned)threads) != 0) {
        free(workers);
        return -1;
    }
    workers[0] = (struct worker) {.job = &job, .timer = true};
    for (int i = 1; i < threads; i++) {
        workers[i] = (struct worker) {.job = &job};
        // Those already started wait at the barrier for ever: end the process.
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) return -1;
    }
    work(&workers[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_barrier_destroy(&job.barrier);
    free(workers);
    double flops = kind->flops_per_iteration * (double)job.iterations * threads;
    return 1e-9 * flops / job.seconds;
}

int main(int argc, char **argv) {
    char *end = NULL;
    long threads = argc > 1 ? strtol(argv[1], &end, 10) : 1;
    if (argc > 2 || (end != NULL && *end != '\0') || threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: brconv1d_peak [threads, 1 to %d]\n", MAX_THREADS);
        return 2;
    }
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        if (!KINDS[i].supported()) continue;
        double gflops = measure(&KINDS[i], (int)threads);
        if (gflops < 0) {
            fprintf(stderr, "brconv1d_peak: can't start %ld threads\n", threads);
            return 1;
        }
        printf("%-8s %-12s threads=%ld %.1f GFLOP/s\n", KINDS[i].name, KINDS[i].isa, threads,
                gflops);
    }
    return 0;
}
