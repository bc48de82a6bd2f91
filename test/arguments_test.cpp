// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What the API answers to problems that are nonsense, and what it says about those that make sense.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

constexpr std::array passes = {BRDNN_FORWARD, BRDNN_BACKWARD_DATA, BRDNN_BACKWARD_WEIGHTS};
constexpr std::array layouts = {BRDNN_NCW, BRDNN_NWC};
constexpr std::array isas = {BRDNN_ISA_AVX2, BRDNN_ISA_AVX512_CORE, BRDNN_ISA_AVX512_CORE_BF16,
        BRDNN_ISA_AVX512_CORE_AMX};

Case small_case(brdnn_pass pass = BRDNN_FORWARD) {
    Case c;
    c.pass = pass;
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
brdnn_status status_of(const brdnn_conv_problem &problem) {
    const brdnn_conv_problem before = problem;
    brdnn_conv_info info;
    std::memset(&info, 0xff, sizeof info);
    const brdnn_status queried = brdnn_conv_query(&problem, &info);
    EXPECT_NE(std::memchr(info.text, 0, sizeof info.text), nullptr) << "unterminated text";
    EXPECT_STRNE(info.text, "");

    int somewhere;
    auto *plan = reinterpret_cast<brdnn_conv_plan *>(&somewhere);
    const brdnn_status created = brdnn_conv_plan_create(&plan, &problem);
    EXPECT_EQ(created, queried) << info.text;
    EXPECT_EQ(plan != nullptr, created == BRDNN_SUCCESS);
    brdnn_conv_plan_destroy(plan);
    EXPECT_EQ(std::memcmp(&before, &problem, sizeof problem), 0);
    return queried;
}

struct Nonsense {
    const char *name;
    std::function<void(brdnn_conv_problem *)> spoil;
};

void PrintTo(const Nonsense &n, std::ostream *out) { *out << n.name; }

class InvalidProblem : public testing::TestWithParam<Nonsense> {};

TEST_P(InvalidProblem, IsInvalidInEveryPassAndLayout) {
    for (brdnn_pass pass : passes)
        for (brdnn_layout layout : layouts) {
            Case c = small_case(pass);
            c.layout = layout;
            SCOPED_TRACE(name_of(c));
            brdnn_conv_problem problem = problem_of(c);
            ASSERT_EQ(status_of(problem), BRDNN_SUCCESS);
            GetParam().spoil(&problem);
            EXPECT_EQ(status_of(problem), BRDNN_INVALID);
        }
}

using P = brdnn_conv_problem;

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
        {"SrcRowsOverlapImagesApart", [](P *p) { p->src = {100000, 2, BRDNN_F32}; }},
        {"DstRowsOverlapImagesApart", [](P *p) { p->dst = {100000, 2, BRDNN_F32}; }},
        {"NegativeSrcPitch", [](P *p) { p->src.pitch = -100; }},
        {"NegativeDstPitch", [](P *p) { p->dst.pitch = -100; }},
        {"SrcImagesOverlap", [](P *p) { p->src.mb_stride = 6 * 40 - 1; }},
        {"DstImagesOverlap", [](P *p) { p->dst.mb_stride = 10 * 40 - 1; }},
        {"NegativeSrcImages", [](P *p) { p->src.mb_stride = -1000; }},
        {"NegativeDstImages", [](P *p) { p->dst.mb_stride = -1000; }},
        {"LargestSrcPitch", [](P *p) { p->src.pitch = INT64_MAX; }},
        {"LargestDstImages", [](P *p) { p->dst.mb_stride = INT64_MAX; }},
        {"UnknownPass", [](P *p) { set_unknown(&p->pass); }},
        {"UnknownLayout", [](P *p) { set_unknown(&p->layout); }},
        {"UnknownFinish", [](P *p) { set_unknown(&p->finish); }},
        {"UnknownIsa", [](P *p) { set_unknown(&p->isa); }},
        {"UnknownMath", [](P *p) { set_unknown(&p->math); }},
        {"UnknownSrcType", [](P *p) { set_unknown(&p->src.type); }},
        {"UnknownDstType", [](P *p) { set_unknown(&p->dst.type); }},
        {"UnknownWeightsType", [](P *p) { set_unknown(&p->wei.type); }},
        {"UnknownBiasType", [](P *p) { set_unknown(&p->bias_type); }},
        {"NegativeWeightsStride", [](P *p) { p->wei = {false, 45, 9, 3, -1, BRDNN_F32}; }},
        {"WeightsStrideOfSomeZero", [](P *p) { p->wei = {false, 45, 9, 3, 0, BRDNN_F32}; }},
};

INSTANTIATE_TEST_SUITE_P(, InvalidProblem, testing::ValuesIn(nonsense),
        [](const auto &info) { return info.param.name; });

TEST(Finish, IsInvalidInAPassThatDoesNotHaveIt) {
    constexpr std::array finishes
            = {BRDNN_STORE, BRDNN_ADD_BIAS, BRDNN_CALLBACK, BRDNN_BIAS_OF_DST, BRDNN_BIAS_OF_SRC};
    for (brdnn_pass pass : passes)
        for (brdnn_conv_finish finish : finishes) {
            Case c = small_case(pass);
            c.finish = finish;
            SCOPED_TRACE(name_of(c));
            const std::vector<brdnn_conv_finish> own = finishes_of(pass);
            const bool is_own = std::find(own.begin(), own.end(), finish) != own.end();
            EXPECT_EQ(status_of(problem_of(c)), is_own ? BRDNN_SUCCESS : BRDNN_INVALID);
        }
}

TEST(PackedWeights, AreInvalidForBackwardWeights) {
    for (brdnn_pass pass : passes) {
        Case c = small_case(pass);
        c.weights = "packed";
        const bool is_gradient = pass == BRDNN_BACKWARD_WEIGHTS;
        EXPECT_EQ(status_of(problem_of(c)), is_gradient ? BRDNN_INVALID : BRDNN_SUCCESS);
    }
}

/// Where weights can't come packed the query says so to plain ones by describing no layout.
TEST(PackedWeights, AreUnsupportedWhereNoneAreDescribed) {
    int described = 0, not_described = 0;
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA})
        for (brdnn_isa isa : isas)
            for (const Numbers &n : numbers::all) {
                Case c = small_case(pass);
                c.isa = isa;
                c = with_numbers(c, n);
                SCOPED_TRACE(name_of(c));
                brdnn_conv_problem problem = problem_of(c);
                brdnn_conv_info info;
                ASSERT_EQ(brdnn_conv_query(&problem, &info), BRDNN_SUCCESS) << info.text;
                const bool is_described = info.packed_wei.bytes != 0;
                ++(is_described ? described : not_described);
                problem.wei.packed = true;
                EXPECT_EQ(status_of(problem), is_described ? BRDNN_SUCCESS : BRDNN_UNSUPPORTED);
            }
    EXPECT_GT(described, 0);
    EXPECT_GT(not_described, 0);
}

brdnn_conv_packed_wei packed_layout(const Case &c) {
    brdnn_conv_info info;
    const brdnn_conv_problem problem = problem_of(c);
    EXPECT_EQ(brdnn_conv_query(&problem, &info), BRDNN_SUCCESS) << info.text;
    return info.packed_wei;
}

TEST(PackedWeights, ArePairsForBf16) {
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA})
        for (brdnn_isa isa : {BRDNN_ISA_AVX512_CORE_BF16, BRDNN_ISA_AVX512_CORE_AMX}) {
            Case c = small_case(pass);
            c.isa = isa;
            c.ic = c.oc = 64;
            EXPECT_EQ(packed_layout(with_numbers(c, numbers::f32)).pair, 1);
            EXPECT_EQ(packed_layout(with_numbers(c, numbers::bf16)).pair, 2);
            EXPECT_EQ(packed_layout(with_numbers(c, numbers::math_bf16)).bytes, 0U);
        }
}

/// One copy serves sequences of any length.
TEST(PackedWeights, LieAlikeForAllWidths) {
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA})
        for (brdnn_layout layout : layouts)
            for (brdnn_isa isa : isas)
                for (const Numbers &n : {numbers::f32, numbers::bf16})
                    for (int64_t channels : {3, 64, 250}) {
                        Case c = small_case(pass);
                        c.layout = layout;
                        c.isa = isa;
                        c.groups = 1;
                        c.ic = channels;
                        c.oc = 70;
                        c.iw = 10000;
                        c = with_numbers(c, n);
                        const brdnn_conv_packed_wei expected = packed_layout(c);
                        for (int64_t width : {c.reach(), c.reach() + 6, c.reach() + 100}) {
                            c.iw = width;
                            const brdnn_conv_packed_wei packed = packed_layout(c);
                            EXPECT_EQ(packed.block, expected.block) << name_of(c);
                            EXPECT_EQ(packed.depth, expected.depth) << name_of(c);
                            EXPECT_EQ(packed.is_depth_innermost, expected.is_depth_innermost);
                            EXPECT_EQ(packed.bytes, expected.bytes) << name_of(c);
                        }
                    }
}

/// Whatever the tensors hold, and whatever may be used.
TEST(Types, AreTakenInAnyMixture) {
    constexpr std::array types = {BRDNN_F32, BRDNN_BF16};
    constexpr std::array maths
            = {BRDNN_MATH_F32, BRDNN_MATH_BF16, BRDNN_MATH_TF32, BRDNN_MATH_BF16X3};
    for (brdnn_pass pass : passes)
        for (brdnn_layout layout : layouts)
            for (brdnn_isa isa : isas)
                for (brdnn_math math : maths)
                    for (brdnn_type src : types)
                        for (brdnn_type wei : types)
                            for (brdnn_type dst : types) {
                                Case c = small_case(pass);
                                c.layout = layout;
                                c.isa = isa;
                                c.math = math;
                                c.src_type = src;
                                c.wei_type = wei;
                                c.dst_type = dst;
                                EXPECT_EQ(status_of(problem_of(c)), BRDNN_SUCCESS) << name_of(c);
                            }
}

/// Strides of weights whose elements meet or are interleaved, and of some that are neither. There
/// are 2 groups, each of 5 filters, 3 channels and 3 taps.
struct Strides {
    const char *name;
    brdnn_conv_weights wei;
    bool stand_apart;
};

void PrintTo(const Strides &s, std::ostream *out) { *out << s.name; }

class WeightsStrides : public testing::TestWithParam<Strides> {};

TEST_P(WeightsStrides, OfAGradientMustStandApart) {
    for (brdnn_pass pass : passes) {
        brdnn_conv_problem problem = problem_of(small_case(pass));
        problem.wei = GetParam().wei;
        const bool is_legal = GetParam().stand_apart || pass != BRDNN_BACKWARD_WEIGHTS;
        EXPECT_EQ(status_of(problem), is_legal ? BRDNN_SUCCESS : BRDNN_INVALID) << pass_name(pass);
    }
}

const Strides strides[] = {
        {"Dense", {false, 45, 9, 3, 1, BRDNN_F32}, true},
        {"Permuted", {false, 1, 2, 10, 30, BRDNN_F32}, true},
        {"PermutedOtherwise", {false, 45, 3, 1, 15, BRDNN_F32}, true},
        {"WithGaps", {false, 400, 70, 20, 6, BRDNN_F32}, true},
        {"AllOne", {false, 1, 1, 1, 1, BRDNN_F32}, false},
        {"GroupsMeet", {false, 44, 9, 3, 1, BRDNN_F32}, false},
        {"FiltersMeet", {false, 45, 8, 3, 1, BRDNN_F32}, false},
        {"ChannelsMeet", {false, 45, 9, 2, 1, BRDNN_F32}, false},
        {"TapsMeet", {false, 100, 20, 3, 6, BRDNN_F32}, false},
        {"TwoStridesAreEqual", {false, 45, 9, 3, 3, BRDNN_F32}, false},
        {"GroupsAndFiltersAreEqual", {false, 9, 9, 3, 1, BRDNN_F32}, false},
        // 0, 2, 4 and 0, 3, 6: all sums are different.
        {"InterleavedButApart", {false, 1000, 100, 3, 2, BRDNN_F32}, false},
};

INSTANTIATE_TEST_SUITE_P(, WeightsStrides, testing::ValuesIn(strides),
        [](const auto &info) { return info.param.name; });

/// The stride of a dimension of one element leads nowhere.
TEST(WeightsStridesOfOneElement, MayBeAnything) {
    for (brdnn_pass pass : passes) {
        Case c = small_case(pass);
        c.groups = c.ic = c.oc = c.kw = 1;
        brdnn_conv_problem problem = problem_of(c);
        problem.wei = {false, 1, 1, 1, 1, BRDNN_F32};
        EXPECT_EQ(status_of(problem), BRDNN_SUCCESS);
        c.oc = 5;
        problem = problem_of(c);
        problem.wei = {false, 3, 2, 4, 7, BRDNN_F32};
        EXPECT_EQ(status_of(problem), BRDNN_SUCCESS);
    }
}

/// Legal, but beyond what the kernels can address or a batch can hold.
TEST(UnsupportedProblem, MoreTapsThanABatchHolds) {
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA}) {
        brdnn_conv_problem problem = problem_of(small_case(pass));
        problem.kw = INT64_C(1) << 30;
        EXPECT_EQ(status_of(problem), BRDNN_UNSUPPORTED);
    }
}

TEST(UnsupportedProblem, MoreChannelsThanAKernelReaches) {
    for (brdnn_pass pass : passes)
        for (brdnn_layout layout : layouts) {
            Case c;
            c.pass = pass;
            c.layout = layout;
            (pass == BRDNN_BACKWARD_DATA ? c.oc : c.ic) = INT64_C(1) << 28;
            EXPECT_EQ(status_of(problem_of(c)), BRDNN_UNSUPPORTED) << pass_name(pass);
        }
}

/// Few enough to be packed, but not for the weights of a tile to lie within 32 bits.
TEST(UnsupportedProblem, WeightsOfATileBeyondDisplacements) {
    for (brdnn_pass pass : {BRDNN_FORWARD, BRDNN_BACKWARD_DATA}) {
        Case c;
        c.pass = pass;
        c.layout = BRDNN_NWC;
        c.isa = BRDNN_ISA_AVX512_CORE;
        c.ic = (INT64_C(1) << 24) - 64;
        c.oc = 64;
        if (pass == BRDNN_BACKWARD_DATA) std::swap(c.ic, c.oc);
        EXPECT_EQ(status_of(problem_of(c)), BRDNN_UNSUPPORTED) << pass_name(pass);
    }
}

/// Positions of diff_src that are equal modulo the stride are computed together, each such set from
/// taps of its own.
TEST(UnsupportedProblem, MoreRemaindersOfTheStrideThanTablesHold) {
    for (brdnn_layout layout : layouts) {
        Case c = small_case(BRDNN_BACKWARD_DATA);
        c.layout = layout;
        c.iw = INT64_C(1) << 40;
        c.stride = INT64_C(1) << 39;
        EXPECT_EQ(status_of(problem_of(c)), BRDNN_UNSUPPORTED);
        // Where src is short there are no more of them than positions.
        c.iw = 40;
        EXPECT_EQ(status_of(problem_of(c)), BRDNN_SUCCESS);
    }
}

TEST(NullArguments, QueryWithoutProblem) {
    brdnn_conv_info info = {};
    EXPECT_EQ(brdnn_conv_query(nullptr, &info), BRDNN_INVALID);
    EXPECT_STRNE(info.text, "");
}

TEST(NullArguments, QueryWithoutInfo) {
    const brdnn_conv_problem problem = problem_of(small_case());
    EXPECT_EQ(brdnn_conv_query(&problem, nullptr), BRDNN_INVALID);
}

TEST(NullArguments, CreateWithoutPlan) {
    const brdnn_conv_problem problem = problem_of(small_case());
    EXPECT_EQ(brdnn_conv_plan_create(nullptr, &problem), BRDNN_INVALID);
}

TEST(NullArguments, CreateWithoutProblem) {
    int somewhere;
    auto *plan = reinterpret_cast<brdnn_conv_plan *>(&somewhere);
    EXPECT_EQ(brdnn_conv_plan_create(&plan, nullptr), BRDNN_INVALID);
    EXPECT_EQ(plan, nullptr);
}

TEST(NullArguments, DestroyNothing) { brdnn_conv_plan_destroy(nullptr); }

/// Answers about problems that make sense.
class Query : public testing::TestWithParam<std::tuple<brdnn_pass, brdnn_layout>> {
protected:
    Case query_case() const {
        Case c = small_case(std::get<brdnn_pass>(GetParam()));
        c.layout = std::get<brdnn_layout>(GetParam());
        return c;
    }

    brdnn_conv_info info_of(const Case &c) {
        const brdnn_conv_problem problem = problem_of(c);
        brdnn_conv_info info;
        EXPECT_EQ(brdnn_conv_query(&problem, &info), BRDNN_SUCCESS) << info.text;
        return info;
    }
};

TEST_P(Query, DescribesPackedWeightsByTheHeadersFormula) {
    for (int64_t per_group : {1, 5, 16, 33, 127}) {
        Case c = query_case();
        // Of the result's channels in either pass.
        c.oc = c.ic = c.groups * per_group;
        c.kw = 7;
        (c.pass == BRDNN_FORWARD ? c.ic : c.oc) = c.groups * 3;
        const brdnn_conv_info of_plain = info_of(c);
        const brdnn_conv_packed_wei &packed = of_plain.packed_wei;
        EXPECT_EQ(of_plain.phases, 2);
        if (c.pass == BRDNN_BACKWARD_WEIGHTS) {
            EXPECT_EQ(packed.block, 0);
            EXPECT_EQ(packed.blocks, 0);
            EXPECT_EQ(packed.bytes, 0U);
            continue;
        }
        ASSERT_GE(packed.block, 1);
        EXPECT_EQ(packed.blocks, divide_up(per_group, packed.block));
        EXPECT_EQ(packed.bytes, sizeof(float) * c.groups * packed.blocks * c.kw * 3 * packed.block);
        // The caller asks with plain weights what packed ones must look like.
        c.weights = "packed";
        const brdnn_conv_info of_packed = info_of(c);
        EXPECT_EQ(of_packed.phases, 1);
        EXPECT_EQ(of_packed.packed_wei.block, packed.block);
        EXPECT_EQ(of_packed.packed_wei.blocks, packed.blocks);
        EXPECT_EQ(of_packed.packed_wei.bytes, packed.bytes);
        EXPECT_EQ(of_packed.shared_scratch_bytes, 0U);
    }
}

TEST_P(Query, KeepsItsNumbersInRange) {
    for (int64_t width : {1, 7, 64, 1000, 60000}) {
        Case c = query_case();
        c.iw = width + 2;
        const brdnn_conv_info info = info_of(c);
        EXPECT_GT(info.lane_use, 0);
        EXPECT_LE(info.lane_use, 1);
        EXPECT_GE(info.work_items, 1);
        EXPECT_LE(info.work_items, c.products());
        EXPECT_EQ(brdnn_conv_scratch_bytes(&info, 3) - brdnn_conv_scratch_bytes(&info, 2),
                info.scratch_bytes_per_thread);
        EXPECT_EQ(brdnn_conv_scratch_bytes(&info, 1),
                info.shared_scratch_bytes + info.scratch_bytes_per_thread);
        EXPECT_EQ(brdnn_conv_scratch_bytes(&info, 0), 0U);
    }
}

/// A long sequence keeps many threads busy, in a pass whose result is small, too.
TEST_P(Query, CutsOneLongSequenceForManyThreads) {
    Case c = query_case();
    c.mb = c.groups = 1;
    c.ic = c.oc = 1;
    c.iw = 1000000;
    EXPECT_GE(info_of(c).work_items, 16);
}

TEST_P(Query, ReadsInPlaceWhatNoPaddingIsNear) {
    Case c = query_case();
    if (c.pass == BRDNN_BACKWARD_WEIGHTS) return; // packs everything
    // What is correlated with the weights is diff_dst in backward data, so that must have a halo.
    c.pad_l = c.pad_r = c.pass == BRDNN_FORWARD ? 0 : c.kw - 1;
    c.iw = 1001;
    EXPECT_EQ(info_of(c).scratch_bytes_per_thread, 0U);
}

TEST_P(Query, ExplicitDenseStridesAreTheDefault) {
    const Case c = query_case();
    brdnn_conv_problem problem = problem_of(c);
    const std::string of_defaults = info_of(c).text;
    problem.src = {src_placement(c).mb_stride, src_placement(c).pitch, c.src_type};
    problem.dst = {dst_placement(c).mb_stride, dst_placement(c).pitch, c.dst_type};
    problem.wei = plain_weights(c);
    brdnn_conv_info info;
    ASSERT_EQ(brdnn_conv_query(&problem, &info), BRDNN_SUCCESS);
    EXPECT_EQ(info.text, of_defaults);
}

INSTANTIATE_TEST_SUITE_P(, Query,
        testing::Combine(testing::ValuesIn(passes), testing::ValuesIn(layouts)),
        [](const auto &info) {
            return std::string(pass_name(std::get<brdnn_pass>(info.param))) + "_"
                    + layout_name(std::get<brdnn_layout>(info.param));
        });

/// Sizes at the edges of their types and of what products of them can hold.
constexpr int64_t extremes[] = {INT64_MIN, INT64_MIN + 1, -(INT64_C(1) << 46) - 1, -1, 0, 1, 2, 3,
        16, 1000, (INT64_C(1) << 20) + 1, INT32_MAX / 4, INT32_MAX, INT64_C(1) << 31,
        INT64_C(1) << 32, (INT64_C(1) << 32) + 1, INT64_C(1) << 46, (INT64_C(1) << 46) + 1,
        INT64_C(1) << 61, INT64_C(1) << 62, INT64_MAX - 1, INT64_MAX};

void set_random_extremes(brdnn_conv_problem *p, Random &random) {
    int64_t *const fields[]
            = {&p->mb, &p->groups, &p->ic, &p->oc, &p->iw, &p->ow, &p->kw, &p->stride, &p->dilation,
                    &p->pad_l, &p->src.mb_stride, &p->src.pitch, &p->dst.mb_stride, &p->dst.pitch,
                    &p->wei.g_stride, &p->wei.oc_stride, &p->wei.ic_stride, &p->wei.kw_stride};
    const int64_t changes = draw(random, 1, 5);
    for (int64_t i = 0; i < changes; ++i)
        *fields[draw(random, 0, std::size(fields) - 1)]
                = extremes[draw(random, 0, std::size(extremes) - 1)];
}

class Extremes : public testing::TestWithParam<brdnn_pass> {};

TEST_P(Extremes, AreAnsweredAlikeAndNeverCrash) {
    constexpr int problems = 50000;
    int answers[4] = {0, 0, 0, 0};
    Random random = random_for(std::string("extremes ") + pass_name(GetParam()));
    for (int i = 0; i < problems && !testing::Test::HasFailure(); ++i) {
        Case c = small_case(GetParam());
        c.layout = pick(random, layouts);
        c.isa = pick(random, isas);
        c.finish = pick(random, finishes_of(c.pass));
        c = with_numbers(c, numbers::all[draw(random, 0, std::size(numbers::all) - 1)]);
        brdnn_conv_problem problem = problem_of(c);
        set_random_extremes(&problem, random);
        problem.wei.packed = c.pass != BRDNN_BACKWARD_WEIGHTS && draw(random, 0, 1) != 0;
        ++answers[status_of(problem)];
    }
    // The mixture must reach all three, or it proves nothing.
    EXPECT_GT(answers[BRDNN_SUCCESS], 100);
    EXPECT_GT(answers[BRDNN_INVALID], 100);
    EXPECT_GT(answers[BRDNN_UNSUPPORTED], 5);
    EXPECT_EQ(answers[BRDNN_OUT_OF_MEMORY], 0);
}

INSTANTIATE_TEST_SUITE_P(, Extremes, testing::ValuesIn(passes),
        [](const auto &info) { return pass_name(info.param); });

TEST(OutputWidth, FollowsTheFormula) {
    for (int64_t iw : {1, 2, 7, 100})
        for (int64_t kw : {1, 2, 9})
            for (int64_t stride : {1, 2, 5})
                for (int64_t dilation : {1, 3})
                    for (int64_t pad_l : {-3, 0, 4})
                        for (int64_t pad_r : {-2, 0, 30}) {
                            const int64_t room = iw + pad_l + pad_r - (kw - 1) * dilation - 1;
                            const int64_t width = brdnn_conv_output_width(
                                    iw, kw, stride, dilation, pad_l, pad_r);
                            if (room >= 0) EXPECT_EQ(width, room / stride + 1);
                            else EXPECT_LE(width, 0);
                        }
}

TEST(OutputWidth, IsNotPositiveForNonsense) {
    for (int64_t bad : {INT64_MIN, INT64_C(-1), INT64_C(0)}) {
        EXPECT_LE(brdnn_conv_output_width(bad, 1, 1, 1, 0, 0), 0);
        EXPECT_LE(brdnn_conv_output_width(10, bad, 1, 1, 0, 0), 0);
        EXPECT_LE(brdnn_conv_output_width(10, 1, bad, 1, 0, 0), 0);
        EXPECT_LE(brdnn_conv_output_width(10, 1, 1, bad, 0, 0), 0);
    }
    EXPECT_LE(brdnn_conv_output_width(10, 1, 1, 1, INT64_MAX, INT64_MAX), 0);
    EXPECT_LE(brdnn_conv_output_width(10, 1, 1, 1, INT64_MIN, INT64_MIN), 0);
    EXPECT_LE(brdnn_conv_output_width(10, INT64_MAX, 1, INT64_MAX, 0, 0), 0);
}

TEST(OutputWidth, HoldsWidthsBeyond32Bits) {
    constexpr int64_t iw = (INT64_C(1) << 33) + 5;
    EXPECT_EQ(brdnn_conv_output_width(iw, 3, 1, 1, 1, 1), iw);
    EXPECT_EQ(brdnn_conv_output_width(iw, 3, 2, 1, 1, 1), iw / 2 + 1);
}

} // namespace
} // namespace brdnn_test
