/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/problem.h"

#include "brgemm/integers.h"

static bool in_range(int64_t size) { return size >= 1 && size <= BRDNN_SIZE_LIMIT; }

/* Whether mb images of `rows` rows of `length` elements stand apart from each other: image after
 * image, or row after row with the images inside. */
static bool stands_apart(const brdnn_conv_tensor *t, int64_t mb, int64_t rows, int64_t length) {
    const int64_t image = brdnn_product(rows - 1 ? rows - 1 : 1, t->pitch) * (rows > 1) + length;
    if (t->pitch < length) return false;
    if (mb == 1 || t->mb_stride >= image) return true;
    return t->mb_stride >= length && t->pitch >= brdnn_product(mb - 1, t->mb_stride) + length;
}

static const char *complete_tensor(
        brdnn_conv_tensor *t, brdnn_layout layout, int64_t mb, int64_t channels, int64_t width) {
    const int64_t rows = layout == BRDNN_NCW ? channels : width;
    const int64_t length = layout == BRDNN_NCW ? width : channels;
    if (t->pitch == 0) t->pitch = length;
    if (!in_range(t->pitch) || !in_range(brdnn_product(rows, t->pitch)))
        return "a tensor has more elements than an address space holds";
    if (t->mb_stride == 0) t->mb_stride = rows * t->pitch;
    if (!in_range(t->mb_stride) || !in_range(brdnn_product(mb, t->mb_stride)))
        return "a tensor has more elements than an address space holds";
    return stands_apart(t, mb, rows, length) ? NULL : "rows or images of a tensor overlap";
}

/* Whether each dimension of the weights steps over all elements that those with smaller strides
 * reach. */
static bool weights_stand_apart(const brdnn_conv_weights *w, const brdnn_conv_problem *p) {
    struct {
        int64_t size, stride;
    } dims[] = {{p->groups, w->g_stride}, {brdnn_group_oc(p), w->oc_stride},
            {brdnn_group_ic(p), w->ic_stride}, {p->kw, w->kw_stride}};
    const int count = sizeof(dims) / sizeof(*dims);
    for (int i = 0; i < count; ++i) {
        int64_t reach = 0; /* of the smaller dimensions; of two equal ones the first is smaller */
        for (int j = 0; j < count; ++j) {
            const bool is_smaller = dims[j].stride < dims[i].stride
                    || (dims[j].stride == dims[i].stride && j < i);
            if (is_smaller && dims[j].size > 1)
                reach += brdnn_product(dims[j].size - 1, dims[j].stride);
        }
        if (dims[i].size > 1 && dims[i].stride <= reach) return false;
    }
    return true;
}

/* Whether a stride, and so many of them, are in range. */
static bool reaches(int64_t size, int64_t stride) {
    return in_range(stride) && in_range(brdnn_product(size, stride));
}

static const char *complete_weights(brdnn_conv_weights *w, const brdnn_conv_problem *p) {
    const int64_t ic = brdnn_group_ic(p), oc = brdnn_group_oc(p);
    if (!in_range(brdnn_product(brdnn_product(p->oc, ic), p->kw)))
        return "the weights have more elements than an address space holds";
    if (w->packed)
        return p->pass == BRDNN_BACKWARD_WEIGHTS ? "the weights' gradient can't be packed" : NULL;
    if (!w->g_stride && !w->oc_stride && !w->ic_stride && !w->kw_stride) {
        w->kw_stride = 1;
        w->ic_stride = p->kw;
        w->oc_stride = ic * p->kw;
        w->g_stride = oc * ic * p->kw;
    }
    if (!reaches(p->groups, w->g_stride) || !reaches(oc, w->oc_stride) || !reaches(ic, w->ic_stride)
            || !reaches(p->kw, w->kw_stride))
        return "a stride of the weights is out of range";
    return p->pass != BRDNN_BACKWARD_WEIGHTS || weights_stand_apart(w, p)
            ? NULL
            : "elements of the weights' gradient overlap";
}

static const char *check_sizes(const brdnn_conv_problem *p) {
    if (!in_range(p->mb) || !in_range(p->groups) || !in_range(p->ic) || !in_range(p->oc)
            || !in_range(p->iw) || !in_range(p->ow) || !in_range(p->kw))
        return "a size is below 1 or beyond 2^46";
    if (!in_range(p->stride) || !in_range(p->dilation))
        return "stride or dilation is below 1 or beyond 2^46";
    if (p->pad_l > BRDNN_SIZE_LIMIT || p->pad_l < -BRDNN_SIZE_LIMIT) return "pad_l is beyond 2^46";
    if (p->ic % p->groups || p->oc % p->groups) return "groups does not divide ic and oc";
    if (!in_range(brdnn_product(p->ow, p->stride)) || !in_range(brdnn_product(p->kw, p->dilation)))
        return "the positions that the filter reads are beyond 2^46";
    return NULL;
}

static bool check_finish(const brdnn_conv_problem *p) {
    const bool is_gradient = p->pass == BRDNN_BACKWARD_WEIGHTS;
    switch (p->finish) {
    case BRDNN_STORE: return true;
    case BRDNN_ADD_BIAS:
    case BRDNN_CALLBACK: return !is_gradient;
    case BRDNN_BIAS_OF_DST:
    case BRDNN_BIAS_OF_SRC: return is_gradient;
    }
    return false;
}

static bool is_type(brdnn_type type) { return type == BRDNN_F32 || type == BRDNN_BF16; }

static const char *check_choices(const brdnn_conv_problem *p) {
    if (p->pass != BRDNN_FORWARD && p->pass != BRDNN_BACKWARD_DATA
            && p->pass != BRDNN_BACKWARD_WEIGHTS)
        return "unknown pass";
    if (p->layout != BRDNN_NCW && p->layout != BRDNN_NWC) return "unknown layout";
    if (!check_finish(p)) return "unknown finish, or one of another pass";
    if (!is_type(p->src.type) || !is_type(p->dst.type) || !is_type(p->wei.type)
            || !is_type(p->bias_type))
        return "unknown type";
    if (p->math < BRDNN_MATH_F32 || p->math > BRDNN_MATH_BF16X3) return "unknown math";
    if (!brdnn_has(p->isa, BRDNN_ISA_AVX2) || (p->isa & ~BRDNN_ISA_AVX512_CORE_AMX) != 0)
        return "unknown isa, or one without AVX2";
    return NULL;
}

const char *brdnn_problem_complete(const brdnn_conv_problem *given, brdnn_conv_problem *out) {
    if (!given) return "the problem is NULL";
    *out = *given;
    const char *wrong = check_sizes(out);
    if (!wrong) wrong = check_choices(out);
    if (!wrong) wrong = complete_tensor(&out->src, out->layout, out->mb, out->ic, out->iw);
    if (!wrong) wrong = complete_tensor(&out->dst, out->layout, out->mb, out->oc, out->ow);
    if (!wrong) wrong = complete_weights(&out->wei, out);
    return wrong;
}

int64_t brdnn_conv_output_width(
        int64_t iw, int64_t kw, int64_t stride, int64_t dilation, int64_t pad_l, int64_t pad_r) {
    if (!in_range(iw) || !in_range(kw) || !in_range(stride) || !in_range(dilation)) return 0;
    if (pad_l > BRDNN_SIZE_LIMIT || pad_l < -BRDNN_SIZE_LIMIT || pad_r > BRDNN_SIZE_LIMIT
            || pad_r < -BRDNN_SIZE_LIMIT)
        return 0;
    const int64_t reach = brdnn_product(kw, dilation) - dilation + 1;
    const int64_t room = iw + pad_l + pad_r - reach;
    return room < 0 ? 0 : room / stride + 1;
}
