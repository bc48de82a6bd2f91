/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/* A dilated convolution from beginning to end: 15 channels to 15 filters of 51 taps, 8 positions
 * apart, over a sequence as long as before, on one thread. */

#include <brdnn.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { channels = 15, filters = 15, width = 10000, taps = 51, dilation = 8 };
enum { padding = (taps - 1) * dilation / 2 };

static float src[channels][width], wei[filters][channels][taps], dst[filters][width];

static void fill(float *values, size_t count) {
    for (size_t i = 0; i < count; ++i)
        values[i] = (float)rand() / (float)RAND_MAX - 0.5f;
}

/* One output by the formula in brdnn.h. */
static double expected(int k, int q) {
    double sum = 0;
    for (int c = 0; c < channels; ++c)
        for (int s = 0; s < taps; ++s) {
            const int position = q + s * dilation - padding;
            if (position >= 0 && position < width) sum += (double)wei[k][c][s] * src[c][position];
        }
    return sum;
}

int main(void) {
    fill(&src[0][0], sizeof src / sizeof(float));
    fill(&wei[0][0][0], sizeof wei / sizeof(float));

    brdnn_conv_problem problem = {.mb = 1, .groups = 1, .ic = channels, .oc = filters, .iw = width};
    problem.kw = taps, problem.stride = 1, problem.dilation = dilation, problem.pad_l = padding;
    problem.ow = brdnn_conv_output_width(width, taps, 1, dilation, padding, padding);
    problem.isa = __builtin_cpu_supports("avx512bw") ? BRDNN_ISA_AVX512_CORE : BRDNN_ISA_AVX2;
    brdnn_conv_info info;
    brdnn_conv_plan *plan = NULL;
    if (brdnn_conv_query(&problem, &info) || brdnn_conv_plan_create(&plan, &problem)) {
        fprintf(stderr, "no plan: %s\n", info.text);
        return 1;
    }
    printf("%s\n", info.text);

    const size_t lines = brdnn_conv_scratch_bytes(&info, 1) / 64 + 1;
    const brdnn_conv_args args = {.src = &src[0][0],
            .wei = &wei[0][0][0],
            .dst = &dst[0][0],
            .scratch = aligned_alloc(64, lines * 64)};
    brdnn_status status = BRDNN_SUCCESS;
    for (int phase = 0; phase < info.phases && status == BRDNN_SUCCESS; ++phase)
        status = brdnn_conv_run(plan, phase, &args, 0, 1);
    free(args.scratch);
    brdnn_conv_plan_destroy(plan);

    double largest_error = status == BRDNN_SUCCESS ? 0 : INFINITY;
    for (int k = 0; k < filters; ++k)
        for (int q = 0; q < width; q += 97)
            largest_error = fmax(largest_error, fabs(expected(k, q) - dst[k][q]));
    printf("largest error of the outputs checked: %g\n", largest_error);
    return largest_error < 1e-4 ? 0 : 1;
}
