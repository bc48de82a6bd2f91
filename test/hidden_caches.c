/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file hidden_caches.c
 * A CPU that tells no cache sizes, as some virtual machines have, for any program on a machine that does:
 *
 *     LD_PRELOAD=libbrdnn_hidden_caches.so benchdnn ...
 *
 * CPUID is made to fault in every thread (Linux's arch_prctl(ARCH_SET_CPUID), where the CPU can), and the
 * handler executes it, with ways, lines and sets of caches as empty as AMD's leaf 0x8000001d is there: what is
 * computed from them is 1 byte. The C library has read its own answers before. The process ends with exit
 * status 77 where CPUID can't be made to fault.
 */

#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { arch_set_cpuid = 0x1012, lacking = 77 };

static int let_cpuid_pass(int pass) { return (int)syscall(SYS_arch_prctl, arch_set_cpuid, pass); }

/* Whether a leaf tells sizes of caches: in EBX and ECX both Intel and AMD have ways, partitions, the length of
 * a line and sets. */
static int is_about_caches(uint32_t leaf) { return leaf == 0x4 || leaf == 0x8000001d; }

typedef int sigaction_function(int, const struct sigaction *, struct sigaction *);

static int set_action(int number, const struct sigaction *action, struct sigaction *old) {
    sigaction_function *const real = (sigaction_function *)dlsym(RTLD_NEXT, "sigaction");
    return real(number, action, old);
}

static void answer(greg_t *registers) {
    uint32_t a = (uint32_t)registers[REG_RAX], c = (uint32_t)registers[REG_RCX], b, d;
    const uint32_t leaf = a;
    let_cpuid_pass(1);
    __cpuid_count(leaf, c, a, b, c, d);
    let_cpuid_pass(0);
    if (is_about_caches(leaf)) b = c = 0;
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

static void handle(int number, siginfo_t *info, void *context) {
    (void)info;
    greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    static const unsigned char cpuid[] = {0x0f, 0xa2};
    /* The address is not that of a fault in memory, so there is an instruction. */
    const int is_general_protection = registers[REG_TRAPNO] == 13;
    if (is_general_protection && !memcmp((const void *)registers[REG_RIP], cpuid, sizeof(cpuid)))
        answer(registers);
    else
        set_action(
                number, &(struct sigaction) {.sa_handler = SIG_DFL}, NULL); /* it happens again */
}

/* The program's own, which must not take SIGSEGV away: compilers and PyTorch's libraries want to report crashes. */
int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    return set_action(number, number == SIGSEGV ? NULL : action, old);
}

sighandler_t signal(int number, sighandler_t handler) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    return sigaction(number, &action, &old) ? SIG_ERR : old.sa_handler;
}

__attribute__((constructor)) static void hide_caches(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (set_action(SIGSEGV, &action, NULL) || let_cpuid_pass(0)) _exit(lacking);
}
