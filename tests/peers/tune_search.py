"""Seconds of a search of hyperparameters by slabfit tune, and of the same search by training anew in PyTorch.

Run: python tune_search.py [--small] [--trials N] [--folds N] [--folder FOLDER]
(slabfit on the PATH; needs torch, numpy; 4 GB of memory and of disk)

3,000 rows of 100,352 values; a trial draws learning rate, momentum and L2, and trains 25 epochs on each fold until it
is given up.  PyTorch has all features in memory; an epoch of one fold is measured, after some steps to warm up, and
scaled by the number of epochs and of the folds that slabfit trained, and of all folds.  slabfit's are the seconds of
the whole program.
"""
import argparse
import importlib.util
import json
import sys
import time

import peers

import numpy as np

import made_up
import train_speed

EPOCHS = train_speed.EPOCHS


def tune_options(options):
    return ["--trials", options.trials, "--folds", options.folds, "--lr", "0.0001:0.01", "--momentum", "0.5:0.99",
            "--l2", "0.000001:0.01", "--epochs", EPOCHS]


def slabfit_seconds(folder, options):
    """Seconds of the program, and its report."""
    start = time.monotonic()
    report = json.loads(peers.slabfit("tune", f"{folder}/features", *tune_options(options), "--json"))
    return time.monotonic() - start, report


def torch_seconds(folder, rows, folds):
    """Of one fold: 25 epochs on all rows but those of the fold, with validation on these after each."""
    held_out = rows // folds
    plan = {"epochs": 1, "steps": None, "val_steps": None, "all_steps": train_speed.steps_of(rows - held_out),
            "all_val_steps": train_speed.steps_of(held_out)}
    return train_speed.measure_peer(train_fold, folder, plan | {"held_out": held_out})[0]


def train_fold(folder, plan):
    import torch_network

    random, (features, labels) = np.random.default_rng(train_speed.SEED), made_up.load(folder, "training", None)
    held_out, batch = plan["held_out"], train_speed.BATCH
    training = torch_network.InMemory(features[held_out:], labels[held_out:], batch,
                                      lambda: random.permutation(len(labels) - held_out))
    validation = torch_network.in_file_order(features[:held_out], labels[:held_out], batch)
    return train_speed.torch_epochs(training, validation, features.shape[1], plan)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--small", action="store_true", help="300 rows of 12,544 values: whether all of it runs")
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--folder", default=".", help="for the files, which are removed at the end (.)")
    options = parser.parse_args()
    rows, channels = (300, 256) if options.small else (3000, 2048)
    if not peers.knows("tune", *tune_options(options)) or not importlib.util.find_spec("torch"):
        print("slabfit has no tune, or torch cannot be imported")
        sys.exit(peers.SKIPPED)
    print(peers.machine("torch", "numpy"))
    with peers.scratch(options.folder) as folder:
        made_up.write(folder, (rows,), channels)
        seconds, report = slabfit_seconds(folder, options)
        fold = torch_seconds(folder, rows, options.folds)
    trials, all_folds = len(report["trials"]), options.folds * options.trials
    trained = sum(trial["folds"] for trial in report["trials"])
    print(f"{trials} trials of {options.folds} folds, {rows} x {made_up.POSITIONS * channels} values, {EPOCHS} epochs: "
          f"slabfit tune trained {trained} of {all_folds} folds in {seconds:.1f} s")
    for name, folds in (("the same folds", trained), ("all folds", all_folds)):
        print(f"PyTorch, {name}: {fold:.1f} s a fold, {fold * folds:.0f} s ({fold * folds / 3600:.1f} h), "
              f"{fold * folds / seconds:.0f} times as long")
    results = peers.Results()
    results.add(trials == options.trials and trained >= trials, f"{trials} trials, each trained on a fold or more")
    results.end()


if __name__ == "__main__":
    main()
