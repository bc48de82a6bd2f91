// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Kernels are freed with their plan: thousands of plans, each of another width, leave memory and
/// the process's map of it as they were.

#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <string>

#include "harness.hpp"

namespace brdnn_test {
namespace {

int64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    int64_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE);
}

int64_t maps() {
    std::ifstream file("/proc/self/maps");
    int64_t lines = 0;
    for (std::string line; std::getline(file, line);)
        ++lines;
    return lines;
}

#ifdef __SANITIZE_ADDRESS__ // whose allocator maps memory anew for each size it has not seen
constexpr int64_t allowed_maps = 100;
#else
constexpr int64_t allowed_maps = 4;
#endif

/// Plans, which are not run, need no CPU that has the ISA.
struct Kind {
    const char *name;
    brdnn_isa isa;
    Numbers numbers;
};

void PrintTo(const Kind &kind, std::ostream *out) { *out << kind.name; }

const Kind kinds[] = {{"f32", BRDNN_ISA_AVX512_CORE, numbers::f32},
        {"bf16", BRDNN_ISA_AVX512_CORE_BF16, numbers::bf16},
        {"bf16_amx", BRDNN_ISA_AVX512_CORE_AMX, numbers::bf16}};

using Parameters = std::tuple<brdnn_pass, Kind>;

Case layer_of_width(int64_t width, const Parameters &parameters, bool nwc) {
    const auto &[pass, kind] = parameters;
    Case c;
    c.pass = pass;
    c.ic = c.oc = 15;
    c.iw = width;
    c.kw = 51; // so that a leak of one small table shows
    c.dilation = 8;
    c.pad_l = c.pad_r = 200;
    c.layout = nwc ? BRDNN_NWC : BRDNN_NCW;
    c.isa = kind.isa;
    return with_numbers(c, kind.numbers);
}

class Memory : public testing::TestWithParam<Parameters> {};

/// Plans for widths [begin, end), in both layouts by turns.
void make_and_destroy_plans(const Parameters &parameters, int64_t begin, int64_t end) {
    for (int64_t width = begin; width < end; ++width) {
        const brdnn_conv_problem problem
                = problem_of(layer_of_width(width, parameters, width % 2 != 0));
        brdnn_conv_plan *plan = nullptr;
        ASSERT_EQ(brdnn_conv_plan_create(&plan, &problem), BRDNN_SUCCESS);
        brdnn_conv_plan_destroy(plan);
    }
}

TEST_P(Memory, IsLeftFlatByTenThousandPlans) {
    constexpr int64_t warm_up = 200, plans = 10000, allowed_bytes = 1 << 20;
    make_and_destroy_plans(GetParam(), 100, 100 + warm_up);
    const int64_t bytes_before = resident_bytes(), maps_before = maps();
    make_and_destroy_plans(GetParam(), 1000, 1000 + plans);
    EXPECT_LE(maps() - maps_before, allowed_maps);
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer keeps freed memory: only the number of maps was looked at";
#endif
    EXPECT_LE(resident_bytes() - bytes_before, allowed_bytes);
}

TEST_P(Memory, IsLeftFlatByRefusals) {
    constexpr int64_t refusals = 10000;
    brdnn_conv_problem problem = problem_of(layer_of_width(1000, GetParam(), false));
    problem.kw = INT64_C(1) << 40;
    const int64_t maps_before = maps();
    for (int64_t i = 0; i < refusals; ++i) {
        brdnn_conv_plan *plan = nullptr;
        ASSERT_NE(brdnn_conv_plan_create(&plan, &problem), BRDNN_SUCCESS);
        ASSERT_EQ(plan, nullptr);
    }
    EXPECT_LE(maps() - maps_before, allowed_maps);
}

/// No page that code runs from may be writable, neither while a plan lives nor after.
TEST_P(Memory, HasNoPageThatIsBothWritableAndExecutable) {
    auto writable_and_executable = [] {
        std::ifstream file("/proc/self/maps");
        int64_t pages = 0;
        for (std::string line; std::getline(file, line);)
            pages += line.find(" rwx") != std::string::npos;
        return pages;
    };
    const int64_t before = writable_and_executable();
    const Planned planned = plan_case(layer_of_width(1000, GetParam(), false));
    EXPECT_EQ(writable_and_executable(), before);
}

INSTANTIATE_TEST_SUITE_P(
        , Memory, testing::Combine(all_passes(), testing::ValuesIn(kinds)), [](const auto &info) {
            return std::string(pass_name(std::get<brdnn_pass>(info.param))) + "_"
                    + std::get<Kind>(info.param).name;
        });

} // namespace
} // namespace brdnn_test
