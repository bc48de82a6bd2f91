// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// For tests that look inside: what the planner's functions take, made from a case.

#ifndef BRDNN_TEST_PLANNER_HPP
#define BRDNN_TEST_PLANNER_HPP

#include <gtest/gtest.h>

#include "kernels.hpp"
#include "problems.hpp"

extern "C" {
#include "brgemm/register_tile.h"
#include "conv/geometry.h"
#include "conv/problem.h"
}

namespace brdnn_test {

/// The problem of a case with its defaults filled in.
inline brdnn_conv_problem complete(const Case &c) {
    const brdnn_conv_problem given = problem_of(c);
    brdnn_conv_problem problem;
    EXPECT_EQ(brdnn_problem_complete(&given, &problem), nullptr);
    return problem;
}

inline brdnn_correlation correlation_of(const Case &c) {
    const brdnn_conv_problem problem = complete(c);
    return brdnn_correlation_of(&problem);
}

inline void expect_covers(const brdnn_cut &cut, int64_t extent) {
    ASSERT_GE(cut.block, 1);
    ASSERT_GE(cut.blocks, 1);
    EXPECT_GE(cut.tail, 1);
    EXPECT_LE(cut.tail, cut.block);
    EXPECT_EQ((cut.blocks - 1) * cut.block + cut.tail, extent);
}

} // namespace brdnn_test

#endif
