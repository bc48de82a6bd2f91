# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""One side of bench_training.py: trains a step of the genomics network when told to.

Reads commands from stdin, in JSON, one a line, and replies to each (see layer_worker.py):

    "step"      {"ms": milliseconds of the step, "loss": its loss before the update}
    "verbose"   the same for a step during which oneDNN prints what it runs
    "peak"      the largest resident size of this process so far, in MiB
"""

import argparse
import json
import pathlib
import resource
import sys
import time

import torch

import layer_worker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "examples/pytorch"))

import network  # noqa: E402 (found through the line above)
import tracks  # noqa: E402

SEED = 1
# As many tracks as an epoch of train_genomics.py has. Not only for variety: what
# has been allocated and freed before decides what glibc does in a step.
EPOCH = 50


def parse_args():
    """Read what to train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=network.PRECISIONS, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--width", type=int, required=True)
    return parser.parse_args()


def batches(batch, width):
    """Yield (noisy, clean, peaks) without end."""
    loader = torch.utils.data.DataLoader(tracks.generate(EPOCH * batch, width, SEED), batch)
    while True:
        yield from loader


class Trainer:
    """A network, its optimizer and the batches that it trains on."""

    def __init__(self, args):
        torch.manual_seed(SEED)
        self.precision = args.precision
        self.network = network.GenomicsNetwork()
        self.optimizer = network.make_optimizer(self.network)
        self.batches = batches(args.batch, args.width)

    def step(self):
        """Train once."""
        batch = next(self.batches)
        begin = time.perf_counter()
        loss = network.step(self.network, self.optimizer, batch, self.precision)
        return {"ms": 1e3 * (time.perf_counter() - begin), "loss": loss}

    def verbose(self):
        """Train once while oneDNN prints a line for each primitive."""
        with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
            return self.step()

    def peak(self):
        """Ask the system."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    """Obey until stdin ends."""
    trainer = Trainer(parse_args())
    commands = {"step": trainer.step, "verbose": trainer.verbose, "peak": trainer.peak}
    layer_worker.reply({"value": layer_worker.loaded_libraries("libdnnl")})
    for line in sys.stdin:
        layer_worker.reply({"value": commands[json.loads(line)]()})


if __name__ == "__main__":
    main()
