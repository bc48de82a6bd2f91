# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""From samples of layers to rows: medians over rounds, ratios, shares of peak."""

import collections

import layer_rounds
import layers
import results

# One layer and pass. impl: who computed it. ms: milliseconds, median over rounds.
# ratio: stock / plugin. peak: share of the machine's arithmetic peak (1.0 = all of
# it). mlas, dnnl: ONNX Runtime's providers, in forward. mlas_ratio: mlas / plugin.
Row = collections.namedtuple("Row", "name layer_pass stock_impl plugin_impl stock_ms plugin_ms "
                                    "ratio gflops stock_peak plugin_peak mlas_ms mlas_ratio "
                                    "dnnl_stock_ms dnnl_plugin_ms declined")


def make_row(settings, samples, layer, layer_pass):
    """Build the Row of a layer and pass."""
    case = layer_rounds.Case(layer.name, layer_pass)
    stock, plugin, mlas, dnnl_stock, dnnl_plugin = (
        results.median(samples.ms.get((case, side)))
        for side in ("stock", "plugin", "mlas", "dnnl stock", "dnnl plugin"))
    peak = results.peak_of(settings, samples)
    ideal = 1e3 * layers.gflop(layer) / results.median(peak.gflops) if peak else None
    return Row(*case, samples.impl[case, "stock"], samples.impl[case, "plugin"], stock, plugin,
               results.divide(stock, plugin), 1e3 * layers.gflop(layer) / plugin,
               results.divide(ideal, stock), results.divide(ideal, plugin), mlas,
               results.divide(mlas, plugin), dnnl_stock, dnnl_plugin,
               samples.declined[case, "plugin"])


def make_rows(settings, samples):
    """Rows for every pass and layer, pass by pass."""
    return [make_row(settings, samples, layer, layer_pass)
            for layer_pass in settings.passes for layer in settings.layers]


def by_pass(rows):
    """Map a pass to its rows, in their order."""
    passes = collections.defaultdict(list)
    for row in rows:
        passes[row.layer_pass].append(row)
    return passes


def label(row):
    """Name a row in a sentence."""
    return f"{row.name} {row.layer_pass}"


def failures(rows, min_ratio):
    """List the rows that are slower than allowed, as sentences; min_ratio may be None."""
    if min_ratio is None:
        return []
    return ([f"{label(row)}: {row.ratio:.3f} of stock's speed is below {min_ratio}"
             for row in rows if row.ratio < min_ratio]
            + [f"{label(row)}: {row.mlas_ratio:.3f} of MLAS's speed is below {min_ratio}"
               for row in rows if row.mlas_ratio is not None and row.mlas_ratio < min_ratio])
