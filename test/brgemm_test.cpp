// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The BRGEMM contract (src/brgemm.h): what is called supported is generated and computes what the
/// contract says, touching nothing else; what is not is refused.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>
#include <vector>

#include "buffers.hpp"
#include "harness.hpp"
#include "kernels.hpp"
#include "problems.hpp"

extern "C" {
#include "brgemm/amx.h"
#include "brgemm/brgemm.h"
#include "brgemm/register_tile.h"
}

namespace brdnn_test {
namespace {

using Shape = brdnn_brgemm_shape;

constexpr int64_t edge = brdnn_amx_edge;

bool uses_amx(const Shape &s) { return brdnn_uses_amx(s.kernels); }

std::string name_of(const Shape &s) {
    std::ostringstream name;
    name << brdnn_kernels_name(s.kernels) << " m" << s.m << " n" << s.n << " k" << s.k << " lda"
         << s.lda << " ldb" << s.ldb << " ldc" << s.ldc << (s.n_contiguous ? " n" : " k")
         << "_contiguous" << (s.accumulate ? " accumulate" : "");
    if (s.kernels.splits > 1) name << " splits a" << s.a_plane << " b" << s.b_plane;
    if (uses_amx(s)) name << " blocks m" << s.m_block << " a" << s.a_block << " c" << s.c_block;
    return name.str();
}

/// Where row i stands if blocks along m are so far from one to the next.
int64_t along_m(const Shape &s, int64_t i, int64_t block) {
    return uses_amx(s) ? i / s.m_block * block + i % s.m_block : i;
}

int64_t index_of_a(const Shape &s, int64_t split, int64_t row, int64_t column) {
    return split * s.a_plane + along_m(s, row, s.a_block) + column * s.lda;
}
int64_t index_of_b(const Shape &s, int64_t split, int64_t row, int64_t column) {
    return split * s.b_plane + (s.n_contiguous ? row * s.ldb + column : row + column * s.ldb);
}
int64_t index_of_c(const Shape &s, int64_t row, int64_t column) {
    return along_m(s, row, s.c_block) + column * s.ldc;
}

int64_t count_of_a(const Shape &s) {
    return index_of_a(s, s.kernels.splits - 1, s.m - 1, s.k - 1) + 1;
}
int64_t count_of_b(const Shape &s) {
    return index_of_b(s, s.kernels.splits - 1, s.k - 1, s.n - 1) + 1;
}
int64_t count_of_c(const Shape &s) { return index_of_c(s, s.m - 1, s.n - 1) + 1; }

/// One kernel in executable memory of its own; invalid where it is refused.
class Kernel {
public:
    explicit Kernel(const Shape &shape) : code_(brdnn_brgemm_code_create(1)) {
        is_valid_ = code_ && brdnn_brgemm_generate(&kernel_, code_, &shape)
                && brdnn_brgemm_code_seal(code_);
    }
    Kernel(const Kernel &) = delete;
    Kernel &operator=(const Kernel &) = delete;
    ~Kernel() { brdnn_brgemm_code_destroy(code_); }
    bool is_valid() const { return is_valid_; }

    /// Offsets are in words.
    void run(const void *a, const void *b, float *c, const std::vector<int64_t> &a_offsets,
            const std::vector<int64_t> &b_offsets) const {
        std::vector<uint64_t> a_bytes, b_bytes;
        for (size_t e = 0; e < a_offsets.size(); ++e) {
            a_bytes.push_back(static_cast<uint64_t>(a_offsets[e]) * brdnn_word_bytes);
            b_bytes.push_back(static_cast<uint64_t>(b_offsets[e]) * brdnn_word_bytes);
        }
        brdnn_brgemm_enter(&kernel_.shape);
        brdnn_brgemm_run(&kernel_, a, b, c, a_bytes.size(), a_bytes.data(), b_bytes.data());
        brdnn_brgemm_leave(&kernel_.shape);
    }

private:
    brdnn_brgemm_code *code_;
    brdnn_brgemm kernel_ = {};
    bool is_valid_;
};

/// A small integer that belongs to a place in memory, so that places read twice hold it twice.
float value_at(int64_t seed, int64_t place, int64_t term) {
    const uint64_t mixed = static_cast<uint64_t>(seed * 7919 + place * 2 + term + 1)
            * UINT64_C(0x9e3779b97f4a7c15);
    return static_cast<float>((mixed >> 40) % 9) - 4;
}

/// What stands in one item: a float, or the bits of a pair, as one.
float item_at(const Shape &s, int64_t seed, int64_t place) {
    if (!brdnn_is_vnni(s.kernels)) return value_at(seed, place, 0);
    return from_bits(static_cast<uint32_t>(bf16_of(value_at(seed, place, 1))) << 16
            | bf16_of(value_at(seed, place, 0)));
}

void fill_a(const Shape &s, int64_t seed, float *a) {
    for (int64_t split = 0; split < s.kernels.splits; ++split)
        for (int64_t i = 0; i < s.m; ++i)
            for (int64_t j = 0; j < s.k; ++j) {
                const int64_t place = index_of_a(s, split, i, j);
                a[place] = item_at(s, seed, place);
            }
}

void fill_b(const Shape &s, int64_t seed, float *b) {
    for (int64_t split = 0; split < s.kernels.splits; ++split)
        for (int64_t i = 0; i < s.k; ++i)
            for (int64_t j = 0; j < s.n; ++j) {
                const int64_t place = index_of_b(s, split, i, j);
                b[place] = item_at(s, seed + 1, place);
            }
}

/// What a kernel that accumulates finds in C.
void fill_c(const Shape &s, float *c) {
    for (int64_t j = 0; j < s.n; ++j)
        for (int64_t i = 0; i < s.m; ++i)
            c[index_of_c(s, i, j)] = value_at(6, i, j);
}

/// Of all terms of a word and, with splits, of all pairs of splits that are not left out.
float product_of(const Shape &s, int64_t seed, int64_t row, int64_t column, int64_t k) {
    float sum = 0;
    for (int64_t p = 0; p < s.kernels.splits; ++p)
        for (int64_t q = 0; p + q < s.kernels.splits; ++q)
            for (int64_t term = 0; term < brdnn_terms_of(s.kernels); ++term)
                sum += value_at(seed, index_of_a(s, p, row, k), term)
                        * value_at(seed + 1, index_of_b(s, q, k, column), term);
    return sum;
}

float expected(const Shape &s, int64_t entries, int64_t row, int64_t column) {
    float sum = s.accumulate ? value_at(6, row, column) : 0;
    for (int64_t e = 0; e < entries; ++e)
        for (int64_t k = 0; k < s.k; ++k)
            sum += product_of(s, e, row, column, k);
    return sum;
}

void expect_c(const Shape &s, int64_t entries, const float *c) {
    for (int64_t j = 0; j < s.n; ++j)
        for (int64_t i = 0; i < s.m; ++i)
            ASSERT_EQ(c[index_of_c(s, i, j)], expected(s, entries, i, j))
                    << "row " << i << " column " << j;
}

void expect_gaps_of_c_untouched(const Shape &s, const GuardedFloats &c) {
    std::vector<bool> is_written(static_cast<size_t>(c.count()));
    for (int64_t j = 0; j < s.n; ++j)
        for (int64_t i = 0; i < s.m; ++i)
            is_written[static_cast<size_t>(index_of_c(s, i, j))] = true;
    for (int64_t i = 0; i < c.count(); ++i)
        ASSERT_TRUE(is_written[static_cast<size_t>(i)] || is_untouched(c[i])) << "element " << i;
}

/// Runs a batch of three in guarded memory. The first entry lies behind the pointers that the
/// kernel gets and the others before them, so that offsets of both signs occur.
void run_in_guarded_memory(const Shape &s, const Kernel &kernel) {
    constexpr int64_t entries = 3, first = 2;
    const int64_t a_count = count_of_a(s), b_count = count_of_b(s);
    GuardedFloats a(a_count * entries), b(b_count * entries), c(count_of_c(s));
    std::vector<int64_t> a_offsets, b_offsets;
    for (int64_t e = 0; e < entries; ++e) {
        const int64_t place = (e + first) % entries;
        fill_a(s, e, a.data() + place * a_count);
        fill_b(s, e, b.data() + place * b_count);
        a_offsets.push_back((place - 1) * a_count);
        b_offsets.push_back((place - 1) * b_count);
    }
    a.make_read_only();
    b.make_read_only();
    if (s.accumulate) fill_c(s, c.data());
    kernel.run(a.data() + a_count, b.data() + b_count, c.data(), a_offsets, b_offsets);
    expect_c(s, entries, c.data());
    expect_gaps_of_c_untouched(s, c);
    EXPECT_TRUE(c.slack_is_untouched());
}

void check(const Shape &s) {
    SCOPED_TRACE(name_of(s));
    NameOnCrash name_on_crash(name_of(s));
    const Kernel kernel(s);
    ASSERT_EQ(kernel.is_valid(), brdnn_brgemm_supported(&s));
    if (kernel.is_valid() && cpu_has(isa_of(s.kernels))) run_in_guarded_memory(s, kernel);
}

void expect_refused(const std::vector<Shape> &bad) {
    for (const Shape &s : bad) {
        EXPECT_FALSE(brdnn_brgemm_supported(&s)) << name_of(s);
        EXPECT_FALSE(Kernel(s).is_valid()) << name_of(s);
    }
}

/// What LIBXSMM has kernels for.
struct Kind {
    brdnn_kernels kernels;
    bool n_contiguous;
};

class Brgemm : public testing::TestWithParam<std::tuple<Kind, bool>> {
protected:
    brdnn_kernels kernels() const { return std::get<0>(GetParam()).kernels; }
    brdnn_isa isa() const { return isa_of(kernels()); }
    Shape shape(int64_t m, int64_t n, int64_t k) const {
        const auto [kind, accumulate] = GetParam();
        const int64_t ldb = kind.n_contiguous ? n : k;
        return {kind.kernels, m, n, k, m, ldb, m, 0, 0, 0, 0, 0, kind.n_contiguous, accumulate};
    }
};

TEST_P(Brgemm, ComputesEveryRegisterTile) {
    BRDNN_SKIP_UNLESS_CPU_HAS(isa());
    const int64_t lanes = brdnn_lanes(kernels());
    for (int64_t m = 1; m <= 4 * lanes && !HasFailure(); ++m)
        for (int64_t n = 1; n <= brdnn_largest_n(kernels(), divide_up(m, lanes)); ++n) {
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
    BRDNN_SKIP_UNLESS_CPU_HAS(isa());
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
                EXPECT_EQ(kernel.is_valid(), brdnn_brgemm_supported(&s)) << name_of(s);
                if (HasFailure()) return;
            }
}

TEST_P(Brgemm, RefusesNonsense) {
    const Shape good = shape(16, 3, 5);
    ASSERT_TRUE(brdnn_brgemm_supported(&good));
    std::vector<Shape> bad(14, good);
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
    bad[12].kernels.splits = 0;
    bad[13].kernels.splits = 2;
    expect_refused(bad);
}

/// The largest value of one leading dimension that is still called supported.
int64_t largest_supported(Shape s, int64_t Shape::*ld) {
    int64_t low = s.*ld, high = INT64_C(1) << 40;
    while (low + 1 < high) {
        const int64_t middle = low + (high - low) / 2;
        s.*ld = middle;
        (brdnn_brgemm_supported(&s) ? low : high) = middle;
    }
    return low;
}

void run_in_sparse_memory(const Shape &s, const Kernel &kernel) {
    SparseElements a(BRDNN_F32, count_of_a(s)), b(BRDNN_F32, count_of_b(s)),
            c(BRDNN_F32, count_of_c(s));
    if (!a.data() || !b.data() || !c.data())
        GTEST_SKIP() << "the system does not lend enough address space";
    auto *sums = static_cast<float *>(c.data());
    fill_a(s, 0, static_cast<float *>(a.data()));
    fill_b(s, 0, static_cast<float *>(b.data()));
    if (s.accumulate) fill_c(s, sums);
    kernel.run(a.data(), b.data(), sums, {0}, {0});
    expect_c(s, 1, sums);
}

/// The generator computes displacements in 32 bits and says nothing when they overflow, so the
/// largest that is called supported must still come out right.
TEST_P(Brgemm, IsRightAtTheLimitOfItsDisplacements) {
    BRDNN_SKIP_UNLESS_CPU_HAS(isa());
    for (int64_t Shape::*ld : {&Shape::lda, &Shape::ldb, &Shape::ldc})
        for (int64_t m : {5, 16, 33, 64})
            for (int64_t n : {1, 3})
                for (int64_t k : {1, 7, 8, 24, 64, 200}) {
                    Shape s = shape(m, n, k);
                    ASSERT_TRUE(brdnn_brgemm_supported(&s));
                    s.*ld = largest_supported(s, ld);
                    SCOPED_TRACE(name_of(s));
                    NameOnCrash name_on_crash(name_of(s));
                    const Kernel kernel(s);
                    ASSERT_TRUE(kernel.is_valid());
                    run_in_sparse_memory(s, kernel);
                    if (HasFailure() || IsSkipped()) return;
                }
}

/// A kernel that accumulates, run again and again on the same sums.
void expect_sums_to_grow(const Shape &s) {
    ASSERT_TRUE(s.accumulate);
    const Kernel kernel(s);
    ASSERT_TRUE(kernel.is_valid());
    std::vector<float> a(count_of_a(s)), b(count_of_b(s)), c(count_of_c(s), 0.0F);
    fill_a(s, 0, a.data());
    fill_b(s, 0, b.data());
    Shape product = s;
    product.accumulate = false;
    for (int call = 1; call <= 3; ++call) {
        kernel.run(a.data(), b.data(), c.data(), {0}, {0});
        for (int64_t j = 0; j < s.n; ++j)
            for (int64_t i = 0; i < s.m; ++i)
                ASSERT_EQ(c[index_of_c(s, i, j)],
                        static_cast<float>(call) * expected(product, 1, i, j));
    }
}

/// Kernels of one plan differ only in m and n and add to the same sums, one after the other.
TEST_P(Brgemm, AddsToWhatEarlierCallsLeft) {
    BRDNN_SKIP_UNLESS_CPU_HAS(isa());
    const Shape s = shape(13, 3, 7);
    if (s.accumulate) expect_sums_to_grow(s);
}

std::string parameter_name(const testing::TestParamInfo<std::tuple<Kind, bool>> &info) {
    const auto [kind, accumulate] = info.param;
    return std::string(isa_name(isa_of(kind.kernels)))
            + (kind.n_contiguous ? "_n_contiguous" : "_k_contiguous")
            + (accumulate ? "_accumulate" : "");
}

INSTANTIATE_TEST_SUITE_P(, Brgemm,
        testing::Combine(testing::Values(Kind {f32_avx2, false}, Kind {f32_avx2, true},
                                 Kind {f32_avx512, false}, Kind {f32_avx512, true},
                                 Kind {vnni_avx512, false}),
                testing::Bool()),
        parameter_name);

/// Of C in blocks, on AMX: splits, and whether to accumulate.
class BrgemmAmx : public testing::TestWithParam<std::tuple<int64_t, bool>> {
protected:
    int64_t splits() const { return std::get<0>(GetParam()); }
    int64_t most() const { return brdnn_amx_most_blocks(splits()) * edge; }
    Shape shape(int64_t m, int64_t n, int64_t k) const {
        Shape s = {};
        s.kernels = {BRDNN_AMX_VNNI, splits()};
        s.m = s.lda = s.ldc = m;
        s.n = n;
        s.k = s.ldb = k;
        s.a_plane = m * k + 3;
        s.b_plane = n * k + 1;
        s.m_block = s.a_block = s.c_block = std::min(m, edge);
        s.accumulate = std::get<1>(GetParam());
        return s;
    }
    /// The same with blocks along m of so many rows.
    Shape with_m_block(Shape s, int64_t m_block) const {
        s.m_block = s.a_block = s.c_block = m_block;
        return s;
    }
    /// As it is, and with gaps between columns and splits.
    void check_with_gaps(Shape s) const {
        check(s);
        s.lda += 7;
        s.ldb += 5;
        s.ldc += 3;
        s.a_plane = count_of_a(s);
        s.b_plane = count_of_b(s);
        check(s);
    }
};

TEST_P(BrgemmAmx, ComputesEveryBlock) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    for (int64_t m = 1; m <= edge; ++m)
        for (int64_t n = 1; n <= edge && !HasFailure(); ++n)
            check_with_gaps(shape(m, n, 1 + (m * 5 + n * 3) % edge));
}

TEST_P(BrgemmAmx, ComputesEveryRowOfBlocks) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    for (int64_t size = 1; size <= edge; ++size)
        for (int64_t blocks = 2; blocks <= most() / edge && !HasFailure(); ++blocks) {
            const int64_t k = 1 + (size * 5 + blocks * 3) % edge;
            for (int64_t n : {int64_t {1}, size, edge})
                check_with_gaps(with_m_block(shape(size * blocks, n, k), size));
            check_with_gaps(shape(size, blocks * edge, k));
        }
}

TEST_P(BrgemmAmx, ComputesEveryReductionLength) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    for (int64_t k = 1; k <= brdnn_amx_depth && !HasFailure(); ++k)
        for (auto [m, n] : {std::pair(1, 1), std::pair(16, 16), std::pair(64, 16), std::pair(48, 5),
                     std::pair(16, 64), std::pair(7, 32)})
            check(shape(m, n, k));
}

/// As neighbouring taps of one row do.
TEST_P(BrgemmAmx, ReadsColumnsThatOverlap) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    for (int64_t ld : {1, 3, 8})
        for (auto [m, n] : {std::pair(9, 9), std::pair(64, 16), std::pair(16, 64)}) {
            Shape s = shape(m, n, 11);
            s.lda = s.ldb = ld;
            check(s);
        }
}

TEST_P(BrgemmAmx, ComputesBlocksThatStandApart) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    for (int64_t rows : {int64_t {9}, edge})
        for (int64_t n : {1, 13, 16})
            for (int64_t a_block : {1, 24, 40 * 16}) {
                Shape s = with_m_block(shape(most() / edge * rows, n, 9), rows);
                s.lda = edge;
                s.a_block = a_block;
                s.ldc = rows;
                s.c_block = n * s.ldc + 2;
                check(s);
                s.ldc = 2 * most();
                s.c_block = edge + 5;
                check(s);
            }
}

/// Kernels of one plan share a configuration, whichever dimension their blocks lie along.
TEST_P(BrgemmAmx, SharesItsConfiguration) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    const Shape configured = shape(edge, edge, 5);
    for (const Shape &s : {shape(most(), edge, 5), shape(edge, most(), 5), shape(edge, edge, 5)}) {
        SCOPED_TRACE(name_of(s));
        brdnn_brgemm kernel;
        ASSERT_TRUE(brdnn_brgemm_generate(&kernel, nullptr, &s));
        std::vector<float> a(count_of_a(s)), b(count_of_b(s)), c(count_of_c(s));
        fill_a(s, 0, a.data());
        fill_b(s, 0, b.data());
        fill_c(s, c.data());
        const uint64_t no_offset = 0;
        brdnn_brgemm_enter(&configured);
        brdnn_brgemm_run(&kernel, a.data(), b.data(), c.data(), 1, &no_offset, &no_offset);
        brdnn_brgemm_leave(&configured);
        expect_c(s, 1, c.data());
    }
}

TEST_P(BrgemmAmx, AddsToWhatEarlierCallsLeft) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    const Shape s = shape(32, 3, 7);
    if (s.accumulate) expect_sums_to_grow(s);
}

TEST_P(BrgemmAmx, RefusesWhatBreaksItsRules) {
    const Shape good = shape(32, 16, 5);
    ASSERT_TRUE(brdnn_brgemm_supported(&good));
    std::vector<Shape> bad(20, good);
    bad[0].m = 0;
    bad[1].n = 0;
    bad[2].k = 0;
    bad[3].m = 17;
    bad[4].n = 17;
    bad[5].k = brdnn_amx_depth + 1;
    bad[6].n = 32;
    bad[7].m = most() + edge;
    bad[8] = shape(16, most() + edge, 5);
    bad[9].lda = 0;
    bad[10].ldb = INT64_MAX;
    bad[11].ldc = 31;
    bad[12].c_block = 15;
    bad[13].a_block = 0;
    bad[14].n_contiguous = true;
    bad[15].kernels.splits = 0;
    bad[16].kernels.splits = brdnn_most_splits + 1;
    bad[17] = shape(16, 16, 5);
    bad[17].ldc = 15;
    bad[18].m_block = 0;
    bad[19].m_block = 32;
    expect_refused(bad);
}

std::string amx_parameter_name(const testing::TestParamInfo<std::tuple<int64_t, bool>> &info) {
    const auto [splits, accumulate] = info.param;
    return "splits" + std::to_string(splits) + (accumulate ? "_accumulate" : "");
}

INSTANTIATE_TEST_SUITE_P(, BrgemmAmx,
        testing::Combine(testing::Values<int64_t>(1, 2, 3), testing::Bool()), amx_parameter_name);

/// Sums of products that f32 could not all hold: the smallest are added first.
TEST(BrgemmAmxOrder, AddsTheSmallestProductsFirst) {
    BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_AMX);
    for (auto [m, n] : {std::pair(64, 16), std::pair(16, 64), std::pair(16, 16)}) {
        Shape s = {{BRDNN_AMX_VNNI, 3}, m, n, 1, m, 1, m, m, n, edge, edge, edge, false, false};
        const Kernel kernel(s);
        ASSERT_TRUE(kernel.is_valid());
        // Products of splits p and q are 2^(24 - 12 (p + q)); the three of 1 add up to 3, the two of
        // 2^12 swallow nothing, and 2^24 rounds their sum to an even number once.
        std::vector<float> a, b, c(static_cast<size_t>(m) * n);
        for (int split = 0; split < 3; ++split) {
            const float value = std::ldexp(1.0F, 12 - 12 * split);
            const float pair = from_bits(bits_of(value) >> 16);
            a.insert(a.end(), static_cast<size_t>(m), pair);
            b.insert(b.end(), static_cast<size_t>(n), pair);
        }
        kernel.run(a.data(), b.data(), c.data(), {0}, {0});
        for (const float sum : c)
            ASSERT_EQ(sum, 16777216.0F + 8192.0F + 4.0F);
    }
}

/// Of one split, and with VNNI pairs along the sum.
TEST(BrgemmBf16, IsRefusedInOtherForms) {
    expect_refused({{vnni_avx512, 8, 3, 5, 8, 5, 8, 0, 0, 0, 0, 0, true, false},
            {{BRDNN_AVX512_BF16_VNNI, 2}, 8, 3, 5, 8, 5, 8, 99, 99, 0, 0, 0, false, false}});
}

TEST(BrgemmCode, RefusesMoreKernelsThanItHasRoomFor) {
    const Shape s = {f32_avx2, 8, 3, 5, 8, 5, 8, 0, 0, 0, 0, 0, false, false};
    brdnn_brgemm_code *code = brdnn_brgemm_code_create(1);
    ASSERT_NE(code, nullptr);
    brdnn_brgemm kernel;
    int generated = 0;
    while (generated < 100000 && brdnn_brgemm_generate(&kernel, code, &s))
        ++generated;
    EXPECT_GE(generated, 1);
    EXPECT_LT(generated, 100000);
    brdnn_brgemm_code_destroy(code);
}

TEST(BrgemmCode, DestroysNothing) { brdnn_brgemm_code_destroy(nullptr); }

} // namespace
} // namespace brdnn_test
