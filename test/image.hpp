// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// An image to be packed, for tests of what packs.

#ifndef BRDNN_TEST_IMAGE_HPP
#define BRDNN_TEST_IMAGE_HPP

#include <cstdint>

#include "buffers.hpp"

extern "C" {
#include "pack/positions.h"
}

namespace brdnn_test {

/// Elements that differ from their neighbours.
inline float running_number(int64_t i) { return static_cast<float>(1 + i % 10007); }

/// An image, read-only and with nothing behind it. Element w of channel c is value(c * width + w),
/// rounded to the type.
class Image {
public:
    Image(brdnn_layout layout, brdnn_type type, int64_t channels, int64_t width, int64_t row_gap,
            float (*value)(int64_t) = running_number)
        : memory_(type,
                  (layout == BRDNN_NCW ? channels - 1 : width - 1)
                                  * ((layout == BRDNN_NCW ? width : channels) + row_gap)
                          + (layout == BRDNN_NCW ? width : channels)),
          image_ {layout, type, memory_.data(), (layout == BRDNN_NCW ? width : channels) + row_gap,
                  channels, width} {
        for (int64_t c = 0; c < channels; ++c)
            for (int64_t w = 0; w < width; ++w)
                memory_.set(offset(c, w), stored_as(type, value(c * width + w)));
        memory_.make_read_only();
    }

    const brdnn_image *get() const { return &image_; }

    bool holds(int64_t position) const { return position >= 0 && position < image_.width; }

    /// Zero outside.
    float at(int64_t channel, int64_t position) const {
        return holds(position) ? memory_.get(offset(channel, position)) : 0;
    }

private:
    int64_t offset(int64_t c, int64_t w) const {
        return image_.layout == BRDNN_NCW ? c * image_.pitch + w : w * image_.pitch + c;
    }

    GuardedElements memory_;
    brdnn_image image_;
};

} // namespace brdnn_test

#endif
