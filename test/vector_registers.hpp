// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Vector registers of code that a signal interrupted: they lie in its frame, in XSAVE's standard format,
/// and are loaded from there on return.

#ifndef BRDNN_TEST_VECTOR_REGISTERS_HPP
#define BRDNN_TEST_VECTOR_REGISTERS_HPP

#include <cstdint>
#include <cstring>

namespace brdnn_test {

/// Contents of a register of 512 bits.
struct Vector {
    alignas(64) unsigned char bytes[64];

    template <typename T>
    T get(int element) const {
        T value;
        std::memcpy(&value, bytes + sizeof value * element, sizeof value);
        return value;
    }
    template <typename T>
    void set(int element, T value) {
        std::memcpy(bytes + sizeof value * element, &value, sizeof value);
    }
};

class VectorRegisters {
public:
    /// @param context what the handler of a signal gets
    explicit VectorRegisters(void *context);
    /// Whether all those of AVX-512 are there. Otherwise the rest must not be called.
    bool are_saved() const;
    Vector get(int number) const;
    void set(int number, const Vector &value);
    uint64_t mask(int number) const;

private:
    bool is_in_use(int component) const;
    void use(int component);

    unsigned char *saved_;
};

} // namespace brdnn_test

#endif
