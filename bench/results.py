# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0
"""From samples to rows: medians, costs with reorders, ratios, efficiency."""

import collections
import statistics

import benchdnn

# One problem in one layout. ms: cost in milliseconds (median over rounds),
# reorder_ms: the part of it that is reorders (only in `any`), ratio: built-in
# cost / plugin cost, peak: share of the machine's peak, 1.0 = all of it.
Row = collections.namedtuple("Row", "name layout plugin_impl builtin_impl plugin_ms builtin_ms "
                                    "plugin_reorder_ms builtin_reorder_ms ratio plugin_peak "
                                    "builtin_peak gops taken")

# Kinds of the peak program, best first, that bound each source data type.
PEAK_KINDS = {"f32": ("f32_fma",), "bf16": ("bf16_amx", "bf16_dot", "f32_fma")}


def median(values):
    """Median, or None of nothing."""
    return statistics.median(values) if values else None


def geomean(values):
    """Geometric mean, or None of nothing."""
    return statistics.geometric_mean(values) if values else None


def divide(numerator, denominator):
    """Quotient, or None where either is missing or the denominator is 0."""
    if numerator is None or not denominator:
        return None
    return numerator / denominator


def peak_of(samples, dt):
    """Return (kind, GFLOP/s) of the peak that bounds this data type, or None."""
    for kind in PEAK_KINDS.get(dt.split(":")[0], ()):
        if samples.peak.get(kind):
            return kind, median(samples.peak[kind])
    return None


def reorder_cost(samples, name, layout, side):
    """Milliseconds of reorders a framework with ncw tensors pays; None: unknown."""
    if layout != "any":
        return 0.0
    if (name, side) not in samples.paid:
        return None
    costs = [median(samples.reorder_ms.get(r)) for r in samples.paid[name, side]]
    return None if None in costs else sum(costs)


def cost(samples, name, layout, side):
    """Return (total, reorders) in milliseconds; None where not measured."""
    ms = median(samples.ms.get((name, layout, side)))
    reorders = reorder_cost(samples, name, layout, side)
    if ms is None or reorders is None:
        return None, reorders
    return ms + reorders, reorders


def make_row(samples, name, layout, peak):
    """Build the Row of one problem in one layout; peak is in GFLOP/s or None."""
    plugin_ms, plugin_reorder = cost(samples, name, layout, "plugin")
    builtin_ms, builtin_reorder = cost(samples, name, layout, "builtin")
    plugin_impl = samples.impl.get((name, layout, "plugin"), "")
    gops = samples.gops.get(name)
    ideal_ms = 1e3 * gops / peak if gops and peak else None
    return Row(name, layout, plugin_impl, samples.impl.get((name, layout, "builtin"), ""),
               plugin_ms, builtin_ms, plugin_reorder, builtin_reorder,
               divide(builtin_ms, plugin_ms), divide(ideal_ms, plugin_ms),
               divide(ideal_ms, builtin_ms), gops, benchdnn.ran_by(plugin_impl) == "plugin")


def make_rows(settings, samples):
    """Rows for every problem and layout, problem by problem."""
    peak = peak_of(samples, settings.dt)
    return [make_row(samples, problem.name, layout, peak[1] if peak else None)
            for problem in settings.problems for layout in settings.layouts]


def headline_ratios(rows):
    """Map problem -> ncw ratio, where ncw and any were both measured.

    It is the built-in's better of (ncw given) and (any with reorders), over
    the same for the plugin: what a framework with ncw tensors can gain.
    """
    by_name = collections.defaultdict(dict)
    for row in rows:
        by_name[row.name][row.layout] = row
    ratios = {}
    for name, found in by_name.items():
        pair = [found.get("ncw"), found.get("any")]
        if None in pair or any(row.plugin_ms is None or row.builtin_ms is None for row in pair):
            continue
        ratios[name] = (min(row.builtin_ms for row in pair)
                        / min(row.plugin_ms for row in pair))
    return ratios


def spread(samples):
    """How far rounds lie apart, typically: median of (slowest / fastest - 1).

    None with fewer than two rounds.
    """
    return median([max(values) / min(values) - 1 for values in samples.ms.values()
                   if len(values) > 1 and min(values) > 0])


def failures(rows, min_ratio, required_share):
    """List the sentences for which the run must end with status 1.

    min_ratio: lowest ratio allowed where the plugin runs, or None.
    required_share: lowest share of problems taken, per layout, or None.
    """
    found = [f"{row.name} in {row.layout} was not measured on both sides"
             for row in rows if row.ratio is None]
    if min_ratio is not None:
        found += [f"{row.name} in {row.layout}: ratio {row.ratio:.3f} is below {min_ratio}"
                  for row in rows if row.taken and row.ratio is not None
                  and row.ratio < min_ratio]
    for layout in dict.fromkeys(row.layout for row in rows) if required_share is not None else ():
        of_layout = [row for row in rows if row.layout == layout]
        taken = sum(row.taken for row in of_layout)
        if taken < required_share * len(of_layout):
            missing = next(row.name for row in of_layout if not row.taken)
            found.append(f"{layout}: the plugin took {taken} of {len(of_layout)} problems, "
                         f"{required_share:.0%} are required (not taken: {missing}, ...)")
    return found
