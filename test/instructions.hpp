// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Instructions taken apart where they raised a signal.

#ifndef BRDNN_TEST_INSTRUCTIONS_HPP
#define BRDNN_TEST_INSTRUCTIONS_HPP

#include <ucontext.h>

#include <cstdint>

namespace brdnn_test {

/// General registers of the interrupted code, by their number in instructions.
class Registers {
public:
    explicit Registers(void *context)
        : general_(static_cast<ucontext_t *>(context)->uc_mcontext.gregs) {}
    int64_t get(int number) const {
        static constexpr int places[]
                = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
                        REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
        return general_[places[number]];
    }
    int64_t rip() const { return general_[REG_RIP]; }
    void advance(int bytes) { general_[REG_RIP] += bytes; }

private:
    greg_t *general_;
};

/// What only an EVEX prefix has.
struct Evex {
    int vector_bytes; ///< 0 where the prefix is VEX
    int mask;         ///< number of the mask register; 0: none
    bool zeroes;      ///< elements without their mask bit, which else stay as they are
    bool broadcasts;  ///< the memory operand is one element
};

/// An instruction of map 0F38 with W 0. Of a memory operand `step` is the index register, scaled, and not
/// part of `address`.
struct Instruction {
    int prefix, opcode; ///< prefix: 0 none, 1 66, 2 F3, 3 F2
    int reg, rm, vvvv;  ///< registers; rm unless memory
    bool is_memory;
    int64_t address, step;
    Evex evex;
    int bytes;
};

/// For a switch over instructions.
constexpr int key(int prefix, int opcode, bool is_memory) {
    return (opcode * 4 + prefix) * 2 + (is_memory ? 1 : 0);
}
inline int key(const Instruction &i) { return key(i.prefix, i.opcode, i.is_memory); }

/// Takes apart what lies at rip. False where it is none of map 0F38 and W 0, has neither an EVEX nor a
/// three-byte VEX prefix, or 256 bits with the latter.
bool decode(const Registers &r, Instruction *to);

} // namespace brdnn_test

#endif
