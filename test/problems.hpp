// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Test problems: what a convolution is, where its tensors lie in memory, and what it is called.
/// Everything about memory is written here anew from the comments of brdnn.h, not shared with
/// the library, so that the two can disagree.

#ifndef BRDNN_TEST_PROBLEMS_HPP
#define BRDNN_TEST_PROBLEMS_HPP

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "brdnn.h"

namespace brdnn_test {

/// One convolution and the placement of its tensors. Gaps are elements between the end of a row
/// or image and the beginning of the next. What is said of src and dst, or of weights, is meant of
/// their gradients in a pass that has those.
struct Case {
    brdnn_pass pass = BRDNN_FORWARD;
    int64_t mb = 1, groups = 1, ic = 1, oc = 1; ///< channels of all groups together
    int64_t iw = 1, kw = 1, stride = 1, dilation = 1, pad_l = 0, pad_r = 0;
    brdnn_layout layout = BRDNN_NCW;
    brdnn_isa isa = BRDNN_ISA_AVX2;
    brdnn_conv_finish finish = BRDNN_STORE;
    brdnn_type src_type = BRDNN_F32, wei_type = BRDNN_F32, dst_type = BRDNN_F32;
    brdnn_type bias_type = BRDNN_F32;
    brdnn_math math = BRDNN_MATH_F32;
    int64_t src_row_gap = 0, src_image_gap = 0, dst_row_gap = 0, dst_image_gap = 0;
    /// Row after row with those of all images side by side, instead of image after image.
    bool src_images_in_rows = false, dst_images_in_rows = false;
    /// "dense" (strides all 0), "packed", or the dimensions from the outermost to the innermost:
    /// g group, o filter, i channel, w tap.
    std::string weights = "dense";
    /// Where weights is an order: of the innermost dimension, and of the others.
    int64_t weights_innermost_gap = 0, weights_gap = 0;

    int64_t ic_per_group() const { return ic / groups; }
    int64_t oc_per_group() const { return oc / groups; }
    int64_t reach() const { return (kw - 1) * dilation + 1; }
    int64_t ow() const { return (iw + pad_l + pad_r - reach()) / stride + 1; }
    bool has_output() const { return iw + pad_l + pad_r >= reach(); }
    int64_t products() const { return mb * oc * ow() * kw * ic_per_group(); }

    bool has_src() const { return pass != BRDNN_BACKWARD_DATA; }
    bool has_weights() const { return pass != BRDNN_BACKWARD_WEIGHTS; }
    bool has_diff_dst() const { return pass != BRDNN_FORWARD; }

    /// Of the result, where that is dst or diff_src.
    int64_t result_channels() const { return pass == BRDNN_FORWARD ? oc : ic; }
    int64_t result_width() const { return pass == BRDNN_FORWARD ? ow() : iw; }

    int64_t weights_count() const { return oc * ic_per_group() * kw; }
    /// Elements of the bias that is added, or of its gradient.
    int64_t bias_count() const {
        switch (finish) {
        case BRDNN_ADD_BIAS: return result_channels();
        case BRDNN_BIAS_OF_DST: return oc;
        case BRDNN_BIAS_OF_SRC: return ic;
        default: return 0;
        }
    }

    /// Of element i of the result, with those of diff_bias behind those of diff_wei. The epilogue gets
    /// the f32 sums.
    brdnn_type result_type(int64_t i) const {
        if (finish == BRDNN_CALLBACK) return BRDNN_F32;
        switch (pass) {
        case BRDNN_FORWARD: return dst_type;
        case BRDNN_BACKWARD_DATA: return src_type;
        default: return i < weights_count() ? wei_type : bias_type;
        }
    }

    /// Whether all factors are bf16: src, weights or diff_dst, whichever the pass reads.
    bool multiplies_bf16() const {
        return (!has_src() || src_type == BRDNN_BF16) && (!has_weights() || wei_type == BRDNN_BF16)
                && (!has_diff_dst() || dst_type == BRDNN_BF16);
    }

    /// Parts that f32 factors may be taken as by kernels for bf16; 0 where f32 kernels multiply them, or
    /// there are none. Multiplying more than one part pays with AMX only.
    int splits() const {
        const int allowed = math == BRDNN_MATH_F32 ? 0 : static_cast<int>(math);
        if (isa < BRDNN_ISA_AVX512_CORE_BF16 || multiplies_bf16()) return 0;
        return isa == BRDNN_ISA_AVX512_CORE_BF16 && allowed > 1 ? 0 : allowed;
    }
};

/// What the tensors of a case hold and how values are multiplied. Of the two tensors that a pass reads
/// the first is src, or in backward data diff_dst, the second the weights, or in their gradient diff_dst.
struct Numbers {
    const char *name;
    brdnn_type first, second, result, bias;
    brdnn_math math;
};

inline void PrintTo(const Numbers &n, std::ostream *out) { *out << n.name; }

namespace numbers {
constexpr brdnn_type F32 = BRDNN_F32, BF16 = BRDNN_BF16;
constexpr Numbers f32 = {"f32", F32, F32, F32, F32, BRDNN_MATH_F32};
constexpr Numbers f32_to_bf16 = {"f32_to_bf16", F32, F32, BF16, BF16, BRDNN_MATH_F32};
constexpr Numbers bf16 = {"bf16", BF16, BF16, BF16, BF16, BRDNN_MATH_F32};
constexpr Numbers bf16_f32_bias = {"bf16_f32_bias", BF16, BF16, BF16, F32, BRDNN_MATH_F32};
constexpr Numbers bf16_to_f32 = {"bf16_to_f32", BF16, BF16, F32, F32, BRDNN_MATH_F32};
constexpr Numbers bf16_to_f32_bf16_bias
        = {"bf16_to_f32_bf16_bias", BF16, BF16, F32, BF16, BRDNN_MATH_F32};
constexpr Numbers bf16_by_f32 = {"bf16_by_f32", BF16, F32, F32, BF16, BRDNN_MATH_F32};
constexpr Numbers f32_by_bf16_math_tf32
        = {"f32_by_bf16_math_tf32", F32, BF16, BF16, F32, BRDNN_MATH_TF32};
constexpr Numbers math_bf16 = {"math_bf16", F32, F32, F32, F32, BRDNN_MATH_BF16};
constexpr Numbers math_tf32 = {"math_tf32", F32, F32, F32, F32, BRDNN_MATH_TF32};
constexpr Numbers math_bf16x3 = {"math_bf16x3", F32, F32, F32, F32, BRDNN_MATH_BF16X3};
constexpr Numbers all[]
        = {f32, f32_to_bf16, bf16, bf16_f32_bias, bf16_to_f32, bf16_to_f32_bf16_bias, bf16_by_f32,
                f32_by_bf16_math_tf32, math_bf16, math_tf32, math_bf16x3};
/// Those that differ for instruction sets without instructions for bf16.
constexpr Numbers of_f32_kernels[] = {f32_to_bf16, bf16, bf16_by_f32};
} // namespace numbers

inline brdnn_conv_problem problem_of(const Case &c);

/// A case whose pass is set with other numbers. Where its weights can't come packed, strided ones take
/// their place.
inline Case with_numbers(Case c, const Numbers &n) {
    brdnn_type *const first = c.has_src() ? &c.src_type : &c.dst_type;
    brdnn_type *const second = c.has_weights() ? &c.wei_type : &c.dst_type;
    c.src_type = c.wei_type = c.dst_type = n.result;
    *first = n.first;
    *second = n.second;
    c.bias_type = n.bias;
    c.math = n.math;
    const brdnn_conv_problem problem = problem_of(c);
    brdnn_conv_info info;
    if (c.weights == "packed" && brdnn_conv_query(&problem, &info) == BRDNN_UNSUPPORTED)
        c.weights = "giwo";
    return c;
}

inline std::vector<brdnn_conv_finish> finishes_of(brdnn_pass pass) {
    if (pass == BRDNN_BACKWARD_WEIGHTS) return {BRDNN_STORE, BRDNN_BIAS_OF_DST, BRDNN_BIAS_OF_SRC};
    return {BRDNN_STORE, BRDNN_ADD_BIAS, BRDNN_CALLBACK};
}

/// A case made for forward as another pass of the same convolution. Backward weights have finishes
/// of their own, and no packed weights: strided ones take their place.
inline Case in_pass(Case c, brdnn_pass pass) {
    c.pass = pass;
    if (pass != BRDNN_BACKWARD_WEIGHTS) return c;
    if (c.finish == BRDNN_ADD_BIAS) c.finish = BRDNN_BIAS_OF_DST;
    if (c.finish == BRDNN_CALLBACK) c.finish = BRDNN_BIAS_OF_SRC;
    if (c.weights == "packed") c.weights = "wgio", c.weights_gap = 2;
    return c;
}

/// Where the elements of src or dst lie.
struct Placement {
    int64_t mb, channels, width;
    bool width_contiguous;
    int64_t pitch, mb_stride;

    int64_t rows() const { return width_contiguous ? channels : width; }
    int64_t row_length() const { return width_contiguous ? width : channels; }
    int64_t elements() const { return mb * channels * width; }
    int64_t offset(int64_t n, int64_t c, int64_t w) const {
        return n * mb_stride + (width_contiguous ? c * pitch + w : w * pitch + c);
    }
    /// Elements up to and with the last; the last row has no gap behind it.
    int64_t count() const { return offset(mb - 1, channels - 1, width - 1) + 1; }
};

inline Placement placement(const Case &c, int64_t channels, int64_t width, int64_t row_gap,
        int64_t image_gap, bool images_in_rows) {
    Placement p {c.mb, channels, width, c.layout == BRDNN_NCW, 0, 0};
    if (images_in_rows) {
        p.mb_stride = p.row_length() + image_gap;
        p.pitch = p.mb * p.mb_stride + row_gap;
    } else {
        p.pitch = p.row_length() + row_gap;
        p.mb_stride = p.rows() * p.pitch + image_gap;
    }
    return p;
}

inline Placement src_placement(const Case &c) {
    return placement(c, c.ic, c.iw, c.src_row_gap, c.src_image_gap, c.src_images_in_rows);
}

inline Placement dst_placement(const Case &c) {
    return placement(c, c.oc, c.ow(), c.dst_row_gap, c.dst_image_gap, c.dst_images_in_rows);
}

struct WeightsDimension {
    int64_t size;
    int64_t brdnn_conv_weights::*stride;
};

inline WeightsDimension weights_dimension(const Case &c, char letter) {
    switch (letter) {
    case 'g': return {c.groups, &brdnn_conv_weights::g_stride};
    case 'o': return {c.oc_per_group(), &brdnn_conv_weights::oc_stride};
    case 'i': return {c.ic_per_group(), &brdnn_conv_weights::ic_stride};
    default: return {c.kw, &brdnn_conv_weights::kw_stride};
    }
}

/// Strides of plain weights in the order and with the gaps that the case asks for.
inline brdnn_conv_weights plain_weights(const Case &c) {
    brdnn_conv_weights w = {};
    w.type = c.wei_type;
    const std::string order = c.weights == "dense" ? "goiw" : c.weights;
    int64_t stride = 1 + c.weights_innermost_gap;
    for (auto letter = order.rbegin(); letter != order.rend(); ++letter) {
        const WeightsDimension dimension = weights_dimension(c, *letter);
        w.*dimension.stride = stride;
        stride = stride * dimension.size + c.weights_gap;
    }
    return w;
}

/// The problem as the library gets it: dense placements are asked for with zeros.
inline brdnn_conv_problem problem_of(const Case &c) {
    brdnn_conv_problem p = {};
    p.pass = c.pass;
    p.mb = c.mb;
    p.groups = c.groups;
    p.ic = c.ic;
    p.oc = c.oc;
    p.iw = c.iw;
    p.ow = c.ow();
    p.kw = c.kw;
    p.stride = c.stride;
    p.dilation = c.dilation;
    p.pad_l = c.pad_l;
    p.layout = c.layout;
    p.isa = c.isa;
    p.finish = c.finish;
    p.src.type = c.src_type;
    p.dst.type = c.dst_type;
    p.wei.type = c.wei_type;
    p.bias_type = c.bias_type;
    p.math = c.math;
    if (c.src_row_gap != 0 || c.src_images_in_rows) p.src.pitch = src_placement(c).pitch;
    if (c.src_image_gap != 0 || c.src_images_in_rows) p.src.mb_stride = src_placement(c).mb_stride;
    if (c.dst_row_gap != 0 || c.dst_images_in_rows) p.dst.pitch = dst_placement(c).pitch;
    if (c.dst_image_gap != 0 || c.dst_images_in_rows) p.dst.mb_stride = dst_placement(c).mb_stride;
    if (c.weights == "packed") p.wei.packed = true;
    else if (c.weights != "dense") p.wei = plain_weights(c);
    return p;
}

inline const char *layout_name(brdnn_layout layout) { return layout == BRDNN_NCW ? "ncw" : "nwc"; }

inline const char *isa_name(brdnn_isa isa) {
    switch (isa) {
    case BRDNN_ISA_AVX2: return "avx2";
    case BRDNN_ISA_AVX512_CORE: return "avx512_core";
    case BRDNN_ISA_AVX512_CORE_BF16: return "avx512_core_bf16";
    default: return "avx512_core_amx";
    }
}

inline const char *type_name(brdnn_type type) { return type == BRDNN_BF16 ? "bf16" : "f32"; }

inline const char *math_name(brdnn_math math) {
    switch (math) {
    case BRDNN_MATH_F32: return "f32";
    case BRDNN_MATH_BF16: return "bf16";
    case BRDNN_MATH_TF32: return "tf32";
    default: return "bf16x3";
    }
}

inline const char *pass_name(brdnn_pass pass) {
    switch (pass) {
    case BRDNN_FORWARD: return "forward";
    case BRDNN_BACKWARD_DATA: return "backward_data";
    default: return "backward_weights";
    }
}

inline const char *finish_name(brdnn_conv_finish finish) {
    switch (finish) {
    case BRDNN_STORE: return "store";
    case BRDNN_ADD_BIAS: return "bias";
    case BRDNN_CALLBACK: return "callback";
    case BRDNN_BIAS_OF_DST: return "bias_of_dst";
    default: return "bias_of_src";
    }
}

/// The whole case in a line that can be typed again.
inline std::string name_of(const Case &c) {
    std::ostringstream s;
    s << pass_name(c.pass) << " " << layout_name(c.layout) << " " << isa_name(c.isa) << " mb"
      << c.mb << " g" << c.groups << " ic" << c.ic << " oc" << c.oc << " iw" << c.iw << " ow"
      << c.ow() << " kw" << c.kw << " stride" << c.stride << " dilation" << c.dilation << " pad_l"
      << c.pad_l << " pad_r" << c.pad_r << " " << finish_name(c.finish) << " weights " << c.weights;
    if (c.weights_gap != 0 || c.weights_innermost_gap != 0)
        s << " gaps innermost" << c.weights_innermost_gap << " others" << c.weights_gap;
    if (c.src_row_gap != 0 || c.src_image_gap != 0)
        s << " src gaps row" << c.src_row_gap << " image" << c.src_image_gap;
    if (c.dst_row_gap != 0 || c.dst_image_gap != 0)
        s << " dst gaps row" << c.dst_row_gap << " image" << c.dst_image_gap;
    s << " src " << type_name(c.src_type) << " wei " << type_name(c.wei_type) << " dst "
      << type_name(c.dst_type) << " bias " << type_name(c.bias_type) << " math "
      << math_name(c.math);
    if (c.src_images_in_rows) s << " src images in rows";
    if (c.dst_images_in_rows) s << " dst images in rows";
    return s.str();
}

/// a / b rounded up, for b > 0.
inline int64_t divide_up(int64_t a, int64_t b) { return a / b + (a % b > 0); }

using Random = std::mt19937_64;

/// The seed of this process: BRDNN_TEST_SEED, or a new one every time. Printed once.
inline uint64_t test_seed() {
    static const uint64_t seed = [] {
        const char *given = std::getenv("BRDNN_TEST_SEED");
        uint64_t s = given ? std::strtoull(given, nullptr, 10) : std::random_device {}();
        std::cout << "random seed: set BRDNN_TEST_SEED=" << s << " to repeat" << std::endl;
        return s;
    }();
    return seed;
}

/// A generator of its own for each test or case, so that a case does not depend on those before.
inline Random random_for(const std::string &what) {
    std::seed_seq sequence(what.begin(), what.end());
    uint32_t of_name[2];
    sequence.generate(of_name, of_name + 2);
    std::seed_seq both {static_cast<uint32_t>(test_seed()),
            static_cast<uint32_t>(test_seed() >> 32), of_name[0], of_name[1]};
    return Random(both);
}

inline int64_t draw(Random &random, int64_t lowest, int64_t highest) {
    return std::uniform_int_distribution<int64_t>(lowest, highest)(random);
}

template <typename Vocabulary>
auto pick(Random &random, const Vocabulary &words) {
    return *(words.begin() + draw(random, 0, static_cast<int64_t>(words.size()) - 1));
}

} // namespace brdnn_test

#endif
