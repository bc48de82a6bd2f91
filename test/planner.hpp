// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// For tests that look inside: what the planner's functions take, made from a case.

#ifndef BRCONV1D_TEST_PLANNER_HPP
#define BRCONV1D_TEST_PLANNER_HPP

#include <gtest/gtest.h>

#include "problems.hpp"

extern "C" {
#include "correlation.h"
#include "problem.h"
#include "tile.h"
}

namespace brconv1d_test {

/// The problem of a case with its defaults filled in.
inline brconv1d_problem complete(const Case &c) {
    const brconv1d_problem given = problem_of(c);
    brconv1d_problem problem;
    EXPECT_EQ(brconv1d_problem_complete(&given, &problem), nullptr);
    return problem;
}

inline brconv1d_correlation correlation_of(const Case &c) {
    const brconv1d_problem problem = complete(c);
    return brconv1d_correlation_of(&problem);
}

inline void expect_covers(const brconv1d_cut &cut, int64_t extent) {
    ASSERT_GE(cut.block, 1);
    ASSERT_GE(cut.blocks, 1);
    EXPECT_GE(cut.tail, 1);
    EXPECT_LE(cut.tail, cut.block);
    EXPECT_EQ((cut.blocks - 1) * cut.block + cut.tail, extent);
}

} // namespace brconv1d_test

#endif
