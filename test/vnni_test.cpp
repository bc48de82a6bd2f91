// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// What packs pairs of bf16, by comparison with doing so one word at a time, in guarded memory.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "harness.hpp"
#include "image.hpp"

extern "C" {
#include "pack/vnni.h"
}

namespace brdnn_test {
namespace {

/// 24 significant bits of either sign over a few powers of two, and some zeros.
float any_number(int64_t i) {
    const uint32_t hash = static_cast<uint32_t>(i + 1) * 2654435761U;
    if (hash % 11 == 0) return 0;
    return from_bits((hash & 0x807fffff) | ((120 + hash % 15) << 23));
}

/// The two values of an word.
using Pair = std::pair<float, float>;

/// Part p of a value.
uint16_t part_of(float value, int64_t p) {
    for (; p > 0; --p)
        value -= from_bf16(bf16_of(value));
    return bf16_of(value);
}

uint32_t item_of(const Pair &pair, int64_t p) {
    return part_of(pair.first, p) | static_cast<uint32_t>(part_of(pair.second, p)) << 16;
}

/// Room for rows of words, with gaps between the rows and the splits.
class Rows {
public:
    /// @param gaps_may_be_written  those between the rows of a plane
    Rows(int64_t count, int64_t length, int64_t splits, int64_t gap, bool gaps_may_be_written)
        : count_(count), length_(length), pitch_(length + gap),
          plane_((count - 1) * pitch_ + length + gap), splits_(splits), gap_(gap),
          gaps_may_be_written_(gaps_may_be_written),
          words_((splits - 1) * plane_ + (count - 1) * pitch_ + length) {}

    brdnn_vnni_rows to() {
        return {reinterpret_cast<uint32_t *>(words_.data()), pitch_, plane_, splits_};
    }

    /// Compares every word, and that the gaps are untouched.
    void expect(const std::function<Pair(int64_t row, int64_t i)> &pair_at) const {
        for (int64_t p = 0; p < splits_; ++p)
            for (int64_t r = 0; r < count_; ++r) {
                for (int64_t i = 0; i < length_; ++i)
                    ASSERT_EQ(bits_at(p, r, i), item_of(pair_at(r, i), p))
                            << "split " << p << " row " << r << " word " << i;
                if ((r + 1 < count_ && gaps_may_be_written_)
                        || (r + 1 == count_ && p + 1 == splits_))
                    continue;
                for (int64_t i = length_; i < length_ + gap_; ++i)
                    ASSERT_EQ(bits_at(p, r, i), untouched_bits)
                            << "behind split " << p << " row " << r;
            }
        ASSERT_TRUE(words_.slack_is_untouched());
    }

private:
    uint32_t bits_at(int64_t p, int64_t r, int64_t i) const {
        return bits_of(words_[p * plane_ + r * pitch_ + i]);
    }

    int64_t count_, length_, pitch_, plane_, splits_, gap_;
    bool gaps_may_be_written_;
    GuardedFloats words_;
};

TEST(Parts, AddUpToTheValue) {
    for (int64_t i = 0; i < 100000; ++i) {
        const float value = any_number(i);
        double sum = 0, bound = std::fabs(value);
        for (int64_t p = 0; p < brdnn_most_splits; ++p) {
            sum += from_bf16(part_of(value, p));
            bound /= 256;
            ASSERT_LE(std::fabs(value - sum), bound) << "value " << value << " splits " << p + 1;
        }
    }
}

class Vnni : public testing::TestWithParam<std::pair<brdnn_type, int64_t>> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(BRDNN_ISA_AVX512_CORE_BF16); }
    brdnn_type type() const { return GetParam().first; }
    int64_t splits() const { return GetParam().second; }

    /// Calls it with images of both layouts and many sizes, and progressions of their positions. Where
    /// rounding is emulated it is one of seven, which divides the length of no list: so each word remains.
    void for_each_progression(
            const std::function<void(const Image &, const brdnn_positions &)> &check) const;

    void check_terms(const Image &image, const brdnn_positions &p, brdnn_fold fold) const;
    void check_positions(
            const Image &image, const brdnn_positions &p, int64_t apart, brdnn_layout rows) const;
};

void Vnni::for_each_progression(
        const std::function<void(const Image &, const brdnn_positions &)> &check) const {
    const int one_of = is_emulated(BRDNN_ISA_AVX512_CORE_BF16) ? 7 : 1;
    int number = 0;
    for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
        for (int64_t channels : {1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 67})
            for (int64_t width : {1, 7, 33, 150}) {
                const Image image(layout, type(), channels, width, channels % 3, any_number);
                for (int64_t step : {1, 2, 3, 4, 5, 9})
                    for (int64_t first : {-1000, -17, -1, 0, 4})
                        for (int64_t count : {1, 16, 21, 70}) {
                            if (number++ % one_of != 0) continue;
                            SCOPED_TRACE(testing::Message()
                                    << layout_name(layout) << " channels " << channels << " width "
                                    << width << " first " << first << " step " << step << " count "
                                    << count);
                            check(image, {first, step, count});
                            if (HasFailure()) return;
                        }
            }
}

void Vnni::check_terms(const Image &image, const brdnn_positions &p, brdnn_fold fold) const {
    const int64_t channels = image.get()->channels, terms = channels * fold.taps;
    const int64_t pairs = divide_up(terms, 2) + terms % 3 * 9;
    const bool by_term = image.get()->layout == BRDNN_NCW;
    Rows rows(by_term ? pairs : p.count, by_term ? p.count : pairs, splits(), p.count % 2 * 5,
            !by_term);
    const brdnn_vnni_rows to = rows.to();
    (by_term ? brdnn_vnni_terms_by_term : brdnn_vnni_terms_by_position)(
            image.get(), p, fold, pairs, &to);
    const auto value = [&](int64_t term, int64_t i) {
        if (term >= terms) return 0.0F;
        const int64_t position = p.first + i * p.step + term / channels * fold.apart;
        return image.at(term % channels, position);
    };
    rows.expect([&](int64_t row, int64_t at) {
        const int64_t pair = by_term ? row : at, i = by_term ? at : row;
        return Pair(value(2 * pair, i), value(2 * pair + 1, i));
    });
}

void Vnni::check_positions(
        const Image &image, const brdnn_positions &p, int64_t apart, brdnn_layout layout) const {
    const int64_t channels = image.get()->channels;
    const bool by_channel = layout == BRDNN_NCW;
    Rows rows(by_channel ? channels : p.count, by_channel ? p.count : channels, splits(),
            p.count % 2 * 5, false);
    const brdnn_vnni_rows to = rows.to();
    (by_channel ? brdnn_vnni_positions_by_channel : brdnn_vnni_positions_by_position)(
            image.get(), p, apart, &to);
    rows.expect([&](int64_t row, int64_t at) {
        const int64_t channel = by_channel ? row : at, i = by_channel ? at : row;
        const int64_t position = p.first + i * p.step;
        return Pair(image.at(channel, position), image.at(channel, position + apart));
    });
}

TEST_P(Vnni, OfTerms) {
    for_each_progression([&](const Image &image, const brdnn_positions &p) {
        for (int64_t taps : {1, 2, 5})
            for (int64_t apart : {1, 8}) {
                SCOPED_TRACE(testing::Message() << "taps " << taps << " apart " << apart);
                check_terms(image, p, {taps, apart});
                if (HasFailure()) return;
            }
    });
}

TEST_P(Vnni, OfPositionsByPosition) {
    for_each_progression([&](const Image &image, const brdnn_positions &p) {
        for (int64_t apart : {1, 2, 8}) {
            SCOPED_TRACE(testing::Message() << "apart " << apart);
            check_positions(image, p, apart, BRDNN_NWC);
            if (HasFailure()) return;
        }
    });
}

TEST_P(Vnni, OfPositionsByChannel) {
    for_each_progression([&](const Image &image, const brdnn_positions &p) {
        for (int64_t apart : {1, 2, 8}) {
            SCOPED_TRACE(testing::Message() << "apart " << apart);
            check_positions(image, p, apart, BRDNN_NCW);
            if (HasFailure()) return;
        }
    });
}

/// Values in read-only memory that ends behind the last of them; none: zeros.
class Values {
public:
    Values(brdnn_type type, int64_t count, int64_t step, bool none)
        : memory_(type, (count - 1) * step + 1),
          values_ {none ? nullptr : memory_.data(), type, step} {
        for (int64_t i = 0; i < memory_.count(); ++i)
            memory_.set(i, stored_as(type, any_number(i + step)));
        memory_.make_read_only();
    }
    brdnn_values get() const { return values_; }
    float at(int64_t i) const { return values_.start ? memory_.get(i * values_.step) : 0; }

private:
    GuardedElements memory_;
    brdnn_values values_;
};

TEST_P(Vnni, OfValuesAtAnyDistances) {
    for (int64_t count : {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 127, 128, 129, 300})
        for (int64_t step : {1, 2, 3, 4, 5, 7, 8, 9, 40})
            for (int64_t second_step : {int64_t(1), step})
                for (int none = 0; none < 4; ++none) {
                    SCOPED_TRACE(testing::Message() << "count " << count << " steps " << step << " "
                                                    << second_step << " none " << none);
                    const Values first(type(), count, step, none & 1);
                    const Values second(type(), count, second_step, none & 2);
                    Rows row(1, count, splits(), 3, false);
                    const brdnn_vnni_rows to = row.to();
                    brdnn_vnni_of_values(
                            first.get(), second.get(), count, splits(), to.plane, to.start);
                    row.expect([&](int64_t, int64_t i) { return Pair(first.at(i), second.at(i)); });
                    if (HasFailure()) return;
                }
}

INSTANTIATE_TEST_SUITE_P(, Vnni,
        testing::Values(std::make_pair(BRDNN_BF16, int64_t(1)),
                std::make_pair(BRDNN_F32, int64_t(1)), std::make_pair(BRDNN_F32, int64_t(2)),
                std::make_pair(BRDNN_F32, int64_t(3))),
        [](const auto &info) {
            return std::string(type_name(info.param.first)) + "_"
                    + std::to_string(info.param.second);
        });

} // namespace
} // namespace brdnn_test
