// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "cpu.hpp"

#include <iostream>

#include "emulator.hpp"

namespace brdnn_test {
namespace {

bool let_run(const char *name, bool is_native) {
    emulate_where_lacking();
    if (!is_native) std::cout << name << " is emulated" << std::endl;
    return true;
}

/// From the first call on.
bool let_bf16_run() {
    static const bool runs = let_run("AVX512_BF16", bf16_is_native());
    return runs;
}

bool let_amx_run() {
    static const bool runs = let_run("AMX", amx_is_native());
    return runs;
}

} // namespace

bool cpu_has(brdnn_isa isa) {
    switch (isa) {
    case BRDNN_ISA_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case BRDNN_ISA_AVX512_CORE:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
                && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case BRDNN_ISA_AVX512_CORE_BF16: return cpu_has(BRDNN_ISA_AVX512_CORE) && let_bf16_run();
    default: return cpu_has(BRDNN_ISA_AVX512_CORE_BF16) && let_amx_run();
    }
}

bool is_emulated(brdnn_isa isa) {
    switch (isa) {
    case BRDNN_ISA_AVX512_CORE_BF16: return !bf16_is_native();
    case BRDNN_ISA_AVX512_CORE_AMX: return !bf16_is_native() || !amx_is_native();
    default: return false;
    }
}

} // namespace brdnn_test
