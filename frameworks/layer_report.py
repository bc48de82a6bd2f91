# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""What people read about layers: the tables, the summary, the CSV."""

import csv

import tabulate

import layer_results
import layer_rounds
import layers
import report
import results

LOW = 0.95  # ratios below it are counted in the summary
IMPL_WIDTH = 24


def header(settings):
    """What is compared, and under which conditions."""
    memory = "returned to the system" if settings.return_memory else "kept by the process"
    return "\n".join([
        f"library: {settings.library}",
        f"{len(settings.layers)} layers, {', '.join(settings.passes)}; {settings.precision.name}, "
        f"{settings.threads} thread(s)",
        f"a survey, then up to {settings.rounds} rounds; in each a worker process for each side, "
        f"{settings.ms_per_layer} ms or 5 runs per layer and pass, in turn",
        "time of a worker: its fastest run (caches warm); time in the table: median over rounds",
        f"freed memory is {memory}"])


def table(rows):
    """The table of one pass: a line per layer."""
    peers = [name for name in ("mlas", "dnnl_stock", "dnnl_plugin")
             if any(getattr(row, f"{name}_ms") is not None for row in rows)]
    headers = ["layer", "stock ran", "plugin ran", "stock ms", "plugin ms", "ratio", "GFLOP/s",
               "stock %peak", "plugin %peak", *(f"{name.replace('_', ' ')} ms" for name in peers)]
    if "mlas" in peers:
        headers.append("mlas ratio")
    lines = []
    for row in rows:
        line = [row.name, report.shorten(row.stock_impl, IMPL_WIDTH),
                report.shorten(row.plugin_impl, IMPL_WIDTH), report.number(row.stock_ms, ".4g"),
                report.number(row.plugin_ms, ".4g"), report.number(row.ratio, ".2f"),
                report.number(row.gflops, ".4g"), report.number(row.stock_peak, ".0%"),
                report.number(row.plugin_peak, ".0%"),
                *(report.number(getattr(row, f"{name}_ms"), ".4g") for name in peers)]
        lines.append(line + [report.number(row.mlas_ratio, ".2f")] * ("mlas" in peers))
    return tabulate.tabulate(lines, headers, disable_numparse=True,
                             colalign=["left"] * 3 + ["right"] * (len(headers) - 3))


def tables(rows):
    """The tables of all passes, each under its name."""
    return "\n\n".join(f"{layer_pass}\n\n{table(of_pass)}"
                       for layer_pass, of_pass in layer_results.by_pass(rows).items())


def ratio_lines(what, ratios):
    """Summary of {name: ratio}: geomean, worst, best, and which are low."""
    yield "  " + report.ratio_line(what, ratios)
    low = [name for name, ratio in ratios.items() if ratio < LOW]
    yield f"    below {LOW}: {len(low)}" + (f" ({', '.join(low)})" if low else "")


def summary(settings, samples, rows):
    """The closing lines, for a person in a hurry."""
    lines = ["Summary; a ratio above 1 means that PyTorch with the plugin is faster"]
    for layer_pass, of_pass in layer_results.by_pass(rows).items():
        lines.append(layer_pass)
        lines += ratio_lines("stock / plugin", {row.name: row.ratio for row in of_pass})
        mlas = {row.name: row.mlas_ratio for row in of_pass if row.mlas_ratio is not None}
        if mlas:
            lines += ratio_lines("MLAS / plugin", mlas)
        dnnl = {row.name: row.dnnl_stock_ms / row.dnnl_plugin_ms for row in of_pass
                if row.dnnl_plugin_ms is not None}
        if dnnl:
            lines += ratio_lines("ONNX Runtime's DNNL provider, stock / plugin", dnnl)
    lines.append("All")
    lines += ratio_lines("stock / plugin", {layer_results.label(row): row.ratio for row in rows})
    lines += [*report.peak_lines(settings, samples), *report.spread_lines(samples)]
    return "\n".join(lines)


def write_csv(path, settings, samples, rows):
    """Write every row, with the spread over rounds (milliseconds) and the layer itself."""
    by_name = {layer.name: layer for layer in settings.layers}
    extra = ["precision", "threads", "rounds", "peak_gflops", "stock_ms_min", "stock_ms_max",
             "plugin_ms_min", "plugin_ms_max", *layers.Layer._fields[1:]]
    peak = results.peak_of(settings, samples)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*layer_results.Row._fields, *extra])
        for row in rows:
            spread = []
            for side in ("stock", "plugin"):
                values = samples.ms[layer_rounds.Case(row.name, row.layer_pass), side]
                spread += [min(values), max(values)]
            writer.writerow([*row, settings.precision.name, settings.threads, samples.rounds,
                             peak and results.median(peak.gflops), *spread, *by_name[row.name][1:]])
