// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The instructions of AMX-TILE, and TDPBF16PS of AMX-BF16.

#ifndef BRDNN_TEST_AMX_EMULATOR_HPP
#define BRDNN_TEST_AMX_EMULATOR_HPP

#include "instructions.hpp"

namespace brdnn_test {

/// Executes an instruction with a VEX prefix, on tiles of this thread. MXCSR must round to nearest and
/// flush denormals, what is read and what is computed. False where it is none of these, or misuses tiles.
bool execute_amx(const Instruction &i);

} // namespace brdnn_test

#endif
