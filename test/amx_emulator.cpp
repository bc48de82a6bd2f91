// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Instructions are decoded and executed as in Intel's Software Developer's Manual, volume 2, where each
/// has its encoding and its operation.

#include "amx_emulator.hpp"

#include <cpuid.h>
#include <immintrin.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace brdnn_test {
namespace {

constexpr int tile_count = 8, max_rows = 16, max_row_bytes = 64;

/// Memory operand of LDTILECFG and STTILECFG.
struct Configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};
static_assert(sizeof(Configuration) == 64, "as the instructions have it");

struct Tile {
    alignas(64) unsigned char row[max_rows][max_row_bytes];
};

/// Of one thread; a handler must not allocate, so the storage is there from its start.
struct State {
    Configuration configuration;
    Tile tiles[tile_count];
};
thread_local State state __attribute__((tls_model("initial-exec")));

bool is_valid(const Configuration &c) {
    if (c.palette != 1 || c.start_row != 0) return false;
    for (const uint8_t byte : c.reserved)
        if (byte != 0) return false;
    for (int tile = 0; tile < 16; ++tile) {
        const bool is_used = c.rows[tile] != 0;
        if (is_used != (c.row_bytes[tile] != 0) || (is_used && tile >= tile_count)) return false;
        if (c.rows[tile] > max_rows || c.row_bytes[tile] > max_row_bytes) return false;
    }
    return true;
}

bool is_configured(int tile) {
    return state.configuration.palette == 1 && tile < tile_count
            && state.configuration.rows[tile] != 0;
}

bool release() {
    std::memset(&state, 0, sizeof state);
    return true;
}

bool load_configuration(const void *from) {
    Configuration wanted;
    std::memcpy(&wanted, from, sizeof wanted);
    if (wanted.palette == 0) return release();
    if (!is_valid(wanted)) return false;
    release();
    state.configuration = wanted;
    return true;
}

bool store_configuration(void *to) {
    std::memcpy(to, &state.configuration, sizeof state.configuration);
    return true;
}

bool zero_tile(int tile) {
    if (!is_configured(tile)) return false;
    std::memset(&state.tiles[tile], 0, sizeof(Tile));
    return true;
}

bool load_tile(int tile, const unsigned char *from, int64_t row_step) {
    if (!zero_tile(tile)) return false;
    for (int row = 0; row < state.configuration.rows[tile]; ++row)
        std::memcpy(state.tiles[tile].row[row], from + row * row_step,
                state.configuration.row_bytes[tile]);
    return true;
}

bool store_tile(int tile, unsigned char *to, int64_t row_step) {
    if (!is_configured(tile)) return false;
    for (int row = 0; row < state.configuration.rows[tile]; ++row)
        std::memcpy(to + row * row_step, state.tiles[tile].row[row],
                state.configuration.row_bytes[tile]);
    return true;
}

/// The even and the odd terms of pairs of bf16, as floats.
struct Halves {
    __m256 even, odd;
};

__attribute__((target("avx2,fma"))) inline Halves halves_of(__m256i pairs) {
    return {_mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)),
            _mm256_castsi256_ps(_mm256_and_si256(pairs, _mm256_set1_epi32(-0x10000)))};
}

/// Adds the product of one left row and eight columns of the right tile to eight sums.
__attribute__((target("avx2,fma"))) void multiply_eight(
        const unsigned char *left_row, int pairs, const Tile &right, int column_byte, float *sums) {
    Halves total = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (int k = 0; k < pairs; ++k) {
        int32_t pair;
        std::memcpy(&pair, left_row + INT64_C(4) * k, sizeof pair);
        const Halves l = halves_of(_mm256_set1_epi32(pair));
        const Halves r = halves_of(
                _mm256_load_si256(reinterpret_cast<const __m256i *>(right.row[k] + column_byte)));
        total.even = _mm256_fmadd_ps(l.even, r.even, total.even);
        total.odd = _mm256_fmadd_ps(l.odd, r.odd, total.odd);
    }
    const __m256 sum = _mm256_add_ps(total.even, total.odd);
    _mm256_store_ps(sums, _mm256_add_ps(_mm256_load_ps(sums), sum));
}

bool fit(int c, int left, int right) {
    const Configuration &shape = state.configuration;
    return is_configured(c) && is_configured(left) && is_configured(right) && c != left
            && c != right && left != right && shape.row_bytes[c] % 4 == 0
            && shape.row_bytes[left] % 4 == 0 && shape.row_bytes[right] == shape.row_bytes[c]
            && shape.rows[left] == shape.rows[c] && shape.rows[right] == shape.row_bytes[left] / 4;
}

bool multiply(int c, int left, int right) {
    if (!fit(c, left, right)) return false;
    const unsigned flush_denormals_to_zero = 0x8040, masked_round_to_nearest = 0x1f80;
    const unsigned mxcsr = _mm_getcsr();
    _mm_setcsr(masked_round_to_nearest | flush_denormals_to_zero);
    const int pairs = state.configuration.row_bytes[left] / 4;
    for (int row = 0; row < state.configuration.rows[c]; ++row)
        for (int byte = 0; byte < max_row_bytes; byte += 32)
            multiply_eight(state.tiles[left].row[row], pairs, state.tiles[right], byte,
                    reinterpret_cast<float *>(state.tiles[c].row[row] + byte));
    _mm_setcsr(mxcsr);
    return true;
}

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

/// An instruction taken apart. Of a memory operand `step` is the index register, scaled, and not part
/// of `address`.
struct Instruction {
    int prefix, opcode; ///< prefix: 0 none, 1 66, 2 F3, 3 F2
    int reg, rm, vvvv;  ///< registers; rm unless memory
    bool is_memory;
    int64_t address, step;
    int bytes;
};

int32_t displacement_at(const unsigned char *bytes, int size) {
    if (size == 1) return static_cast<int8_t>(*bytes);
    int32_t value = 0;
    if (size == 4) std::memcpy(&value, bytes, sizeof value);
    return value;
}

/// Reads a memory operand that begins at ModRM.
void decode_memory(
        const unsigned char *modrm, bool vex_x, bool vex_b, const Registers &r, Instruction *to) {
    const int mod = *modrm >> 6, rm = *modrm & 7;
    const unsigned char *next = modrm + 1;
    int base = rm;
    if (rm == 4) {
        const int sib = *next++, index = (sib >> 3 & 7) + 8 * vex_x;
        base = sib & 7;
        if (index != 4) to->step = r.get(index) * (INT64_C(1) << (sib >> 6));
    }
    const bool no_base = mod == 0 && base == 5;
    const int size = mod == 1 ? 1 : mod == 2 || no_base ? 4 : 0;
    to->bytes += static_cast<int>(next - modrm) + size;
    to->address = displacement_at(next, size);
    if (!no_base) to->address += r.get(base + 8 * vex_b);
    else if (rm == 5) to->address += r.rip() + to->bytes;
}

/// False where this is none with a three-byte VEX prefix, map 0F38, W 0 and 128 bits: all of AMX is.
bool decode(const Registers &r, Instruction *to) {
    const auto *code = reinterpret_cast<const unsigned char *>(r.rip());
    if (code[0] != 0xc4 || (code[1] & 0x1f) != 2 || (code[2] & 0x84) != 0) return false;
    const bool vex_r = !(code[1] & 0x80), vex_x = !(code[1] & 0x40), vex_b = !(code[1] & 0x20);
    const unsigned char *modrm = code + 4;
    *to = {};
    to->prefix = code[2] & 3;
    to->vvvv = ~code[2] >> 3 & 15;
    to->opcode = code[3];
    to->reg = (*modrm >> 3 & 7) + 8 * vex_r;
    to->rm = (*modrm & 7) + 8 * vex_b;
    to->is_memory = *modrm >> 6 != 3;
    to->bytes = 4;
    if (to->is_memory) decode_memory(modrm, vex_x, vex_b, r, to);
    else to->bytes += 1;
    return true;
}

constexpr int key(int prefix, int opcode, bool is_memory) {
    return (opcode * 4 + prefix) * 2 + (is_memory ? 1 : 0);
}

/// False where it is not one of those emulated, or misuses tiles.
bool execute(const Instruction &i) {
    auto *memory = reinterpret_cast<unsigned char *>(i.address);
    switch (key(i.prefix, i.opcode, i.is_memory)) {
    case key(0, 0x49, true): return i.reg == 0 && load_configuration(memory + i.step);
    case key(1, 0x49, true): return i.reg == 0 && store_configuration(memory + i.step);
    case key(0, 0x49, false): return i.reg == 0 && i.rm == 0 && release();
    case key(3, 0x49, false): return i.rm == 0 && zero_tile(i.reg);
    case key(1, 0x4b, true): // a load that hints at no reuse
    case key(3, 0x4b, true): return load_tile(i.reg, memory, i.step);
    case key(2, 0x4b, true): return store_tile(i.reg, memory, i.step);
    case key(2, 0x5c, false): return multiply(i.reg, i.rm, i.vvvv);
    default: return false;
    }
}

/// What is not emulated runs into SIGILL once more, and then ends the process.
void handle_illegal_instruction(int signal, siginfo_t * /*info*/, void *context) {
    Registers registers(context);
    Instruction instruction;
    if (decode(registers, &instruction) && execute(instruction))
        registers.advance(instruction.bytes);
    else ::signal(signal, SIG_DFL);
}

bool cpu_has_amx() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    const unsigned tile = 1U << 24, bf16 = 1U << 22;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & tile) != 0
            && (edx & bf16) != 0;
}

bool ask_for_tiles() {
    const long request_permission = 0x1023, tile_data = 18; // ARCH_REQ_XCOMP_PERM
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

bool install_handler() {
    struct sigaction action = {};
    action.sa_sigaction = handle_illegal_instruction;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGILL, &action, nullptr) == 0;
}

} // namespace

bool amx_is_native() {
    static const bool is_native = cpu_has_amx() && ask_for_tiles();
    return is_native;
}

void use_amx_or_emulate() {
    static const bool is_done = amx_is_native() || install_handler();
    static_cast<void>(is_done);
}

} // namespace brdnn_test
