// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Memory that tells on whoever leaves it: each buffer lies between two pages that fault when
/// touched, and the bytes that page alignment leaves over hold a pattern that must survive.

#ifndef BRDNN_TEST_BUFFERS_HPP
#define BRDNN_TEST_BUFFERS_HPP

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "elements.hpp"

namespace brdnn_test {

/// Which end of a buffer lies right against a page that faults.
enum class GuardedEnd {
    back, ///< reading or writing past the end faults
    front ///< reading or writing before the beginning faults
};

/// Memory between two guard pages. With GuardedEnd::back the end is exact to `alignment` bytes.
class GuardedBuffer {
public:
    explicit GuardedBuffer(
            size_t bytes, GuardedEnd end = GuardedEnd::back, size_t alignment = sizeof(float))
        : bytes_(bytes), page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
        inner_bytes_ = (bytes + page_ - 1) / page_ * page_;
        void *map = mmap(
                nullptr, inner_bytes_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (map == MAP_FAILED) throw std::bad_alloc();
        map_ = static_cast<unsigned char *>(map);
        protect(PROT_READ | PROT_WRITE);
        std::memset(inner(), slack_byte, inner_bytes_);
        size_t offset = end == GuardedEnd::back ? inner_bytes_ - bytes : 0;
        data_ = inner() + offset / alignment * alignment;
    }
    GuardedBuffer(const GuardedBuffer &) = delete;
    GuardedBuffer &operator=(const GuardedBuffer &) = delete;
    ~GuardedBuffer() { munmap(map_, inner_bytes_ + 2 * page_); }

    void *data() { return data_; }
    const void *data() const { return data_; }
    size_t bytes() const { return bytes_; }

    /// From here on writing faults.
    void make_read_only() { protect(PROT_READ); }

    /// Whether the bytes around the buffer, on its own pages, are as they were made.
    bool slack_is_untouched() const {
        for (const unsigned char *p = inner(); p < data_; ++p)
            if (*p != slack_byte) return false;
        for (const unsigned char *p = data_ + bytes_; p < inner() + inner_bytes_; ++p)
            if (*p != slack_byte) return false;
        return true;
    }

private:
    static constexpr unsigned char slack_byte = 0xc5;

    unsigned char *inner() const { return map_ + page_; }
    void protect(int protection) {
        if (inner_bytes_ != 0 && mprotect(inner(), inner_bytes_, protection) != 0)
            throw std::bad_alloc();
    }

    size_t bytes_, page_, inner_bytes_;
    unsigned char *map_, *data_;
};

/// A guarded buffer of floats, all of them untouched().
class GuardedFloats {
public:
    explicit GuardedFloats(int64_t count, GuardedEnd end = GuardedEnd::back)
        : buffer_(static_cast<size_t>(count) * sizeof(float), end), count_(count) {
        for (int64_t i = 0; i < count; ++i)
            data()[i] = untouched();
    }
    float *data() { return static_cast<float *>(buffer_.data()); }
    const float *data() const { return static_cast<const float *>(buffer_.data()); }
    int64_t count() const { return count_; }
    float &operator[](int64_t i) { return data()[i]; }
    float operator[](int64_t i) const { return data()[i]; }
    void make_read_only() { buffer_.make_read_only(); }
    bool slack_is_untouched() const { return buffer_.slack_is_untouched(); }

private:
    GuardedBuffer buffer_;
    int64_t count_;
};

/// A guarded buffer of elements of a tensor, all of them untouched().
class GuardedElements {
public:
    GuardedElements(brdnn_type type, int64_t count, GuardedEnd end = GuardedEnd::back)
        : buffer_(static_cast<size_t>(count) * bytes_of(type), end, bytes_of(type)),
          elements_(type, buffer_.data()), count_(count) {
        for (int64_t i = 0; i < count; ++i)
            elements_.set(i, untouched());
    }
    void *data() { return buffer_.data(); }
    int64_t count() const { return count_; }
    float get(int64_t i) const { return elements_.get(i); }
    void set(int64_t i, float value) { elements_.set(i, value); }
    void make_read_only() { buffer_.make_read_only(); }
    bool slack_is_untouched() const { return buffer_.slack_is_untouched(); }

private:
    GuardedBuffer buffer_;
    const Elements elements_;
    const int64_t count_;
};

/// Scratch memory for a run, exactly as large and as aligned as the API asks for.
class GuardedScratch {
public:
    static constexpr size_t alignment = 64;

    explicit GuardedScratch(size_t bytes, GuardedEnd end = GuardedEnd::back)
        : buffer_(bytes, end, alignment) {
        poison();
    }
    void *data() { return buffer_.data(); }

    /// Makes every float a NaN, so that a run which trusts what an earlier one left gives itself
    /// away.
    void poison() { std::memset(buffer_.data(), 0xff, buffer_.bytes()); }
    bool slack_is_untouched() const { return buffer_.slack_is_untouched(); }

private:
    GuardedBuffer buffer_;
};

/// Address space whose pages cost memory only once they are written. data() is null where the
/// system refuses it.
class SparseElements {
public:
    SparseElements(brdnn_type type, int64_t count)
        : bytes_(static_cast<size_t>(count) * bytes_of(type)),
          map_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)),
          elements_(type, map_) {}
    SparseElements(const SparseElements &) = delete;
    SparseElements &operator=(const SparseElements &) = delete;
    ~SparseElements() {
        if (data()) munmap(map_, bytes_);
    }
    void *data() { return map_ == MAP_FAILED ? nullptr : map_; }
    /// Asks for large pages: reading all of it then faults for each 2 MiB, not for each 4 KiB, which takes
    /// most of the time on some virtual machines. Each element that is set costs a large page.
    void expect_to_be_read_throughout() { madvise(map_, bytes_, MADV_HUGEPAGE); }
    float get(int64_t i) const { return elements_.get(i); }
    void set(int64_t i, float value) { elements_.set(i, value); }

private:
    const size_t bytes_;
    void *const map_;
    const Elements elements_;
};

} // namespace brdnn_test

#endif
