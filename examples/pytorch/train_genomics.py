#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The brdnn authors
# SPDX-License-Identifier: Apache-2.0
"""Train a residual network to denoise coverage tracks and to call their peaks.

    python3 train_genomics.py
    python3 train_genomics.py --h5 tracks.h5 --epochs 10 --precision bf16
    torchrun --nproc-per-node 2 train_genomics.py

The tracks are generated, or come from an HDF5 file with the datasets `input`
(noisy), `label_reg` (clean) and `label_cla` (1 in peaks, else 0), each of shape
(tracks, width). Under torchrun each process trains on --batch tracks of its own
per step, on its share of the machine's cores. Debian's torchrun needs further
options, which docs/frameworks.md has.
"""

import argparse
import itertools
import json
import pathlib
import statistics
import sys
import time

try:
    import torch

    import console
    import evaluation
    import network
    import picture
    import processes
    import tracks
except ImportError as missing:
    sys.exit(f"train_genomics.py needs the Python module {missing.name}: on Debian, apt install "
             "python3-torch python3-h5py python3-matplotlib python3-scipy python3-sklearn "
             "python3-tqdm")

# With generated tracks: steps of an epoch, positions of a track, tracks held out.
STEPS = 50
WIDTH = 24000
HELD_OUT = 8
# With a file, one of so many tracks is held out.
HELD_OUT_SHARE = 10

SUMMARY = "summary.json"
PICTURE = "tracks.png"
WEIGHTS = "network.pt"


def parse_args():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=console.positive, default=3, help="default: 3")
    parser.add_argument("--steps", type=console.positive,
                        help=f"steps per epoch (default: {STEPS}; with --h5 all of its tracks)")
    parser.add_argument("--batch", type=console.positive, default=4,
                        help="tracks per step and process (default: 4)")
    parser.add_argument("--width", type=console.positive,
                        help=f"positions of a generated track (default: {WIDTH:,})")
    parser.add_argument("--h5", type=pathlib.Path, metavar="FILE",
                        help=f"tracks to train on; one in {HELD_OUT_SHARE} is held out")
    parser.add_argument("--precision", choices=network.PRECISIONS, default="f32",
                        help="of the convolutions: f32 (default), or bf16 by autocast")
    parser.add_argument("--threads", type=console.positive,
                        help="of each process (default: one per core it has)")
    parser.add_argument("--seed", type=console.positive, default=1,
                        help="of tracks, parameters and order; same seed, same result "
                             "(default: 1)")
    parser.add_argument("--out", type=pathlib.Path, metavar="FOLDER",
                        default=pathlib.Path("train_genomics"),
                        help="where results are written (default: train_genomics)")
    args = parser.parse_args()
    if args.h5 and args.width:
        parser.error("--width is for generated tracks: with --h5, the file says how wide they are")
    return args


def load(args):
    """Return the data sets to train on and to test on."""
    if not args.h5:
        count = (args.steps or STEPS) * args.batch * processes.count()
        both = tracks.generate(HELD_OUT + count, args.width or WIDTH, args.seed)
        held_out = HELD_OUT
    else:
        both = tracks.read_h5(args.h5)
        held_out = -(-len(both) // HELD_OUT_SHARE)
    data = split(both, held_out)
    needed = args.batch * processes.count()
    if len(data[0]) < needed:
        raise tracks.TracksError(f"{args.h5} leaves {len(data[0])} track(s) to train on when "
                                 f"{held_out} are held out, and a step needs {needed}: use a "
                                 "smaller --batch or more tracks")
    return data


def split(both, held_out):
    """Part a data set after its first `held_out` tracks; return (the rest, these)."""
    first = [column[:held_out] for column in both.tensors]
    rest = [column[held_out:] for column in both.tensors]
    dataset = torch.utils.data.TensorDataset
    return dataset(*rest), dataset(*first)


def make_loader(args, data):
    """Batches of this process; all processes together see each track once an epoch.

    A step of N processes trains on the same tracks as a step of one process
    with N times the batch.
    """
    sampler = torch.utils.data.DistributedSampler(
        data, processes.count(), processes.rank(), seed=args.seed, drop_last=True)
    return torch.utils.data.DataLoader(data, args.batch, sampler=sampler, drop_last=True)


def train(trained, optimizer, loader, args, epoch):
    """Train for an epoch; return what the summary says of it: mean loss, median time."""
    loader.sampler.set_epoch(epoch)
    steps = min(args.steps or len(loader), len(loader))
    losses, seconds = [], []
    with console.bar(itertools.islice(loader, steps), total=steps, unit="step",
                     desc=f"epoch {epoch}/{args.epochs}",
                     disable=processes.rank() != 0) as progress:
        for batch in progress:
            begin = time.perf_counter()
            losses.append(network.step(trained, optimizer, batch, args.precision))
            seconds.append(time.perf_counter() - begin)
            progress.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
    return {"steps": steps, "loss": processes.mean(statistics.fmean(losses)),
            "seconds_per_step": statistics.median(seconds)}


def draw(path, model, data, args):
    """Draw the held-out track with most peaks."""
    noisy, clean, peaks = (column.numpy() for column in data.tensors)
    track = int(peaks.sum(axis=1).argmax())
    one = torch.utils.data.TensorDataset(*(column[track:track + 1] for column in data.tensors))
    denoised, probability = evaluation.predict(model, one, 1, args.precision)
    picture.draw(path, noisy[track], denoised[0], clean[track], probability[0] > 0.5,
                 peaks[track] > 0)


def first_line(args, data, summary):
    """What is trained, on what, by whom."""
    return (f"{len(data):,} tracks of {summary['width']:,} positions, {processes.count()} "
            f"process(es) of {torch.get_num_threads()} thread(s), batch {args.batch} each, "
            f"{args.precision}; Pearson of noisy and true on held-out tracks "
            f"{summary['pearson_noisy']:.3f}")


def epoch_line(args, epoch, steps, loss, seconds_per_step, pearson, auroc):
    """What an epoch brought."""
    return (f"epoch {epoch}/{args.epochs}: {steps} steps, loss {loss:.3f}, held-out Pearson "
            f"{pearson:.3f}, AUROC {auroc:.3f}; {seconds_per_step:.2f} s a step, "
            f"{args.batch * processes.count() / seconds_per_step:.2f} tracks/s")


def train_and_report(args):
    """Train, and write what came out into --out."""
    torch.manual_seed(args.seed)
    data, held_out = load(args)
    loader = make_loader(args, data)
    model = network.GenomicsNetwork()
    trained = processes.replicate(model)
    optimizer = network.make_optimizer(model)
    noisy, clean, _ = (column.numpy() for column in held_out.tensors)
    summary = {"processes": processes.count(), "threads": torch.get_num_threads(),
               "batch": args.batch, "width": clean.shape[1], "precision": args.precision,
               "pearson_noisy": evaluation.correlation(noisy, clean), "epochs": []}
    if processes.rank() == 0:
        print(first_line(args, data, summary), flush=True)
    for epoch in range(1, args.epochs + 1):
        results = train(trained, optimizer, loader, args, epoch)
        if processes.rank() == 0:
            results["pearson"], results["auroc"] = evaluation.evaluate(
                model, held_out, args.batch, args.precision)
            summary["epochs"].append(results)
            print(epoch_line(args, epoch, **results), flush=True)
    if processes.rank() == 0:
        write(args.out, summary, model, held_out, args)


def write(folder, summary, model, held_out, args):
    """Write the summary, the picture and the parameters."""
    (folder / SUMMARY).write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    draw(folder / PICTURE, model, held_out, args)
    torch.save(model.state_dict(), folder / WEIGHTS)
    print("written: " + ", ".join(str(folder / name) for name in (SUMMARY, PICTURE, WEIGHTS)))


def main():
    """Run from the command line; a user's error is one sentence."""
    args = parse_args()
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        cores = processes.pin()
        torch.set_num_threads(args.threads or cores)
        with processes.group():
            train_and_report(args)
    except (processes.ProcessesError, tracks.TracksError, OSError) as error:
        print(f"train_genomics.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train_genomics.py: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
