// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What code runs here.

#ifndef BRDNN_TEST_CPU_HPP
#define BRDNN_TEST_CPU_HPP

#include <gtest/gtest.h>

#include "brdnn.h"
#include "problems.hpp"

namespace brdnn_test {

/// Whether code for the ISA runs here. Where AVX-512 is there, AVX512_BF16 and AMX are emulated from the
/// first call about them on unless the CPU has them, which is printed once.
bool cpu_has(brdnn_isa isa);

/// Whether some of the ISA's instructions are emulated: correct, and thousands of times slower.
bool is_emulated(brdnn_isa isa);

/// Leaves the test, saying so by name, where the CPU lacks the instructions it is about, and records
/// where they are emulated.
#define BRDNN_SKIP_UNLESS_CPU_HAS(isa) \
    if (!::brdnn_test::cpu_has(isa)) \
        GTEST_SKIP() << "this CPU has no " << ::brdnn_test::isa_name(isa); \
    if (::brdnn_test::is_emulated(isa)) \
    ::testing::Test::RecordProperty("emulated", ::brdnn_test::isa_name(isa))

} // namespace brdnn_test

#endif
