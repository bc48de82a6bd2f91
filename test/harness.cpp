// SPDX-FileCopyrightText: 2026 The brdnn authors
// SPDX-License-Identifier: Apache-2.0

#include "harness.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <thread>

namespace brdnn_test {

namespace {

/// Where the elements lie in memory, in the order in which operands and references have them.
std::vector<int64_t> offsets_of(const Placement &p) {
    std::vector<int64_t> offsets;
    offsets.reserve(p.elements());
    for (int64_t n = 0; n < p.mb; ++n)
        for (int64_t c = 0; c < p.channels; ++c)
            for (int64_t w = 0; w < p.width; ++w)
                offsets.push_back(p.offset(n, c, w));
    return offsets;
}

/// The formulas of brdnn_conv_packed_wei, with k and i counted within their group.
int64_t packed_offset(const Case &c, const brdnn_conv_packed_wei &packed, int64_t g, int64_t k,
        int64_t i, int64_t s) {
    const int64_t block = packed.block, depth = packed.depth, pair = packed.pair;
    const bool forward = c.pass == BRDNN_FORWARD;
    const int64_t depths = divide_up(forward ? c.ic_per_group() : c.oc_per_group(), depth);
    if (!forward) std::swap(k, i);
    const int64_t inner = packed.is_depth_innermost
            ? k % block * depth + i % depth
            : (i % depth / pair * block + k % block) * pair + i % pair;
    return (((g * packed.blocks + k / block) * c.kw + s) * depths + i / depth) * (block * depth)
            + inner;
}

std::vector<int64_t> offsets_of_weights(const Case &c, const brdnn_conv_packed_wei &packed) {
    const bool is_packed = c.weights == "packed";
    const brdnn_conv_weights plain = plain_weights(c);
    std::vector<int64_t> offsets;
    offsets.reserve(c.weights_count());
    for (int64_t g = 0; g < c.groups; ++g)
        for (int64_t k = 0; k < c.oc_per_group(); ++k)
            for (int64_t i = 0; i < c.ic_per_group(); ++i)
                for (int64_t s = 0; s < c.kw; ++s)
                    offsets.push_back(is_packed ? packed_offset(c, packed, g, k, i, s)
                                                : g * plain.g_stride + k * plain.oc_stride
                                            + i * plain.ic_stride + s * plain.kw_stride);
    return offsets;
}

std::vector<int64_t> offsets_of_result(const Case &c) {
    if (c.finish == BRDNN_CALLBACK) return {};
    switch (c.pass) {
    case BRDNN_FORWARD: return offsets_of(dst_placement(c));
    case BRDNN_BACKWARD_DATA: return offsets_of(src_placement(c));
    default: return offsets_of_weights(c, {});
    }
}

/// Elements of memory that hold all offsets.
int64_t extent_of(const std::vector<int64_t> &offsets) {
    return offsets.empty() ? 0 : *std::max_element(offsets.begin(), offsets.end()) + 1;
}

/// The gaps stay NaN, so a product with what lies in them shows.
void copy_in(
        const std::vector<float> &from, const std::vector<int64_t> &offsets, GuardedElements *to) {
    for (size_t i = 0; i < from.size(); ++i)
        to->set(offsets[i], from[i]);
}

int64_t weights_extent(const Case &c, const brdnn_conv_packed_wei &packed) {
    if (!c.has_weights()) return 0;
    if (c.weights == "packed") return static_cast<int64_t>(packed.bytes / bytes_of(c.wei_type));
    return extent_of(offsets_of_weights(c, packed));
}

/// What the epilogue collects: the values, and how often each was delivered.
struct Delivery {
    const Case &c;
    const int64_t channels, width;
    std::vector<float> values;
    std::vector<int> times;
    int tiles_out_of_bounds = 0;

    explicit Delivery(const Case &of)
        : c(of), channels(of.result_channels()), width(of.result_width()) {
        if (c.finish != BRDNN_CALLBACK) return;
        values.assign(c.mb * channels * width, untouched());
        times.assign(values.size(), 0);
    }

    bool holds(const brdnn_conv_tile &t) const {
        const int64_t row_length = c.layout == BRDNN_NCW ? t.positions : t.channels;
        return t.n >= 0 && t.n < c.mb && t.channel >= 0 && t.channels > 0
                && t.channel + t.channels <= channels && t.position >= 0 && t.positions > 0
                && t.position + t.positions <= width && t.ld >= row_length && t.acc != nullptr;
    }

    void take(const brdnn_conv_tile &t) {
        if (!holds(t)) {
            __atomic_fetch_add(&tiles_out_of_bounds, 1, __ATOMIC_RELAXED);
            return;
        }
        for (int64_t k = 0; k < t.channels; ++k)
            for (int64_t q = 0; q < t.positions; ++q) {
                const int64_t i = (t.n * channels + t.channel + k) * width + t.position + q;
                values[i] = t.acc[c.layout == BRDNN_NCW ? k * t.ld + q : q * t.ld + k];
                __atomic_fetch_add(&times[i], 1, __ATOMIC_RELAXED);
            }
    }

    void expect_each_once() const {
        EXPECT_EQ(tiles_out_of_bounds, 0);
        const auto wrong = std::find_if(times.begin(), times.end(), [](int t) { return t != 1; });
        if (wrong == times.end()) return;
        const int64_t i = wrong - times.begin();
        ADD_FAILURE() << "image " << i / width / channels << " channel " << i / width % channels
                      << " position " << i % width << " was delivered " << *wrong << " times";
    }
};

void deliver(void *context, const brdnn_conv_tile *tile) {
    static_cast<Delivery *>(context)->take(*tile);
}

/// All threads finish a phase before the next begins.
void run_phases(const Planned &planned, const brdnn_conv_args &args, const Schedule &schedule) {
    for (int phase = 0; phase < planned.info.phases; ++phase) {
        std::vector<brdnn_status> status(schedule.threads(), BRDNN_INVALID);
        auto share = [&, phase](int ithr) {
            status[ithr]
                    = brdnn_conv_run(planned.plan.get(), phase, &args, ithr, schedule.threads());
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
            EXPECT_EQ(status[ithr], BRDNN_SUCCESS) << "phase " << phase << " thread " << ithr;
    }
}

/// Of an element of the result, by the letters of the header's formulas.
std::string coordinates(const Case &c, size_t index) {
    const auto i = static_cast<int64_t>(index), in_weights = c.weights_count();
    std::ostringstream s;
    if (c.pass != BRDNN_BACKWARD_WEIGHTS) {
        const int64_t width = c.result_width(), channels = c.result_channels();
        const bool forward = c.pass == BRDNN_FORWARD;
        s << "n " << i / width / channels << (forward ? ", k " : ", c ") << i / width % channels
          << (forward ? ", q " : ", i ") << i % width;
    } else if (i < in_weights) {
        s << "diff_wei k " << i / c.kw / c.ic_per_group() << ", c of its group "
          << i / c.kw % c.ic_per_group() << ", s " << i % c.kw;
    } else {
        s << "diff_bias " << i - in_weights;
    }
    return s.str();
}

} // namespace

Planned plan_case(const Case &c) {
    const brdnn_conv_problem problem = problem_of(c);
    Planned planned = {};
    const brdnn_status queried = brdnn_conv_query(&problem, &planned.info);
    EXPECT_EQ(queried, BRDNN_SUCCESS) << planned.info.text;
    brdnn_conv_plan *plan = nullptr;
    const brdnn_status created = brdnn_conv_plan_create(&plan, &problem);
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
        const Case &c, const Operands &x, const brdnn_conv_packed_wei &packed, GuardedEnd end)
    : src_(c.src_type, c.has_src() ? src_placement(c).count() : 0, end),
      wei_(c.wei_type, weights_extent(c, packed), end),
      diff_dst_(c.dst_type, c.has_diff_dst() ? dst_placement(c).count() : 0, end),
      bias_(c.bias_type, static_cast<int64_t>(x.bias.size()), end) {
    if (c.has_src()) copy_in(x.src, offsets_of(src_placement(c)), &src_);
    if (c.has_weights()) {
        if (c.weights == "packed")
            for (int64_t i = 0; i < wei_.count(); ++i)
                wei_.set(i, 0);
        copy_in(x.wei, offsets_of_weights(c, packed), &wei_);
    }
    if (c.has_diff_dst()) copy_in(x.diff_dst, offsets_of(dst_placement(c)), &diff_dst_);
    for (size_t i = 0; i < x.bias.size(); ++i)
        bias_.set(static_cast<int64_t>(i), x.bias[i]);
    for (GuardedElements *operand : {&src_, &wei_, &diff_dst_, &bias_})
        operand->make_read_only();
}

brdnn_conv_args PlacedOperands::args() {
    const auto pointer = [](GuardedElements &e) { return e.count() > 0 ? e.data() : nullptr; };
    brdnn_conv_args args = {};
    args.src = pointer(src_);
    args.wei = pointer(wei_);
    args.diff_dst = pointer(diff_dst_);
    args.bias = pointer(bias_);
    return args;
}

bool PlacedOperands::slack_is_untouched() const {
    return src_.slack_is_untouched() && wei_.slack_is_untouched() && diff_dst_.slack_is_untouched()
            && bias_.slack_is_untouched();
}

PlacedResult::PlacedResult(const Case &c, GuardedEnd end)
    : pass_(c.pass), offsets_(offsets_of_result(c)),
      result_(c.result_type(0), extent_of(offsets_), end),
      diff_bias_(c.bias_type, c.pass == BRDNN_BACKWARD_WEIGHTS ? c.bias_count() : 0, end) {}

void PlacedResult::add_to(brdnn_conv_args *args) {
    void **result = pass_ == BRDNN_FORWARD ? &args->dst
            : pass_ == BRDNN_BACKWARD_DATA ? &args->diff_src
                                           : &args->diff_wei;
    if (result_.count() > 0) *result = result_.data();
    if (diff_bias_.count() > 0) args->diff_bias = diff_bias_.data();
}

void PlacedResult::expect_only_elements_written() const {
    EXPECT_TRUE(result_.slack_is_untouched());
    EXPECT_TRUE(diff_bias_.slack_is_untouched());
    std::vector<bool> owned(result_.count(), false);
    for (int64_t offset : offsets_)
        owned[offset] = true;
    for (int64_t i = 0; i < result_.count(); ++i)
        if (!owned[i] && !brdnn_test::is_untouched(result_.get(i))) {
            ADD_FAILURE() << "element " << i << ", in a gap of the result, was written";
            return;
        }
}

bool PlacedResult::is_untouched() const {
    for (const GuardedElements *part : {&result_, &diff_bias_})
        for (int64_t i = 0; i < part->count(); ++i)
            if (!brdnn_test::is_untouched(part->get(i))) return false;
    return result_.slack_is_untouched() && diff_bias_.slack_is_untouched();
}

std::vector<float> PlacedResult::values() const {
    std::vector<float> values;
    values.reserve(offsets_.size() + diff_bias_.count());
    for (int64_t offset : offsets_)
        values.push_back(result_.get(offset));
    for (int64_t i = 0; i < diff_bias_.count(); ++i)
        values.push_back(diff_bias_.get(i));
    return values;
}

std::vector<float> run_case(const Case &c, const Planned &planned, const Operands &x,
        const Schedule &schedule, GuardedEnd end) {
    if (!planned.plan) return {};
    PlacedOperands operands(c, x, planned.info.packed_wei, end);
    PlacedResult result(c, end);
    GuardedScratch scratch(brdnn_conv_scratch_bytes(&planned.info, schedule.threads()), end);
    Delivery delivery(c);

    // What a pass and its finish do not use is null, so that using it shows.
    brdnn_conv_args args = operands.args();
    result.add_to(&args);
    args.scratch = scratch.data();
    if (c.finish == BRDNN_CALLBACK) {
        args.epilogue = deliver;
        args.epilogue_context = &delivery;
    }
    run_phases(planned, args, schedule);

    EXPECT_TRUE(scratch.slack_is_untouched());
    if (c.finish == BRDNN_CALLBACK) {
        delivery.expect_each_once();
        return delivery.values;
    }
    result.expect_only_elements_written();
    return result.values();
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
    ADD_FAILURE() << wrong << " of " << expected.size() << " elements differ, most at "
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
    ADD_FAILURE() << wrong << " of " << actual.size() << " elements miss their bound, the worst at "
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
    expect_equal(c, reference_stored(c, x), run_case(c, planned, x, schedule, end));
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
    std::snprintf(crash_name, sizeof crash_name, "%s, BRDNN_TEST_SEED=%llu", name.c_str(),
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

} // namespace brdnn_test
