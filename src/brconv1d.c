/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brconv1d.c
 * The public functions: each pass is planned and run either as a correlation (forward, backward
 * data) or as a sum over positions (backward weights). */

#include "brconv1d.h"

#include "backward_weights_plan.h"
#include "correlation_plan.h"
#include "problem.h"

#include <stdio.h>
#include <stdlib.h>

struct brconv1d_plan {
    brconv1d_pass pass;
    union {
        brconv1d_guarded_plan correlation;
        brconv1d_guarded_weights_plan weights;
    } of;
};

typedef struct {
    brconv1d_pass pass;
    union {
        brconv1d_guarded_schedule correlation;
        brconv1d_guarded_weights_schedule weights;
    } of;
} schedule;

static brconv1d_status make_schedule(
        const brconv1d_problem *problem, schedule *s, const char **why) {
    brconv1d_problem complete;
    *why = brconv1d_problem_complete(problem, &complete);
    if (*why) return BRCONV1D_INVALID;
    s->pass = complete.pass;
    return s->pass == BRCONV1D_BACKWARD_WEIGHTS
            ? brconv1d_schedule_guarded_weights(&complete, &s->of.weights, why)
            : brconv1d_schedule_guarded(&complete, &s->of.correlation, why);
}

brconv1d_status brconv1d_query(const brconv1d_problem *problem, brconv1d_info *info) {
    if (!info) return BRCONV1D_INVALID;
    *info = (brconv1d_info) {0};
    schedule s;
    const char *why;
    const brconv1d_status status = make_schedule(problem, &s, &why);
    if (status != BRCONV1D_SUCCESS) snprintf(info->text, sizeof(info->text), "%s", why);
    else if (s.pass == BRCONV1D_BACKWARD_WEIGHTS) brconv1d_describe_weights(&s.of.weights, info);
    else brconv1d_describe_correlation(&s.of.correlation, info);
    return status;
}

size_t brconv1d_scratch_bytes(const brconv1d_info *info, int nthr) {
    if (!info || nthr < 1) return 0;
    return info->shared_scratch_bytes + (size_t)nthr * info->scratch_bytes_per_thread;
}

brconv1d_status brconv1d_plan_create(brconv1d_plan **plan, const brconv1d_problem *problem) {
    if (!plan) return BRCONV1D_INVALID;
    *plan = NULL;
    schedule s;
    const char *why;
    const brconv1d_status status = make_schedule(problem, &s, &why);
    if (status != BRCONV1D_SUCCESS) return status;
    brconv1d_plan *made = calloc(1, sizeof(*made));
    if (!made) return BRCONV1D_OUT_OF_MEMORY;
    made->pass = s.pass;
    const bool is_filled = s.pass == BRCONV1D_BACKWARD_WEIGHTS
            ? brconv1d_plan_guarded_weights(&made->of.weights, &s.of.weights)
            : brconv1d_plan_guarded(&made->of.correlation, &s.of.correlation);
    if (!is_filled) {
        brconv1d_plan_destroy(made);
        return BRCONV1D_OUT_OF_MEMORY;
    }
    *plan = made;
    return BRCONV1D_SUCCESS;
}

void brconv1d_plan_destroy(brconv1d_plan *plan) {
    if (!plan) return;
    if (plan->pass == BRCONV1D_BACKWARD_WEIGHTS)
        brconv1d_guarded_weights_plan_clear(&plan->of.weights);
    else brconv1d_guarded_plan_clear(&plan->of.correlation);
    free(plan);
}

brconv1d_status brconv1d_run(
        const brconv1d_plan *plan, int phase, const brconv1d_args *args, int ithr, int nthr) {
    if (!plan || !args || nthr < 1 || ithr < 0 || ithr >= nthr) return BRCONV1D_INVALID;
    if ((uintptr_t)args->scratch % 64 != 0) return BRCONV1D_INVALID;
    return plan->pass == BRCONV1D_BACKWARD_WEIGHTS
            ? brconv1d_backward_weights(&plan->of.weights, phase, args, ithr, nthr)
            : brconv1d_correlate(&plan->of.correlation, phase, args, ithr, nthr);
}
