# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The picture of layers: a panel per pass, a bar per layer."""

import layer_report
import layer_results
import plots  # chooses matplotlib's backend
import verbose

TICKS = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64)


def draw_bars(axes, rows):
    """Bars from 1 to each ratio, on a logarithmic axis; a mark for MLAS in forward."""
    names = [row.name for row in rows]
    axes.barh(names, [row.ratio - 1 for row in rows], left=1,
              color=["C7" if verbose.ran_by(row.plugin_impl) == "built-in" else "C0"
                     for row in rows])
    beside = [row for row in rows if row.mlas_ratio is not None]
    if beside:
        axes.plot([row.mlas_ratio for row in beside], [row.name for row in beside], "k.",
                  markersize=4)
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.axvline(layer_report.LOW, color="C3", linewidth=0.5)
    low, high = axes.get_xlim()
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(True, axis="x", alpha=0.3)
    axes.tick_params(axis="y", labelsize="x-small")
    axes.margins(y=0.005)
    axes.set_title(rows[0].layer_pass, fontsize="medium")


def plot_ratios(path, settings, rows):
    """Write the picture of all passes."""
    passes = layer_results.by_pass(rows)
    figure, grid = plots.plt.subplots(1, len(passes), sharey=True, squeeze=False,
                                      figsize=(2 + 3.3 * len(passes),
                                               1.8 + 0.16 * len(settings.layers)))
    for axes, of_pass in zip(grid[0], passes.values()):
        draw_bars(axes, of_pass)
    grid[0][0].invert_yaxis()
    figure.supxlabel("stock time / time with brdnn (grey: left to others; "
                     "dots: time of ONNX Runtime's MLAS / time with brdnn)", fontsize="small")
    figure.suptitle(f"PyTorch, {settings.precision.name}, {settings.threads} thread(s)",
                    fontsize="medium")
    plots.save(figure, path)
