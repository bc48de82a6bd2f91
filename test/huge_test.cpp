// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Offsets that 32 bits don't hold. The tensors are address space, not memory: pages that nobody
/// writes cost nothing, and reading them gives zeros.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "harness.hpp"

namespace brdnn_test {
namespace {

constexpr int64_t beyond_32_bits = (INT64_C(1) << 31) + 100;

/// A case of one group whose operands are zero but for a few elements, so that only what is near
/// those matters.
class Huge : public testing::TestWithParam<NumbersTarget> {
protected:
    void SetUp() override {
        Numbers n;
        std::tie(n, c_.pass, c_.layout, c_.isa) = GetParam();
        c_ = with_numbers(c_, n);
        BRDNN_SKIP_UNLESS_CPU_HAS(c_.isa);
    }

    /// Plans, and books address space where the case allows; else the test is skipped by the
    /// caller.
    bool prepare() {
        planned_ = plan_case(c_);
        const auto book = [](brdnn_type type, int64_t count) {
            return std::make_unique<SparseElements>(type, count);
        };
        const bool by_callback = c_.finish == BRDNN_CALLBACK;
        src_ = book(c_.src_type, c_.has_src() || !by_callback ? src_placement(c_).count() : 1);
        dst_ = book(c_.dst_type, c_.has_diff_dst() || !by_callback ? dst_placement(c_).count() : 1);
        wei_ = book(c_.wei_type, offset_of_weight(c_.oc - 1, c_.ic - 1, c_.kw - 1) + 1);
        return src_->data() && dst_->data() && wei_->data();
    }

    int64_t offset_of_weight(int64_t k, int64_t i, int64_t s) const {
        const brdnn_conv_weights w = plain_weights(c_);
        return k * w.oc_stride + i * w.ic_stride + s * w.kw_stride;
    }

    /// An element of a tensor, to be read and set.
    struct Element {
        SparseElements &elements;
        int64_t offset;
        float get() const { return elements.get(offset); }
        void set(float value) const { elements.set(offset, value); }
    };

    /// Elements of src, dst and the weights, or of their gradients.
    Element src_at(int64_t n, int64_t i, int64_t w) {
        return {*src_, src_placement(c_).offset(n, i, w)};
    }
    Element dst_at(int64_t n, int64_t k, int64_t q) {
        return {*dst_, dst_placement(c_).offset(n, k, q)};
    }
    Element wei_at(int64_t k, int64_t i, int64_t s) { return {*wei_, offset_of_weight(k, i, s)}; }

    /// Calls visit(n, k, i, s, q, w) for each product of the convolution.
    template <typename Visit>
    void for_each_product(Visit visit) {
        for (int64_t s = 0; s < c_.kw; ++s) {
            const OutputRange range = outputs_inside(c_, s);
            for (int64_t q = range.begin; q < range.end; ++q)
                for (int64_t n = 0; n < c_.mb; ++n)
                    for (int64_t k = 0; k < c_.oc; ++k)
                        for (int64_t i = 0; i < c_.ic; ++i)
                            visit(n, k, i, s, q, q * c_.stride + s * c_.dilation - c_.pad_l);
        }
    }

    /// Small integers in all elements of the operands that a product needs, NaN in all of the
    /// result that gets one.
    void fill() {
        const auto small = [](int64_t seed) { return static_cast<float>(seed % 7 - 3); };
        for_each_product([&](int64_t n, int64_t k, int64_t i, int64_t s, int64_t q, int64_t w) {
            src_at(n, i, w).set(c_.has_src() ? small(3 * n + 5 * i + w) : untouched());
            dst_at(n, k, q).set(c_.has_diff_dst() ? small(n + 2 * k + 3 * q + 1) : untouched());
            wei_at(k, i, s).set(c_.has_weights() ? small(4 * k + i + 2 * s) : untouched());
        });
    }

    void run(brdnn_conv_epilogue epilogue = nullptr, void *context = nullptr) {
        ASSERT_TRUE(planned_.plan);
        GuardedScratch scratch(brdnn_conv_scratch_bytes(&planned_.info, 1));
        brdnn_conv_args args = {};
        if (c_.has_src()) args.src = src_->data();
        else args.diff_src = src_->data();
        if (c_.has_weights()) args.wei = wei_->data();
        else args.diff_wei = wei_->data();
        if (c_.has_diff_dst()) args.diff_dst = dst_->data();
        else args.dst = dst_->data();
        diff_bias_.assign(c_.oc, untouched());
        args.diff_bias = diff_bias_.data();
        args.scratch = scratch.data();
        args.epilogue = epilogue;
        args.epilogue_context = context;
        for (int phase = 0; phase < planned_.info.phases; ++phase)
            ASSERT_EQ(brdnn_conv_run(planned_.plan.get(), phase, &args, 0, 1), BRDNN_SUCCESS);
    }

    /// Compares all of the result that any product belongs to, by subtracting the products from it.
    void expect_result() {
        const auto subtract_product = [](const Element &from, const Element &a, const Element &b) {
            from.set(from.get() - a.get() * b.get());
        };
        for_each_product([&](int64_t n, int64_t k, int64_t i, int64_t s, int64_t q, int64_t w) {
            const Element src = src_at(n, i, w), dst = dst_at(n, k, q), wei = wei_at(k, i, s);
            if (c_.pass == BRDNN_FORWARD) subtract_product(dst, src, wei);
            else if (c_.pass == BRDNN_BACKWARD_DATA) subtract_product(src, dst, wei);
            else subtract_product(wei, src, dst);
        });
        for_each_product([&](int64_t n, int64_t k, int64_t i, int64_t s, int64_t q, int64_t w) {
            const Element result = c_.pass == BRDNN_FORWARD ? dst_at(n, k, q)
                    : c_.pass == BRDNN_BACKWARD_DATA        ? src_at(n, i, w)
                                                            : wei_at(k, i, s);
            ASSERT_EQ(result.get(), 0)
                    << "n " << n << " k " << k << " i " << i << " s " << s << " q " << q;
        });
    }

    Case c_;
    Planned planned_;
    std::unique_ptr<SparseElements> src_, dst_, wei_;
    std::vector<float> diff_bias_;
};

#define SKIP_WITHOUT_ADDRESS_SPACE(prepared) \
    if (!(prepared)) GTEST_SKIP() << "the system does not lend enough address space"

/// For passes that don't write src.
class HugeInput : public Huge {};

TEST_P(HugeInput, GivesFewOutputs) {
    c_.ic = 2;
    c_.oc = 3;
    c_.iw = beyond_32_bits;
    c_.kw = 3;
    c_.dilation = 5;
    c_.stride = INT64_C(1) << 20;
    c_.pad_r = c_.reach();
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    fill();
    run();
    expect_result();
}

TEST_P(Huge, TapsFarApart) {
    c_.ic = 2;
    c_.oc = 3;
    c_.kw = 65;
    c_.dilation = INT64_C(1) << 25;
    // What the result is computed from is wide, and the result is not.
    if (c_.pass == BRDNN_BACKWARD_DATA) {
        c_.iw = 20;
        c_.pad_l = c_.pad_r = c_.reach() - 1;
    } else {
        c_.iw = c_.reach() + 20;
    }
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    fill();
    run();
    expect_result();
}

TEST_P(Huge, ImagesFarApart) {
    c_.mb = 2;
    c_.ic = 3;
    c_.oc = 2;
    c_.iw = 50;
    c_.kw = 3;
    c_.src_image_gap = beyond_32_bits;
    c_.dst_image_gap = beyond_32_bits;
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    fill();
    run();
    expect_result();
}

/// Rows so far apart that no kernel can step from one to the next by itself: each displacement
/// here is beyond the generator's 32 bits, some by a little and some by far.
TEST_P(Huge, RowsFarApart) {
    for (int64_t gap : {INT64_C(14000000), (INT64_C(1) << 25) - 60, (INT64_C(1) << 29) - 60,
                 (INT64_C(1) << 30) - 60, beyond_32_bits})
        for (int64_t stride : {1, 3}) {
            SCOPED_TRACE(testing::Message() << "gap " << gap << " stride " << stride);
            c_.ic = 20;
            c_.oc = 18;
            c_.iw = 20;
            c_.kw = 3;
            c_.stride = stride;
            c_.pad_l = c_.pad_r = 1;
            c_.src_row_gap = gap;
            c_.dst_row_gap = gap;
            SKIP_WITHOUT_ADDRESS_SPACE(prepare());
            fill();
            run();
            expect_result();
            if (HasFailure()) return;
        }
}

TEST_P(Huge, WeightsFarApart) {
    c_.ic = 2;
    c_.oc = 3;
    c_.iw = 50;
    c_.kw = 3;
    c_.weights = "goiw";
    c_.weights_innermost_gap = c_.weights_gap = beyond_32_bits;
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    fill();
    run();
    expect_result();
}

std::string parameter_name(const testing::TestParamInfo<NumbersTarget> &info) {
    return name_of_numbers_target(info.param);
}

auto passes_that_read_src() { return testing::Values(BRDNN_FORWARD, BRDNN_BACKWARD_WEIGHTS); }

INSTANTIATE_TEST_SUITE_P(, Huge,
        testing::Combine(testing::Values(numbers::f32), all_passes(), all_layouts(), all_isas()),
        parameter_name);
INSTANTIATE_TEST_SUITE_P(, HugeInput,
        testing::Combine(
                testing::Values(numbers::f32), passes_that_read_src(), all_layouts(), all_isas()),
        parameter_name);
// Whose results are f32, and so the sums exact.
INSTANTIATE_TEST_SUITE_P(Bf16, Huge,
        testing::Combine(
                testing::Values(numbers::bf16_to_f32), all_passes(), all_layouts(), bf16_isas()),
        parameter_name);
INSTANTIATE_TEST_SUITE_P(Bf16, HugeInput,
        testing::Combine(testing::Values(numbers::bf16_to_f32), passes_that_read_src(),
                all_layouts(), bf16_isas()),
        parameter_name);

/// Counts the positions of one channel in ncw, and keeps those that are not zero.
struct WideDelivery {
    int64_t width, delivered = 0, out_of_range = 0;
    std::vector<std::pair<int64_t, float>> found;
};

void take_wide(void *context, const brdnn_conv_tile *t) {
    auto *wide = static_cast<WideDelivery *>(context);
    wide->delivered += t->positions;
    wide->out_of_range
            += t->channels != 1 || t->position < 0 || t->position + t->positions > wide->width;
    // Nearly every tile is all zeros, and there are tens of millions of them.
    static const float zeros[1024] = {};
    const size_t bytes = static_cast<size_t>(t->positions) * sizeof(float);
    if (bytes <= sizeof zeros && std::memcmp(t->acc, zeros, bytes) == 0) return;
    for (int64_t i = 0; i < t->positions; ++i)
        if (t->acc[i] != 0) wide->found.emplace_back(t->position + i, t->acc[i]);
}

/// One channel, which is the same in both layouts, and three taps with one position of padding on
/// either side.
class HugeSequence : public Huge {
protected:
    void SetUp() override {
        Huge::SetUp();
        c_.iw = beyond_32_bits;
        c_.kw = 3;
        c_.pad_l = c_.pad_r = 1;
    }

    bool prepare() {
        if (!Huge::prepare()) return false;
        src_->expect_to_be_read_throughout();
        dst_->expect_to_be_read_throughout();
        return true;
    }

    /// The only elements that are not zero.
    std::vector<int64_t> places() const {
        return {0, 1000, INT32_MAX / 4, INT32_MAX / 2, INT32_MAX, (INT64_C(1) << 31) + 9,
                c_.iw - 1};
    }
};

class HugeResult : public HugeSequence {};

TEST_P(HugeResult, IsDeliveredUpToItsEnd) {
    c_.finish = BRDNN_CALLBACK;
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    const bool forward = c_.pass == BRDNN_FORWARD;
    for (int64_t s = 0; s < c_.kw; ++s)
        wei_at(0, 0, s).set(static_cast<float>(s + 1));
    std::vector<std::pair<int64_t, float>> expected;
    for (int64_t place : places()) {
        (forward ? src_at(0, 0, place) : dst_at(0, 0, place)).set(1);
        // dst takes src[q + s - 1], which diff_src gets back.
        for (int64_t at = place - 1; at <= place + 1; ++at) {
            const int64_t tap = forward ? place - at + 1 : at - place + 1;
            if (at >= 0 && at < c_.iw) expected.emplace_back(at, wei_at(0, 0, tap).get());
        }
    }
    WideDelivery wide;
    wide.width = c_.iw;
    run(take_wide, &wide);
    EXPECT_EQ(wide.delivered, c_.iw);
    EXPECT_EQ(wide.out_of_range, 0);
    std::sort(wide.found.begin(), wide.found.end());
    EXPECT_EQ(wide.found, expected);
}

class HugeSum : public HugeSequence {};

TEST_P(HugeSum, IsTakenUpToTheEnd) {
    c_.finish = BRDNN_BIAS_OF_DST;
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    for (int64_t place : places()) {
        src_at(0, 0, place).set(1);
        dst_at(0, 0, place).set(10);
        if (place > 0) dst_at(0, 0, place - 1).set(100);
        if (place + 1 < c_.iw) dst_at(0, 0, place + 1).set(1000);
    }
    run();
    const auto count = static_cast<float>(places().size());
    // The first place has nothing before it, the last nothing behind it.
    EXPECT_EQ(wei_at(0, 0, 0).get(), 1000 * (count - 1));
    EXPECT_EQ(wei_at(0, 0, 1).get(), 10 * count);
    EXPECT_EQ(wei_at(0, 0, 2).get(), 100 * (count - 1));
    EXPECT_EQ(diff_bias_[0], 10 * count + 1100 * (count - 1));
}

// These take seconds, and positions are counted alike for every ISA.
INSTANTIATE_TEST_SUITE_P(, HugeResult,
        testing::Combine(testing::Values(numbers::f32),
                testing::Values(BRDNN_FORWARD, BRDNN_BACKWARD_DATA), testing::Values(BRDNN_NCW),
                testing::Values(BRDNN_ISA_AVX2)),
        parameter_name);
INSTANTIATE_TEST_SUITE_P(, HugeSum,
        testing::Values(
                NumbersTarget {numbers::f32, BRDNN_BACKWARD_WEIGHTS, BRDNN_NCW, BRDNN_ISA_AVX2}),
        parameter_name);

} // namespace
} // namespace brdnn_test
