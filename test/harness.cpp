// SPDX-FileCopyrightText: 2026 The brconv1d authors
// SPDX-License-Identifier: Apache-2.0

#include "harness.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <thread>

namespace brconv1d_test {

namespace {

/// The gaps stay NaN, so a product with what lies in them shows.
void copy_in(const Placement &to, const std::vector<float> &from, float *memory) {
    auto value = from.begin();
    for (int64_t n = 0; n < to.mb; ++n)
        for (int64_t c = 0; c < to.channels; ++c)
            for (int64_t w = 0; w < to.width; ++w)
                memory[to.offset(n, c, w)] = *value++;
}

std::vector<float> copy_out(const Placement &from, const float *memory) {
    std::vector<float> values;
    values.reserve(from.mb * from.channels * from.width);
    for (int64_t n = 0; n < from.mb; ++n)
        for (int64_t c = 0; c < from.channels; ++c)
            for (int64_t w = 0; w < from.width; ++w)
                values.push_back(memory[from.offset(n, c, w)]);
    return values;
}

/// Offset of element (g, k, c, s) in either kind of weights.
class WeightsPlacement {
public:
    WeightsPlacement(const Case &c, const brconv1d_packed_wei &packed)
        : case_(c), packed_(packed), plain_(plain_weights(c)) {}

    int64_t offset(int64_t g, int64_t k, int64_t i, int64_t s) const {
        if (case_.weights == "packed") {
            const int64_t block = packed_.oc_block;
            return (((g * packed_.oc_blocks + k / block) * case_.kw + s) * case_.ic_per_group() + i)
                    * block
                    + k % block;
        }
        return g * plain_.g_stride + k * plain_.oc_stride + i * plain_.ic_stride
                + s * plain_.kw_stride;
    }

    int64_t count() const {
        if (case_.weights == "packed") return static_cast<int64_t>(packed_.bytes / sizeof(float));
        return offset(case_.groups - 1, case_.oc_per_group() - 1, case_.ic_per_group() - 1,
                       case_.kw - 1)
                + 1;
    }

private:
    const Case &case_;
    const brconv1d_packed_wei &packed_;
    const brconv1d_weights plain_;
};

void copy_in_weights(const Case &c, const brconv1d_packed_wei &packed,
        const std::vector<float> &from, GuardedFloats *to) {
    const WeightsPlacement placement(c, packed);
    if (c.weights == "packed") std::fill(to->data(), to->data() + to->count(), 0.0F);
    auto value = from.begin();
    for (int64_t g = 0; g < c.groups; ++g)
        for (int64_t k = 0; k < c.oc_per_group(); ++k)
            for (int64_t i = 0; i < c.ic_per_group(); ++i)
                for (int64_t s = 0; s < c.kw; ++s)
                    (*to)[placement.offset(g, k, i, s)] = *value++;
}

/// Every element that no output owns must still be as it was made.
void expect_gaps_untouched(const Placement &p, GuardedFloats *dst) {
    std::vector<bool> owned(dst->count(), false);
    for (int64_t n = 0; n < p.mb; ++n)
        for (int64_t c = 0; c < p.channels; ++c)
            for (int64_t w = 0; w < p.width; ++w)
                owned[p.offset(n, c, w)] = true;
    for (int64_t i = 0; i < dst->count(); ++i)
        if (!owned[i] && !is_untouched((*dst)[i])) {
            ADD_FAILURE() << "dst element " << i << ", in a gap between rows, was written";
            return;
        }
}

/// What the epilogue collects: the values, and how often each was delivered.
struct Delivery {
    const Case &c;
    std::vector<float> values;
    std::vector<int> times;
    int tiles_out_of_bounds = 0;

    explicit Delivery(const Case &of)
        : c(of), values(of.mb * of.oc * of.ow(), untouched()), times(values.size(), 0) {}

    bool holds(const brconv1d_tile &t) const {
        const int64_t row_length = c.layout == BRCONV1D_NCW ? t.ow_count : t.oc_count;
        return t.n >= 0 && t.n < c.mb && t.oc >= 0 && t.oc_count > 0 && t.oc + t.oc_count <= c.oc
                && t.ow >= 0 && t.ow_count > 0 && t.ow + t.ow_count <= c.ow() && t.ld >= row_length
                && t.acc != nullptr;
    }

    void take(const brconv1d_tile &t) {
        if (!holds(t)) {
            __atomic_fetch_add(&tiles_out_of_bounds, 1, __ATOMIC_RELAXED);
            return;
        }
        for (int64_t k = 0; k < t.oc_count; ++k)
            for (int64_t q = 0; q < t.ow_count; ++q) {
                const int64_t i = (t.n * c.oc + t.oc + k) * c.ow() + t.ow + q;
                values[i] = t.acc[c.layout == BRCONV1D_NCW ? k * t.ld + q : q * t.ld + k];
                __atomic_fetch_add(&times[i], 1, __ATOMIC_RELAXED);
            }
    }

    void expect_each_once() const {
        EXPECT_EQ(tiles_out_of_bounds, 0);
        const auto wrong = std::find_if(times.begin(), times.end(), [](int t) { return t != 1; });
        if (wrong == times.end()) return;
        const int64_t i = wrong - times.begin();
        ADD_FAILURE() << "output n " << i / c.ow() / c.oc << " k " << i / c.ow() % c.oc << " q "
                      << i % c.ow() << " was delivered " << *wrong << " times";
    }
};

void deliver(void *context, const brconv1d_tile *tile) {
    static_cast<Delivery *>(context)->take(*tile);
}

/// All threads finish a phase before the next begins.
void run_phases(const Planned &planned, const brconv1d_args &args, const Schedule &schedule) {
    for (int phase = 0; phase < planned.info.phases; ++phase) {
        std::vector<brconv1d_status> status(schedule.threads(), BRCONV1D_INVALID);
        auto share = [&, phase](int ithr) {
            status[ithr] = brconv1d_run(planned.plan.get(), phase, &args, ithr, schedule.threads());
        };
        if (schedule.at_once) {
            std::vector<std::thread> threads;
            for (int ithr : schedule.order)
                threads.emplace_back(share, ithr);
            for (std::thread &t : threads)
                t.join();
        } else {
            for (int ithr : schedule.order)
                share(ithr);
        }
        for (int ithr : schedule.order)
            EXPECT_EQ(status[ithr], BRCONV1D_SUCCESS) << "phase " << phase << " thread " << ithr;
    }
}

std::string coordinates(const Case &c, size_t index) {
    const int64_t i = static_cast<int64_t>(index);
    std::ostringstream s;
    s << "n " << i / c.ow() / c.oc << ", k " << i / c.ow() % c.oc << ", q " << i % c.ow();
    return s.str();
}

} // namespace

Planned plan_case(const Case &c) {
    const brconv1d_problem problem = problem_of(c);
    Planned planned = {};
    const brconv1d_status queried = brconv1d_query(&problem, &planned.info);
    EXPECT_EQ(queried, BRCONV1D_SUCCESS) << planned.info.text;
    brconv1d_plan *plan = nullptr;
    const brconv1d_status created = brconv1d_plan_create(&plan, &problem);
    EXPECT_EQ(created, queried) << "plan_create and query disagree";
    planned.plan.reset(plan);
    return planned;
}

Schedule one_after_the_other(int threads) {
    Schedule s;
    s.order.resize(threads);
    std::iota(s.order.begin(), s.order.end(), 0);
    return s;
}

Schedule shuffled(int threads, Random &random) {
    Schedule s = one_after_the_other(threads);
    std::shuffle(s.order.begin(), s.order.end(), random);
    return s;
}

Schedule all_at_once(int threads) {
    Schedule s = one_after_the_other(threads);
    s.at_once = true;
    return s;
}

PlacedOperands::PlacedOperands(
        const Case &c, const Operands &x, const brconv1d_packed_wei &packed, GuardedEnd end)
    : src_(src_placement(c).count(), end), wei_(WeightsPlacement(c, packed).count(), end),
      bias_(c.oc, end) {
    copy_in(src_placement(c), x.src, src_.data());
    copy_in_weights(c, packed, x.wei, &wei_);
    std::copy(x.bias.begin(), x.bias.end(), bias_.data());
    for (GuardedFloats *operand : {&src_, &wei_, &bias_})
        operand->make_read_only();
}

brconv1d_args PlacedOperands::args() {
    brconv1d_args args = {};
    args.src = src_.data();
    args.wei = wei_.data();
    args.bias = bias_.data();
    return args;
}

bool PlacedOperands::slack_is_untouched() const {
    return src_.slack_is_untouched() && wei_.slack_is_untouched() && bias_.slack_is_untouched();
}

std::vector<float> run_case(const Case &c, const Planned &planned, const Operands &x,
        const Schedule &schedule, GuardedEnd end) {
    if (!planned.plan) return {};
    PlacedOperands operands(c, x, planned.info.packed_wei, end);
    GuardedScratch scratch(brconv1d_scratch_bytes(&planned.info, schedule.threads()), end);
    const Placement placement = dst_placement(c);
    GuardedFloats dst(placement.count(), end);
    Delivery delivery(c);

    // What a finish does not use is null, so that using it shows.
    brconv1d_args args = operands.args();
    args.scratch = scratch.data();
    if (c.finish != BRCONV1D_ADD_BIAS) args.bias = nullptr;
    if (c.finish == BRCONV1D_CALLBACK) {
        args.epilogue = deliver;
        args.epilogue_context = &delivery;
    } else {
        args.dst = dst.data();
    }
    run_phases(planned, args, schedule);

    EXPECT_TRUE(dst.slack_is_untouched());
    EXPECT_TRUE(scratch.slack_is_untouched());
    if (c.finish == BRCONV1D_CALLBACK) {
        delivery.expect_each_once();
        return delivery.values;
    }
    expect_gaps_untouched(placement, &dst);
    return copy_out(placement, dst.data());
}

void expect_equal(
        const Case &c, const std::vector<double> &expected, const std::vector<float> &actual) {
    ASSERT_EQ(expected.size(), actual.size());
    size_t wrong = 0, worst = 0;
    double worst_difference = -1;
    for (size_t i = 0; i < expected.size(); ++i) {
        if (expected[i] == static_cast<double>(actual[i])) continue;
        ++wrong;
        // A NaN compares with nothing and counts as worst of all.
        double difference = std::abs(expected[i] - static_cast<double>(actual[i]));
        if (std::isnan(difference)) difference = std::numeric_limits<double>::infinity();
        if (difference > worst_difference) worst = i, worst_difference = difference;
    }
    if (wrong == 0) return;
    ADD_FAILURE() << wrong << " of " << expected.size() << " outputs differ, most at "
                  << coordinates(c, worst) << ": " << actual[worst] << " where " << expected[worst]
                  << " is right" << (is_untouched(actual[worst]) ? " (never written)" : "");
}

void expect_within_bounds(
        const Case &c, const Reference &expected, const std::vector<float> &actual) {
    ASSERT_EQ(expected.values.size(), actual.size());
    size_t wrong = 0, worst = 0;
    double worst_share = -1;
    for (size_t i = 0; i < actual.size(); ++i) {
        const double difference = std::abs(expected.values[i] - static_cast<double>(actual[i]));
        if (difference <= expected.bounds[i]) continue;
        ++wrong;
        double share = difference / expected.bounds[i];
        if (std::isnan(share)) share = std::numeric_limits<double>::infinity();
        if (share > worst_share) worst = i, worst_share = share;
    }
    if (wrong == 0) return;
    ADD_FAILURE() << wrong << " of " << actual.size() << " outputs miss their bound, the worst at "
                  << coordinates(c, worst) << ": " << actual[worst] << " where "
                  << expected.values[worst] << " is right to within " << expected.bounds[worst];
}

void check_exactly(const Case &c, int threads) {
    const std::string name = name_of(c);
    SCOPED_TRACE(name);
    NameOnCrash name_on_crash(name);
    Random random = random_for(name);
    const Operands x = make_operands(c, Fill::integers, random);
    const Planned planned = plan_case(c);
    if (!planned.plan) return;
    const GuardedEnd end = draw(random, 0, 3) == 0 ? GuardedEnd::front : GuardedEnd::back;
    const Schedule schedule = shuffled(threads, random);
    expect_equal(c, reference_values(c, x), run_case(c, planned, x, schedule, end));
}

namespace {

char crash_name[512];
struct sigaction actions_before[2];
constexpr int crash_signals[2] = {SIGSEGV, SIGBUS};

void print_name_and_crash(int signal) {
    static const char intro[] = "\ncrashed in case: ";
    (void)!write(STDERR_FILENO, intro, sizeof intro - 1);
    (void)!write(STDERR_FILENO, crash_name, std::strlen(crash_name));
    (void)!write(STDERR_FILENO, "\n", 1);
    // Returning repeats the fault, this time with whoever handled it before.
    sigaction(signal, &actions_before[signal == SIGSEGV ? 0 : 1], nullptr);
}

} // namespace

NameOnCrash::NameOnCrash(const std::string &name) {
    std::snprintf(crash_name, sizeof crash_name, "%s, BRCONV1D_TEST_SEED=%llu", name.c_str(),
            static_cast<unsigned long long>(test_seed()));
    struct sigaction action = {};
    action.sa_handler = print_name_and_crash;
    for (int i = 0; i < 2; ++i)
        sigaction(crash_signals[i], &action, &actions_before[i]);
}

NameOnCrash::~NameOnCrash() {
    for (int i = 0; i < 2; ++i)
        sigaction(crash_signals[i], &actions_before[i], nullptr);
}

} // namespace brconv1d_test
