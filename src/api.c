/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file api.c
 * The public functions: each pass is planned and run either as a correlation (forward, backward
 * data) or as a sum over positions (backward weights). */

#include "brdnn.h"

#include "conv/data_plan.h"
#include "conv/kernels_of.h"
#include "conv/problem.h"
#include "conv/weights_plan.h"

#include <stdio.h>
#include <stdlib.h>

struct brdnn_conv_plan {
    brdnn_pass pass;
    union {
        brdnn_data_plan data;
        brdnn_weights_plan weights;
    } of;
};

typedef struct {
    brdnn_pass pass;
    union {
        brdnn_data_schedule data;
        brdnn_weights_schedule weights;
    } of;
} schedule;

static brdnn_status schedule_pass(
        const brdnn_conv_problem *complete, schedule *s, const char **why) {
    s->pass = complete->pass;
    return s->pass == BRDNN_BACKWARD_WEIGHTS ? brdnn_schedule_weights(complete, &s->of.weights, why)
                                             : brdnn_schedule_data(complete, &s->of.data, why);
}

/* With the kernels that suit the problem best, or f32 ones where those have no way to do it. */
static brdnn_status make_schedule(
        const brdnn_conv_problem *problem, schedule *s, const char **why) {
    brdnn_conv_problem complete;
    *why = brdnn_problem_complete(problem, &complete);
    if (*why) return BRDNN_INVALID;
    const brdnn_status status = schedule_pass(&complete, s, why);
    const bool is_f32 = !brdnn_is_vnni(brdnn_kernels_of(&complete));
    if (status != BRDNN_UNSUPPORTED || is_f32 || complete.wei.packed) return status;
    const brdnn_conv_problem f32 = brdnn_with_f32_kernels(&complete);
    return schedule_pass(&f32, s, why);
}

brdnn_status brdnn_conv_query(const brdnn_conv_problem *problem, brdnn_conv_info *info) {
    if (!info) return BRDNN_INVALID;
    *info = (brdnn_conv_info) {0};
    schedule s;
    const char *why;
    const brdnn_status status = make_schedule(problem, &s, &why);
    if (status != BRDNN_SUCCESS) snprintf(info->text, sizeof(info->text), "%s", why);
    else if (s.pass == BRDNN_BACKWARD_WEIGHTS) brdnn_describe_weights(&s.of.weights, info);
    else brdnn_describe_data(&s.of.data, info);
    return status;
}

size_t brdnn_conv_scratch_bytes(const brdnn_conv_info *info, int nthr) {
    if (!info || nthr < 1) return 0;
    return info->shared_scratch_bytes + (size_t)nthr * info->scratch_bytes_per_thread;
}

brdnn_status brdnn_conv_plan_create(brdnn_conv_plan **plan, const brdnn_conv_problem *problem) {
    if (!plan) return BRDNN_INVALID;
    *plan = NULL;
    schedule s;
    const char *why;
    const brdnn_status status = make_schedule(problem, &s, &why);
    if (status != BRDNN_SUCCESS) return status;
    brdnn_conv_plan *made = calloc(1, sizeof(*made));
    if (!made) return BRDNN_OUT_OF_MEMORY;
    made->pass = s.pass;
    const bool is_filled = s.pass == BRDNN_BACKWARD_WEIGHTS
            ? brdnn_plan_weights(&made->of.weights, &s.of.weights)
            : brdnn_plan_data(&made->of.data, &s.of.data);
    if (!is_filled) {
        brdnn_conv_plan_destroy(made);
        return BRDNN_OUT_OF_MEMORY;
    }
    *plan = made;
    return BRDNN_SUCCESS;
}

void brdnn_conv_plan_destroy(brdnn_conv_plan *plan) {
    if (!plan) return;
    if (plan->pass == BRDNN_BACKWARD_WEIGHTS) brdnn_weights_plan_clear(&plan->of.weights);
    else brdnn_data_plan_clear(&plan->of.data);
    free(plan);
}

brdnn_status brdnn_conv_run(
        const brdnn_conv_plan *plan, int phase, const brdnn_conv_args *args, int ithr, int nthr) {
    if (!plan || !args || nthr < 1 || ithr < 0 || ithr >= nthr) return BRDNN_INVALID;
    if ((uintptr_t)args->scratch % 64 != 0) return BRDNN_INVALID;
    return plan->pass == BRDNN_BACKWARD_WEIGHTS
            ? brdnn_run_weights(&plan->of.weights, phase, args, ithr, nthr)
            : brdnn_run_data(&plan->of.data, phase, args, ithr, nthr);
}
