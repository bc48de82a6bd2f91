// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Running a plan allocates nothing, maps nothing and takes no lock. This program has its own
/// malloc and relatives, which count and pass on to the C library.

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "harness.hpp"

namespace {

std::atomic<int> allocations {0}, locks {0};

} // namespace

#ifndef __SANITIZE_ADDRESS__ // which has a malloc of its own
extern "C" {

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

void *malloc(size_t bytes) {
    ++allocations;
    return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
    ++allocations;
    return __libc_calloc(count, bytes);
}
void *realloc(void *memory, size_t bytes) {
    ++allocations;
    return __libc_realloc(memory, bytes);
}
void *memalign(size_t alignment, size_t bytes) {
    ++allocations;
    return __libc_memalign(alignment, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
    *memory = memalign(alignment, bytes);
    return *memory ? 0 : ENOMEM;
}
void free(void *memory) {
    ++allocations;
    __libc_free(memory);
}
void *mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset) {
    ++allocations;
    return reinterpret_cast<void *>(syscall(SYS_mmap, at, bytes, protection, flags, file, offset));
}
int mprotect(void *at, size_t bytes, int protection) {
    ++allocations;
    return static_cast<int>(syscall(SYS_mprotect, at, bytes, protection));
}
int pthread_mutex_lock(pthread_mutex_t *mutex) {
    using Lock = int (*)(pthread_mutex_t *);
    static const auto real = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
    ++locks;
    return real(mutex);
}
}
#endif

namespace brdnn_test {
namespace {

struct Counts {
    int allocations, locks;
};

/// What runs inside is counted, and nothing else is.
template <typename Function>
Counts counted(Function function) {
    const int allocations_before = allocations, locks_before = locks;
    function();
    return {allocations - allocations_before, locks - locks_before};
}

Case layer(brdnn_pass pass, brdnn_layout layout, brdnn_conv_finish finish, int64_t stride) {
    Case c;
    c.pass = pass;
    c.mb = 2;
    c.ic = 64;
    c.oc = 33;
    c.iw = 700;
    c.kw = 21;
    c.dilation = 8;
    c.stride = stride;
    c.pad_l = c.pad_r = 100;
    c.layout = layout;
    c.finish = finish;
    return c;
}

Counts counts_of_run(const Case &c) {
    Random random = random_for(name_of(c));
    const Planned planned = plan_case(c);
    PlacedOperands operands(c, make_operands(c, Fill::integers, random), planned.info.packed_wei);
    GuardedScratch scratch(brdnn_conv_scratch_bytes(&planned.info, 3));
    PlacedResult result(c);
    brdnn_conv_args args = operands.args();
    result.add_to(&args);
    args.scratch = scratch.data();
    args.epilogue = [](void *, const brdnn_conv_tile *) {};
    int failed = 0;
    const Counts counts = counted([&] {
        for (int phase = 0; phase < planned.info.phases; ++phase)
            for (int ithr = 0; ithr < 3; ++ithr)
                failed += brdnn_conv_run(planned.plan.get(), phase, &args, ithr, 3)
                        != BRDNN_SUCCESS;
    });
    EXPECT_EQ(failed, 0);
    return counts;
}

using Parameters = std::tuple<brdnn_pass, brdnn_isa, Numbers>;

class Run : public testing::TestWithParam<Parameters> {
protected:
    void SetUp() override { BRDNN_SKIP_UNLESS_CPU_HAS(std::get<brdnn_isa>(GetParam())); }
};

TEST_P(Run, AllocatesNothingAndTakesNoLock) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer has a malloc of its own";
#endif
    const auto &[pass, isa, n] = GetParam();
    for (brdnn_layout layout : {BRDNN_NCW, BRDNN_NWC})
        for (brdnn_conv_finish finish : finishes_of(pass))
            for (int64_t stride : {1, 3}) {
                Case c = with_numbers(layer(pass, layout, finish, stride), n);
                c.isa = isa;
                if (is_emulated(isa)) c.mb = 1, c.kw = 3; // a fourteenth of the products
                SCOPED_TRACE(name_of(c));
                const Counts counts = counts_of_run(c);
                EXPECT_EQ(counts.allocations, 0);
                EXPECT_EQ(counts.locks, 0);
            }
}

std::string parameter_name(const testing::TestParamInfo<Parameters> &info) {
    const auto &[pass, isa, n] = info.param;
    return std::string(n.name) + "_" + pass_name(pass) + "_" + isa_name(isa);
}

INSTANTIATE_TEST_SUITE_P(, Run,
        testing::Combine(all_passes(), all_isas(), testing::Values(numbers::f32)), parameter_name);
INSTANTIATE_TEST_SUITE_P(Bf16, Run,
        testing::Combine(
                all_passes(), bf16_isas(), testing::Values(numbers::bf16, numbers::math_tf32)),
        parameter_name);

TEST(Allocation, WouldBeSeen) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer has a malloc of its own";
#endif
    void *volatile memory = nullptr;
    EXPECT_EQ(counted([&] { memory = std::malloc(10); }).allocations, 1);
    EXPECT_EQ(counted([&] { std::free(memory); }).allocations, 1);
    EXPECT_EQ(counted([&] { memory = std::aligned_alloc(64, 64); }).allocations, 1);
    std::free(memory);
    const brdnn_conv_problem problem = problem_of(layer(BRDNN_FORWARD, BRDNN_NCW, BRDNN_STORE, 1));
    brdnn_conv_plan *plan = nullptr;
    EXPECT_GT(counted([&] { brdnn_conv_plan_create(&plan, &problem); }).allocations, 2)
            << "the library's own calls are not counted";
    brdnn_conv_plan_destroy(plan);
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    EXPECT_EQ(counted([&] { pthread_mutex_lock(&mutex); }).locks, 1);
    pthread_mutex_unlock(&mutex);
}

} // namespace
} // namespace brdnn_test
