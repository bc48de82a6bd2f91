// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Forward and backward data as correlations: which taps read which positions for which result, by
/// trying all of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "planner.hpp"
#include "reference.hpp"

namespace brdnn_test {
namespace {

/// Small problems of every kind of padding, stride and dilation.
std::vector<Case> problems(brdnn_pass pass) {
    std::vector<Case> cases;
    for (int64_t stride = 1; stride <= 9; ++stride)
        for (int64_t dilation : {1, 2, 3, 4, 6, 9, 30})
            for (int64_t kw : {1, 2, 3, 8})
                for (int64_t pad_l : {-5, 0, 1, 13})
                    for (int64_t pad_r : {-4, 0, 2, 40})
                        for (int64_t iw : {1, 5, 23}) {
                            Case c;
                            c.pass = pass;
                            c.stride = stride;
                            c.dilation = dilation;
                            c.kw = kw;
                            c.pad_l = pad_l;
                            c.pad_r = pad_r;
                            c.iw = iw;
                            if (c.has_output()) cases.push_back(c);
                        }
    return cases;
}

/// A tap and the position that it reads.
using Read = std::pair<int64_t, int64_t>;

/// For each position of the result what it reads, by the header's formula.
std::vector<std::set<Read>> reads_by_formula(const Case &c) {
    std::vector<std::set<Read>> reads(c.result_width());
    for (int64_t s = 0; s < c.kw; ++s) {
        const OutputRange range = outputs_inside(c, s);
        for (int64_t q = range.begin; q < range.end; ++q) {
            const int64_t w = q * c.stride + s * c.dilation - c.pad_l;
            if (c.pass == BRDNN_FORWARD) reads[q].insert({s, w});
            else reads[w].insert({s, q});
        }
    }
    return reads;
}

std::vector<brdnn_branch> branches_of(const brdnn_correlation &c) {
    std::vector<brdnn_branch> branches(c.branches);
    brdnn_list_branches(&c, branches.data());
    return branches;
}

/// What tap `t` of a branch reads for its output j.
int64_t read_by(const brdnn_correlation &c, const brdnn_branch &branch, int64_t t, int64_t j) {
    return j * c.stride + branch.offset + t * c.dilation;
}

class Correlation : public testing::TestWithParam<brdnn_pass> {
protected:
    /// Calls check(case, correlation, branches) for all problems until one fails.
    template <typename Check>
    void for_all_problems(Check check) {
        for (const Case &problem : problems(GetParam())) {
            SCOPED_TRACE(name_of(problem));
            const brdnn_correlation c = correlation_of(problem);
            check(problem, c, branches_of(c));
            if (HasFailure()) return;
        }
    }
};

TEST_P(Correlation, ReadsWhatTheFormulaSays) {
    for_all_problems([](const Case &problem, const brdnn_correlation &c,
                             const std::vector<brdnn_branch> &branches) {
        ASSERT_EQ(c.ow, problem.result_width());
        const std::vector<std::set<Read>> expected = reads_by_formula(problem);
        for (int64_t i = 0; i < c.ow; ++i) {
            const brdnn_branch &branch = branches[i % c.branches];
            ASSERT_LT(i / c.branches, c.outputs);
            std::set<Read> reads;
            for (int64_t t = 0; t < branch.taps; ++t) {
                const int64_t position = read_by(c, branch, t, i / c.branches);
                if (position >= 0 && position < c.iw)
                    reads.insert({branch.first_tap + t * c.tap_step, position});
            }
            ASSERT_EQ(reads, expected[i]) << "position " << i;
        }
    });
}

TEST_P(Correlation, ListsItsBranchesConsistently) {
    for_all_problems([](const Case &, const brdnn_correlation &c,
                             const std::vector<brdnn_branch> &branches) {
        int64_t taps = 0;
        for (const brdnn_branch &branch : branches) {
            ASSERT_EQ(branch.tap_groups_before, taps);
            taps += branch.taps;
            for (int64_t t = 0; t < branch.taps; ++t) {
                const int64_t tap = branch.first_tap + t * c.tap_step;
                ASSERT_GE(tap, 0);
                ASSERT_LT(tap, c.kw);
                const int64_t offset = brdnn_tap_offset(&c, tap);
                ASSERT_EQ(offset, read_by(c, branch, t, 0));
                ASSERT_GE(offset, c.first_offset);
                ASSERT_LE(offset, c.last_offset);
            }
        }
        ASSERT_LE(taps, c.kw);
    });
}

/// Whether a tap of a branch finds anything inside src for any of some outputs.
bool is_useful(const brdnn_correlation &c, const brdnn_branch &branch, int64_t tap, int64_t j,
        int64_t count) {
    for (int64_t i = j; i < j + count; ++i) {
        const int64_t position = read_by(c, branch, tap, i);
        if (position >= 0 && position < c.iw) return true;
    }
    return false;
}

TEST_P(Correlation, LeavesOutOnlyTapsThatReadNothing) {
    int64_t left_out = 0;
    for_all_problems([&](const Case &, const brdnn_correlation &c,
                             const std::vector<brdnn_branch> &branches) {
        for (const brdnn_branch &branch : branches)
            for (int64_t count : {1, 4, 16})
                for (int64_t j = 0; j < c.outputs; j += count) {
                    const int64_t some = std::min(count, c.outputs - j);
                    const brdnn_range useful = brdnn_useful_tap_groups(&c, &branch, j, some);
                    for (int64_t tap = 0; tap < branch.taps; ++tap) {
                        const bool is_in = tap >= useful.begin && tap < useful.end;
                        left_out += !is_in;
                        // Positions further apart than src is wide can step over it.
                        const bool is_exact = c.stride == 1;
                        if (is_exact) ASSERT_EQ(is_useful(c, branch, tap, j, some), is_in) << tap;
                        else ASSERT_LE(is_useful(c, branch, tap, j, some), is_in) << tap;
                    }
                }
    });
    EXPECT_GT(left_out, 1000);
}

TEST_P(Correlation, ReadsInsideWhereAllTapsDo) {
    int64_t inside = 0;
    for_all_problems([&](const Case &, const brdnn_correlation &c,
                             const std::vector<brdnn_branch> &branches) {
        for (int64_t j = 0; j < c.outputs; ++j)
            for (int64_t count = 1; j + count <= c.outputs; count += 3) {
                bool all = true;
                int64_t taps = 0;
                for (const brdnn_branch &branch : branches) {
                    taps += branch.taps;
                    for (int64_t t = 0; t < branch.taps; ++t)
                        all &= read_by(c, branch, t, j) >= 0
                                && read_by(c, branch, t, j + count - 1) < c.iw;
                }
                const bool claimed = brdnn_reads_inside(&c, j, count);
                inside += claimed;
                // Taps that no position needs are in no branch, but may be counted here.
                if (taps == c.kw) ASSERT_EQ(claimed, all) << j << " " << count;
                else ASSERT_LE(claimed, all) << j << " " << count;
            }
    });
    EXPECT_GT(inside, 1000);
}

INSTANTIATE_TEST_SUITE_P(, Correlation, testing::Values(BRDNN_FORWARD, BRDNN_BACKWARD_DATA),
        [](const auto &info) { return pass_name(info.param); });

} // namespace
} // namespace brdnn_test
