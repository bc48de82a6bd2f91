// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Instructions that the CPU lacks, in software: AVX512_BF16, and of AMX enough to test kernels with;
/// correct to the last bit by Intel's manual, and thousands of times slower than the hardware.

#ifndef BRDNN_TEST_EMULATOR_HPP
#define BRDNN_TEST_EMULATOR_HPP

namespace brdnn_test {

/// Whether the CPU has AVX512_BF16.
bool bf16_is_native();

/// Whether the CPU has AMX-TILE and AMX-BF16, and the system lets this process use them: it is asked.
bool amx_is_native();

/// Lets every thread of the process run instructions of AVX512_BF16 and AMX from here on. Unless all are
/// native, a handler of SIGILL executes them; whatever else raises SIGILL, a misuse of tiles among it,
/// still ends the process. The CPU must have AVX-512 F, BW, DQ and VL.
void emulate_where_lacking();

} // namespace brdnn_test

#endif
