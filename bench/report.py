# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""What people read: the table, the summary, and the CSV."""

import csv

import tabulate

import benchdnn
import measure
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


def of_bound(share, multiple, memory_bound):
    """Format how near a side is to what bounds the problem: arithmetic or memory."""
    if memory_bound and multiple is not None:
        return f"{multiple:.2f}x mem"
    return number(share, ".0%")


def table(rows):
    """The table of one direction: one line per problem and layout."""
    headers = ["problem", "layout", "plugin", "built-in", "plugin ms", "built-in ms", "ratio",
               "plugin %peak", "built-in %peak"]
    lines = []
    previous = None
    for row in rows:
        lines.append(["" if row.name == previous else row.name, row.layout,
                      shorten(row.plugin_impl), shorten(row.builtin_impl),
                      milliseconds(row.plugin_ms, row.plugin_reorder_ms),
                      milliseconds(row.builtin_ms, row.builtin_reorder_ms),
                      number(row.ratio, ".2f"),
                      of_bound(row.plugin_peak, row.plugin_memory, row.memory_bound),
                      of_bound(row.builtin_peak, row.builtin_memory, row.memory_bound)])
        previous = row.name
    return tabulate.tabulate(lines, headers, disable_numparse=True,
                             colalign=("left",) * 4 + ("right",) * 5)


def tables(rows):
    """The tables of all directions, each under its name."""
    return "\n\n".join(f"{results.title(*key)}\n\n{table(of_pass)}"
                       for key, of_pass in results.by_pass(rows).items())


def problem_count(problems_found):
    """Say how many problems there are: '1 problem', '3 problems'."""
    return f"{len(problems_found)} problem{'' if len(problems_found) == 1 else 's'}"


def ratio_line(label, named_ratios):
    """One summary line: how many, geomean, worst and best of {name: ratio}."""
    if not named_ratios:
        return f"{label}: nothing to compare"
    worst = min(named_ratios, key=named_ratios.get)
    best = max(named_ratios, key=named_ratios.get)
    return (f"{label}: geomean {results.geomean(list(named_ratios.values())):.2f}x, "
            f"worst {named_ratios[worst]:.2f}x ({worst}), "
            f"best {named_ratios[best]:.2f}x ({best}), {problem_count(named_ratios)}")


def layout_lines(rows, layout):
    """Summary of one direction in one layout: who ran, the ratio where the plugin did."""
    of_layout = [row for row in rows if row.layout == layout]
    taken = [row for row in of_layout if row.taken]
    note = " with the reorders of a framework that holds ncw" if layout == "any" else ""
    yield (f"  {layout}{note}: taken {len(taken)} of {len(of_layout)} "
           f"({len(taken) / len(of_layout):.0%})")
    wrapped = sum(benchdnn.ran_by(row.plugin_impl) == "wrapper" for row in of_layout)
    if wrapped:
        yield f"    {wrapped} more ran in a built-in wrapper around the plugin (not counted)"
    ratios = {row.name: row.ratio for row in taken if row.ratio is not None}
    if ratios:
        yield "    " + ratio_line("where taken", ratios)
    shares = [row.plugin_peak for row in taken
              if row.plugin_peak is not None and not row.memory_bound]
    if shares:
        yield f"    where taken: geomean {results.geomean(shares):.0%} of peak"
    bound = [row for row in taken if row.memory_bound and row.plugin_memory is not None]
    if bound:
        worst = max(bound, key=lambda row: row.plugin_memory)
        yield (f"    where taken and bound by memory: {problem_count(bound)}, at most "
               f"{worst.plugin_memory:.2f}x the time of reading and writing the tensors once "
               f"({worst.name})")


def sweep_lines(settings, rows):
    """Efficiency over the paper's sweep where sequences are long, if it was run."""
    widths = {problem.name: problems.fields(problem.text)["iw"]
              for problem in settings.problems.get("conv", ())}
    long_rows = [row for row in rows if row.layout == "ncw" and row.name.startswith("sweep:")
                 and widths[row.name] >= 5000 and row.plugin_peak and row.builtin_peak]
    if long_rows:
        plugin = results.geomean([row.plugin_peak for row in long_rows])
        builtin = results.geomean([row.builtin_peak for row in long_rows])
        yield (f"  sweep in ncw, widths of 5,000 and more: geomean {plugin:.0%} of peak, "
               f"built-in {builtin:.0%}")


def pass_lines(settings, rows):
    """Summary of one driver and direction."""
    headline = results.headline_ratios(rows)
    if headline:
        yield "  " + ratio_line("ncw ratio (the better of ncw and any, built-in / plugin)",
                                headline)
    for layout in settings.layouts:
        yield from layout_lines(rows, layout)
    yield from sweep_lines(settings, rows)


def peak_lines(settings, samples):
    """What shares and multiples refer to, and a warning where the peak moved much."""
    peak = results.peak_of(settings, samples)
    if not peak:
        yield "  peak: not measured, the peak program is missing (see --peak) or has no such kind"
        return
    low, high = min(peak.gflops), max(peak.gflops)
    yield (f"  peak: {results.median(peak.gflops):.1f} GFLOP/s ({peak.name}, "
           f"{settings.threads} thread(s), between rounds {low:.1f} to {high:.1f})")
    for threads in sorted({1, settings.threads}):
        rates = results.bandwidths(samples, threads)
        if rates:
            copied = samples.peak["mem_copy", threads]
            yield (f"  memory, {threads} thread(s): read {rates['read']:.1f}, write "
                   f"{rates['write']:.1f}, copy {rates['copy']:.1f} GB/s (read plus written, "
                   f"between rounds {min(copied):.1f} to {max(copied):.1f})")
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
    lines = ["Summary; a ratio above 1 means that the plugin is faster than the built-in"]
    for key, of_pass in results.by_pass(rows).items():
        lines += [results.title(*key), *pass_lines(settings, of_pass)]
    lines += ["All", *peak_lines(settings, samples), *spread_lines(samples)]
    if samples.rounds < settings.rounds:
        lines.append(f"  {samples.rounds} of {settings.rounds} rounds: the time limit of "
                     f"{settings.max_minutes:g} minutes came first")
    for slow, often in ((samples.slow, "once a round"),
                        (samples.reference, "in the survey only: oneDNN's reference loops")):
        if slow:
            lines.append(f"  {len(slow)} measurements of over {measure.SLOW_MS} ms were made "
                         + often)
    return "\n".join(lines)


def header(settings):
    """What is compared, and under which conditions."""
    mb = settings.mb or "as each problem says"
    return "\n".join([
        f"benchdnn: {settings.benchdnn}",
        *(f"{results.title(driver, direction)}: {problem_count(settings.problems[driver])}"
          for driver, direction in settings.passes),
        f"precision {settings.precision.name}, batch {mb}, {settings.threads} thread(s), layouts "
        + ", ".join(settings.layouts),
        f"a survey, then up to {settings.rounds} rounds; in each: plugin on and off in processes "
        f"of their own, {settings.ms_per_problem} ms or 5 runs per problem",
        "time of a process: its fastest run (caches warm); time in the table: median over rounds",
        "weights: format free on both sides; reorders counted in backward passes (in brackets), "
        "packed before the timing in forward"])


def write_csv(path, settings, samples, rows):
    """Write every row, with spread over rounds; times in milliseconds."""
    headline = {key: results.headline_ratios(of_pass)
                for key, of_pass in results.by_pass(rows).items()}
    peak = results.peak_of(settings, samples)
    rates = results.bandwidths(samples, settings.threads) or {}
    extra = ["ncw_ratio", "precision", "dt", "mb", "threads", "rounds", "peak_gflops", "peak_kind",
             "read_gbs", "write_gbs", "copy_gbs",
             "plugin_ms_min", "plugin_ms_max", "builtin_ms_min", "builtin_ms_max", "shape"]
    shapes = {(driver, problem.name): problem.text
              for driver, of_driver in settings.problems.items() for problem in of_driver}
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*results.Row._fields, *extra])
        for row in rows:
            case = measure.Case(row.driver, row.dir, row.layout, row.name)
            spread = []
            for side in measure.SIDES:
                values = samples.ms.get((case, side)) or [None]
                spread += [min(values), max(values)]
            writer.writerow([*row, headline[row.driver, row.dir].get(row.name),
                             settings.precision.name, settings.precision.dt, settings.mb,
                             settings.threads, samples.rounds,
                             peak and results.median(peak.gflops), peak and peak.name,
                             rates.get("read"), rates.get("write"), rates.get("copy"), *spread,
                             shapes[row.driver, row.name]])
