"""Training in PyTorch against slabfit train: the losses of each of 25 epochs.

Run: python torch_training.py [--full] [--float32]      (slabfit on the PATH; needs torch, numpy, h5py)

PyTorch starts from the same weights and takes the rows in the same order; the tutorial's network and optimizer.  It
computes in float64, so that the differences are slabfit's.  A loss may differ by 1e-5 in the first three epochs and by
1e-4 after them, relative to the loss.

Two correct programs come apart where a row's pre-activation lies within rounding of ReLU's kink, so that one of them
passes its gradient on and the other does not: PyTorch in float32 and in float64 do so too.  It happened in 8 of 20 runs
of 25 epochs.  What follows from it grows with the square of the features, which are small here for that reason.
"""
import argparse
import importlib.util
import itertools
import json
import sys

import peers

import numpy as np

import made_up
import seeded

SEED, BATCH, HIDDEN, CLASSES, EPOCHS = 42, 32, (256, 16), 2, 25
ENGINES = ("sweep", "gram")
SHUFFLES = ("none", "full")


def torch_train(folder, shuffle, precision):
    """A history as slabfit's."""
    import torch_network

    (features, labels), validation = made_up.load(folder, "training"), made_up.load(folder, "validation")
    epoch = itertools.count()
    training = torch_network.InMemory(features.astype(precision), labels, BATCH,
                                      lambda: seeded.order(shuffle, len(labels), SEED, next(epoch)))
    validation = torch_network.in_file_order(validation[0].astype(precision), validation[1], BATCH)
    weights = seeded.initial_weights(SEED, [features.shape[1], *HIDDEN, CLASSES])
    network = torch_network.Network([[part.astype(precision) for part in layer] for layer in weights])
    return [network.epoch(training, validation) for _ in range(EPOCHS)]


def slabfit_train(folder, engine, shuffle):
    report = json.loads(peers.slabfit("train", f"{folder}/features", "-o", f"{folder}/model.h5", "--engine", engine,
                                      "--shuffle", shuffle, "--seed", SEED, "--epochs", EPOCHS, "--json", "--force"))
    assert report["engine"] == engine, report["engine"]
    return report["epochs"]


def compare(results, name, ours, theirs):
    differences = [max(abs(our[key] / their[key] - 1) for key in ("loss", "val_loss"))
                   for our, their in zip(ours, theirs, strict=True)]
    results.add(max(differences[:3]) < 1e-5 and max(differences) < 1e-4,
                f"{name}: largest relative difference of a loss {max(differences[:3]):.1e} in 3 epochs, "
                f"{max(differences):.1e} in {EPOCHS}; losses {theirs[0]['loss']:.3f} to {theirs[-1]['loss']:.3f}, "
                f"validation's {theirs[0]['val_loss']:.3f} to {theirs[-1]['val_loss']:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--full", action="store_true", help="3,000 rows of 100,352 values, not 330 of 20,090")
    parser.add_argument("--float32", action="store_true", help="let PyTorch compute in it, which takes half the time")
    options = parser.parse_args()
    if not importlib.util.find_spec("torch"):
        print("torch cannot be imported")
        sys.exit(peers.SKIPPED)
    results = peers.Results()
    with peers.scratch(".") as folder:
        made_up.write(folder, (3000, 1000) if options.full else (330, 110), 2048 if options.full else 410,
                      0.03 if options.full else 0.1)
        for shuffle in SHUFFLES:
            theirs = torch_train(folder, shuffle, np.float32 if options.float32 else np.float64)
            for engine in ENGINES:
                if peers.knows("train", "--engine", engine, "-o", "none.h5"):
                    compare(results, f"{engine}, --shuffle {shuffle}", slabfit_train(folder, engine, shuffle), theirs)
                else:
                    print(f"left out: slabfit has no engine {engine}")
    results.end()


if __name__ == "__main__":
    main()
