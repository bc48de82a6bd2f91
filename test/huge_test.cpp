// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// Offsets that 32 bits don't hold. The tensors are address space, not memory: pages that nobody
/// writes cost nothing, and reading them gives zeros.

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "harness.hpp"

namespace brconv1d_test {
namespace {

constexpr int64_t beyond_32_bits = (INT64_C(1) << 31) + 100;

using Parameters = std::tuple<brconv1d_layout, brconv1d_isa>;

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    return std::string(layout_name(std::get<0>(info.param))) + "_"
            + isa_name(std::get<1>(info.param));
}

/// A case whose operands are zero but for a few elements, so that only outputs near those matter.
class Huge : public testing::TestWithParam<Parameters> {
protected:
    void SetUp() override {
        BRCONV1D_SKIP_UNLESS_CPU_HAS(std::get<1>(GetParam()));
        c_.layout = std::get<0>(GetParam());
        c_.isa = std::get<1>(GetParam());
    }

    /// Plans, and books address space where the case allows; else the test is skipped by the
    /// caller.
    bool prepare() {
        planned_ = plan_case(c_);
        src_ = std::make_unique<SparseFloats>(src_placement(c_).count());
        dst_ = std::make_unique<SparseFloats>(
                c_.finish == BRCONV1D_CALLBACK ? 1 : dst_placement(c_).count());
        if (!src_->data() || !dst_->data()) return false;
        wei_.resize(c_.oc * c_.ic_per_group() * c_.kw);
        for (size_t i = 0; i < wei_.size(); ++i)
            wei_[i] = static_cast<float>(i % 7) - 3;
        return true;
    }

    float &src_at(int64_t n, int64_t channel, int64_t w) {
        return src_->data()[src_placement(c_).offset(n, channel, w)];
    }

    void run(brconv1d_epilogue epilogue = nullptr, void *context = nullptr) {
        ASSERT_TRUE(planned_.plan);
        GuardedScratch scratch(brconv1d_scratch_bytes(&planned_.info, 1));
        brconv1d_args args = {};
        args.src = src_->data();
        args.wei = wei_.data();
        args.dst = dst_->data();
        args.scratch = scratch.data();
        args.epilogue = epilogue;
        args.epilogue_context = context;
        for (int phase = 0; phase < planned_.info.phases; ++phase)
            ASSERT_EQ(brconv1d_run(planned_.plan.get(), phase, &args, 0, 1), BRCONV1D_SUCCESS);
    }

    /// The sum that the header defines, read from memory as it lies.
    double expected(int64_t n, int64_t k, int64_t q) {
        double sum = 0;
        for (int64_t i = 0; i < c_.ic_per_group(); ++i)
            for (int64_t s = 0; s < c_.kw; ++s) {
                const int64_t w = q * c_.stride + s * c_.dilation - c_.pad_l;
                if (w < 0 || w >= c_.iw) continue;
                sum += static_cast<double>(wei_[(k * c_.ic_per_group() + i) * c_.kw + s])
                        * static_cast<double>(src_at(n, i, w));
            }
        return sum;
    }

    void expect_outputs(int64_t n, int64_t k, int64_t begin, int64_t end) {
        const Placement dst = dst_placement(c_);
        for (int64_t q = begin; q < end; ++q)
            ASSERT_EQ(static_cast<double>(dst_->data()[dst.offset(n, k, q)]), expected(n, k, q))
                    << "n " << n << " k " << k << " q " << q;
    }

    Case c_;
    Planned planned_;
    std::unique_ptr<SparseFloats> src_, dst_;
    std::vector<float> wei_;
};

#define SKIP_WITHOUT_ADDRESS_SPACE(prepared) \
    if (!(prepared)) GTEST_SKIP() << "the system does not lend enough address space"

TEST_P(Huge, FewOutputsFromAWideInput) {
    c_.ic = 2;
    c_.oc = 3;
    c_.iw = beyond_32_bits;
    c_.kw = 3;
    c_.dilation = 5;
    c_.stride = INT64_C(1) << 20;
    c_.pad_r = c_.reach();
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    for (int64_t q = 0; q < c_.ow(); ++q)
        for (int64_t s = 0; s < c_.kw; ++s)
            for (int64_t i = 0; i < c_.ic; ++i) {
                const int64_t w = q * c_.stride + s * c_.dilation;
                if (w < c_.iw) src_at(0, i, w) = static_cast<float>((q + s + i) % 5);
            }
    run();
    for (int64_t k = 0; k < c_.oc; ++k)
        expect_outputs(0, k, 0, c_.ow());
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
    for (int64_t n = 0; n < c_.mb; ++n)
        for (int64_t i = 0; i < c_.ic; ++i)
            for (int64_t w = 0; w < c_.iw; ++w)
                src_at(n, i, w) = static_cast<float>((3 * n + 5 * i + w) % 7);
    run();
    for (int64_t n = 0; n < c_.mb; ++n)
        for (int64_t k = 0; k < c_.oc; ++k)
            expect_outputs(n, k, 0, c_.ow());
}

/// Rows so far apart that no kernel can step from one to the next by itself: each displacement
/// here is beyond the generator's 32 bits, some by a little and some by far.
TEST_P(Huge, RowsFarApart) {
    for (int64_t gap : {INT64_C(14000000), (INT64_C(1) << 25) - 60, (INT64_C(1) << 29) - 60,
                 (INT64_C(1) << 30) - 60, beyond_32_bits}) {
        SCOPED_TRACE(gap);
        c_.ic = 20;
        c_.oc = 18;
        c_.iw = 20;
        c_.kw = 3;
        c_.pad_l = c_.pad_r = 1;
        c_.src_row_gap = gap;
        c_.dst_row_gap = gap;
        SKIP_WITHOUT_ADDRESS_SPACE(prepare());
        for (int64_t i = 0; i < c_.ic; ++i)
            for (int64_t w = 0; w < c_.iw; ++w)
                src_at(0, i, w) = static_cast<float>((5 * i + w) % 7);
        run();
        for (int64_t k = 0; k < c_.oc; ++k)
            expect_outputs(0, k, 0, c_.ow());
        if (HasFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(, Huge,
        testing::Combine(testing::Values(BRCONV1D_NCW, BRCONV1D_NWC),
                testing::Values(BRCONV1D_ISA_AVX2, BRCONV1D_ISA_AVX512_CORE)),
        parameter_name);

/// Counts the outputs of one filter in ncw, and keeps those that are not zero.
struct WideDelivery {
    int64_t ow, delivered = 0, out_of_range = 0;
    std::vector<std::pair<int64_t, float>> found;
};

void take_wide(void *context, const brconv1d_tile *t) {
    auto *wide = static_cast<WideDelivery *>(context);
    wide->delivered += t->ow_count;
    wide->out_of_range += t->oc_count != 1 || t->ow < 0 || t->ow + t->ow_count > wide->ow;
    // Nearly every tile is all zeros, and there are tens of millions of them.
    static const float zeros[1024] = {};
    const size_t bytes = static_cast<size_t>(t->ow_count) * sizeof(float);
    if (bytes <= sizeof zeros && std::memcmp(t->acc, zeros, bytes) == 0) return;
    for (int64_t q = 0; q < t->ow_count; ++q)
        if (t->acc[q] != 0) wide->found.emplace_back(t->ow + q, t->acc[q]);
}

/// One channel is the same in both layouts.
class HugeSequence : public Huge {};

TEST_P(HugeSequence, DeliversEveryOutput) {
    c_.iw = beyond_32_bits;
    c_.kw = 3;
    c_.pad_l = c_.pad_r = 1;
    c_.finish = BRCONV1D_CALLBACK;
    SKIP_WITHOUT_ADDRESS_SPACE(prepare());
    wei_ = {1, 10, 100};
    const std::vector<int64_t> places
            = {0, 1000, INT32_MAX / 4, INT32_MAX / 2, INT32_MAX, (INT64_C(1) << 31) + 9, c_.iw - 1};
    for (int64_t w : places)
        src_at(0, 0, w) = 1;
    WideDelivery wide;
    wide.ow = c_.ow();
    run(take_wide, &wide);
    EXPECT_EQ(wide.delivered, c_.ow());
    EXPECT_EQ(wide.out_of_range, 0);
    for (const auto &[q, value] : wide.found)
        ASSERT_EQ(static_cast<double>(value), expected(0, 0, q)) << "q " << q;
    // Three outputs read each of them, but only two read the first and the last.
    EXPECT_EQ(wide.found.size(), 3 * places.size() - 2);
}

INSTANTIATE_TEST_SUITE_P(, HugeSequence,
        testing::Combine(testing::Values(BRCONV1D_NCW),
                testing::Values(BRCONV1D_ISA_AVX2, BRCONV1D_ISA_AVX512_CORE)),
        parameter_name);

} // namespace
} // namespace brconv1d_test
