"""Seconds of the tutorial's training by slabfit and by its peers, in one run on one machine.

Run: python train_speed.py [--full] [--small] [--repeat N] [--folder FOLDER]
(slabfit on the PATH; needs torch, tensorflow with Keras 3, h5py, numpy; 5 GB of memory and of disk, 9 GB with --full)

3,000 rows of 100,352 values, 86 % of them zeros, 1,000 rows for validation after each of 25 epochs, a network 256-16-2,
batches of 32, SGD with momentum 0.9 and time-based decay.  slabfit reads its compressed file and writes the model: wall
time of the program, with its start.  A peer's start, its loading of features into memory and its saving of the model do
not count.  PyTorch uses its fused SGD, the fastest that it has, and takes rows that lie together from h5py's file.
Keras's CSV is the tutorial's way: a generator parses the file again in every epoch, line by line.

The peers are measured over a part of an epoch, after some steps to warm up, which is scaled by the numbers of steps;
slabfit's sweep over 3 epochs, the last one scaled.  --full measures all 25.  All cases take REPEAT turns, and the least
seconds of each count.  Speed never fails: a busy machine spoils it.
"""
import argparse
import concurrent.futures
import importlib.util
import itertools
import json
import multiprocessing
import os
import resource
import time

import peers

import numpy as np

import made_up

BATCH, HIDDEN, CLASSES, SEED, EPOCHS, SWEEP_EPOCHS, WARM_STEPS = 32, (256, 16), 2, 42, 25, 3, 4


def steps_of(rows, share=1):
    return max(1, round(share * -(-rows // BATCH)))


# A peer's case runs in a process of its own, which imports only what it measures.  It returns the seconds and the steps
# of the epochs that it measured: [{seconds, steps, val_seconds, val_steps}].


def start_weights(columns):
    """Glorot-uniform; not slabfit's own, since speed does not depend on them and these take no memory besides."""
    random, weights = np.random.default_rng(SEED), []
    for inputs, outputs in itertools.pairwise([columns, *HIDDEN, CLASSES]):
        kernel = random.random((inputs, outputs), np.float32)
        kernel -= 0.5
        kernel *= 2 * np.sqrt(6 / (inputs + outputs))
        weights.append([kernel, np.zeros(outputs, np.float32)])
    return weights


def torch_epochs(training, validation, columns, plan):
    import torch_network

    network, epochs = torch_network.Network(start_weights(columns)), []
    for steps, val_steps in [(WARM_STEPS, WARM_STEPS)] + [(plan["steps"], plan["val_steps"])] * plan["epochs"]:
        epochs.append(network.epoch(torch_network.first(training, steps), torch_network.first(validation, val_steps)))
    return epochs[1:]


def torch_in_memory(folder, plan):
    import torch_network

    random, (features, labels) = np.random.default_rng(SEED), made_up.load(folder, "training", None)
    training = torch_network.InMemory(features, labels, BATCH, lambda: random.permutation(len(labels)))
    validation = torch_network.in_file_order(*made_up.load(folder, "validation", None), BATCH)
    return torch_epochs(training, validation, features.shape[1], plan)


def torch_by_h5py(folder, plan, workers=0):
    from torch.utils.data import DataLoader

    training, validation = (
        DataLoader(made_up.Batches(f"{folder}/{split}.h5", BATCH), batch_size=None, shuffle=split == "training",
                   num_workers=workers, persistent_workers=workers > 0) for split in made_up.SPLITS)
    return torch_epochs(training, validation, made_up.load(folder, "training")[0].shape[1], plan)


def torch_by_h5py_worker(folder, plan):
    return torch_by_h5py(folder, plan, 1)


def keras_epochs(training, validation, columns, plan):
    import keras

    times = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            times.append([time.monotonic()])

        def on_test_begin(self, logs=None):
            times[-1].append(time.monotonic())

        def on_epoch_end(self, epoch, logs=None):
            times[-1].append(time.monotonic())

    hidden = [keras.layers.Dense(units, activation="relu") for units in HIDDEN]
    model = keras.Sequential([keras.Input((columns,)), *hidden, keras.layers.Dense(CLASSES, activation="softmax")])
    rate = keras.optimizers.schedules.InverseTimeDecay(1e-3, 1, 1e-3 / 25)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(training, validation_data=validation, steps_per_epoch=plan["steps"], validation_steps=plan["val_steps"],
              epochs=1 + plan["epochs"], callbacks=[Clock()], verbose=0)
    return [{"seconds": middle - begin, "val_seconds": end - middle, "steps": plan["steps"],
             "val_steps": plan["val_steps"]} for begin, middle, end in times[1:]]


def keras_by_h5py(folder, plan):
    import keras

    class Sequence(keras.utils.PyDataset):
        def __init__(self, path):
            super().__init__()
            self.batches = made_up.Batches(path, BATCH)

        def __len__(self):
            return len(self.batches)

        def __getitem__(self, index):
            features, labels = self.batches[index]
            return features, keras.utils.to_categorical(labels, CLASSES)

    training, validation = (Sequence(f"{folder}/{split}.h5") for split in made_up.SPLITS)
    return keras_epochs(training, validation, made_up.load(folder, "training")[0].shape[1], plan)


def keras_by_csv(folder, plan):
    import keras_csv

    training, validation = (keras_csv.read_batches(f"{folder}/{split}.csv") for split in made_up.SPLITS)
    return keras_epochs(training, validation, made_up.load(folder, "training")[0].shape[1], plan)


# Name, module that it needs, function, share of an epoch that is measured.
PEERS = (
    ("PyTorch, all features in memory", "torch", torch_in_memory, 1),
    ("PyTorch, batches by h5py", "torch", torch_by_h5py, 1 / 4),
    ("PyTorch, batches by h5py in a worker process", "torch", torch_by_h5py_worker, 1 / 4),
    ("Keras, batches by h5py", "keras", keras_by_h5py, 1 / 4),
    ("Keras, CSV parsed in each epoch", "keras", keras_by_csv, 1 / 12),
)


def with_peak(function, folder, plan):
    return function(folder, plan), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_peer(function, folder, plan):
    """Seconds of the whole training, and the bytes of the process's resident peak."""
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn) as pool:
        epochs, peak = pool.submit(with_peak, function, folder, plan).result()
    seconds = sum(epoch["seconds"] * plan["all_steps"] / epoch["steps"]
                  + epoch["val_seconds"] * plan["all_val_steps"] / epoch["val_steps"] for epoch in epochs)
    return seconds * EPOCHS / len(epochs), peak


def measure_slabfit(folder, epochs, *options):
    start = time.monotonic()
    report = json.loads(peers.slabfit("train", f"{folder}/features", "-o", f"{folder}/model.h5", "--epochs", epochs,
                                      "--seed", SEED, "--json", "--force", *options))
    seconds = time.monotonic() - start + (EPOCHS - epochs) * report["epochs"][-1]["seconds"]
    return seconds, report["peak_bytes"]


def slabfit_cases(folder, full):
    """Name, what was measured, function without arguments.  An engine or option that slabfit lacks is left out."""
    gram, sweep = ("--engine", "gram"), ("--engine", "sweep")
    epochs = EPOCHS if full else SWEEP_EPOCHS
    cases = [("slabfit, gram", gram, EPOCHS), ("slabfit, gram, from its cache", (*gram, "--cache"), EPOCHS),
             ("slabfit, sweep", sweep, epochs)]
    for name, options, epochs in cases:
        if not peers.knows("train", *options, "-o", "none.h5"):
            print(f"left out: {name}: slabfit has no {' '.join(options)}")
            continue
        if "--cache" in options:
            measure_slabfit(folder, epochs, *options)  # which fills it
        yield name, f"{epochs} epochs", lambda epochs=epochs, options=options: measure_slabfit(folder, epochs, *options)


def peer_cases(folder, rows, full):
    all_steps, all_val_steps = map(steps_of, rows)
    for name, module, function, share in PEERS:
        if not importlib.util.find_spec(module):
            print(f"left out: {name}: {module} cannot be imported")
            continue
        share = 1 if full else share
        plan = {"all_steps": all_steps, "all_val_steps": all_val_steps, "epochs": EPOCHS if full else 1,
                "steps": steps_of(rows[0], share), "val_steps": steps_of(rows[1], share)}
        measured = f"{plan['epochs']} epochs" if full else f"{plan['steps']} of {all_steps} steps"
        yield name, measured, lambda function=function, plan=plan: measure_peer(function, folder, plan)


def print_table(cases, best):
    """Seconds, and how many times those of slabfit's engines."""
    bases = [name for name in ("slabfit, gram", "slabfit, sweep") if name in best]
    heads = [f"x {name.split()[-1]}" for name in bases]
    print(f"{'':46}{'seconds':>9}{'measured':>18}{'peak GB':>9}" + "".join(f"{head:>9}" for head in heads))
    for name, measured, _ in cases:
        seconds, peak = best[name]
        ratios = "".join(f"{seconds / best[base][0]:9.1f}" for base in bases)
        print(f"{name:46}{seconds:9.1f}{measured:>18}{peak / 1e9:9.1f}{ratios}", flush=True)


def write_files(folder, rows, channels, full):
    made_up.write(folder, rows, channels)
    made_up.write_by_h5py(folder)
    parsed = rows if full else [(1 + steps_of(count, 1 / 12)) * BATCH for count in rows]
    made_up.write_csv(folder, parsed)
    sizes = [os.path.getsize(f"{folder}/{name}") / 1e6 for name in ("features/training.h5", "training.h5")]
    zeros = (made_up.load(folder, "training")[0][:BATCH] == 0).mean()
    print(f"{rows[0]} x {made_up.POSITIONS * channels} values, {zeros:.1%} zeros, and {rows[1]} rows for validation; "
          f"training's file: slabfit's {sizes[0]:.0f} MB, h5py's {sizes[1]:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--full", action="store_true", help="measure all epochs of all: an hour and more")
    parser.add_argument("--small", action="store_true", help="300 rows of 12,544 values: whether all of it runs")
    parser.add_argument("--repeat", type=int, default=2, help="turns of all cases (2)")
    parser.add_argument("--folder", default=".", help="for the files, which are removed at the end (.)")
    options = parser.parse_args()
    rows, channels = ((300, 100), 256) if options.small else ((3000, 1000), 2048)
    print(peers.machine("torch", "keras", "tensorflow", "h5py", "numpy"))
    with peers.scratch(options.folder) as folder:
        write_files(folder, rows, channels, options.full)
        cases = [*slabfit_cases(folder, options.full), *peer_cases(folder, rows, options.full)]
        best = {}
        for _ in range(options.repeat):
            for name, _, measure in cases:
                best[name] = min(measure(), best.get(name, (float("inf"), 0)))
    print(f"{EPOCHS} epochs with validation, least of {options.repeat}:")
    print_table(cases, best)


if __name__ == "__main__":
    main()
