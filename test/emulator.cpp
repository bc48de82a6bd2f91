// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "emulator.hpp"

#include <cpuid.h>
#include <immintrin.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "amx_emulator.hpp"
#include "bf16_emulator.hpp"
#include "instructions.hpp"
#include "vector_registers.hpp"

namespace brdnn_test {
namespace {

bool execute(const Instruction &i, VectorRegisters *registers) {
    return i.evex.vector_bytes == 0 ? execute_amx(i) : execute_bf16(i, registers);
}

/// Both kinds of instructions compute so, whatever MXCSR has. On return the system loads that of the
/// interrupted code.
void round_to_nearest_and_flush_denormals() {
    const unsigned flush_denormals_to_zero = 0x8040, masked_round_to_nearest = 0x1f80;
    _mm_setcsr(masked_round_to_nearest | flush_denormals_to_zero);
}

/// What is not emulated runs into SIGILL once more, and then ends the process. An instruction is often
/// followed by more of its kind, and the signal takes far longer than any of them.
void handle_illegal_instruction(int signal, siginfo_t * /*info*/, void *context) {
    Registers registers(context);
    VectorRegisters vectors(context);
    Instruction instruction;
    bool is_executed = false;
    round_to_nearest_and_flush_denormals();
    while (decode(registers, &instruction) && execute(instruction, &vectors)) {
        registers.advance(instruction.bytes);
        is_executed = true;
    }
    if (!is_executed) ::signal(signal, SIG_DFL);
}

bool cpu_has_amx() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    const unsigned tile = 1U << 24, bf16 = 1U << 22;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & tile) != 0
            && (edx & bf16) != 0;
}

bool ask_for_tiles() {
    const long request_permission = 0x1023, tile_data = 18; // ARCH_REQ_XCOMP_PERM
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool install_handler() {
    struct sigaction action = {};
    action.sa_sigaction = handle_illegal_instruction;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGILL, &action, nullptr) == 0;
}

} // namespace

bool bf16_is_native() { return __builtin_cpu_supports("avx512bf16"); }

bool amx_is_native() {
    static const bool is_native = cpu_has_amx() && ask_for_tiles();
    return is_native;
}

void emulate_where_lacking() {
    static const bool is_done = (bf16_is_native() && amx_is_native()) || install_handler();
    static_cast<void>(is_done);
}

} // namespace brdnn_test
