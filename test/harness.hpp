// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

/// Runs a case through the library with every tensor in guarded memory, and compares.

#ifndef BRDNN_TEST_HARNESS_HPP
#define BRDNN_TEST_HARNESS_HPP

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "brdnn.h"
#include "buffers.hpp"
#include "cpu.hpp"
#include "problems.hpp"
#include "reference.hpp"

namespace brdnn_test {

/// By how much fewer cases are tried where a sanitizer makes the tests themselves slow.
#ifdef __SANITIZE_ADDRESS__
constexpr int slowdown = 4;
#else
constexpr int slowdown = 1;
#endif

/// What a test is instantiated for.
using Target = std::tuple<brdnn_pass, brdnn_layout, brdnn_isa>;

inline std::string name_of_target(const Target &target) {
    const auto &[pass, layout, isa] = target;
    return std::string(pass_name(pass)) + "_" + layout_name(layout) + "_" + isa_name(isa);
}

inline auto all_passes() {
    return testing::Values(BRDNN_FORWARD, BRDNN_BACKWARD_DATA, BRDNN_BACKWARD_WEIGHTS);
}
inline auto all_layouts() { return testing::Values(BRDNN_NCW, BRDNN_NWC); }
/// Those that differ for f32.
inline auto all_isas() { return testing::Values(BRDNN_ISA_AVX2, BRDNN_ISA_AVX512_CORE); }
inline auto all_targets() { return testing::Combine(all_passes(), all_layouts(), all_isas()); }

/// Those with instructions for bf16.
inline auto bf16_isas() {
    return testing::Values(BRDNN_ISA_AVX512_CORE_BF16, BRDNN_ISA_AVX512_CORE_AMX);
}

/// What a test about types and ways to multiply is instantiated for.
using NumbersTarget = std::tuple<Numbers, brdnn_pass, brdnn_layout, brdnn_isa>;

inline std::string name_of_numbers_target(const NumbersTarget &target) {
    const auto &[n, pass, layout, isa] = target;
    return std::string(n.name) + "_" + name_of_target({pass, layout, isa});
}

/// All numbers with instructions for bf16.
inline auto bf16_targets() {
    return testing::Combine(
            testing::ValuesIn(numbers::all), all_passes(), all_layouts(), bf16_isas());
}
/// bf16 tensors without such instructions.
inline auto f32_kernel_targets() {
    return testing::Combine(
            testing::ValuesIn(numbers::of_f32_kernels), all_passes(), all_layouts(), all_isas());
}

struct DestroyPlan {
    void operator()(brdnn_conv_plan *plan) const { brdnn_conv_plan_destroy(plan); }
};
using Plan = std::unique_ptr<brdnn_conv_plan, DestroyPlan>;

/// A plan and what the query said about it; empty, and a failure noted, where it is refused.
struct Planned {
    Plan plan;
    brdnn_conv_info info;
};
Planned plan_case(const Case &c);

/// Which thread numbers run when: one after the other in the order given, or all at once in
/// threads of the system.
struct Schedule {
    std::vector<int> order;
    bool at_once = false;
    int threads() const { return static_cast<int>(order.size()); }
};
Schedule one_after_the_other(int threads);
Schedule shuffled(int threads, Random &random);
Schedule all_at_once(int threads);

/// The operands of a case, placed in guarded read-only memory.
class PlacedOperands {
public:
    PlacedOperands(const Case &c, const Operands &x, const brdnn_conv_packed_wei &packed,
            GuardedEnd end = GuardedEnd::back);
    /// Pointers to the operands; the rest, and what the pass does not read, is left null.
    brdnn_conv_args args();
    bool slack_is_untouched() const;

private:
    GuardedElements src_, wei_, diff_dst_, bias_;
};

/// Guarded memory for the result of a case, with all elements in it untouched(); none for what the
/// epilogue gets.
class PlacedResult {
public:
    explicit PlacedResult(const Case &c, GuardedEnd end = GuardedEnd::back);
    /// Sets the pointers to what the pass writes.
    void add_to(brdnn_conv_args *args);
    /// Notes a failure where more was written than the elements of the result.
    void expect_only_elements_written() const;
    bool is_untouched() const;
    /// Without placement, as reference_values() orders them.
    std::vector<float> values() const;

private:
    const brdnn_pass pass_;
    const std::vector<int64_t> offsets_; ///< of dst, diff_src or diff_wei
    GuardedElements result_, diff_bias_;
};

/// Runs all phases once.
/// @return the result without placement, as reference_values() orders it. Whatever the run left,
///         gaps that it wrote to, elements delivered twice or not at all, is noted as a failure.
std::vector<float> run_case(const Case &c, const Planned &planned, const Operands &x,
        const Schedule &schedule, GuardedEnd end = GuardedEnd::back);

/// Notes a failure for elements that differ at all, or by more than their bounds; the worst is
/// reported with its coordinates.
void expect_equal(
        const Case &c, const std::vector<double> &expected, const std::vector<float> &actual);
void expect_within_bounds(
        const Case &c, const Reference &expected, const std::vector<float> &actual);

/// Plans, runs and compares exactly, with integers.
void check_exactly(const Case &c, int threads = 1);

/// While it lives, a crash prints the name first: a fault on a guard page says which case it was.
class NameOnCrash {
public:
    explicit NameOnCrash(const std::string &name);
    ~NameOnCrash();
};

} // namespace brdnn_test

#endif
