// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The same bits of every pass for any number of threads, in any order and from run to run, and one
/// plan in many threads at once.

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

struct Named {
    const char *name;
    Case c;
};

void PrintTo(const Named &n, std::ostream *out) { *out << n.name; }

Case layer(int64_t mb, int64_t ic, int64_t oc, int64_t iw, int64_t kw, int64_t dilation,
        int64_t pad, int64_t stride = 1, int64_t groups = 1) {
    Case c;
    c.mb = mb;
    c.ic = ic;
    c.oc = oc;
    c.iw = iw;
    c.kw = kw;
    c.dilation = dilation;
    c.pad_l = c.pad_r = pad;
    c.stride = stride;
    c.groups = groups;
    return c;
}

Case with_finish(Case c, brdnn_conv_finish finish) {
    c.finish = finish;
    return c;
}

Case with_packed_weights(Case c) {
    c.weights = "packed";
    return c;
}

const Named cases[] = {
        {"OneSequence", layer(1, 15, 15, 2000, 51, 8, 200)},
        {"OneSequenceNoPadding", layer(1, 15, 15, 3000, 9, 4, 0)},
        {"ManyChunks", layer(1, 15, 2, 30000, 9, 8, 32)},
        {"ManyStridedChunks", layer(1, 9, 2, 60000, 5, 1, 2, 3)},
        {"LongOneChannelOneFilterOneTap", layer(1, 1, 1, 70000, 1, 1, 0)},
        {"OneInputChannel", layer(1, 1, 15, 5000, 51, 8, 200)},
        {"BatchSmallerThanThreads", layer(2, 5, 7, 300, 9, 1, 4)},
        {"BatchNoMultipleOfThreads", layer(5, 5, 7, 300, 9, 1, 4)},
        {"OneTile", layer(1, 3, 2, 12, 3, 1, 1)},
        {"OneOfEverything", layer(1, 1, 1, 1, 1, 1, 0)},
        {"ManyFilters", layer(1, 16, 127, 65, 3, 1, 1)},
        {"ManyChannels", layer(1, 127, 33, 150, 9, 8, 32)},
        {"Strided", layer(1, 4, 20, 4000, 10, 1, 3, 5)},
        {"Depthwise", layer(2, 33, 33, 500, 5, 1, 2, 1, 33)},
        {"Bias", with_finish(layer(3, 9, 10, 700, 5, 2, 4), BRDNN_ADD_BIAS)},
        {"BiasOfManyBlocks", with_finish(layer(2, 40, 40, 300, 3, 1, 1), BRDNN_ADD_BIAS)},
        {"BiasOfOneSequence", with_finish(layer(1, 5, 3, 15000, 5, 2, 4), BRDNN_ADD_BIAS)},
        {"Callback", with_finish(layer(3, 9, 10, 700, 5, 2, 4), BRDNN_CALLBACK)},
        {"CallbackOfOneSequence", with_finish(layer(1, 5, 3, 15000, 5, 2, 4), BRDNN_CALLBACK)},
        {"CallbackStrided", with_finish(layer(2, 9, 10, 700, 5, 2, 4, 3), BRDNN_CALLBACK)},
        {"PackedWeights", with_packed_weights(layer(1, 15, 15, 3000, 9, 8, 32))},
};

class SameBits : public testing::Test {
protected:
    void plan(const Case &c) {
        c_ = c;
        Random random = random_for(name_of(c_));
        x_ = make_operands(c_, Fill::reals, random);
        planned_ = plan_case(c_);
        ASSERT_TRUE(planned_.plan);
    }

    std::vector<float> run(const Schedule &schedule) {
        return run_case(c_, planned_, x_, schedule);
    }

    void expect_same_bits(const std::vector<float> &expected, const std::vector<float> &actual) {
        ASSERT_EQ(expected.size(), actual.size());
        EXPECT_EQ(std::memcmp(expected.data(), actual.data(), expected.size() * sizeof(float)), 0);
    }

    void expect_no_change_by_threads(std::initializer_list<int> numbers_of_threads) {
        SCOPED_TRACE(name_of(c_));
        Random random = random_for("orders");
        const std::vector<float> alone = run(one_after_the_other(1));
        expect_within_bounds(c_, reference(c_, x_), alone);
        expect_same_bits(alone, run(one_after_the_other(1)));
        for (int threads : numbers_of_threads) {
            SCOPED_TRACE(threads);
            expect_same_bits(alone, run(one_after_the_other(threads)));
            expect_same_bits(alone, run(shuffled(threads, random)));
            expect_same_bits(alone, run(all_at_once(threads)));
        }
    }

    void expect_one_plan_serves_many_runs_at_once() {
        SCOPED_TRACE(name_of(c_));
        constexpr int runs = 3, repetitions = 4;
        const std::vector<float> alone = run(one_after_the_other(1));
        std::vector<std::vector<float>> results(runs * repetitions);
        std::vector<std::thread> runners;
        for (int r = 0; r < runs; ++r)
            runners.emplace_back([&, r] {
                for (int i = 0; i < repetitions; ++i)
                    results[r * repetitions + i] = run(one_after_the_other(1 + r));
            });
        for (std::thread &runner : runners)
            runner.join();
        for (const std::vector<float> &result : results)
            expect_same_bits(alone, result);
    }

private:
    Case c_;
    Operands x_;
    Planned planned_;
};

using Parameters = std::tuple<brdnn_pass, Named, brdnn_layout, brdnn_isa>;

class Threads : public SameBits, public testing::WithParamInterface<Parameters> {
protected:
    void SetUp() override {
        auto [pass, named, layout, isa] = GetParam();
        BRDNN_SKIP_UNLESS_CPU_HAS(isa);
        Case c = in_pass(named.c, pass);
        c.layout = layout;
        c.isa = isa;
        plan(c);
    }
};

TEST_P(Threads, NumberAndOrderChangeNoBit) { expect_no_change_by_threads({2, 3, 7, 16}); }

TEST_P(Threads, OnePlanServesManyRunsAtOnce) { expect_one_plan_serves_many_runs_at_once(); }

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    const auto &[pass, named, layout, isa] = info.param;
    return std::string(named.name) + "_" + name_of_target({pass, layout, isa});
}

INSTANTIATE_TEST_SUITE_P(, Threads,
        testing::Combine(all_passes(), testing::ValuesIn(cases), all_layouts(), all_isas()),
        parameter_name);

/// Of each kind of split a small case.
const Named small_cases[] = {
        {"OneSequence", layer(1, 15, 15, 700, 21, 8, 80)},
        {"ManyChunks", layer(1, 3, 2, 6000, 5, 8, 16)},
        {"BatchNoMultipleOfThreads", layer(5, 5, 7, 100, 9, 1, 4)},
        {"OneTile", layer(1, 3, 2, 12, 3, 1, 1)},
        {"ManyChannels", layer(1, 65, 33, 70, 3, 8, 8)},
        {"Strided", layer(1, 4, 20, 500, 10, 1, 3, 5)},
        {"Bias", with_finish(layer(3, 9, 10, 100, 5, 2, 4), BRDNN_ADD_BIAS)},
        {"Callback", with_finish(layer(3, 9, 10, 100, 5, 2, 4), BRDNN_CALLBACK)},
};

class ThreadsOfNumbers : public SameBits, public testing::WithParamInterface<NumbersTarget> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }

    template <typename Check>
    void for_each_case(Check check) {
        const auto &[n, pass, layout, isa] = GetParam();
        for (const Named &named : small_cases) {
            Case c = in_pass(named.c, pass);
            c.layout = layout;
            c.isa = isa;
            ASSERT_NO_FATAL_FAILURE(plan(with_numbers(c, n)));
            check();
            if (HasFailure()) return;
        }
    }
};

TEST_P(ThreadsOfNumbers, NumberAndOrderChangeNoBit) {
    for_each_case([this] { expect_no_change_by_threads({2, 7}); });
}

TEST_P(ThreadsOfNumbers, OnePlanServesManyRunsAtOnce) {
    for_each_case([this] { expect_one_plan_serves_many_runs_at_once(); });
}

INSTANTIATE_TEST_SUITE_P(, ThreadsOfNumbers,
        testing::Combine(testing::Values(numbers::bf16, numbers::bf16_to_f32, numbers::math_bf16x3),
                all_passes(), all_layouts(), bf16_isas()),
        [](const auto &info) { return name_of_numbers_target(info.param); });

} // namespace
} // namespace brdnn_test
