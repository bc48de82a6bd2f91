# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""From samples to rows: medians, costs with reorders, ratios, efficiency."""

import collections
import statistics

import benchdnn
import layouts
import measure

# One problem, driven in one direction, in one layout. ms: cost in milliseconds
# (median over rounds), reorder_ms: the part of it that is reorders, ratio:
# built-in cost / plugin cost, peak: share of the machine's arithmetic peak
# (1.0 = all of it), memory: cost / the time that reading and writing the
# tensors once takes, memory_bound: whether memory is what bounds the problem.
Row = collections.namedtuple("Row", "driver dir name layout plugin_impl builtin_impl plugin_ms "
                                    "builtin_ms plugin_reorder_ms builtin_reorder_ms ratio "
                                    "plugin_peak builtin_peak plugin_memory builtin_memory "
                                    "memory_ms memory_bound gops taken")

# What bounds a precision. name: the peak program's kind, and by what it is divided, if
# by anything. gflops: a number per round, of the precision's own products.
Peak = collections.namedtuple("Peak", "name gflops")


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


def peak_of(settings, samples):
    """Return the Peak that bounds the precision, or None."""
    for kind, products in settings.precision.peaks:
        values = samples.peak.get((kind, settings.threads))
        if values:
            return Peak(kind if products == 1 else f"{kind}/{products}",
                        [value / products for value in values])
    return None


def bandwidths(samples, threads):
    """Return {'read': GB/s, 'write': ..., 'copy': ...}, or None if not measured."""
    found = {what: median(samples.peak.get(("mem_" + what, threads)))
             for what in ("read", "write", "copy")}
    return None if None in found.values() else found


def memory_ms(traffic, rates):
    """Milliseconds that reading and writing these bytes once takes, or None.

    What is read is copied to what is written, as far as it goes, and the rest
    is only read or only written.
    """
    if traffic is None or rates is None:
        return None
    read, written = traffic
    both = min(read, written)
    seconds = 1e-9 * (2 * both / rates["copy"] + (read - both) / rates["read"]
                      + (written - both) / rates["write"])
    return 1e3 * seconds


def cost(samples, case, side):
    """Return (total, reorders) in milliseconds; None where not known."""
    ms = median(samples.ms.get((case, side)))
    paid = samples.paid.get((case, side))
    costs = [None] if paid is None else [median(samples.reorder_ms.get(r)) for r in paid]
    reorders = None if None in costs else sum(costs)
    if ms is None or reorders is None:
        return None, reorders
    return ms + reorders, reorders


def make_row(settings, samples, case):
    """Build the Row of one case."""
    plugin_ms, plugin_reorder = cost(samples, case, "plugin")
    builtin_ms, builtin_reorder = cost(samples, case, "builtin")
    plugin_impl = samples.impl.get((case, "plugin"), "")
    gops = samples.gops.get(case)
    peak = peak_of(settings, samples)
    ideal_ms = 1e3 * gops / median(peak.gflops) if gops and peak else None
    traffic = samples.traffic.get(case)
    once_ms = memory_ms(traffic, bandwidths(samples, settings.threads))
    cache_bytes = 1e6 * (median(samples.peak.get(("cache", 1))) or 0)
    bound = (None not in (once_ms, ideal_ms) and once_ms > ideal_ms
             and sum(traffic) > cache_bytes)
    return Row(case.driver, case.dir, case.name, case.layout, plugin_impl,
               samples.impl.get((case, "builtin"), ""),
               plugin_ms, builtin_ms, plugin_reorder, builtin_reorder,
               divide(builtin_ms, plugin_ms), divide(ideal_ms, plugin_ms),
               divide(ideal_ms, builtin_ms), divide(plugin_ms, once_ms),
               divide(builtin_ms, once_ms), once_ms, bound, gops,
               benchdnn.ran_by(plugin_impl) == "plugin")


def make_rows(settings, samples):
    """Rows for every problem, direction and layout, problem by problem."""
    return [make_row(settings, samples, measure.Case(driver, direction, layout, problem.name))
            for driver, direction in settings.passes
            for problem in settings.problems[driver] for layout in settings.layouts]


def title(driver, direction):
    """Name a pass for people: 'deconvolution backward data (BWD_D)'."""
    words = {"FWD": "forward", "BWD_D": "backward data", "BWD_W": "backward weights"}
    return (f"{'de' if driver == 'deconv' else ''}convolution "
            f"{words[layouts.direction_kind(direction)]} ({direction})")


def by_pass(rows):
    """Map (driver, direction) to its rows, in their order."""
    passes = collections.defaultdict(list)
    for row in rows:
        passes[row.driver, row.dir].append(row)
    return passes


def headline_ratios(rows):
    """Map problem -> ncw ratio, where ncw and any were both measured.

    rows: of one driver and direction. It is the built-in's better of (ncw given)
    and (any with reorders), over the same for the plugin: what a framework with
    ncw tensors can gain.
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
    required_share: lowest share of problems taken, per direction and layout, or None.
    """
    found = [f"{label(row)} was not measured on both sides" for row in rows if row.ratio is None]
    if min_ratio is not None:
        found += [f"{label(row)}: ratio {row.ratio:.3f} is below {min_ratio}" for row in rows
                  if row.taken and row.ratio is not None and row.ratio < min_ratio]
    groups = collections.defaultdict(list)
    for row in rows if required_share is not None else ():
        groups[row.driver, row.dir, row.layout].append(row)
    for group, members in groups.items():
        taken = sum(row.taken for row in members)
        if taken < required_share * len(members):
            missing = next(row.name for row in members if not row.taken)
            found.append(f"{' '.join(group)}: the plugin took {taken} of {len(members)} problems, "
                         f"{required_share:.0%} are required (not taken: {missing}, ...)")
    return found


def label(row):
    """Name a row in a sentence."""
    return f"{row.name} in {row.driver} {row.dir}, {row.layout}"
