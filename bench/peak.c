// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Measures what this machine can do at most, in arithmetic and in memory:
///
///     brdnn_peak [threads]
///
/// Arithmetic, in GFLOP/s, one line per kind that the CPU has: f32_fma (f32
/// fused multiply-add, the widest vectors), bf16_dot (AVX512_BF16 dot product),
/// bf16_amx (AMX tiles). A multiply-add is two operations.
///
/// Memory, in GB/s (1e9 bytes), with one thread and with `threads`: mem_read,
/// mem_write, and mem_copy, which counts what is read plus what is written.
/// The buffers are larger than the last-level cache, whose size is printed too.
///
/// Each measurement is a few runs in which all threads start together. The
/// fastest counts, because compare.py takes benchdnn's fastest run too: a peak
/// that a busy moment lowered would flatter every share of it.
///
/// The arithmetic kernels are inline assembly, so that what is measured does
/// not depend on how a compiler allocates registers, and the file builds with
/// baseline x86-64 flags. The operands are small normal numbers: the
/// accumulators neither overflow nor become denormal in the time of a run.

#define _GNU_SOURCE
#include <cpuid.h>
#include <emmintrin.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ARITHMETIC_RUNS = 60, MEMORY_RUNS = 6, MAX_THREADS = 4096 };

static const double RUN_SECONDS = 0.003; // of an arithmetic run

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
    REPEAT_12(op) \
    op(12) op(13) op(14) op(15) op(16) op(17) op(18) op(19) op(20) op(21) op(22) op(23)

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
    __asm__ volatile(
            "vbroadcastss %1, %%ymm14\n\t"
            "vbroadcastss %1, %%ymm15\n\t" REPEAT_12(ZERO) "1:\n\t" REPEAT_12(FMA) "dec %0\n\t"
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
    __asm__ volatile(
            "vbroadcastss %1, %%zmm30\n\t"
            "vbroadcastss %1, %%zmm31\n\t" REPEAT_24(ZERO) "1:\n\t" REPEAT_24(FMA) "dec %0\n\t"
                                                                                   "jnz 1b\n\t"
                                                                                   "vzeroupper"
            : "+r"(iterations)
            : "m"(SMALL_F32)
            : "cc", CLOBBER_32);
#undef FMA
}

__attribute__((target("avx512f,avx512bf16"))) static void dot_avx512_bf16(int64_t iterations) {
#define DOT(r) "vdpbf16ps %%zmm31, %%zmm30, %%zmm" #r "\n\t"
    __asm__ volatile(
            "vbroadcastss %1, %%zmm30\n\t"
            "vbroadcastss %1, %%zmm31\n\t" REPEAT_24(ZERO) "1:\n\t" REPEAT_24(DOT) "dec %0\n\t"
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

static bool has_fma_avx512(void) { return __builtin_cpu_supports("avx512f"); }

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

/// One thread's share of two buffers; a multiple of SHARE_ALIGNMENT bytes.
struct share {
    char *to;
    const char *from;
    size_t bytes;
};

enum { LINE = 64, SHARE_ALIGNMENT = 4096 };

/// Reads or writes a share, or copies it. Vectors of 16 bytes are enough: memory
/// is what these wait for.
typedef void memory_fn(struct share share);

/// What has been read ends here, so that reading is not left out.
static volatile int sink;

static __m128i or_line(__m128i bits, const char *line) {
    const __m128i *part = (const __m128i *)line;
    const __m128i low = _mm_or_si128(_mm_load_si128(part), _mm_load_si128(part + 1));
    const __m128i high = _mm_or_si128(_mm_load_si128(part + 2), _mm_load_si128(part + 3));
    return _mm_or_si128(bits, _mm_or_si128(low, high));
}

/// Reads in two places at once, as the rows of a tensor are read: a little
/// faster than front to back.
static void read_memory(struct share share) {
    const size_t half = share.bytes / 2;
    __m128i first = _mm_setzero_si128(), second = first;
    for (size_t at = 0; at < half; at += LINE) {
        first = or_line(first, share.from + at);
        second = or_line(second, share.from + half + at);
    }
    sink = _mm_cvtsi128_si32(_mm_or_si128(first, second));
}

// Stores that go through the cache read a line before they write it; streaming
// ones don't. Which are faster depends on the machine.

static void write_memory(struct share share) {
    for (size_t at = 0; at < share.bytes; at += sizeof(__m128i))
        _mm_store_si128((__m128i *)(share.to + at), _mm_set1_epi8(1));
}

static void write_memory_streaming(struct share share) {
    for (size_t at = 0; at < share.bytes; at += sizeof(__m128i))
        _mm_stream_si128((__m128i *)(share.to + at), _mm_set1_epi8(1));
    _mm_sfence();
}

static void copy_memory(struct share share) {
    for (size_t at = 0; at < share.bytes; at += sizeof(__m128i))
        _mm_store_si128(
                (__m128i *)(share.to + at), _mm_load_si128((const __m128i *)(share.from + at)));
}

static void copy_memory_streaming(struct share share) {
    for (size_t at = 0; at < share.bytes; at += sizeof(__m128i))
        _mm_stream_si128(
                (__m128i *)(share.to + at), _mm_load_si128((const __m128i *)(share.from + at)));
    _mm_sfence();
}

struct memory_kind {
    const char *name;
    memory_fn *run[2];   // the faster one counts
    double bytes_factor; // bytes moved per byte of a share
};

static const struct memory_kind MEMORY_KINDS[] = {
        {"mem_read", {read_memory}, 1},
        {"mem_write", {write_memory, write_memory_streaming}, 1},
        {"mem_copy", {copy_memory, copy_memory_streaming}, 2},
};

/// One measurement, shared by its threads. One of the two functions is set.
struct job {
    kernel_fn *arithmetic;
    int64_t iterations;
    memory_fn *memory;
    int runs;
    double seconds; // of the fastest run; written by the thread that is `timer`
    pthread_barrier_t barrier;
};

struct worker {
    pthread_t thread;
    struct job *job;
    struct share share;
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
    for (int run = 0; run < job->runs; run++) {
        pthread_barrier_wait(&job->barrier);
        double start = now_seconds();
        if (job->memory != NULL) job->memory(worker->share);
        else job->arithmetic(job->iterations);
        pthread_barrier_wait(&job->barrier);
        double seconds = now_seconds() - start;
        if (worker->timer && (run == 0 || seconds < job->seconds)) job->seconds = seconds;
    }
    return NULL;
}

/// Seconds of the job's fastest run with all threads together. `all` is divided
/// among them. Ends the program where they can't be started, since those that
/// were wait at the barrier for ever.
static double run_job(struct job *job, int threads, struct share all) {
    struct worker *workers = calloc((size_t)threads, sizeof *workers);
    bool failed
            = workers == NULL || pthread_barrier_init(&job->barrier, NULL, (unsigned)threads) != 0;
    all.bytes = all.bytes / (size_t)threads / SHARE_ALIGNMENT * SHARE_ALIGNMENT;
    for (int i = threads - 1; i >= 0 && !failed; i--) {
        const size_t offset = (size_t)i * all.bytes;
        workers[i] = (struct worker) {.job = job, .share = all, .timer = i == 0};
        if (all.bytes != 0) {
            workers[i].share.to += offset;
            workers[i].share.from += offset;
        }
        // This thread is the first worker, and starts last.
        if (i != 0) failed = pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0;
    }
    if (failed) {
        fprintf(stderr, "brdnn_peak: can't start %d threads\n", threads);
        exit(1);
    }
    work(&workers[0]);
    for (int i = 1; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    pthread_barrier_destroy(&job->barrier);
    free(workers);
    return job->seconds;
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

static void measure_arithmetic(int threads) {
    for (size_t i = 0; i < sizeof KINDS / sizeof KINDS[0]; i++) {
        const struct kind *kind = &KINDS[i];
        if (!kind->supported()) continue;
        struct job job = {.arithmetic = kind->run,
                .iterations = calibrate(kind->run),
                .runs = ARITHMETIC_RUNS};
        const double seconds = run_job(&job, threads, (struct share) {NULL, NULL, 0});
        const double flops = kind->flops_per_iteration * (double)job.iterations * threads;
        printf("%-9s %-12s threads=%d %.1f GFLOP/s\n", kind->name, kind->isa, threads,
                1e-9 * flops / seconds);
    }
}

/// Bytes of the largest cache that the first core sees. Asked from Linux, since
/// what the C library reports may span caches that one core can't use.
static size_t last_level_cache_bytes(void) {
    size_t kibibytes = 0;
    FILE *file = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
    if (file != NULL) {
        if (fscanf(file, "%zuK", &kibibytes) != 1) kibibytes = 0;
        fclose(file);
    }
    return kibibytes != 0 ? kibibytes << 10 : (size_t)32 << 20;
}

static void measure_memory(int threads, size_t bytes) {
    char *to = aligned_alloc(SHARE_ALIGNMENT, bytes);
    char *from = aligned_alloc(SHARE_ALIGNMENT, bytes);
    if (to == NULL || from == NULL) {
        fprintf(stderr, "brdnn_peak: can't allocate 2 x %zu bytes\n", bytes);
        exit(1);
    }
    // Each thread touches its share first, so that it lies in its own memory.
    struct job touch = {.memory = write_memory, .runs = 1};
    run_job(&touch, threads, (struct share) {to, to, bytes});
    run_job(&touch, threads, (struct share) {from, from, bytes});

    for (size_t i = 0; i < sizeof MEMORY_KINDS / sizeof MEMORY_KINDS[0]; i++) {
        const struct memory_kind *kind = &MEMORY_KINDS[i];
        double best = 0;
        for (int variant = 0; variant < 2 && kind->run[variant] != NULL; variant++) {
            struct job job = {.memory = kind->run[variant], .runs = MEMORY_RUNS};
            const double seconds = run_job(&job, threads, (struct share) {to, from, bytes});
            if (variant == 0 || seconds < best) best = seconds;
        }
        printf("%-9s %-12s threads=%d %.1f GB/s\n", kind->name, "any", threads,
                1e-9 * kind->bytes_factor * (double)bytes / best);
    }
    free(to);
    free(from);
}

int main(int argc, char **argv) {
    char *end = NULL;
    long threads = argc > 1 ? strtol(argv[1], &end, 10) : 1;
    if (argc > 2 || (end != NULL && *end != '\0') || threads < 1 || threads > MAX_THREADS) {
        fprintf(stderr, "usage: brdnn_peak [threads, 1 to %d]\n", MAX_THREADS);
        return 2;
    }
    measure_arithmetic((int)threads);

    const size_t cache = last_level_cache_bytes();
    printf("%-9s %-12s threads=%d %.1f MB\n", "cache", "last-level", 1, 1e-6 * (double)cache);
    const size_t smallest = (size_t)128 << 20;
    const size_t bytes = 4 * cache > smallest ? 4 * cache : smallest;
    measure_memory(1, bytes);
    if (threads > 1) measure_memory((int)threads, bytes);
    return 0;
}
