// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Elements of tensors in memory, by their type. Tests compute with floats and doubles; what they place
/// and read back are these. Rounding is written here anew, not shared with the library.

#ifndef BRDNN_TEST_ELEMENTS_HPP
#define BRDNN_TEST_ELEMENTS_HPP

#include <cmath>
#include <cstdint>
#include <cstring>

#include "brdnn.h"

namespace brdnn_test {

inline size_t bytes_of(brdnn_type type) { return type == BRDNN_BF16 ? 2 : 4; }

inline uint32_t bits_of(float value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline float from_bits(uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/// The bf16 nearest to a value, of two equally near the even one; a NaN stays one.
inline uint16_t bf16_of(float value) {
    const uint32_t bits = bits_of(value), upper = bits >> 16, lower = bits & 0xffff;
    if (std::isnan(value)) return static_cast<uint16_t>(upper | 0x40);
    const bool up = lower > 0x8000 || (lower == 0x8000 && upper % 2 == 1);
    return static_cast<uint16_t>(upper + up);
}

inline float from_bf16(uint16_t bits) { return from_bits(static_cast<uint32_t>(bits) << 16); }

/// A value as a tensor of the type holds it.
inline float stored_as(brdnn_type type, float value) {
    return type == BRDNN_BF16 ? from_bf16(bf16_of(value)) : value;
}

/// A quiet NaN with a payload that no arithmetic produces: it marks elements never written. Of a bf16 it
/// is the upper half.
constexpr uint32_t untouched_bits = 0x7fc5beef;

inline float untouched() { return from_bits(untouched_bits); }

/// Whether a float, or one read from a bf16, is the mark.
inline bool is_untouched(float value) {
    return bits_of(value) == untouched_bits || bits_of(value) == (untouched_bits & 0xffff0000);
}

/// Elements of one type somewhere in memory, which lets them lie at any multiple of their size.
class Elements {
public:
    Elements(brdnn_type type, void *memory)
        : type_(type), memory_(static_cast<unsigned char *>(memory)) {}
    float get(int64_t i) const {
        const void *at = memory_ + i * static_cast<int64_t>(bytes_of(type_));
        if (type_ == BRDNN_BF16) {
            uint16_t bits;
            std::memcpy(&bits, at, sizeof bits);
            return from_bf16(bits);
        }
        float value;
        std::memcpy(&value, at, sizeof value);
        return value;
    }
    void set(int64_t i, float value) const {
        void *at = memory_ + i * static_cast<int64_t>(bytes_of(type_));
        // Not rounded: the mark must stay what it is, and other values are those of the type.
        const uint16_t bits = static_cast<uint16_t>(bits_of(value) >> 16);
        if (type_ == BRDNN_BF16) std::memcpy(at, &bits, sizeof bits);
        else std::memcpy(at, &value, sizeof value);
    }

private:
    brdnn_type type_;
    unsigned char *memory_;
};

} // namespace brdnn_test

#endif
