# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""A picture of one track: noisy, denoised and true, with the peaks that are called."""

import matplotlib
import numpy

matplotlib.use("Agg")  # draw into files; no display is needed

import matplotlib.pyplot as plt  # noqa: E402  (the backend is chosen first)


def runs(mask):
    """Yield (begin, end) of each run of True."""
    edges = numpy.flatnonzero(numpy.diff(numpy.concatenate(([0], mask, [0]))))
    return zip(edges[::2].tolist(), edges[1::2].tolist())


def draw(path, noisy, denoised, clean, called, peaks):
    """Write the PNG. All are of one track and (width,); called and peaks are boolean."""
    figure, rows = plt.subplots(3, 1, figsize=(11, 6), sharex=True, constrained_layout=True)
    for axes, title, track, mask in ((rows[0], "noisy", noisy, None),
                                     (rows[1], "denoised, and peaks called", denoised, called),
                                     (rows[2], "true, and its peaks", clean, peaks)):
        axes.plot(track, linewidth=0.7)
        for begin, end in runs(mask) if mask is not None else ():
            axes.axvspan(begin, end, color="C1", alpha=0.3, linewidth=0)
        axes.set_title(title, loc="left", fontsize="medium")
        axes.set_ylabel("coverage")
        axes.grid(True, alpha=0.3)
    rows[2].set_xlabel("position")
    rows[2].set_xlim(0, len(clean))
    figure.savefig(path, dpi=120)
    plt.close(figure)
