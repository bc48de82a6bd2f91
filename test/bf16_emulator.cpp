// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Operations are those of Intel's Software Developer's Manual, volume 2, in the words of which an
/// instruction has sources src1, here vvvv, and src2, here rm or memory.

#include "bf16_emulator.hpp"

#include <immintrin.h>

namespace brdnn_test {
namespace {

constexpr uint32_t all_elements = 0xffffffff;

/// A bit for each element of the destination.
uint32_t mask_of(const Instruction &i, const VectorRegisters &registers) {
    return i.evex.mask == 0 ? all_elements : static_cast<uint32_t>(registers.mask(i.evex.mask));
}

/// Source src2. Of memory only elements that are wanted are read: others may lie where nothing is.
Vector last_source(const Instruction &i, uint32_t wanted, const VectorRegisters &registers) {
    if (!i.is_memory) return registers.get(i.rm);
    Vector source = {};
    const auto *memory = reinterpret_cast<const unsigned char *>(i.address + i.step);
    const int64_t step = i.evex.broadcasts ? 0 : 4;
    for (int element = 0; element < i.evex.vector_bytes / 4; ++element)
        if (wanted >> element & 1)
            std::memcpy(source.bytes + INT64_C(4) * element, memory + step * element, 4);
    return source;
}

/// Writes `count` elements under the mask; what the register has beyond them becomes zero.
template <typename T>
void write(const Instruction &i, const Vector &elements, int count, VectorRegisters *registers) {
    const uint32_t mask = mask_of(i, *registers);
    const Vector before = i.evex.zeroes ? Vector {} : registers->get(i.reg);
    Vector result = {};
    for (int element = 0; element < count; ++element) {
        const Vector &from = mask >> element & 1 ? elements : before;
        result.set(element, from.get<T>(element));
    }
    registers->set(i.reg, result);
}

/// The manual's convert_fp32_to_bfloat16: denormals become zero, NaNs quiet.
uint16_t rounded(uint32_t bits) {
    const uint32_t magnitude = bits & 0x7fffffff, infinity = 0x7f800000, least_normal = 0x00800000;
    const auto upper = static_cast<uint16_t>(bits >> 16);
    if (magnitude < least_normal) return upper & 0x8000;
    if (magnitude == infinity) return upper;
    if (magnitude > infinity) return upper | 0x40;
    return static_cast<uint16_t>((bits + 0x7fff + (upper & 1)) >> 16);
}

/// Rounds `count` floats, and places them from element `first` on.
void round_to(Vector *result, int first, const Vector &floats, int count) {
    for (int element = 0; element < count; ++element)
        result->set(first + element, rounded(floats.get<uint32_t>(element)));
}

/// VCVTNEPS2BF16.
bool round_one(const Instruction &i, VectorRegisters *registers) {
    if (i.vvvv != 0) return false;
    const int count = i.evex.vector_bytes / 4;
    Vector result = {};
    round_to(&result, 0, last_source(i, mask_of(i, *registers), *registers), count);
    write<uint16_t>(i, result, count, registers);
    return true;
}

/// VCVTNE2PS2BF16. It reads all of its memory operand, whatever the mask.
bool round_two(const Instruction &i, VectorRegisters *registers) {
    const int count = i.evex.vector_bytes / 4;
    Vector result = {};
    round_to(&result, 0, last_source(i, all_elements, *registers), count);
    round_to(&result, count, registers->get(i.vvvv), count);
    write<uint16_t>(i, result, 2 * count, registers);
    return true;
}

/// Adds products to sums, each with one rounding. Of several NaNs the left one prevails, then the right
/// one: which operand is which is not left to the compiler.
__attribute__((target("avx512f"))) __m512 add_products(__m512 left, __m512 right, __m512 sums) {
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(sums) : "v"(left), "v"(right));
    return sums;
}

__attribute__((target("avx512f"))) __m512 odd_terms(__m512i pairs) {
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32(-0x10000)));
}

/// Masked, as GCC warns of its own header otherwise.
__attribute__((target("avx512f"))) __m512 even_terms(__m512i pairs) {
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, pairs, 16));
}

/// VDPBF16PS. The manual writes `+=` twice, for odd terms and then for even ones, and calls each an FMA.
__attribute__((target("avx512f"))) bool add_dot_products(
        const Instruction &i, VectorRegisters *registers) {
    const Vector left = registers->get(i.vvvv), sums = registers->get(i.reg);
    const Vector right = last_source(i, mask_of(i, *registers), *registers);
    const __m512i l = _mm512_load_si512(left.bytes), r = _mm512_load_si512(right.bytes);
    __m512 total = _mm512_load_ps(sums.bytes);
    total = add_products(odd_terms(l), odd_terms(r), total);
    total = add_products(even_terms(l), even_terms(r), total);
    Vector result;
    _mm512_store_ps(result.bytes, total);
    write<uint32_t>(i, result, i.evex.vector_bytes / 4, registers);
    return true;
}

} // namespace

bool execute_bf16(const Instruction &i, VectorRegisters *registers) {
    if (!registers->are_saved()) return false;
    switch (key(i.prefix, i.opcode, false)) {
    case key(2, 0x72, false): return round_one(i, registers);
    case key(3, 0x72, false): return round_two(i, registers);
    case key(2, 0x52, false): return add_dot_products(i, registers);
    default: return false;
    }
}

} // namespace brdnn_test
