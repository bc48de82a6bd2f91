// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Instructions are executed as in Intel's Software Developer's Manual, volume 2, where each has its
/// encoding and its operation.

#include "amx_emulator.hpp"

#include <immintrin.h>

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
    const int pairs = state.configuration.row_bytes[left] / 4;
    for (int row = 0; row < state.configuration.rows[c]; ++row)
        for (int byte = 0; byte < max_row_bytes; byte += 32)
            multiply_eight(state.tiles[left].row[row], pairs, state.tiles[right], byte,
                    reinterpret_cast<float *>(state.tiles[c].row[row] + byte));
    return true;
}

} // namespace

bool execute_amx(const Instruction &i) {
    auto *memory = reinterpret_cast<unsigned char *>(i.address);
    switch (key(i)) {
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

} // namespace brdnn_test
