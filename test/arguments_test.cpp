// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// What the API answers to nonsense, and that it touches nothing then; what it says about problems
/// that make sense.

#include <gtest/gtest.h>

#include <climits>
#include <cstring>
#include <functional>
#include <vector>

#include "harness.hpp"

namespace brconv1d_test {
namespace {

Case small_case() {
    Case c;
    c.mb = 2;
    c.groups = 2;
    c.ic = 6;
    c.oc = 10;
    c.iw = 40;
    c.kw = 3;
    c.pad_l = c.pad_r = 1;
    return c;
}

/// An enumerator that does not exist, written past the compiler's eyes.
template <typename Enum>
void set_unknown(Enum *e) {
    const int unknown = 77;
    static_assert(sizeof *e == sizeof unknown);
    std::memcpy(e, &unknown, sizeof unknown);
}

/// Query and plan_create, which must agree and change nothing but their results.
brconv1d_status status_of(const brconv1d_problem &problem) {
    const brconv1d_problem before = problem;
    brconv1d_info info;
    std::memset(&info, 0xff, sizeof info);
    const brconv1d_status queried = brconv1d_query(&problem, &info);
    EXPECT_NE(std::memchr(info.text, 0, sizeof info.text), nullptr) << "unterminated text";
    EXPECT_STRNE(info.text, "");

    int somewhere;
    auto *plan = reinterpret_cast<brconv1d_plan *>(&somewhere);
    const brconv1d_status created = brconv1d_plan_create(&plan, &problem);
    EXPECT_EQ(created, queried) << info.text;
    EXPECT_EQ(plan != nullptr, created == BRCONV1D_SUCCESS);
    brconv1d_plan_destroy(plan);
    EXPECT_EQ(std::memcmp(&before, &problem, sizeof problem), 0);
    return queried;
}

struct Nonsense {
    const char *name;
    std::function<void(brconv1d_problem *)> spoil;
};

void PrintTo(const Nonsense &n, std::ostream *out) { *out << n.name; }

class InvalidProblem : public testing::TestWithParam<std::tuple<Nonsense, brconv1d_layout>> {};

TEST_P(InvalidProblem, IsInvalid) {
    const auto &[nonsense, layout] = GetParam();
    Case c = small_case();
    c.layout = layout;
    brconv1d_problem problem = problem_of(c);
    ASSERT_EQ(status_of(problem), BRCONV1D_SUCCESS);
    nonsense.spoil(&problem);
    EXPECT_EQ(status_of(problem), BRCONV1D_INVALID);
}

using P = brconv1d_problem;

const Nonsense nonsense[] = {
        {"NoImages", [](P *p) { p->mb = 0; }},
        {"NegativeImages", [](P *p) { p->mb = -1; }},
        {"NoGroups", [](P *p) { p->groups = 0; }},
        {"NegativeGroups", [](P *p) { p->groups = -2; }},
        {"GroupsDontDivideIc", [](P *p) { p->ic = 7; }},
        {"GroupsDontDivideOc", [](P *p) { p->oc = 7; }},
        {"MoreGroupsThanChannels", [](P *p) { p->groups = 30; }},
        {"NoIc", [](P *p) { p->ic = 0; }},
        {"NegativeIc", [](P *p) { p->ic = -2; }},
        {"NoOc", [](P *p) { p->oc = 0; }},
        {"NegativeOc", [](P *p) { p->oc = -2; }},
        {"NoIw", [](P *p) { p->iw = 0; }},
        {"NegativeIw", [](P *p) { p->iw = -1; }},
        {"NoOw", [](P *p) { p->ow = 0; }},
        {"NegativeOw", [](P *p) { p->ow = -1; }},
        {"NoTaps", [](P *p) { p->kw = 0; }},
        {"NegativeTaps", [](P *p) { p->kw = -1; }},
        {"NoStride", [](P *p) { p->stride = 0; }},
        {"NegativeStride", [](P *p) { p->stride = -1; }},
        {"NoDilation", [](P *p) { p->dilation = 0; }},
        {"NegativeDilation", [](P *p) { p->dilation = -1; }},
        {"SmallestNumbers",
                [](P *p) { p->mb = p->ic = p->oc = p->iw = p->ow = p->kw = INT64_MIN; }},
        {"SmallestPadding", [](P *p) { p->pad_l = INT64_MIN; }},
        {"LargestPadding", [](P *p) { p->pad_l = INT64_MAX; }},
        {"LargestIw", [](P *p) { p->iw = INT64_MAX; }},
        {"LargestOw", [](P *p) { p->ow = INT64_MAX; }},
        {"LargestStride", [](P *p) { p->stride = INT64_MAX; }},
        {"LargestDilation", [](P *p) { p->dilation = INT64_MAX; }},
        {"SrcOverflows", [](P *p) { p->iw = INT64_MAX / 16, p->mb = 64; }},
        {"DstOverflows", [](P *p) { p->ow = INT64_MAX / 16, p->mb = 64; }},
        {"WeightsOverflow", [](P *p) { p->kw = INT64_MAX / 16; }},
        {"SrcRowsOverlap", [](P *p) { p->src.pitch = 2; }},
        {"DstRowsOverlap", [](P *p) { p->dst.pitch = 2; }},
        {"SrcRowsOverlapInOneImage", [](P *p) { p->mb = 1, p->src.pitch = 2; }},
        {"DstRowsOverlapInOneImage", [](P *p) { p->mb = 1, p->dst.pitch = 2; }},
        {"SrcRowsOverlapImagesApart",
                [](P *p) {
                    p->src = {100000, 2};
                }},
        {"DstRowsOverlapImagesApart",
                [](P *p) {
                    p->dst = {100000, 2};
                }},
        {"NegativeSrcPitch", [](P *p) { p->src.pitch = -100; }},
        {"NegativeDstPitch", [](P *p) { p->dst.pitch = -100; }},
        {"SrcImagesOverlap", [](P *p) { p->src.mb_stride = 6 * 40 - 1; }},
        {"DstImagesOverlap", [](P *p) { p->dst.mb_stride = 10 * 40 - 1; }},
        {"NegativeSrcImages", [](P *p) { p->src.mb_stride = -1000; }},
        {"NegativeDstImages", [](P *p) { p->dst.mb_stride = -1000; }},
        {"LargestSrcPitch", [](P *p) { p->src.pitch = INT64_MAX; }},
        {"LargestDstImages", [](P *p) { p->dst.mb_stride = INT64_MAX; }},
        {"UnknownLayout", [](P *p) { set_unknown(&p->layout); }},
        {"UnknownFinish", [](P *p) { set_unknown(&p->finish); }},
        {"UnknownIsa", [](P *p) { set_unknown(&p->isa); }},
        {"NegativeWeightsStride",
                [](P *p) {
                    p->wei = {false, 45, 9, 3, -1};
                }},
        {"WeightsStrideOfSomeZero",
                [](P *p) {
                    p->wei = {false, 45, 9, 3, 0};
                }},
};

std::string nonsense_name(
        const testing::TestParamInfo<std::tuple<Nonsense, brconv1d_layout>> &info) {
    return std::string(std::get<0>(info.param).name) + "_" + layout_name(std::get<1>(info.param));
}

INSTANTIATE_TEST_SUITE_P(, InvalidProblem,
        testing::Combine(testing::ValuesIn(nonsense), testing::Values(BRCONV1D_NCW, BRCONV1D_NWC)),
        nonsense_name);

/// Legal, but beyond what the kernels can address or a batch can hold.
TEST(UnsupportedProblem, MoreTapsThanABatchHolds) {
    brconv1d_problem problem = problem_of(small_case());
    problem.kw = INT64_C(1) << 30;
    EXPECT_EQ(status_of(problem), BRCONV1D_UNSUPPORTED);
}

TEST(UnsupportedProblem, MoreChannelsThanAKernelReaches) {
    for (brconv1d_layout layout : {BRCONV1D_NCW, BRCONV1D_NWC}) {
        Case c;
        c.layout = layout;
        c.ic = INT64_C(1) << 28;
        EXPECT_EQ(status_of(problem_of(c)), BRCONV1D_UNSUPPORTED);
    }
}

/// Few enough to be packed, but not for the weights of a tile to lie within 32 bits.
TEST(UnsupportedProblem, WeightsOfATileBeyondDisplacements) {
    Case c;
    c.layout = BRCONV1D_NWC;
    c.isa = BRCONV1D_ISA_AVX512_CORE;
    c.ic = (INT64_C(1) << 24) - 64;
    c.oc = 64;
    EXPECT_EQ(status_of(problem_of(c)), BRCONV1D_UNSUPPORTED);
}

TEST(NullArguments, QueryWithoutProblem) {
    brconv1d_info info = {};
    EXPECT_EQ(brconv1d_query(nullptr, &info), BRCONV1D_INVALID);
    EXPECT_STRNE(info.text, "");
}

TEST(NullArguments, QueryWithoutInfo) {
    const brconv1d_problem problem = problem_of(small_case());
    EXPECT_EQ(brconv1d_query(&problem, nullptr), BRCONV1D_INVALID);
}

TEST(NullArguments, CreateWithoutPlan) {
    const brconv1d_problem problem = problem_of(small_case());
    EXPECT_EQ(brconv1d_plan_create(nullptr, &problem), BRCONV1D_INVALID);
}

TEST(NullArguments, CreateWithoutProblem) {
    int somewhere;
    auto *plan = reinterpret_cast<brconv1d_plan *>(&somewhere);
    EXPECT_EQ(brconv1d_plan_create(&plan, nullptr), BRCONV1D_INVALID);
    EXPECT_EQ(plan, nullptr);
}

TEST(NullArguments, DestroyNothing) { brconv1d_plan_destroy(nullptr); }

/// A run with every pointer in place, to be spoilt one at a time.
class InvalidRun : public testing::Test {
protected:
    void prepare(brconv1d_finish finish) {
        c_ = small_case();
        c_.finish = finish;
        planned_ = plan_case(c_);
        ASSERT_TRUE(planned_.plan);
        Random random = random_for("invalid run");
        operands_ = std::make_unique<PlacedOperands>(
                c_, make_operands(c_, Fill::integers, random), planned_.info.packed_wei);
        dst_ = std::make_unique<GuardedFloats>(dst_placement(c_).count());
        scratch_bytes_ = brconv1d_scratch_bytes(&planned_.info, nthr);
        ASSERT_GT(scratch_bytes_, 0U);
        // Room for the pointers that are off by a little.
        scratch_ = std::make_unique<GuardedScratch>(scratch_bytes_ + GuardedScratch::alignment);
        args_ = operands_->args();
        args_.dst = dst_->data();
        args_.scratch = scratch_->data();
        args_.epilogue = [](void *calls, const brconv1d_tile *) { ++*static_cast<int *>(calls); };
        args_.epilogue_context = &calls_;
    }

    void expect_invalid(int phase, int ithr, int threads) {
        EXPECT_EQ(
                brconv1d_run(planned_.plan.get(), phase, &args_, ithr, threads), BRCONV1D_INVALID);
        expect_nothing_touched();
    }

    void expect_invalid_in_every_phase() {
        for (int phase = 0; phase < planned_.info.phases; ++phase)
            expect_invalid(phase, 0, nthr);
    }

    void expect_nothing_touched() {
        for (int64_t i = 0; i < dst_->count(); ++i)
            ASSERT_TRUE(is_untouched((*dst_)[i])) << i;
        const auto *scratch = static_cast<const unsigned char *>(scratch_->data());
        for (size_t i = 0; i < scratch_bytes_; ++i)
            ASSERT_EQ(scratch[i], 0xff) << i;
        EXPECT_EQ(calls_, 0);
    }

    static constexpr int nthr = 3;
    Case c_;
    Planned planned_;
    std::unique_ptr<PlacedOperands> operands_;
    std::unique_ptr<GuardedFloats> dst_;
    std::unique_ptr<GuardedScratch> scratch_;
    size_t scratch_bytes_ = 0;
    brconv1d_args args_ = {};
    int calls_ = 0;
};

TEST_F(InvalidRun, NoPlan) {
    prepare(BRCONV1D_STORE);
    EXPECT_EQ(brconv1d_run(nullptr, 0, &args_, 0, nthr), BRCONV1D_INVALID);
    expect_nothing_touched();
}

TEST_F(InvalidRun, NoArguments) {
    prepare(BRCONV1D_STORE);
    EXPECT_EQ(brconv1d_run(planned_.plan.get(), 0, nullptr, 0, nthr), BRCONV1D_INVALID);
    expect_nothing_touched();
}

TEST_F(InvalidRun, PhaseOutOfRange) {
    prepare(BRCONV1D_STORE);
    for (int phase : {INT_MIN, -1, planned_.info.phases, INT_MAX})
        expect_invalid(phase, 0, nthr);
}

TEST_F(InvalidRun, ThreadOutOfRange) {
    prepare(BRCONV1D_STORE);
    for (int phase = 0; phase < planned_.info.phases; ++phase) {
        for (int ithr : {INT_MIN, -1, nthr, INT_MAX})
            expect_invalid(phase, ithr, nthr);
        for (int threads : {INT_MIN, -1, 0})
            expect_invalid(phase, 0, threads);
    }
}

TEST_F(InvalidRun, NoSrc) {
    prepare(BRCONV1D_STORE);
    args_.src = nullptr;
    expect_invalid_in_every_phase();
}

TEST_F(InvalidRun, NoWeights) {
    prepare(BRCONV1D_STORE);
    args_.wei = nullptr;
    expect_invalid_in_every_phase();
}

TEST_F(InvalidRun, NoDst) {
    for (brconv1d_finish finish : {BRCONV1D_STORE, BRCONV1D_ADD_BIAS}) {
        prepare(finish);
        args_.dst = nullptr;
        expect_invalid_in_every_phase();
    }
}

TEST_F(InvalidRun, NoBias) {
    prepare(BRCONV1D_ADD_BIAS);
    args_.bias = nullptr;
    expect_invalid_in_every_phase();
}

TEST_F(InvalidRun, NoEpilogue) {
    prepare(BRCONV1D_CALLBACK);
    args_.epilogue = nullptr;
    expect_invalid_in_every_phase();
}

TEST_F(InvalidRun, NoScratch) {
    prepare(BRCONV1D_STORE);
    args_.scratch = nullptr;
    expect_invalid_in_every_phase();
}

TEST_F(InvalidRun, ScratchOffItsAlignment) {
    prepare(BRCONV1D_STORE);
    for (int bytes : {1, 4, 16, 32}) {
        args_.scratch = static_cast<char *>(scratch_->data()) + bytes;
        expect_invalid_in_every_phase();
    }
}

/// Answers about problems that make sense.
class Query : public testing::TestWithParam<brconv1d_layout> {
protected:
    brconv1d_info info_of(const Case &c) {
        const brconv1d_problem problem = problem_of(c);
        brconv1d_info info;
        EXPECT_EQ(brconv1d_query(&problem, &info), BRCONV1D_SUCCESS) << info.text;
        return info;
    }
};

TEST_P(Query, DescribesPackedWeightsByTheHeadersFormula) {
    for (int64_t oc_per_group : {1, 5, 16, 33, 127}) {
        Case c = small_case();
        c.layout = GetParam();
        c.oc = c.groups * oc_per_group;
        c.weights = "packed";
        const brconv1d_info info = info_of(c);
        const brconv1d_packed_wei &packed = info.packed_wei;
        ASSERT_GE(packed.oc_block, 1);
        EXPECT_EQ(packed.oc_blocks, divide_up(oc_per_group, packed.oc_block));
        EXPECT_EQ(packed.bytes,
                sizeof(float) * c.groups * packed.oc_blocks * c.kw * c.ic_per_group()
                        * packed.oc_block);
        EXPECT_EQ(info.phases, 1);
        // The caller asks with packed weights what plain weights would be packed to, and back.
        c.weights = "dense";
        EXPECT_EQ(info_of(c).packed_wei.oc_block, packed.oc_block);
        EXPECT_EQ(info_of(c).phases, 2);
    }
}

TEST_P(Query, KeepsItsNumbersInRange) {
    for (int64_t width : {1, 7, 64, 1000, 60000}) {
        Case c = small_case();
        c.layout = GetParam();
        c.iw = width + 2;
        const brconv1d_info info = info_of(c);
        EXPECT_GT(info.lane_use, 0);
        EXPECT_LE(info.lane_use, 1);
        EXPECT_GE(info.work_items, c.mb * c.groups);
        EXPECT_LE(info.work_items, c.mb * c.oc * c.ow());
        EXPECT_EQ(brconv1d_scratch_bytes(&info, 3) - brconv1d_scratch_bytes(&info, 2),
                info.scratch_bytes_per_thread);
        EXPECT_EQ(brconv1d_scratch_bytes(&info, 1),
                info.shared_scratch_bytes + info.scratch_bytes_per_thread);
    }
}

TEST_P(Query, PackedWeightsNeedNoSharedScratch) {
    Case c = small_case();
    c.layout = GetParam();
    c.weights = "packed";
    EXPECT_EQ(info_of(c).shared_scratch_bytes, 0U);
}

TEST_P(Query, ReadsUnpaddedUnitStrideInPlace) {
    Case c = small_case();
    c.layout = GetParam();
    c.pad_l = c.pad_r = 0;
    c.iw = 1001;
    EXPECT_EQ(info_of(c).scratch_bytes_per_thread, 0U);
}

TEST_P(Query, ExplicitDenseStridesAreTheDefault) {
    Case c = small_case();
    c.layout = GetParam();
    brconv1d_problem problem = problem_of(c);
    const std::string of_defaults = info_of(c).text;
    problem.src = {src_placement(c).mb_stride, src_placement(c).pitch};
    problem.dst = {dst_placement(c).mb_stride, dst_placement(c).pitch};
    problem.wei = plain_weights(c);
    brconv1d_info info;
    ASSERT_EQ(brconv1d_query(&problem, &info), BRCONV1D_SUCCESS);
    EXPECT_EQ(info.text, of_defaults);
}

INSTANTIATE_TEST_SUITE_P(, Query, testing::Values(BRCONV1D_NCW, BRCONV1D_NWC),
        [](const auto &info) { return std::string(layout_name(info.param)); });

/// Sizes at the edges of their types and of what products of them can hold.
constexpr int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -(INT64_C(1) << 46) - 1, -1, 0, 1, 2, 3,
        16, 1000, (INT64_C(1) << 20) + 1, INT32_MAX / 4, INT32_MAX, INT64_C(1) << 31,
        INT64_C(1) << 32, (INT64_C(1) << 32) + 1, INT64_C(1) << 46, (INT64_C(1) << 46) + 1,
        INT64_C(1) << 61, INT64_C(1) << 62, INT64_MAX - 1, INT64_MAX};

void set_random_extremes(brconv1d_problem *p, Random &random) {
    int64_t *const fields[]
            = {&p->mb, &p->groups, &p->ic, &p->oc, &p->iw, &p->ow, &p->kw, &p->stride, &p->dilation,
                    &p->pad_l, &p->src.mb_stride, &p->src.pitch, &p->dst.mb_stride, &p->dst.pitch,
                    &p->wei.g_stride, &p->wei.oc_stride, &p->wei.ic_stride, &p->wei.kw_stride};
    const int64_t changes = draw(random, 1, 5);
    for (int64_t i = 0; i < changes; ++i)
        *fields[draw(random, 0, std::size(fields) - 1)]
                = extremes[draw(random, 0, std::size(extremes) - 1)];
}

TEST(Extremes, AreAnsweredAlikeAndNeverCrash) {
    constexpr int problems = 100000;
    int answers[4] = {0, 0, 0, 0};
    Random random = random_for("extremes");
    for (int i = 0; i < problems && !testing::Test::HasFailure(); ++i) {
        Case c = small_case();
        c.layout = draw(random, 0, 1) ? BRCONV1D_NCW : BRCONV1D_NWC;
        c.isa = draw(random, 0, 1) ? BRCONV1D_ISA_AVX2 : BRCONV1D_ISA_AVX512_CORE;
        c.finish = static_cast<brconv1d_finish>(draw(random, 0, 2));
        brconv1d_problem problem = problem_of(c);
        set_random_extremes(&problem, random);
        problem.wei.packed = draw(random, 0, 1);
        ++answers[status_of(problem)];
    }
    // The mixture must reach all three, or it proves nothing.
    EXPECT_GT(answers[BRCONV1D_SUCCESS], 100);
    EXPECT_GT(answers[BRCONV1D_INVALID], 100);
    EXPECT_GT(answers[BRCONV1D_UNSUPPORTED], 5);
    EXPECT_EQ(answers[BRCONV1D_OUT_OF_MEMORY], 0);
}

TEST(OutputWidth, FollowsTheFormula) {
    for (int64_t iw : {1, 2, 7, 100})
        for (int64_t kw : {1, 2, 9})
            for (int64_t stride : {1, 2, 5})
                for (int64_t dilation : {1, 3})
                    for (int64_t pad_l : {-3, 0, 4})
                        for (int64_t pad_r : {-2, 0, 30}) {
                            const int64_t room = iw + pad_l + pad_r - (kw - 1) * dilation - 1;
                            const int64_t width
                                    = brconv1d_output_width(iw, kw, stride, dilation, pad_l, pad_r);
                            if (room >= 0) EXPECT_EQ(width, room / stride + 1);
                            else EXPECT_LE(width, 0);
                        }
}

TEST(OutputWidth, IsNotPositiveForNonsense) {
    for (int64_t bad : {INT64_MIN, INT64_C(-1), INT64_C(0)}) {
        EXPECT_LE(brconv1d_output_width(bad, 1, 1, 1, 0, 0), 0);
        EXPECT_LE(brconv1d_output_width(10, bad, 1, 1, 0, 0), 0);
        EXPECT_LE(brconv1d_output_width(10, 1, bad, 1, 0, 0), 0);
        EXPECT_LE(brconv1d_output_width(10, 1, 1, bad, 0, 0), 0);
    }
    EXPECT_LE(brconv1d_output_width(10, 1, 1, 1, INT64_MAX, INT64_MAX), 0);
    EXPECT_LE(brconv1d_output_width(10, 1, 1, 1, INT64_MIN, INT64_MIN), 0);
    EXPECT_LE(brconv1d_output_width(10, INT64_MAX, 1, INT64_MAX, 0, 0), 0);
}

TEST(OutputWidth, HoldsWidthsBeyond32Bits) {
    constexpr int64_t iw = (INT64_C(1) << 33) + 5;
    EXPECT_EQ(brconv1d_output_width(iw, 3, 1, 1, 1, 1), iw);
    EXPECT_EQ(brconv1d_output_width(iw, 3, 2, 1, 1, 1), iw / 2 + 1);
}

} // namespace
} // namespace brconv1d_test
