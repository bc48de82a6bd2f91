# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""The two pictures of a pass: efficiency against width, and the ratio per problem."""

import collections

import matplotlib

matplotlib.use("Agg")  # draw into files; no display is needed

import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen first)

import problems  # noqa: E402
import results  # noqa: E402


def curves(settings, rows, layout):
    """Group a pass's rows: {(channels, filters, dilation, batch): {taps: [(width, row)]}}.

    Only unit strides, and only curves of at least two widths, are kept.
    """
    shapes = {problem.name: problems.fields(problem.text)
              for problem in settings.problems[rows[0].driver]}
    panels = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows:
        shape = shapes[row.name]
        if row.layout != layout or shape["sw"] != 1 or row.plugin_peak is None:
            continue
        panel = panels[shape["ic"], shape["oc"], shape["dw"] + 1, shape["mb"]]
        panel[shape["kw"]].append((shape["iw"], row))
    kept = {}
    for key, taps in panels.items():
        long_enough = {k: sorted(points, key=lambda point: point[0])
                       for k, points in taps.items() if len(points) > 1}
        if long_enough:
            kept[key] = long_enough
    return kept


def draw_panel(axes, key, taps):
    """One channel configuration: a colour per tap count, dashed is built-in."""
    for index, (count, points) in enumerate(sorted(taps.items())):
        widths = [width for width, _ in points]
        colour = f"C{index}"
        axes.plot(widths, [100 * row.plugin_peak for _, row in points], "o-", color=colour,
                  label=f"{count} taps")
        built_in = [(width, 100 * row.builtin_peak) for width, row in points
                    if row.builtin_peak is not None]
        if built_in:
            axes.plot(*zip(*built_in), "x--", color=colour, alpha=0.6)
    ticks = sorted({width for points in taps.values() for width, _ in points})
    axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{width:,}" for width in ticks], fontsize="small", rotation=45)
    axes.minorticks_off()
    axes.set_ylim(0, 105)
    axes.set_xlabel("width (positions)")
    axes.set_title(f"{key[0]} to {key[1]} channels, dilation {key[2]}")
    axes.grid(True, alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")


def heading(settings, rows):
    """What all rows of a pass share."""
    return (f"{results.title(rows[0].driver, rows[0].dir)}, {settings.precision.name}, "
            f"{settings.threads} thread(s)")


def plot_efficiency(path, settings, rows, layout):
    """Efficiency (% of peak) against width; returns False if there is no curve."""
    panels = curves(settings, rows, layout)
    if not panels:
        return False
    figure, grid = plt.subplots(1, len(panels), figsize=(5 * len(panels), 4.2), sharey=True,
                                squeeze=False)
    for axes, (key, taps) in zip(grid[0], sorted(panels.items())):
        draw_panel(axes, key, taps)
    grid[0][0].set_ylabel("% of peak")
    figure.suptitle(f"{heading(settings, rows)}, {layout}\n"
                    "with brdnn: solid, built-in oneDNN: dashed", fontsize="medium")
    save(figure, path)
    return True


def plot_ratios(path, settings, rows):
    """A bar per problem: how many times faster than the built-in."""
    label = "ncw ratio"
    ratios = results.headline_ratios(rows)
    if not ratios:
        layout = next(iter(settings.layouts))
        label = f"ratio, {layout}"
        ratios = {row.name: row.ratio for row in rows
                  if row.layout == layout and row.ratio is not None}
    if not ratios:
        return False
    names = list(ratios)[::-1]
    figure, axes = plt.subplots(figsize=(8, 1.5 + 0.2 * len(names)))
    axes.barh(names, [ratios[name] for name in names],
              color=["C0" if ratios[name] >= 1 else "C3" for name in names])
    axes.axvline(1, color="black", linewidth=1)
    axes.tick_params(axis="y", labelsize="x-small")
    axes.margins(y=0.005)
    axes.set_xlabel(f"{label}: built-in time / time with brdnn")
    axes.set_title(heading(settings, rows), fontsize="medium")
    save(figure, path)
    return True


def save(figure, path):
    """Write a PNG and forget the figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, dpi=130)
    plt.close(figure)
