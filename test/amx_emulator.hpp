// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// AMX on machines that have none: enough of AMX-TILE and AMX-BF16 to test kernels with, correct to the
/// last bit by Intel's manual, and thousands of times slower than the hardware.

#ifndef BRDNN_TEST_AMX_EMULATOR_HPP
#define BRDNN_TEST_AMX_EMULATOR_HPP

namespace brdnn_test {

/// Whether the CPU has AMX-TILE and AMX-BF16, and the system lets this process use them: it is asked.
bool amx_is_native();

/// Lets every thread of the process run AMX instructions from here on. Unless AMX is native, a handler
/// of SIGILL executes them in software; whatever else raises SIGILL, a misuse of tiles among it, still
/// ends the process. The CPU must have AVX2 and FMA.
void use_amx_or_emulate();

} // namespace brdnn_test

#endif
