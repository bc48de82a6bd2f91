// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What a run answers to pointers and numbers that make no sense, and that it touches nothing then;
/// that it touches no pointer of another pass.

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <functional>
#include <string>

#include "harness.hpp"

namespace brdnn_test {
namespace {

Case small_case(brdnn_pass pass, brdnn_conv_finish finish) {
    Case c;
    c.pass = pass;
    c.finish = finish;
    c.mb = 2;
    c.groups = 2;
    c.ic = 6;
    c.oc = 10;
    c.iw = 40;
    c.kw = 3;
    c.pad_l = c.pad_r = 1;
    return c;
}

constexpr int nthr = 3;

/// A run with every pointer in place, to be spoilt.
class SpoiltRun {
public:
    explicit SpoiltRun(const Case &c)
        : planned_(plan_case(c)), random_(random_for(name_of(c))),
          operands_(c, make_operands(c, Fill::integers, random_), planned_.info.packed_wei),
          result_(c), scratch_bytes_(brdnn_conv_scratch_bytes(&planned_.info, nthr)),
          // Room for the pointers that are off by a little.
          scratch_(scratch_bytes_ + GuardedScratch::alignment) {
        args = operands_.args();
        result_.add_to(&args);
        args.scratch = scratch_.data();
        args.epilogue = [](void *calls, const brdnn_conv_tile *) { ++*static_cast<int *>(calls); };
        args.epilogue_context = &calls_;
        EXPECT_GT(scratch_bytes_, 0U);
    }

    const brdnn_conv_plan *plan() const { return planned_.plan.get(); }
    int phases() const { return planned_.info.phases; }

    void expect_invalid(int phase, int ithr, int threads) {
        EXPECT_EQ(brdnn_conv_run(plan(), phase, &args, ithr, threads), BRDNN_INVALID);
        expect_nothing_touched();
    }

    void expect_invalid_in_every_phase() {
        for (int phase = 0; phase < phases(); ++phase)
            expect_invalid(phase, 0, nthr);
    }

    void expect_success() {
        for (int phase = 0; phase < phases(); ++phase)
            for (int ithr = 0; ithr < nthr; ++ithr)
                EXPECT_EQ(brdnn_conv_run(plan(), phase, &args, ithr, nthr), BRDNN_SUCCESS);
    }

    void expect_nothing_touched() {
        EXPECT_TRUE(result_.is_untouched());
        const auto *scratch = static_cast<const unsigned char *>(scratch_.data());
        for (size_t i = 0; i < scratch_bytes_; ++i)
            ASSERT_EQ(scratch[i], 0xff) << i;
        EXPECT_EQ(calls_, 0);
    }

    brdnn_conv_args args = {};

private:
    Planned planned_;
    Random random_;
    PlacedOperands operands_;
    PlacedResult result_;
    size_t scratch_bytes_;
    GuardedScratch scratch_;
    int calls_ = 0;
};

class InvalidRun : public testing::TestWithParam<brdnn_pass> {
protected:
    SpoiltRun run_ {small_case(GetParam(), BRDNN_STORE)};
};

TEST_P(InvalidRun, NoPlan) {
    EXPECT_EQ(brdnn_conv_run(nullptr, 0, &run_.args, 0, nthr), BRDNN_INVALID);
    run_.expect_nothing_touched();
}

TEST_P(InvalidRun, NoArguments) {
    EXPECT_EQ(brdnn_conv_run(run_.plan(), 0, nullptr, 0, nthr), BRDNN_INVALID);
    run_.expect_nothing_touched();
}

TEST_P(InvalidRun, PhaseOutOfRange) {
    for (int phase : {INT_MIN, -1, run_.phases(), INT_MAX})
        run_.expect_invalid(phase, 0, nthr);
}

TEST_P(InvalidRun, ThreadOutOfRange) {
    for (int phase = 0; phase < run_.phases(); ++phase) {
        for (int ithr : {INT_MIN, -1, nthr, INT_MAX})
            run_.expect_invalid(phase, ithr, nthr);
        for (int threads : {INT_MIN, -1, 0})
            run_.expect_invalid(phase, 0, threads);
    }
}

TEST_P(InvalidRun, ScratchOffItsAlignment) {
    void *const scratch = run_.args.scratch;
    for (int bytes : {1, 4, 16, 32}) {
        run_.args.scratch = static_cast<char *>(scratch) + bytes;
        run_.expect_invalid_in_every_phase();
    }
}

INSTANTIATE_TEST_SUITE_P(
        , InvalidRun, all_passes(), [](const auto &info) { return pass_name(info.param); });

/// Sets one of the pointers.
struct Pointer {
    const char *name;
    std::function<void(brdnn_conv_args *, uintptr_t)> set;
};

template <typename Pointee>
Pointer pointer(const char *name, Pointee *brdnn_conv_args::*member) {
    return {name, [member](brdnn_conv_args *args, uintptr_t value) {
                args->*member = reinterpret_cast<Pointee *>(value);
            }};
}

const Pointer src = pointer("Src", &brdnn_conv_args::src);
const Pointer wei = pointer("Wei", &brdnn_conv_args::wei);
const Pointer diff_dst = pointer("DiffDst", &brdnn_conv_args::diff_dst);
const Pointer bias = pointer("Bias", &brdnn_conv_args::bias);
const Pointer dst = pointer("Dst", &brdnn_conv_args::dst);
const Pointer diff_src = pointer("DiffSrc", &brdnn_conv_args::diff_src);
const Pointer diff_wei = pointer("DiffWei", &brdnn_conv_args::diff_wei);
const Pointer diff_bias = pointer("DiffBias", &brdnn_conv_args::diff_bias);
const Pointer scratch = pointer("Scratch", &brdnn_conv_args::scratch);
const Pointer epilogue = {"Epilogue", [](brdnn_conv_args *args, uintptr_t value) {
                              args->epilogue = reinterpret_cast<brdnn_conv_epilogue>(value);
                          }};

/// Which pointers a pass with a finish needs. It may touch no others.
struct Needs {
    brdnn_pass pass;
    brdnn_conv_finish finish;
    std::vector<Pointer> needed, unused;
};

const Needs all_needs[] = {
        {BRDNN_FORWARD, BRDNN_STORE, {src, wei, dst, scratch},
                {diff_dst, bias, diff_src, diff_wei, diff_bias, epilogue}},
        {BRDNN_FORWARD, BRDNN_ADD_BIAS, {src, wei, bias, dst, scratch},
                {diff_dst, diff_src, diff_wei, diff_bias, epilogue}},
        {BRDNN_FORWARD, BRDNN_CALLBACK, {src, wei, epilogue, scratch},
                {diff_dst, bias, dst, diff_src, diff_wei, diff_bias}},
        {BRDNN_BACKWARD_DATA, BRDNN_STORE, {wei, diff_dst, diff_src, scratch},
                {src, bias, dst, diff_wei, diff_bias, epilogue}},
        {BRDNN_BACKWARD_DATA, BRDNN_ADD_BIAS, {wei, diff_dst, bias, diff_src, scratch},
                {src, dst, diff_wei, diff_bias, epilogue}},
        {BRDNN_BACKWARD_DATA, BRDNN_CALLBACK, {wei, diff_dst, epilogue, scratch},
                {src, bias, dst, diff_src, diff_wei, diff_bias}},
        {BRDNN_BACKWARD_WEIGHTS, BRDNN_STORE, {src, diff_dst, diff_wei, scratch},
                {wei, bias, dst, diff_src, diff_bias, epilogue}},
        {BRDNN_BACKWARD_WEIGHTS, BRDNN_BIAS_OF_DST, {src, diff_dst, diff_wei, diff_bias, scratch},
                {wei, bias, dst, diff_src, epilogue}},
        {BRDNN_BACKWARD_WEIGHTS, BRDNN_BIAS_OF_SRC, {src, diff_dst, diff_wei, diff_bias, scratch},
                {wei, bias, dst, diff_src, epilogue}},
};

class Pointers : public testing::TestWithParam<Needs> {};

TEST_P(Pointers, ThatARunNeedsMustNotBeNull) {
    for (const Pointer &pointer : GetParam().needed) {
        SCOPED_TRACE(pointer.name);
        Case c = small_case(GetParam().pass, GetParam().finish);
        for (const Numbers &n : {numbers::f32, numbers::bf16})
            for (brdnn_isa isa :
                    {BRDNN_ISA_AVX2, BRDNN_ISA_AVX512_CORE_BF16, BRDNN_ISA_AVX512_CORE_AMX}) {
                c.isa = isa;
                SpoiltRun run(with_numbers(c, n));
                pointer.set(&run.args, 0);
                run.expect_invalid_in_every_phase();
            }
    }
}

TEST_P(Pointers, ThatARunDoesNotUseAreNotTouched) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX2);
    const NameOnCrash name_on_crash("pointers that are not used");
    for (uintptr_t nowhere : {uintptr_t {0}, uintptr_t {64}}) {
        SpoiltRun run(small_case(GetParam().pass, GetParam().finish));
        for (const Pointer &pointer : GetParam().unused)
            pointer.set(&run.args, nowhere);
        run.expect_success();
    }
}

INSTANTIATE_TEST_SUITE_P(, Pointers, testing::ValuesIn(all_needs), [](const auto &info) {
    return std::string(pass_name(info.param.pass)) + "_" + finish_name(info.param.finish);
});

} // namespace
} // namespace brdnn_test
