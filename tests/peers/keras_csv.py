"""The seconds of transfer learning by Keras with features in CSV, and of the same job by slabfit.

Run: python keras_csv.py [--count N] [--epochs N] [--repeat N]      (slabfit on the PATH; needs tensorflow, numpy, h5py)

Keras's way: ResNet50 predicts batches of 32, each row of 100,352 values goes to a CSV file as text, and a generator
parses that file again in every epoch of SGD.  slabfit's: extract and train with the same photographs, network, weights
and optimizer.  Both run one after the other, REPEAT times, and the best seconds of each stage are shown.  Keras's start
is not counted, slabfit's is.  Not part of make check-peers, because a busy machine spoils it.
"""
import argparse
import json
import os
import shutil
import time

import peers

import keras
import numpy as np

from backbones import build, formula

BATCH = 32
CLASSES = 2
WIDTH = 7 * 7 * 2048


def keras_extract(network, rows, csv_path):
    with open(csv_path, "w") as csv:
        for first in range(0, len(rows), BATCH):
            paths, labels = zip(*rows[first : first + BATCH])
            images = [keras.utils.img_to_array(keras.utils.load_img(path, target_size=(224, 224))) for path in paths]
            pixels = keras.applications.resnet.preprocess_input(np.stack(images))
            features = network.predict(pixels, batch_size=BATCH, verbose=0).reshape(len(paths), WIDTH)
            for label, row in zip(labels, features):
                csv.write(f"{label},{','.join(map(str, row))}\n")


def read_batches(csv_path):
    """Batches without end, each line parsed when its turn comes; an epoch ends with a short batch."""
    while True:
        with open(csv_path) as csv:
            rows, labels = [], []
            for line in csv:
                label, *values = line.rstrip().split(",")
                rows.append(np.array(values, dtype="float32"))
                labels.append(int(label))
                if len(rows) == BATCH:
                    yield np.stack(rows), keras.utils.to_categorical(labels, CLASSES)
                    rows, labels = [], []
            if rows:
                yield np.stack(rows), keras.utils.to_categorical(labels, CLASSES)


def keras_train(csv_path, count, epochs):
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((WIDTH,)), dense(256, activation="relu"), dense(16, activation="relu"),
                              dense(CLASSES, activation="softmax")])
    rate = keras.optimizers.schedules.InverseTimeDecay(1e-3, 1, 1e-3 / 25)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])
    model.fit(read_batches(csv_path), steps_per_epoch=-(-count // BATCH), epochs=epochs, shuffle=False, verbose=0)


def seconds_of(function, *arguments):
    start = time.monotonic()
    function(*arguments)
    return time.monotonic() - start


def measure(folder, dataset, rows, network, backbone, epochs):
    """Seconds by side and stage."""
    csv_path, features, model = f"{folder}/features.csv", f"{folder}/features", f"{folder}/model.h5"
    shutil.rmtree(features, ignore_errors=True)  # what is finished would be kept
    if os.path.exists(model):
        os.remove(model)
    extract = ("extract", dataset, "-o", features, "--backbone", backbone)
    train = ("train", features, "-o", model, "--epochs", epochs)
    return {"extract": {"Keras": seconds_of(keras_extract, network, rows, csv_path),
                        "slabfit": seconds_of(peers.slabfit, *extract)},
            "train": {"Keras": seconds_of(keras_train, csv_path, len(rows), epochs),
                      "slabfit": seconds_of(peers.slabfit, *train)}}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=100, help="photographs (100)")
    parser.add_argument("--epochs", type=int, default=25, help="of training (25)")
    parser.add_argument("--repeat", type=int, default=1, help="the whole comparison (1)")
    options = parser.parse_args()
    with peers.scratch() as folder:
        dataset, rows = peers.training_photographs(folder, options.count)
        network = formula.keras_network(keras, "resnet50")
        network.save_weights(f"{folder}/resnet50.weights.h5")
        backbone = build(folder, f"{folder}/resnet50.weights.h5")
        network.predict(np.zeros((1, 224, 224, 3), "float32"), verbose=0)
        runs = [measure(folder, dataset, rows, network, backbone, options.epochs) for _ in range(options.repeat)]
        sizes = {"Keras": os.path.getsize(f"{folder}/features.csv"),
                 "slabfit": os.path.getsize(f"{folder}/features/training.h5")}
    print(f"{len(rows)} photographs, {options.epochs} epochs, best of {options.repeat}")
    for stage in ("extract", "train"):
        best = {side: min(run[stage][side] for run in runs) for side in sizes}
        print(f"{stage}: Keras {best['Keras']:.1f} s, slabfit {best['slabfit']:.1f} s: "
              f"{best['Keras'] / best['slabfit']:.1f} times as long")
    print(f"features: CSV {sizes['Keras'] / 1e6:.1f} MB, HDF5 {sizes['slabfit'] / 1e6:.1f} MB, "
          f"{sizes['Keras'] / sizes['slabfit']:.1f} times as large")
    print(json.dumps(runs))


if __name__ == "__main__":
    main()
