// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Convolutions that went wrong elsewhere, or easily could, each by its name and in every pass.

#include <gtest/gtest.h>

#include "harness.hpp"

namespace brdnn_test {
namespace {

/// A case as its forward pass, before layout and ISA are chosen.
struct Edge {
    const char *name;
    Case c;
    int threads = 1;
};

void PrintTo(const Edge &edge, std::ostream *out) { *out << edge.name; }

using Parameters = std::tuple<brdnn_pass, Edge, brdnn_layout, brdnn_isa>;

class Edges : public testing::TestWithParam<Parameters> {};

TEST_P(Edges, MatchReferenceExactly) {
    auto [pass, edge, layout, isa] = GetParam();
    BRDNN_SKIP_UNLESS_CPU_HAS(isa);
    Case c = in_pass(edge.c, pass);
    c.layout = layout;
    c.isa = isa;
    check_exactly(c, edge.threads);
}

/// Shape and padding; the rest of a case is set by the functions below.
Case shape(int64_t ic, int64_t oc, int64_t iw, int64_t kw, int64_t pad_l = 0, int64_t pad_r = 0) {
    Case c;
    c.ic = ic;
    c.oc = oc;
    c.iw = iw;
    c.kw = kw;
    c.pad_l = pad_l;
    c.pad_r = pad_r;
    return c;
}

Case stepping(Case c, int64_t stride, int64_t dilation) {
    c.stride = stride;
    c.dilation = dilation;
    return c;
}

Case grouped(Case c, int64_t groups) {
    c.groups = groups;
    return c;
}

Case batch(Case c, int64_t mb) {
    c.mb = mb;
    return c;
}

Case finished(Case c, brdnn_conv_finish finish) {
    c.finish = finish;
    return c;
}

Case weights(Case c, const char *order, int64_t innermost_gap = 0, int64_t gap = 0) {
    c.weights = order;
    c.weights_innermost_gap = innermost_gap;
    c.weights_gap = gap;
    return c;
}

Case spread(Case c, int64_t src_row, int64_t src_image, int64_t dst_row, int64_t dst_image) {
    c.src_row_gap = src_row;
    c.src_image_gap = src_image;
    c.dst_row_gap = dst_row;
    c.dst_image_gap = dst_image;
    return c;
}

Case images_in_rows(Case c) {
    c.src_images_in_rows = c.dst_images_in_rows = true;
    return c;
}

const Edge shapes[] = {
        {"OneOfEverything", shape(1, 1, 1, 1)},
        {"OutputNarrowerThanOneTile", shape(5, 7, 9, 3)},
        {"OutputWidthOne", shape(15, 15, 51, 51)},
        {"OutputWidthOneWithStride", stepping(shape(3, 5, 9, 4), 100, 2)},
        {"FilterWiderThanInput", shape(4, 5, 6, 31, 15, 15)},
        {"TapsTimesDilationWiderThanInput", stepping(shape(15, 15, 100, 51, 200, 200), 1, 8)},
        {"GenomicsLayer", stepping(shape(15, 15, 1000, 51, 200, 200), 1, 8)},
        {"GenomicsFirstLayer", stepping(shape(1, 15, 1000, 51, 200, 200), 1, 8)},
        {"CausalWavenet", stepping(shape(32, 64, 700, 2, 512, 0), 1, 512)},
        {"WaveformFirstLayer", stepping(shape(1, 64, 500, 10), 5, 1)},
        {"StridePastFilter", stepping(shape(5, 6, 200, 3, 1, 2), 7, 1)},
        {"StridePastOneTap", stepping(shape(5, 6, 200, 1, 1, 2), 7, 1)},
        {"StridePastFilterAndTheTailIsNotRead", stepping(shape(5, 6, 200, 3, 1, -50), 7, 1)},
        {"StridePastInput", stepping(shape(5, 6, 20, 3, 30, 30), 23, 1)},
        {"StrideEqualsDilation", stepping(shape(5, 6, 300, 5, 7, 3), 4, 4)},
        {"StrideMultipleOfDilation", stepping(shape(5, 6, 300, 5, 7, 3), 9, 3)},
        {"DilationMultipleOfStride", stepping(shape(5, 6, 300, 5, 7, 3), 3, 9)},
        {"DilationPastInput", stepping(shape(4, 5, 20, 3, 40, 40), 1, 33)},
        {"DilationPastInputWithStride", stepping(shape(4, 5, 20, 5, 70, 70), 4, 30)},
        {"HalfOfThePositionsAreNotRead", stepping(shape(5, 6, 300, 3, 2, 3), 6, 4)},
        {"StrideAndDilationShareAFactor", stepping(shape(5, 6, 300, 5, 7, 3), 6, 4)},
        {"StrideAndDilationShareNoFactor", stepping(shape(5, 6, 300, 5, 7, 3), 5, 7)},
        {"DilationPastAllOutputs", stepping(shape(3, 4, 1100, 3), 1, 512)},
        {"ManyChannelsIn", shape(127, 5, 70, 3, 1, 1)},
        {"ManyChannelsInManyTaps", stepping(shape(80, 5, 70, 51, 100, 100), 1, 4)},
        {"ManyFilters", shape(3, 257, 40, 3, 1, 1)},
        {"OneChannelManyTaps", shape(1, 1, 700, 301, 150, 150)},
        {"OneChannelLong", shape(1, 1, 20000, 3, 1, 1)},
        {"OneTapLong", shape(3, 5, 20000, 1)},
};

const Edge paddings[] = {
        {"LeftOnly", shape(5, 7, 100, 9, 8, 0)},
        {"RightOnly", shape(5, 7, 100, 9, 0, 8)},
        {"Unequal", shape(5, 7, 100, 9, 2, 5)},
        {"NegativeLeft", shape(5, 7, 100, 9, -11, 0)},
        {"NegativeRight", shape(5, 7, 100, 9, 0, -11)},
        {"NegativeBoth", shape(5, 7, 100, 9, -3, -17)},
        {"NegativeLeftPaddedRight", shape(5, 7, 100, 9, -11, 30)},
        {"PaddedLeftNegativeRight", shape(5, 7, 100, 9, 30, -11)},
        {"NegativeRightWithStride", stepping(shape(5, 7, 100, 9, 4, -13), 3, 2)},
        {"NegativeBothWithStride", stepping(shape(5, 7, 100, 9, -5, -13), 4, 6)},
        {"WholeTilesOfZerosLeft", shape(5, 7, 50, 3, 300, 0)},
        {"WholeTilesOfZerosRight", shape(5, 7, 50, 3, 0, 300)},
        {"WholeTilesOfZerosBoth", stepping(shape(5, 7, 20, 3, 301, 299), 2, 3)},
        {"NothingButPaddingIsRead", stepping(shape(3, 5, 2, 2, 5, 5), 1, 8)},
        {"NothingIsReadAndBiasStays",
                finished(stepping(shape(3, 5, 2, 2, 5, 5), 1, 8), BRDNN_ADD_BIAS)},
        {"NothingIsReadAndTheCallbackGetsZeros",
                finished(stepping(shape(3, 5, 2, 2, 5, 5), 1, 8), BRDNN_CALLBACK)},
        {"ManyChannelBlocksAtTheEdges", stepping(shape(64, 9, 200, 21, 90, 70), 1, 8)},
};

const Edge groups[] = {
        {"Two", grouped(shape(10, 14, 100, 5, 2, 2), 2)},
        {"Depthwise", grouped(shape(33, 33, 100, 5, 2, 2), 33)},
        {"DepthwiseTwoFiltersEach", grouped(shape(17, 34, 65, 3, 1, 1), 17)},
        {"OneFilterEach", grouped(shape(51, 17, 65, 3, 1, 1), 17)},
        {"FiltersOverOneBlock", grouped(shape(6, 3 * 65, 40, 3), 3)},
        {"PackedWeights", weights(grouped(shape(6, 3 * 25, 40, 3), 3), "packed")},
        {"Callback", finished(grouped(shape(6, 3 * 25, 40, 3), 3), BRDNN_CALLBACK)},
};

const Edge memory[] = {
        {"PrimePitches", batch(spread(shape(5, 7, 100, 9, 4, 4), 13, 101, 7, 53), 3)},
        {"ImagesApartRowsDense", batch(spread(shape(5, 7, 100, 9, 4, 4), 0, 101, 0, 53), 3)},
        {"ImagesInRows", batch(images_in_rows(shape(5, 7, 100, 9, 4, 4)), 3)},
        {"ImagesInRowsApart",
                batch(images_in_rows(spread(shape(5, 7, 100, 9, 4, 4), 13, 3, 7, 5)), 3)},
        {"RowsOfFourKibibytes", spread(shape(17, 9, 1000, 5, 2, 2), 24, 0, 24, 0)},
        {"RowsOfFourKibibytesDense", shape(17, 9, 1024, 5, 2, 2)},
        {"PrimePitchesWithBias",
                finished(spread(shape(5, 7, 100, 9), 13, 0, 7, 0), BRDNN_ADD_BIAS)},
        {"PrimePitchesNoPadding", spread(shape(15, 15, 257, 9), 31, 0, 37, 0)},
        {"WeightsTapsOutermost", weights(shape(5, 19, 80, 3), "wigo")},
        {"WeightsFiltersInnermost", weights(shape(5, 19, 80, 3), "giwo")},
        {"WeightsChannelsInnermost", weights(shape(5, 19, 80, 3), "gowi")},
        {"WeightsWithGaps", weights(grouped(shape(6, 14, 80, 3), 2), "wgoi", 5, 5)},
        {"WeightsWithGapsBehindTaps", weights(grouped(shape(6, 14, 80, 3), 2), "goiw", 0, 5)},
        {"WeightsPacked", weights(shape(5, 19, 80, 3), "packed")},
        {"WeightsPackedOneFilter", weights(shape(5, 1, 80, 3, 1, 1), "packed")},
};

const Edge finishes[] = {
        {"Bias", finished(shape(5, 19, 80, 3, 1, 1), BRDNN_ADD_BIAS)},
        {"Callback", finished(shape(5, 19, 80, 3, 1, 1), BRDNN_CALLBACK)},
        {"CallbackPackedWeights",
                finished(weights(shape(5, 19, 80, 3, 1, 1), "packed"), BRDNN_CALLBACK)},
        {"BiasWithGroups", finished(grouped(shape(6, 12, 80, 3, 1, 1), 3), BRDNN_ADD_BIAS)},
        {"BiasWithStride", finished(stepping(shape(5, 19, 80, 3, -2, 1), 5, 1), BRDNN_ADD_BIAS)},
        {"BiasOfABatch", finished(batch(shape(5, 19, 80, 3, 1, 1), 3), BRDNN_ADD_BIAS)},
        {"CallbackOfABatch", finished(batch(shape(5, 19, 80, 3, 1, 1), 3), BRDNN_CALLBACK)},
        {"CallbackWithStride", finished(stepping(shape(5, 19, 80, 3, 1, 1), 3, 1), BRDNN_CALLBACK)},
};

const Edge threads[] = {
        {"BatchSmallerThanThreads", batch(shape(5, 7, 100, 9, 4, 4), 2), 7},
        {"FewerTilesThanThreads", shape(2, 2, 9, 3), 64},
        {"OneSequenceForAll", stepping(shape(15, 15, 3000, 9, 16, 16), 1, 4), 7},
        {"CallbackFromAll", batch(finished(shape(5, 19, 500, 3, 1, 1), BRDNN_CALLBACK), 2), 7},
        {"MoreThreadsThanBlocksOfWeights", shape(3, 2, 500, 3), 16},
        {"OneOfEverythingForAll", shape(1, 1, 1, 1), 64},
        {"BiasForAll", finished(shape(5, 2, 500, 3), BRDNN_ADD_BIAS), 16},
};

template <size_t count>
auto all(const Edge (&edges)[count]) {
    return testing::Combine(all_passes(), testing::ValuesIn(edges), all_layouts(), all_isas());
}

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    const auto &[pass, edge, layout, isa] = info.param;
    return std::string(edge.name) + "_" + name_of_target({pass, layout, isa});
}

INSTANTIATE_TEST_SUITE_P(Shape, Edges, all(shapes), parameter_name);
INSTANTIATE_TEST_SUITE_P(Padding, Edges, all(paddings), parameter_name);
INSTANTIATE_TEST_SUITE_P(Groups, Edges, all(groups), parameter_name);
INSTANTIATE_TEST_SUITE_P(Memory, Edges, all(memory), parameter_name);
INSTANTIATE_TEST_SUITE_P(Finish, Edges, all(finishes), parameter_name);
INSTANTIATE_TEST_SUITE_P(Threads, Edges, all(threads), parameter_name);

/// All of them with other types and ways to multiply.
class EdgesOfNumbers : public testing::TestWithParam<NumbersTarget> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }

    template <size_t count>
    void check_all(const Edge (&edges)[count]) {
        const auto &[n, pass, layout, isa] = GetParam();
        for (const Edge &edge : edges) {
            Case c = in_pass(edge.c, pass);
            c.layout = layout;
            c.isa = isa;
            SCOPED_TRACE(edge.name);
            if (!HasFailure()) check_exactly(with_numbers(c, n), edge.threads);
        }
    }
};

TEST_P(EdgesOfNumbers, MatchReferenceExactly) {
    check_all(shapes);
    check_all(paddings);
    check_all(groups);
    check_all(memory);
    check_all(finishes);
    check_all(threads);
}

std::string numbers_parameter_name(const testing::TestParamInfo<NumbersTarget> &info) {
    return name_of_numbers_target(info.param);
}

INSTANTIATE_TEST_SUITE_P(Bf16, EdgesOfNumbers, bf16_targets(), numbers_parameter_name);
INSTANTIATE_TEST_SUITE_P(F32Kernels, EdgesOfNumbers, f32_kernel_targets(), numbers_parameter_name);

} // namespace
} // namespace brdnn_test
