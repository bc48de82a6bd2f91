// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

/// The BRGEMM contract (src/brgemm.h): what is called supported is generated and computes what the
/// contract says, touching nothing else; what is not is refused.

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <vector>

#include "buffers.hpp"
#include "harness.hpp"
#include "problems.hpp"

extern "C" {
#include "brgemm.h"
#include "tile.h"
}

namespace brconv1d_test {
namespace {

using Shape = brconv1d_brgemm_shape;

std::string name_of(const Shape &s) {
    std::ostringstream name;
    name << isa_name(s.isa) << " m" << s.m << " n" << s.n << " k" << s.k << " lda" << s.lda
         << " ldb" << s.ldb << " ldc" << s.ldc << (s.n_contiguous ? " n" : " k") << "_contiguous"
         << (s.accumulate ? " accumulate" : "");
    return name.str();
}

int64_t index_of_b(const Shape &s, int64_t row, int64_t column) {
    return s.n_contiguous ? row * s.ldb + column : row + column * s.ldb;
}

int64_t count_of_a(const Shape &s) { return (s.k - 1) * s.lda + s.m; }
int64_t count_of_b(const Shape &s) { return index_of_b(s, s.k - 1, s.n - 1) + 1; }
int64_t count_of_c(const Shape &s) { return (s.n - 1) * s.ldc + s.m; }

/// One kernel in executable memory of its own; null where it is refused.
class Kernel {
public:
    explicit Kernel(const Shape &shape) : code_(brconv1d_brgemm_code_create(1)) {
        if (!code_) return;
        function_ = brconv1d_brgemm_generate(code_, &shape);
        if (!brconv1d_brgemm_code_seal(code_)) function_ = nullptr;
    }
    Kernel(const Kernel &) = delete;
    Kernel &operator=(const Kernel &) = delete;
    ~Kernel() { brconv1d_brgemm_code_destroy(code_); }
    brconv1d_brgemm get() const { return function_; }

private:
    brconv1d_brgemm_code *code_;
    brconv1d_brgemm function_ = nullptr;
};

/// Memory for one matrix, whichever kind holds it.
struct Matrix {
    float *data;
    int64_t count;
};

float value_at(int64_t seed, int64_t row, int64_t column) {
    return static_cast<float>((seed * 7 + row * 3 + column * 5) % 9 - 4);
}

void fill_a(const Shape &s, int64_t seed, float *a) {
    for (int64_t i = 0; i < s.m; ++i)
        for (int64_t j = 0; j < s.k; ++j)
            a[i + j * s.lda] = value_at(seed, i, j);
}

void fill_b(const Shape &s, int64_t seed, float *b) {
    for (int64_t i = 0; i < s.k; ++i)
        for (int64_t j = 0; j < s.n; ++j)
            b[index_of_b(s, i, j)] = value_at(seed + 1, i, j);
}

/// What a kernel that accumulates finds in C.
void fill_c(const Shape &s, float *c) {
    for (int64_t j = 0; j < s.n; ++j)
        for (int64_t i = 0; i < s.m; ++i)
            c[i + j * s.ldc] = value_at(6, i, j);
}

double expected(const Shape &s, int64_t entries, int64_t row, int64_t column) {
    double sum = s.accumulate ? static_cast<double>(value_at(6, row, column)) : 0;
    for (int64_t e = 0; e < entries; ++e)
        for (int64_t i = 0; i < s.k; ++i)
            sum += static_cast<double>(value_at(e, row, i))
                    * static_cast<double>(value_at(e + 1, i, column));
    return sum;
}

void expect_c(const Shape &s, int64_t entries, const float *c) {
    for (int64_t j = 0; j < s.n; ++j)
        for (int64_t i = 0; i < s.m; ++i)
            ASSERT_EQ(static_cast<double>(c[i + j * s.ldc]), expected(s, entries, i, j))
                    << "row " << i << " column " << j;
}

void expect_gaps_of_c_untouched(const Shape &s, GuardedFloats *c) {
    for (int64_t i = 0; i < c->count(); ++i)
        ASSERT_TRUE(i % s.ldc < s.m || is_untouched((*c)[i])) << "element " << i;
}

/// Runs a batch of three in guarded memory. The first entry lies behind the pointers that the
/// kernel gets and the others before them, so that offsets of both signs occur.
void run_in_guarded_memory(const Shape &s, brconv1d_brgemm kernel) {
    constexpr int64_t entries = 3, first = 2;
    const int64_t a_count = count_of_a(s), b_count = count_of_b(s);
    GuardedFloats a(a_count * entries), b(b_count * entries), c(count_of_c(s));
    uint64_t a_offsets[entries], b_offsets[entries];
    for (int64_t e = 0; e < entries; ++e) {
        const int64_t place = (e + first) % entries;
        fill_a(s, e, a.data() + place * a_count);
        fill_b(s, e, b.data() + place * b_count);
        a_offsets[e] = static_cast<uint64_t>((place - 1) * a_count) * sizeof(float);
        b_offsets[e] = static_cast<uint64_t>((place - 1) * b_count) * sizeof(float);
    }
    a.make_read_only();
    b.make_read_only();
    if (s.accumulate) fill_c(s, c.data());
    const uint64_t count = entries;
    kernel(a.data() + a_count, b.data() + b_count, c.data(), &count, a_offsets, b_offsets);
    expect_c(s, entries, c.data());
    expect_gaps_of_c_untouched(s, &c);
    EXPECT_TRUE(c.slack_is_untouched());
}

void check(const Shape &s) {
    SCOPED_TRACE(name_of(s));
    NameOnCrash name_on_crash(name_of(s));
    const Kernel kernel(s);
    ASSERT_EQ(kernel.get() != nullptr, brconv1d_brgemm_supported(&s));
    if (kernel.get() && cpu_has(s.isa)) run_in_guarded_memory(s, kernel.get());
}

class Brgemm : public testing::TestWithParam<std::tuple<brconv1d_isa, bool, bool>> {
protected:
    Shape shape(int64_t m, int64_t n, int64_t k) const {
        const auto [isa, n_contiguous, accumulate] = GetParam();
        return {isa, m, n, k, m, n_contiguous ? n : k, m, n_contiguous, accumulate};
    }
};

TEST_P(Brgemm, ComputesEveryRegisterTile) {
    BRCONV1D_SKIP_UNLESS_CPU_HAS(std::get<0>(GetParam()));
    const brconv1d_isa isa = std::get<0>(GetParam());
    const int64_t lanes = brconv1d_lanes(isa);
    for (int64_t m = 1; m <= 4 * lanes && !HasFailure(); ++m)
        for (int64_t n = 1; n <= brconv1d_largest_n(isa, divide_up(m, lanes)); ++n) {
            Shape s = shape(m, n, 1 + (m + n) % 9);
            check(s);
            s.lda += 7;
            s.ldb += 5;
            s.ldc += 3;
            check(s);
            if (HasFailure()) return;
        }
}

TEST_P(Brgemm, ComputesEveryReductionLength) {
    BRCONV1D_SKIP_UNLESS_CPU_HAS(std::get<0>(GetParam()));
    for (int64_t k = 1; k <= 130 && !HasFailure(); ++k)
        for (int64_t m : {1, 3, 7, 8, 12, 15, 16, 33, 64})
            for (int64_t n : {1, 2, 3})
                check(shape(m, n, k));
}

/// Beyond one register tile, where the predicate still has to tell the truth.
TEST_P(Brgemm, GeneratesExactlyWhatItCallsSupported) {
    for (int64_t m : {1, 31, 64, 65, 128, 200, 1000, 5000})
        for (int64_t n : {1, 3, 6, 7, 30, 31, 64, 100, 300})
            for (int64_t k : {1, 8, 23, 24, 64, 127, 512, 1000, 1024}) {
                const Shape s = shape(m, n, k);
                const Kernel kernel(s);
                EXPECT_EQ(kernel.get() != nullptr, brconv1d_brgemm_supported(&s)) << name_of(s);
                if (HasFailure()) return;
            }
}

TEST_P(Brgemm, RefusesNonsense) {
    const Shape good = shape(16, 3, 5);
    ASSERT_TRUE(brconv1d_brgemm_supported(&good));
    std::vector<Shape> bad(12, good);
    bad[0].m = 0;
    bad[1].n = 0;
    bad[2].k = 0;
    bad[3].m = -1;
    bad[4].lda = good.m - 1;
    bad[5].ldb -= 1;
    bad[6].ldc = good.m - 1;
    bad[7].lda = INT64_MAX;
    bad[8].ldb = INT64_MAX;
    bad[9].ldc = INT64_MAX;
    bad[10].k = INT64_MAX;
    bad[11].n = INT64_MAX;
    for (const Shape &s : bad) {
        EXPECT_FALSE(brconv1d_brgemm_supported(&s)) << name_of(s);
        EXPECT_EQ(Kernel(s).get(), nullptr) << name_of(s);
    }
}

/// The largest value of one leading dimension that is still called supported.
int64_t largest_supported(Shape s, int64_t Shape::*ld) {
    int64_t low = s.*ld, high = INT64_C(1) << 40;
    while (low + 1 < high) {
        const int64_t middle = low + (high - low) / 2;
        s.*ld = middle;
        (brconv1d_brgemm_supported(&s) ? low : high) = middle;
    }
    return low;
}

void run_in_sparse_memory(const Shape &s, brconv1d_brgemm kernel) {
    SparseFloats a(count_of_a(s)), b(count_of_b(s)), c(count_of_c(s));
    if (!a.data() || !b.data() || !c.data())
        GTEST_SKIP() << "the system does not lend enough address space";
    fill_a(s, 0, a.data());
    fill_b(s, 0, b.data());
    if (s.accumulate) fill_c(s, c.data());
    const uint64_t count = 1, no_offset = 0;
    kernel(a.data(), b.data(), c.data(), &count, &no_offset, &no_offset);
    expect_c(s, 1, c.data());
}

/// The generator computes displacements in 32 bits and says nothing when they overflow, so the
/// largest that is called supported must still come out right.
TEST_P(Brgemm, IsRightAtTheLimitOfItsDisplacements) {
    BRCONV1D_SKIP_UNLESS_CPU_HAS(std::get<0>(GetParam()));
    for (int64_t Shape::*ld : {&Shape::lda, &Shape::ldb, &Shape::ldc})
        for (int64_t m : {5, 16, 33, 64})
            for (int64_t n : {1, 3})
                for (int64_t k : {1, 7, 8, 24, 64, 200}) {
                    Shape s = shape(m, n, k);
                    ASSERT_TRUE(brconv1d_brgemm_supported(&s));
                    s.*ld = largest_supported(s, ld);
                    SCOPED_TRACE(name_of(s));
                    NameOnCrash name_on_crash(name_of(s));
                    const Kernel kernel(s);
                    ASSERT_NE(kernel.get(), nullptr);
                    run_in_sparse_memory(s, kernel.get());
                    if (HasFailure() || IsSkipped()) return;
                }
}

/// Kernels of one plan differ only in m and n and add to the same sums, one after the other.
TEST_P(Brgemm, AddsToWhatEarlierCallsLeft) {
    const auto [isa, n_contiguous, accumulate] = GetParam();
    BRCONV1D_SKIP_UNLESS_CPU_HAS(isa);
    if (!accumulate) return;
    const Shape s = shape(13, 3, 7);
    const Kernel kernel(s);
    ASSERT_NE(kernel.get(), nullptr);
    std::vector<float> a(count_of_a(s)), b(count_of_b(s)), c(count_of_c(s), 0.0F);
    fill_a(s, 0, a.data());
    fill_b(s, 0, b.data());
    const uint64_t count = 1, no_offset = 0;
    for (int call = 1; call <= 3; ++call) {
        kernel.get()(a.data(), b.data(), c.data(), &count, &no_offset, &no_offset);
        Shape product = s;
        product.accumulate = false;
        for (int64_t j = 0; j < s.n; ++j)
            for (int64_t i = 0; i < s.m; ++i)
                ASSERT_EQ(static_cast<double>(c[i + j * s.ldc]), call * expected(product, 1, i, j));
    }
}

std::string parameter_name(
        const testing::TestParamInfo<std::tuple<brconv1d_isa, bool, bool>> &info) {
    const auto [isa, n_contiguous, accumulate] = info.param;
    return std::string(isa_name(isa)) + (n_contiguous ? "_n_contiguous" : "_k_contiguous")
            + (accumulate ? "_accumulate" : "");
}

INSTANTIATE_TEST_SUITE_P(, Brgemm,
        testing::Combine(testing::Values(BRCONV1D_ISA_AVX2, BRCONV1D_ISA_AVX512_CORE),
                testing::Bool(), testing::Bool()),
        parameter_name);

TEST(BrgemmCode, RefusesMoreKernelsThanItHasRoomFor) {
    const Shape s = {BRCONV1D_ISA_AVX2, 8, 3, 5, 8, 5, 8, false, false};
    brconv1d_brgemm_code *code = brconv1d_brgemm_code_create(1);
    ASSERT_NE(code, nullptr);
    int generated = 0;
    while (generated < 100000 && brconv1d_brgemm_generate(code, &s))
        ++generated;
    EXPECT_GE(generated, 1);
    EXPECT_LT(generated, 100000);
    brconv1d_brgemm_code_destroy(code);
}

TEST(BrgemmCode, DestroysNothing) { brconv1d_brgemm_code_destroy(nullptr); }

} // namespace
} // namespace brconv1d_test
