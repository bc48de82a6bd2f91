# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Coverage tracks to train on: generated, or read from an HDF5 file.

Either way a torch TensorDataset of (noisy, clean, peaks), each (tracks, width)
in f32; peaks holds 0 and 1.

Generated tracks imitate ATAC sequencing: where a genome is cut is a Poisson
process whose rate is a slowly varying background plus peaks, and coverage
counts the fragments around the cuts. The noisy track is a run of low depth, the
clean one a run of high depth over the same rate. Both are in units of the mean
background, so that depth is no part of what has to be learned.
"""

import h5py
import numpy
import torch
from scipy import ndimage

FRAGMENT = 200         # positions that one cut covers
NOISY_DEPTH = 0.003    # cuts per position of background
CLEAN_DEPTH = 1.0
PEAK_SPACING = 4000    # positions between peaks on average
BACKGROUND_KNOTS = 2000   # positions between the knots of the background
PEAK_COVERAGE = 3.0    # a peak is where clean coverage is above this,
PEAK_POSITIONS = 100   # over at least so many positions

DATASETS = ("input", "label_reg", "label_cla")


class TracksError(Exception):
    """A sentence for the user: what is wrong with the file and what is expected."""


def cut_rate(rng, width):
    """Return the rate of cuts per position, 1 being the mean background."""
    positions = numpy.arange(width)
    knots = numpy.arange(0, width + BACKGROUND_KNOTS, BACKGROUND_KNOTS)
    background = numpy.interp(positions, knots, rng.gamma(8.0, 1 / 8, len(knots)))
    count = rng.poisson(width / PEAK_SPACING)
    centre = rng.uniform(0, width, (count, 1))
    radius = rng.lognormal(numpy.log(200), 0.5, (count, 1))
    height = rng.lognormal(numpy.log(8), 0.6, (count, 1))
    steepness = rng.uniform(2, 6, (count, 1))  # 2: a bell, 6: nearly a box
    peaks = height * numpy.exp(-(numpy.abs(positions - centre) / radius) ** steepness)
    return background + peaks.sum(axis=0)


def coverage(rng, rate, depth):
    """Count the fragments over each position at `depth`, in units of the mean background."""
    cuts = rng.poisson(rate * depth).astype(numpy.float32)
    return ndimage.uniform_filter1d(cuts, FRAGMENT, mode="constant") / depth


def call_peaks(clean):
    """Return 1 where `clean` stays high long enough, else 0."""
    return ndimage.binary_opening(clean > PEAK_COVERAGE, numpy.ones(PEAK_POSITIONS))


def generate_track(rng, width):
    """Return one (noisy, clean, peaks)."""
    rate = cut_rate(rng, width)
    clean = coverage(rng, rate, CLEAN_DEPTH)
    return coverage(rng, rate, NOISY_DEPTH), clean, call_peaks(clean)


def as_dataset(columns):
    """Make the data set of three (tracks, width) arrays."""
    return torch.utils.data.TensorDataset(
        *(torch.from_numpy(numpy.asarray(column, numpy.float32)) for column in columns))


def generate(count, width, seed):
    """Generate `count` tracks. Each depends on the seed and its number only."""
    tracks = [generate_track(numpy.random.default_rng((seed, number)), width)
              for number in range(count)]
    return as_dataset(map(numpy.stack, zip(*tracks)))


def read_h5(path):
    """Read all tracks of a file into memory; raise TracksError if it is not as described."""
    try:
        with h5py.File(path) as file:
            missing = [name for name in DATASETS if name not in file]
            if missing:
                raise TracksError(f"{path} has no dataset '{missing[0]}': it needs "
                                  f"{', '.join(DATASETS)}, each of shape (tracks, width)")
            columns = [numpy.asarray(file[name], numpy.float32) for name in DATASETS]
    except (OSError, TypeError, ValueError) as error:
        raise TracksError(f"{path} can't be read as HDF5 with numbers in it: {error}") from None
    check(path, columns)
    return as_dataset(columns)


def check(path, columns):
    """Raise TracksError unless the arrays fit together and hold what they should."""
    shapes = [column.shape for column in columns]
    if len(shapes[0]) != 2 or 0 in shapes[0]:
        raise TracksError(f"{path}: '{DATASETS[0]}' has shape {shapes[0]}, not (tracks, width)")
    for name, column in zip(DATASETS, columns):
        if column.shape != shapes[0]:
            raise TracksError(f"{path}: '{name}' has shape {column.shape}, "
                              f"'{DATASETS[0]}' has {shapes[0]}; they must be the same")
        if not numpy.isfinite(column).all():
            raise TracksError(f"{path}: '{name}' holds values that are not finite; "
                              "replace them first")
    if not numpy.isin(columns[2], (0, 1)).all():
        raise TracksError(f"{path}: '{DATASETS[2]}' holds values other than 0 and 1")
