/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/* A program that uses the library the way any host program would, and reports what the library did
 * to it. containment_test.cpp starts it. Built a second time without the library
 * (GUEST_WITHOUT_LIBRARY) it tells what the tool chain does by itself.
 *
 * usage: containment_guest [use | file | environment | exit-handler | pin | thread]
 * The last five misbehave on purpose: they prove that the test would see it. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brdnn.h"

static int exit_handlers;

/* Whatever is linked into this program finds these before the C library's. */
int atexit(void (*function)(void)) {
    (void)function;
    return ++exit_handlers, 0;
}
int on_exit(void (*function)(int, void *), void *argument) {
    (void)function, (void)argument;
    return ++exit_handlers, 0;
}
int at_quick_exit(void (*function)(void)) {
    (void)function;
    return ++exit_handlers, 0;
}
int __cxa_atexit(void (*function)(void *), void *argument, void *object) {
    (void)function, (void)argument, (void)object;
    return ++exit_handlers, 0;
}
int __cxa_at_quick_exit(void (*function)(void *), void *object) {
    (void)function, (void)object;
    return ++exit_handlers, 0;
}

/* Functions that the linker has collected to run before and after main. */
extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
extern void (*__fini_array_start[])(void), (*__fini_array_end[])(void);

/* In both programs, since looking at the CPU makes the compiler run something before main. */
static brdnn_isa best_isa(void) {
    if (__builtin_cpu_supports("avx512bf16")) return BRDNN_ISA_AVX512_CORE_BF16;
    return __builtin_cpu_supports("avx512bw") ? BRDNN_ISA_AVX512_CORE : BRDNN_ISA_AVX2;
}

#ifdef GUEST_WITHOUT_LIBRARY
static int use_library(void) {
    const volatile brdnn_isa isa = best_isa();
    return isa > BRDNN_ISA_AVX512_CORE_BF16;
}
#else
static void fill(float *values, size_t count) {
    for (size_t i = 0; i < count; ++i)
        values[i] = (float)(i % 7);
}

static int use_plan(const brdnn_conv_problem *p) {
    brdnn_conv_plan *plan;
    brdnn_conv_info info;
    if (brdnn_conv_query(p, &info) != BRDNN_SUCCESS) return 1;
    if (brdnn_conv_plan_create(&plan, p) != BRDNN_SUCCESS) return 1;
    const size_t src = (size_t)(p->ic * p->iw), dst = (size_t)(p->oc * p->ow);
    const size_t wei = (size_t)(p->oc * p->ic * p->kw);
    float *memory = malloc((src + wei + dst) * sizeof(float));
    void *scratch = NULL;
    if (posix_memalign(&scratch, 64, brdnn_conv_scratch_bytes(&info, 1) + 64)) return 1;
    if (!memory) return 1;
    fill(memory, src + wei + dst);
    float *const at_wei = memory + src, *const at_dst = at_wei + wei;
    /* A pass ignores the pointers of the others. */
    const brdnn_conv_args args = {.src = memory,
            .wei = at_wei,
            .diff_dst = at_dst,
            .dst = at_dst,
            .diff_src = memory,
            .diff_wei = at_wei,
            .scratch = scratch};
    int failed = 0;
    for (int phase = 0; phase < info.phases; ++phase)
        failed |= brdnn_conv_run(plan, phase, &args, 0, 1) != BRDNN_SUCCESS;
    brdnn_conv_plan_destroy(plan);
    free(scratch);
    free(memory);
    return failed;
}

static int use_library(void) {
    static const brdnn_pass passes[] = {BRDNN_FORWARD, BRDNN_BACKWARD_DATA, BRDNN_BACKWARD_WEIGHTS};
    int failed = 0;
    for (int i = 0; i < 6; ++i)
        for (int64_t width = 10; width < 3000; width += 299) {
            brdnn_conv_problem p = {.mb = 1, .groups = 1, .ic = 15, .oc = 15, .iw = width};
            p.ow = width, p.kw = 9, p.stride = 1, p.dilation = 8, p.pad_l = 32;
            p.pass = passes[i / 2];
            p.layout = i % 2 ? BRDNN_NWC : BRDNN_NCW;
            p.isa = best_isa();
            p.math = width % 2 ? BRDNN_MATH_F32 : BRDNN_MATH_BF16;
            failed |= use_plan(&p);
        }
    return failed;
}
#endif

static void *nothing(void *argument) { return argument; }

static int act(const char *what) {
    if (!strcmp(what, "use")) return use_library();
    if (!strcmp(what, "environment")) return setenv("OMP_PROC_BIND", "TRUE", 1);
    if (!strcmp(what, "exit-handler")) return atexit((void (*)(void))nothing);
    if (!strcmp(what, "file")) return open("left_behind", O_CREAT | O_WRONLY, 0600) < 0;
    if (!strcmp(what, "pin")) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        return sched_setaffinity(0, sizeof one, &one);
    }
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL);
}

/* The environment as the kernel handed it over at the start, which no later change of it reaches.
 * Returns whether `environ` still says the same. */
static int environment_unchanged(void) {
    static char at_start[1 << 20];
    const int file = open("/proc/self/environ", O_RDONLY);
    ssize_t bytes = 0, more;
    while ((more = read(file, at_start + bytes, sizeof at_start - (size_t)bytes)) > 0)
        bytes += more;
    close(file);
    const char *at = at_start;
    for (char **variable = environ; *variable; ++variable) {
        if (at >= at_start + bytes || strcmp(at, *variable)) return 0;
        at += strlen(at) + 1;
    }
    return at == at_start + bytes;
}

static int affinity_differs(const cpu_set_t *before) {
    cpu_set_t now;
    return sched_getaffinity(0, sizeof now, &now) || !CPU_EQUAL(before, &now);
}

int main(int argc, char **argv) {
    cpu_set_t affinity;
    if (sched_getaffinity(0, sizeof affinity, &affinity)) return 1;
    if (act(argc > 1 ? argv[1] : "use")) return 1;
    printf("environment_changed %d\n", !environment_unchanged());
    printf("exit_handlers %d\n", exit_handlers);
    printf("affinity_changed %d\n", affinity_differs(&affinity));
    printf("run_before_main %td\n", __init_array_end - __init_array_start);
    printf("run_after_main %td\n", __fini_array_end - __fini_array_start);
    return 0;
}
