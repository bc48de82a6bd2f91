// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Encodings are those of Intel's Software Developer's Manual, volume 2, chapter 2.

#include "instructions.hpp"

#include <cstring>

namespace brdnn_test {
namespace {

/// Upper bits of the numbers of registers; prefixes have them inverted.
struct UpperBits {
    bool r, x, b;
    explicit UpperBits(unsigned char byte)
        : r(!(byte & 0x80)), x(!(byte & 0x40)), b(!(byte & 0x20)) {}
};

/// A byte is a multiple of `scale`.
int64_t displacement_at(const unsigned char *bytes, int size, int scale) {
    if (size == 1) return int64_t {static_cast<int8_t>(*bytes)} * scale;
    int32_t value = 0;
    if (size == 4) std::memcpy(&value, bytes, sizeof value);
    return value;
}

/// Reads a memory operand that begins at ModRM.
void decode_memory(const unsigned char *modrm, UpperBits upper, int displacement_scale,
        const Registers &r, Instruction *to) {
    const int mod = *modrm >> 6, rm = *modrm & 7;
    const unsigned char *next = modrm + 1;
    int base = rm;
    if (rm == 4) {
        const int sib = *next++, index = (sib >> 3 & 7) + 8 * upper.x;
        base = sib & 7;
        if (index != 4) to->step = r.get(index) * (INT64_C(1) << (sib >> 6));
    }
    const bool no_base = mod == 0 && base == 5;
    const int size = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
    to->bytes += static_cast<int>(next - modrm) + size;
    to->address = displacement_at(next, size, displacement_scale);
    if (!no_base) to->address += r.get(base + 8 * upper.b);
    else if (rm == 5) to->address += r.rip() + to->bytes;
}

bool decode_vex(const unsigned char *code, const Registers &r, Instruction *to) {
    if ((code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) return false;
    const UpperBits upper(code[1]);
    const unsigned char *modrm = code + 4;
    to->prefix = code[2] & 3;
    to->vvvv = ~code[2] >> 3 & 15;
    to->opcode = code[3];
    to->reg = (*modrm >> 3 & 7) + 8 * upper.r;
    to->rm = (*modrm & 7) + 8 * upper.b;
    to->is_memory = *modrm >> 6 != 3;
    to->bytes = 4;
    if (to->is_memory) decode_memory(modrm, upper, 1, r, to);
    else to->bytes += 1;
    return true;
}

/// A register in the place of memory is never an element to broadcast; what the bit says then, how to
/// round, is for none of the instructions emulated. Nor is there anything to zero without a mask.
bool decode_evex(const unsigned char *code, const Registers &r, Instruction *to) {
    if ((code[1] & 0xf) != 2 || (code[2] & 0x84) != 4 || (code[3] & 0x60) == 0x60) return false;
    const UpperBits upper(code[1]);
    const bool upper_reg = !(code[1] & 0x10), upper_vvvv = !(code[3] & 8);
    const unsigned char *modrm = code + 5;
    to->prefix = code[2] & 3;
    to->vvvv = (~code[2] >> 3 & 15) + 16 * upper_vvvv;
    to->opcode = code[4];
    to->reg = (*modrm >> 3 & 7) + 8 * upper.r + 16 * upper_reg;
    to->rm = (*modrm & 7) + 8 * upper.b + 16 * upper.x;
    to->is_memory = *modrm >> 6 != 3;
    to->evex
            = {16 << (code[3] >> 5 & 3), code[3] & 7, (code[3] & 0x80) != 0, (code[3] & 0x10) != 0};
    if ((to->evex.broadcasts && !to->is_memory) || (to->evex.zeroes && to->evex.mask == 0))
        return false;
    to->bytes = 5;
    const int operand_bytes = to->evex.broadcasts ? 4 : to->evex.vector_bytes;
    if (to->is_memory) decode_memory(modrm, upper, operand_bytes, r, to);
    else to->bytes += 1;
    return true;
}

} // namespace

bool decode(const Registers &r, Instruction *to) {
    const auto *code = reinterpret_cast<const unsigned char *>(r.rip());
    *to = {};
    switch (code[0]) {
    case 0xc4: return decode_vex(code, r, to);
    case 0x62: return decode_evex(code, r, to);
    default: return false;
    }
}

} // namespace brdnn_test
