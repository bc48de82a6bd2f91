// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The instructions of AVX512_BF16 against a reference of single elements, in every form that they have.
/// Where the CPU has them it is the CPU that is compared, which tests the reference.

#include <immintrin.h>
#include <signal.h>
#include <ucontext.h>

#include <cmath>
#include <vector>

#include "harness.hpp"
#include "vector_registers.hpp"

namespace brdnn_test {
namespace {

/// Operands of an instruction, and what it left in its destination.
struct Execution {
    Vector before, left, right, after;
    uint64_t mask;
    uintptr_t address; ///< where forms with a memory operand read `right`
};

enum Masking { unmasked, merging, zeroing };

struct Form {
    const char *text;
    void (*run)(Execution *);
    int bytes; ///< of the sources
    Masking masking;
    bool broadcasts;
};

constexpr int below = 128, far_below = 1000;
Vector rip_relative;

/// A form with its destination and sources in registers of these numbers. The compiler allows clobbering
/// the upper ones only where it may use them.
#define BRDNN_FORM(bytes, masking, broadcasts, destination, left_register, right_register, text) \
    Form { \
        text, \
                [](Execution *x) __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) { \
                    __asm__ volatile("kmovq %[mask], %%k3\n\t" \
                                     "vmovdqu64 %[before], %%zmm" #destination "\n\t" \
                                     "vmovdqu64 %[left], %%zmm" #left_register "\n\t" \
                                     "vmovdqu64 %[right], %%zmm" #right_register "\n\t" text \
                                     "\n\t" \
                                     "vmovdqu64 %%zmm" #destination ", %[after]" \
                            : [after] "=m"(x->after) \
                            : [mask] "r"(x->mask), [before] "m"(x->before), [left] "m"(x->left), \
                            [right] "m"(x->right), [at] "r"(x->address), \
                            [below] "r"(x->address - below), \
                            [far_below] "r"(x->address - far_below), \
                            [eighth] "r"(INT64_C(below / 8)), [rip_relative] "m"(rip_relative) \
                            : "memory", "k3", "xmm" #destination, "xmm" #left_register, \
                            "xmm" #right_register); \
                }, \
                bytes, masking, broadcasts \
    }

/// Of an instruction with two sources.
#define BRDNN_FORMS_OF_TWO(name) \
    {BRDNN_FORM(64, unmasked, false, 0, 1, 2, name " %%zmm2, %%zmm1, %%zmm0"), \
            BRDNN_FORM(64, unmasked, false, 31, 30, 29, name " %%zmm29, %%zmm30, %%zmm31"), \
            BRDNN_FORM(64, merging, false, 5, 26, 14, name " %%zmm14, %%zmm26, %%zmm5%{%%k3%}"), \
            BRDNN_FORM(64, zeroing, false, 18, 11, 20, \
                    name " %%zmm20, %%zmm11, %%zmm18%{%%k3%}%{z%}"), \
            BRDNN_FORM(32, unmasked, false, 10, 25, 3, name " %%ymm3, %%ymm25, %%ymm10"), \
            BRDNN_FORM(32, merging, false, 16, 15, 24, name " %%ymm24, %%ymm15, %%ymm16%{%%k3%}"), \
            BRDNN_FORM(16, unmasked, false, 28, 4, 12, name " %%xmm12, %%xmm4, %%xmm28"), \
            BRDNN_FORM( \
                    16, zeroing, false, 7, 22, 13, name " %%xmm13, %%xmm22, %%xmm7%{%%k3%}%{z%}"), \
            BRDNN_FORM(64, unmasked, false, 1, 2, 3, name " (%[at]), %%zmm2, %%zmm1"), \
            BRDNN_FORM(64, unmasked, false, 27, 6, 3, name " 128(%[below]), %%zmm6, %%zmm27"), \
            BRDNN_FORM(64, merging, false, 8, 21, 3, \
                    name " 1000(%[far_below]), %%zmm21, %%zmm8%{%%k3%}"), \
            BRDNN_FORM( \
                    64, unmasked, false, 4, 5, 3, name " (%[below],%[eighth],8), %%zmm5, %%zmm4"), \
            BRDNN_FORM(64, unmasked, false, 4, 5, 3, name " %[rip_relative], %%zmm5, %%zmm4"), \
            BRDNN_FORM(32, zeroing, false, 23, 19, 3, \
                    name " 64(%[below],%[eighth],4), %%ymm19, %%ymm23%{%%k3%}%{z%}"), \
            BRDNN_FORM(16, unmasked, false, 2, 1, 3, name " 128(%[below]), %%xmm1, %%xmm2"), \
            BRDNN_FORM( \
                    64, unmasked, true, 0, 1, 3, name " 128(%[below])%{1to16%}, %%zmm1, %%zmm0"), \
            BRDNN_FORM(64, merging, true, 20, 1, 3, \
                    name " (%[at])%{1to16%}, %%zmm1, %%zmm20%{%%k3%}"), \
            BRDNN_FORM(32, unmasked, true, 0, 31, 3, name " (%[at])%{1to8%}, %%ymm31, %%ymm0"), \
            BRDNN_FORM(16, zeroing, true, 0, 1, 3, \
                    name " 1000(%[far_below])%{1to4%}, %%xmm1, %%xmm0%{%%k3%}%{z%}")}

const Form forms_of_one[] = {
        BRDNN_FORM(64, unmasked, false, 0, 1, 2, "vcvtneps2bf16 %%zmm2, %%ymm0"),
        BRDNN_FORM(64, unmasked, false, 9, 1, 9, "vcvtneps2bf16 %%zmm9, %%ymm9"),
        BRDNN_FORM(64, merging, false, 31, 1, 18, "vcvtneps2bf16 %%zmm18, %%ymm31%{%%k3%}"),
        BRDNN_FORM(64, zeroing, false, 13, 1, 27, "vcvtneps2bf16 %%zmm27, %%ymm13%{%%k3%}%{z%}"),
        BRDNN_FORM(32, unmasked, false, 21, 1, 6, "vcvtneps2bf16 %%ymm6, %%xmm21"),
        BRDNN_FORM(32, merging, false, 4, 1, 30, "vcvtneps2bf16 %%ymm30, %%xmm4%{%%k3%}"),
        BRDNN_FORM(16, unmasked, false, 16, 1, 15, "vcvtneps2bf16 %%xmm15, %%xmm16"),
        BRDNN_FORM(16, zeroing, false, 8, 1, 23, "vcvtneps2bf16 %%xmm23, %%xmm8%{%%k3%}%{z%}"),
        BRDNN_FORM(64, unmasked, false, 3, 1, 2, "vcvtneps2bf16 128(%[below]), %%ymm3"),
        BRDNN_FORM(64, merging, false, 3, 1, 2, "vcvtneps2bf16 (%[at]), %%ymm3%{%%k3%}"),
        BRDNN_FORM(64, unmasked, true, 17, 1, 2, "vcvtneps2bf16 (%[at])%{1to16%}, %%ymm17"),
        BRDNN_FORM(32, unmasked, false, 5, 1, 2, "vcvtneps2bf16y (%[below],%[eighth],8), %%xmm5"),
        BRDNN_FORM(16, zeroing, false, 5, 1, 2,
                "vcvtneps2bf16x 1000(%[far_below]), %%xmm5%{%%k3%}%{z%}"),
        BRDNN_FORM(16, unmasked, true, 5, 1, 2, "vcvtneps2bf16 128(%[below])%{1to4%}, %%xmm5"),
};
const Form forms_of_two[] = BRDNN_FORMS_OF_TWO("vcvtne2ps2bf16");
const Form forms_of_dot[] = BRDNN_FORMS_OF_TWO("vdpbf16ps");

constexpr uint32_t infinity = 0x7f800000, sign = 0x80000000, quiet = 0x00400000;

bool is_nan(uint32_t bits) { return (bits & ~sign) > infinity; }

uint32_t without_denormals(uint32_t bits) {
    return std::fpclassify(from_bits(bits)) == FP_SUBNORMAL ? bits & sign : bits;
}

/// A magnitude; infinity is what would follow the largest finite number.
double place_of(uint32_t magnitude) {
    return magnitude == infinity ? std::ldexp(1.0, 128) : double {from_bits(magnitude)};
}

/// Of the two numbers around it the nearer, by their distances.
uint32_t nearest_bf16(uint32_t bits) {
    if (is_nan(bits)) return (bits | quiet) >> 16;
    const uint32_t magnitude = without_denormals(bits) & ~sign;
    const uint32_t lower = magnitude & 0xffff0000, upper = lower + 0x10000;
    const double down = place_of(magnitude) - place_of(lower);
    const double up = magnitude == infinity ? 1 : place_of(upper) - place_of(magnitude);
    const bool is_even = (lower >> 16) % 2 == 0;
    return ((down < up || (down == up && is_even) ? lower : upper) | (bits & sign)) >> 16;
}

/// Whether a result rounds, were there no least exponent, to less than the least normal number. Products
/// of bf16 are exact in double, and no sum is so close to the limit that rounding would move it across.
bool is_tiny(float left, float right, float sum) {
    const double limit = std::ldexp(1.0, -126) - std::ldexp(1.0, -151);
    return std::abs(double {left} * double {right} + double {sum}) < limit;
}

uint32_t multiplied_and_added(uint32_t left, uint32_t right, uint32_t sum) {
    for (const uint32_t operand : {left, right, sum})
        if (is_nan(operand)) return operand | quiet;
    const float l = from_bits(without_denormals(left)), r = from_bits(without_denormals(right));
    const float s = from_bits(without_denormals(sum)), result = std::fma(l, r, s);
    if (std::isnan(result)) return sign | infinity | quiet;
    return is_tiny(l, r, s) ? bits_of(result) & sign : bits_of(result);
}

uint32_t dot_product_added(uint32_t left, uint32_t right, uint32_t sum) {
    const uint32_t upper = 0xffff0000;
    const uint32_t odd = multiplied_and_added(left & upper, right & upper, sum);
    return multiplied_and_added(left << 16, right << 16, odd);
}

uint32_t right_element(const Form &form, const Execution &x, int i) {
    return x.right.get<uint32_t>(form.broadcasts ? 0 : i);
}

/// What the destination has to be, of elements of the type given by a function of their index.
template <typename T, typename ElementAt>
Vector expected(const Form &form, const Execution &x, int count, ElementAt element_at) {
    Vector result = {};
    for (int i = 0; i < count; ++i) {
        const bool is_computed = form.masking == unmasked || (x.mask >> i & 1) != 0;
        if (is_computed) result.set(i, static_cast<T>(element_at(i)));
        else if (form.masking == merging) result.set(i, x.before.get<T>(i));
    }
    return result;
}

Vector expected_of_one(const Form &form, const Execution &x) {
    return expected<uint16_t>(form, x, form.bytes / 4,
            [&](int i) { return nearest_bf16(right_element(form, x, i)); });
}

Vector expected_of_two(const Form &form, const Execution &x) {
    const int half = form.bytes / 4;
    return expected<uint16_t>(form, x, 2 * half, [&](int i) {
        return nearest_bf16(i < half ? right_element(form, x, i) : x.left.get<uint32_t>(i - half));
    });
}

Vector expected_of_dot(const Form &form, const Execution &x) {
    return expected<uint32_t>(form, x, form.bytes / 4, [&](int i) {
        return dot_product_added(
                x.left.get<uint32_t>(i), right_element(form, x, i), x.before.get<uint32_t>(i));
    });
}

/// Often one of those where something ends, or is equally near to two.
uint32_t draw_float(Random &random) {
    const uint32_t negative = draw(random, 0, 1) == 1 ? sign : 0;
    switch (draw(random, 0, 3)) {
    case 0: // zero, denormals, the least normal number, the largest number, infinity, NaNs
        return negative
                | pick(random,
                        std::vector<uint32_t> {0u, 1u, 0x7fffffu, 0x800000u, 0x7f7fffffu,
                                0x7f7f0000u, infinity, 0x7f800001u, 0x7fc12345u});
    case 1: // halfway between two bf16, and beside it
        return negative | (static_cast<uint32_t>(draw(random, 0x0080, 0x7f7f)) << 16)
                | pick(random, std::vector<uint32_t> {0x7fffu, 0x8000u, 0x8001u});
    case 2: return negative | static_cast<uint32_t>(draw(random, 0, sign - 1));
    default: return negative | static_cast<uint32_t>(draw(random, 0x3f000000, 0x407fffff));
    }
}

Vector draw_floats(Random &random) {
    Vector floats;
    for (int i = 0; i < 16; ++i)
        floats.set(i, draw_float(random));
    return floats;
}

Vector draw_bf16(Random &random) {
    Vector values;
    for (int i = 0; i < 32; ++i)
        values.set(i, static_cast<uint16_t>(draw_float(random) >> 16));
    return values;
}

/// Runs where MXCSR says otherwise: rounding up, denormals as they are.
void run_form(const Form &form, Execution *x) {
    const unsigned before = _mm_getcsr(), round_up = 0x5f80;
    _mm_setcsr(round_up);
    form.run(x);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(before);
    EXPECT_EQ(after, round_up);
}

void expect_equal_elements(const Vector &expected, const Vector &actual) {
    for (int i = 0; i < 16; ++i)
        EXPECT_EQ(expected.get<uint32_t>(i), actual.get<uint32_t>(i)) << "32-bit element " << i;
}

template <int count>
void check_forms(const Form (&forms)[count], Vector (*expected_of)(const Form &, const Execution &),
        Vector (*draw_sources)(Random &)) {
    for (const Form &form : forms) {
        SCOPED_TRACE(form.text);
        Random random = random_for(form.text);
        for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
            Execution x = {};
            x.before = draw_floats(random);
            x.left = draw_sources(random);
            x.right = rip_relative = draw_sources(random);
            x.mask = static_cast<uint32_t>(draw(random, 0, 0xffffffff));
            x.address = reinterpret_cast<uintptr_t>(x.right.bytes);
            run_form(form, &x);
            expect_equal_elements(expected_of(form, x), x.after);
        }
    }
}

class Bf16Instructions : public testing::Test {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_BF16); }
};

TEST_F(Bf16Instructions, RoundOneVector) {
    check_forms(forms_of_one, expected_of_one, draw_floats);
}

TEST_F(Bf16Instructions, RoundTwoVectors) {
    check_forms(forms_of_two, expected_of_two, draw_floats);
}

TEST_F(Bf16Instructions, AddDotProducts) { check_forms(forms_of_dot, expected_of_dot, draw_bf16); }

/// Elements without their mask bit may lie where nothing is.
TEST_F(Bf16Instructions, ReadNoMemoryWithoutItsMaskBit) {
    const int readable = 5;
    const Form one
            = BRDNN_FORM(64, zeroing, false, 0, 1, 2, "vcvtneps2bf16 (%[at]), %%ymm0%{%%k3%}%{z%}");
    const Form dot
            = BRDNN_FORM(64, merging, false, 0, 1, 2, "vdpbf16ps (%[at]), %%zmm1, %%zmm0%{%%k3%}");
    Random random = random_for("guarded");
    Execution x = {};
    x.before = x.left = x.right = draw_bf16(random);
    x.mask = (1 << readable) - 1;
    GuardedBuffer memory(readable * sizeof(float));
    std::memcpy(memory.data(), x.right.bytes, memory.bytes());
    x.address = reinterpret_cast<uintptr_t>(memory.data());
    run_form(one, &x);
    expect_equal_elements(expected_of_one(one, x), x.after);
    run_form(dot, &x);
    expect_equal_elements(expected_of_dot(dot, x), x.after);
}

/// Several in a row, as a kernel has them: each sees what the one before it left.
TEST_F(Bf16Instructions, FollowEachOther) {
    const Form first = BRDNN_FORM(64, unmasked, false, 0, 1, 2, "vdpbf16ps %%zmm2, %%zmm1, %%zmm0");
    const Form all = BRDNN_FORM(64, unmasked, false, 0, 1, 2,
            "vdpbf16ps %%zmm2, %%zmm1, %%zmm0\n\t vcvtneps2bf16 %%zmm0, %%ymm0");
    Random random = random_for("row");
    Execution x = {}, rounded = {};
    x.before = draw_floats(random);
    x.left = draw_bf16(random);
    x.right = draw_bf16(random);
    rounded.right = expected_of_dot(first, x);
    run_form(all, &x);
    expect_equal_elements(expected_of_one(all, rounded), x.after);
}

/// A register in the place of an element to broadcast is no instruction.
TEST_F(Bf16Instructions, ThatAreNoneEndTheProcess) {
    EXPECT_EXIT(__asm__ volatile("ud2"), testing::KilledBySignal(SIGILL), "");
    EXPECT_EXIT(__asm__ volatile(".byte 0x62, 0xf2, 0x76, 0x58, 0x52, 0xc2"),
            testing::KilledBySignal(SIGILL), "");
}

/// A frame in which no register was in use: the system leaves anything in their places then.
class UnusedRegisters {
public:
    UnusedRegisters() {
        std::memset(area_, 0xa5, sizeof area_);
        std::memset(area_ + 512, 0, 64);
        struct _fpx_sw_bytes by_system = {};
        by_system.magic1 = FP_XSTATE_MAGIC1;
        by_system.xstate_bv = 0xe7;
        std::memcpy(area_ + 464, &by_system, sizeof by_system);
        context_.uc_mcontext.fpregs = reinterpret_cast<fpregset_t>(area_);
    }
    VectorRegisters registers() { return VectorRegisters(&context_); }

private:
    alignas(64) unsigned char area_[8192];
    ucontext_t context_ = {};
};

TEST_F(Bf16Instructions, FindUnusedRegistersZero) {
    UnusedRegisters frame;
    VectorRegisters registers = frame.registers();
    ASSERT_TRUE(registers.are_saved());
    EXPECT_EQ(registers.mask(3), 0U);
    Random random = random_for("frame");
    const Vector value = draw_floats(random);
    for (int used : {3, 20}) {
        for (int number : {3, 4, 20, 21})
            if (number >= used) expect_equal_elements({}, registers.get(number));
        registers.set(used, value);
        expect_equal_elements(value, registers.get(used));
        expect_equal_elements({}, registers.get(used + 1));
    }
    EXPECT_EQ(registers.mask(3), 0U);
}

} // namespace
} // namespace brdnn_test
