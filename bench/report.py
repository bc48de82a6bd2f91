# SPDX-FileCopyrightText: 2026 The brconv1d authors
# SPDX-License-Identifier: Apache-2.0
"""What people read: the table, the summary, and the CSV."""

import csv

import tabulate

import problems
import results

NAME_WIDTH = 28
BUSY = 0.1  # share by which rounds may differ before the summary warns


def shorten(text, width=NAME_WIDTH):
    """Cut a long implementation name; the CSV holds the whole one."""
    return text if len(text) <= width else text[:width - 3] + "..."


def number(value, pattern):
    """Format a number, or '-' where there is none."""
    return "-" if value is None else format(value, pattern)


def milliseconds(total, reorders):
    """Format a cost; what part of it is reorders goes into brackets."""
    text = number(total, ".4g")
    return f"{text} ({reorders:.3g})" if reorders else text


def table(rows):
    """The table: one line per problem and layout."""
    headers = ["problem", "layout", "plugin", "built-in", "plugin ms", "built-in ms", "ratio",
               "plugin %peak", "built-in %peak"]
    lines = []
    previous = None
    for row in rows:
        lines.append(["" if row.name == previous else row.name, row.layout,
                      shorten(row.plugin_impl), shorten(row.builtin_impl),
                      milliseconds(row.plugin_ms, row.plugin_reorder_ms),
                      milliseconds(row.builtin_ms, row.builtin_reorder_ms),
                      number(row.ratio, ".2f"), number(row.plugin_peak, ".0%"),
                      number(row.builtin_peak, ".0%")])
        previous = row.name
    return tabulate.tabulate(lines, headers, disable_numparse=True,
                             colalign=("left",) * 4 + ("right",) * 5)


def ratio_line(label, named_ratios):
    """One summary line: how many, geomean, worst and best of {name: ratio}."""
    if not named_ratios:
        return f"{label}: nothing to compare"
    worst = min(named_ratios, key=named_ratios.get)
    best = max(named_ratios, key=named_ratios.get)
    return (f"{label}: geomean {results.geomean(list(named_ratios.values())):.2f}x, "
            f"worst {named_ratios[worst]:.2f}x ({worst}), "
            f"best {named_ratios[best]:.2f}x ({best}), {len(named_ratios)} problems")


def layout_lines(rows, layout):
    """Summary of one layout: who ran, and the ratio where the plugin did."""
    of_layout = [row for row in rows if row.layout == layout]
    taken = [row for row in of_layout if row.taken]
    note = " with the reorders of a framework that holds ncw" if layout == "any" else ""
    yield (f"  {layout}{note}: taken {len(taken)} of {len(of_layout)} "
           f"({len(taken) / len(of_layout):.0%})")
    wrapped = sum("brconv1d" in row.plugin_impl and not row.taken for row in of_layout)
    if wrapped:
        yield f"    {wrapped} more ran in a built-in wrapper around the plugin (not counted)"
    ratios = {row.name: row.ratio for row in taken if row.ratio is not None}
    if ratios:
        yield "    " + ratio_line("where taken", ratios)
    shares = [row.plugin_peak for row in taken if row.plugin_peak is not None]
    if shares:
        yield f"    where taken: geomean {results.geomean(shares):.0%} of peak"


def sweep_line(settings, rows):
    """Efficiency over the paper's sweep where sequences are long, if it was run."""
    widths = {p.name: problems.fields(p.text)["iw"] for p in settings.problems}
    long_rows = [row for row in rows if row.layout == "ncw" and row.name.startswith("sweep:")
                 and widths[row.name] >= 5000 and row.plugin_peak and row.builtin_peak]
    if long_rows:
        plugin = results.geomean([row.plugin_peak for row in long_rows])
        builtin = results.geomean([row.builtin_peak for row in long_rows])
        yield (f"  sweep in ncw, widths of 5,000 and more: geomean {plugin:.0%} of peak, "
               f"built-in {builtin:.0%}")


def peak_lines(settings, samples):
    """The peak that shares refer to, and a warning where it moved much."""
    peak = results.peak_of(samples, settings.dt)
    if not peak:
        yield "  peak: not measured, the peak program is missing (see --peak) or has no such kind"
        return
    low, high = min(samples.peak[peak[0]]), max(samples.peak[peak[0]])
    yield (f"  peak: {peak[1]:.1f} GFLOP/s ({peak[0]}, {settings.threads} thread(s), "
           f"between rounds {low:.1f} to {high:.1f})")
    if high - low > BUSY * low:
        yield "  WARNING: the peak moved much; the machine was busy, don't trust these numbers"


def spread_lines(samples):
    """How repeatable the rounds were, and a warning where they were not."""
    spread = results.spread(samples)
    if spread is None:
        return
    yield f"  rounds: {samples.rounds}, slowest over fastest is typically +{spread:.1%}"
    if spread > BUSY:
        yield "  WARNING: rounds differ much; the machine was busy, don't trust these numbers"


def summary(settings, samples, rows):
    """The closing lines, for a person in a hurry."""
    headline = results.headline_ratios(rows)
    lines = ["Summary", "  a ratio above 1 means that the plugin is faster than the built-in"]
    if headline:
        lines.append("  " + ratio_line("ncw ratio (the better of ncw and any, built-in / plugin)",
                                       headline))
    for layout in settings.layouts:
        lines += layout_lines(rows, layout)
    lines += sweep_line(settings, rows)
    lines += peak_lines(settings, samples)
    lines += spread_lines(samples)
    if samples.rounds < settings.rounds:
        lines.append(f"  {samples.rounds} of {settings.rounds} rounds: the time limit of "
                     f"{settings.max_minutes:g} minutes came first")
    return "\n".join(lines)


def header(settings):
    """What is compared, and under which conditions."""
    mb = settings.mb or "as each problem says"
    return "\n".join([
        f"benchdnn: {settings.benchdnn}",
        f"{len(settings.problems)} problems, dt {settings.dt}, dir {settings.dir}, batch {mb}, "
        f"{settings.threads} thread(s), layouts {', '.join(settings.layouts)}",
        f"up to {settings.rounds} rounds; in each: plugin on and off in processes of their own, "
        f"{settings.ms_per_problem} ms or 5 runs per problem",
        "time of a process: its fastest run (caches warm); time in the table: median over rounds",
        "weights: format free on both sides, packed before the timing"])


def write_csv(path, settings, samples, rows):
    """Write every row, with spread over rounds; times in milliseconds."""
    headline = results.headline_ratios(rows)
    peak = results.peak_of(samples, settings.dt)
    extra = ["ncw_ratio", "dt", "dir", "mb", "threads", "rounds", "peak_gflops", "peak_kind",
             "plugin_ms_min", "plugin_ms_max", "builtin_ms_min", "builtin_ms_max", "shape"]
    shapes = {problem.name: problem.text for problem in settings.problems}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*results.Row._fields, *extra])
        for row in rows:
            spread = []
            for side in ("plugin", "builtin"):
                values = samples.ms.get((row.name, row.layout, side)) or [None]
                spread += [min(values), max(values)]
            writer.writerow([*row, headline.get(row.name), settings.dt, settings.dir, settings.mb,
                             settings.threads, samples.rounds, peak[1] if peak else None,
                             peak[0] if peak else None, *spread, shapes[row.name]])
