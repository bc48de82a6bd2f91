// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The instructions of AVX512_BF16.

#ifndef BRDNN_TEST_BF16_EMULATOR_HPP
#define BRDNN_TEST_BF16_EMULATOR_HPP

#include "instructions.hpp"
#include "vector_registers.hpp"

namespace brdnn_test {

/// Executes an instruction with an EVEX prefix. MXCSR must round to nearest and flush denormals, what is
/// read and what is computed. False where it is none of these, or the registers are not there.
bool execute_bf16(const Instruction &i, VectorRegisters *registers);

} // namespace brdnn_test

#endif
