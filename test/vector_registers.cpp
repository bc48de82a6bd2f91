// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// The format is that of Intel's Software Developer's Manual, volume 1, chapter 13.

#include "vector_registers.hpp"

#include <cpuid.h>
#include <signal.h>
#include <ucontext.h>

#include <initializer_list>

namespace brdnn_test {
namespace {

/// Components of the state, by their numbers.
enum { sse = 1, avx = 2, masks = 5, upper_halves = 6, upper_registers = 7, component_count = 8 };
constexpr uint64_t all_of_avx512
        = 1U << sse | 1U << avx | 1U << masks | 1U << upper_halves | 1U << upper_registers;

struct Range {
    unsigned begin, bytes;
};

/// Where the components lie. A handler should not have to ask: CPUID is slow on a virtual machine.
struct Places {
    Range of[component_count];
    Places() : of() {
        of[sse] = {160, 256};
        for (int component : {avx, masks, upper_halves, upper_registers}) {
            unsigned ecx = 0, edx = 0;
            Range &range = of[component];
            __get_cpuid_count(0xd, component, &range.bytes, &range.begin, &ecx, &edx);
        }
    }
};
const Places places;

/// A part of a register, in a component.
struct Piece {
    int component;
    unsigned offset;
    int bytes;
};

struct Pieces {
    Piece of[3];
    int count;
};

/// From the lowest on.
Pieces pieces_of(int number) {
    const unsigned n = number % 16;
    if (number >= 16) return {{{upper_registers, 64 * n, 64}}, 1};
    return {{{sse, 16 * n, 16}, {avx, 16 * n, 16}, {upper_halves, 32 * n, 32}}, 3};
}

constexpr int in_use_offset = 512;

} // namespace

VectorRegisters::VectorRegisters(void *context)
    : saved_(reinterpret_cast<unsigned char *>(
              static_cast<ucontext_t *>(context)->uc_mcontext.fpregs)) {}

bool VectorRegisters::are_saved() const {
    const int software_offset = 464;
    struct _fpx_sw_bytes by_system = {};
    if (saved_ == nullptr) return false;
    std::memcpy(&by_system, saved_ + software_offset, sizeof by_system);
    return by_system.magic1 == FP_XSTATE_MAGIC1
            && (by_system.xstate_bv & all_of_avx512) == all_of_avx512;
}

/// One that is not is zero, whatever lies in its place.
bool VectorRegisters::is_in_use(int component) const {
    uint64_t in_use;
    std::memcpy(&in_use, saved_ + in_use_offset, sizeof in_use);
    return (in_use >> component & 1) != 0;
}

void VectorRegisters::use(int component) {
    if (is_in_use(component)) return;
    std::memset(saved_ + places.of[component].begin, 0, places.of[component].bytes);
    uint64_t in_use;
    std::memcpy(&in_use, saved_ + in_use_offset, sizeof in_use);
    in_use |= UINT64_C(1) << component;
    std::memcpy(saved_ + in_use_offset, &in_use, sizeof in_use);
}

Vector VectorRegisters::get(int number) const {
    Vector value = {};
    unsigned char *to = value.bytes;
    const Pieces pieces = pieces_of(number);
    for (int i = 0; i < pieces.count; ++i) {
        const Piece &piece = pieces.of[i];
        if (is_in_use(piece.component))
            std::memcpy(to, saved_ + places.of[piece.component].begin + piece.offset, piece.bytes);
        to += piece.bytes;
    }
    return value;
}

void VectorRegisters::set(int number, const Vector &value) {
    const unsigned char *from = value.bytes;
    const Pieces pieces = pieces_of(number);
    for (int i = 0; i < pieces.count; ++i) {
        const Piece &piece = pieces.of[i];
        use(piece.component);
        std::memcpy(saved_ + places.of[piece.component].begin + piece.offset, from, piece.bytes);
        from += piece.bytes;
    }
}

uint64_t VectorRegisters::mask(int number) const {
    uint64_t mask = 0;
    const unsigned offset = places.of[masks].begin + 8 * number;
    if (is_in_use(masks)) std::memcpy(&mask, saved_ + offset, sizeof mask);
    return mask;
}

} // namespace brdnn_test
