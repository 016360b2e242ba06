"""Training in Keras against the reference values of tests/reference and against slabfit train.

Run: python keras_training.py [FEATURES]      (slabfit on the PATH; needs tensorflow with Keras 3, numpy, h5py)

Without FEATURES, the cases of tests/reference/make_training.py: Keras starts from the same weights, takes the rows in
the same order, and each epoch's losses and the final weights are compared with the NumPy implementation and with
slabfit.  Keras draws dropout's masks otherwise; so it is given those of the reference as further inputs, and its own
layer is looked at apart.  With FEATURES, a folder of extract's, three epochs of the tutorial's case on all that lies
there.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "reference"))

import peers

import h5py
import keras
import numpy as np

import make_training as reference

TOLERANCE = 1e-5
ENGINES = ("sweep", "gram")
KEYS = ("loss", "accuracy", "val_loss", "val_accuracy")


def initial_weights(seed, sizes):
    """As reference.initial_weights, all draws of a layer at once."""
    weights = []
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        steps = np.arange(1, inputs * outputs + 1, dtype=np.uint64) * np.uint64(reference.GAMMA)
        uniform = (reference.mix(steps + np.uint64(reference.Random(seed, 1024 + layer).state)) >> 40) / 2.0**24
        kernel = np.sqrt(6.0 / (inputs + outputs)) * (2 * uniform - 1)
        weights.append([kernel.astype(np.float32).reshape(inputs, outputs), np.zeros(outputs, np.float32)])
    return weights


def keras_rate(case, steps_per_epoch):
    """The case's schedule by Keras's classes."""
    kind, *numbers = case["schedule"].split(":")
    schedules, steps = keras.optimizers.schedules, case["epochs"] * steps_per_epoch
    if kind == "time":
        return schedules.InverseTimeDecay(case["rate"], 1, case["decay"])
    if kind == "cosine" and numbers:
        warmup = int(numbers[0]) * steps_per_epoch
        return schedules.CosineDecay(0.0, steps - warmup, warmup_target=case["rate"], warmup_steps=warmup)
    if kind == "cosine":
        return schedules.CosineDecay(case["rate"], steps)
    if kind == "step":
        every, factor = int(numbers[0]) * steps_per_epoch, float(numbers[1])
        return schedules.ExponentialDecay(case["rate"], every, factor, staircase=True)
    return case["rate"]


def keras_model(case, weights):
    """A network that takes rows and, where there is dropout, each row's masks of the hidden layers."""
    regularizer = keras.regularizers.L2(case["l2"]) if case["l2"] else None
    inputs = [keras.Input((len(weights[0][0]),))]
    x = inputs[0]
    for i, (kernel, bias) in enumerate(weights):
        last = i == len(weights) - 1
        layer = keras.layers.Dense(len(bias), activation="softmax" if last else "relu", kernel_regularizer=regularizer)
        x = layer(x)
        layer.set_weights([kernel, bias])
        if case["dropout"] and not last:
            inputs.append(keras.Input((len(bias),)))
            x = keras.layers.Multiply()([x, inputs[-1]])
    return keras.Model(inputs, x)


def masks_of(case, epoch, rows):
    """For each hidden layer the masks of an epoch's rows, in their order; none where there is no dropout."""
    if not case["dropout"]:
        return []
    steps = []
    for i, first in enumerate(range(0, rows, case["batch"])):
        step, batch = epoch * -(-rows // case["batch"]) + i, min(case["batch"], rows - first)
        steps.append(reference.dropout_masks(case["seed"], step, case["dropout"], batch, case["hidden"]))
    return [np.concatenate(masks).astype(np.float32) for masks in zip(*steps)]


def keras_train(case, x, y, validation):
    """The history, and the weights as load_model's get_weights orders them."""
    weights = initial_weights(case["seed"], [x.shape[1], *case["hidden"], int(y.max()) + 1])
    model = keras_model(case, weights)
    rate = keras_rate(case, -(-len(y) // case["batch"]))
    optimizer = keras.optimizers.SGD(rate, momentum=case["momentum"], nesterov=case["nesterov"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    class_weight = None
    if case["balanced"]:
        counts = np.bincount(y)
        class_weight = {i: len(y) / (len(counts) * n) for i, n in enumerate(counts)}
    ones = [np.ones((len(validation[1]), units), np.float32) for units in case["hidden"]] if case["dropout"] else []
    history = []
    for epoch in range(case["epochs"]):
        order = reference.order_of(case["shuffle"], len(y), case["tile_rows"], 512, case["seed"], epoch)
        log = model.fit([x[order], *masks_of(case, epoch, len(y))], y[order], batch_size=case["batch"], epochs=1,
                        shuffle=False, verbose=0, class_weight=class_weight,
                        validation_data=([validation[0], *ones], validation[1])).history
        history.append([log[key][0] for key in KEYS])
    return history, model.get_weights()


def slabfit_train(case, features, folder, engine):
    options = ["--engine", engine, "--hidden", ",".join(map(str, case["hidden"])), "--lr", case["rate"]]
    for name in ("epochs", "batch", "momentum", "decay", "l2", "shuffle", "seed", "schedule", "dropout"):
        options += [f"--{name}", case[name]]
    options += ["--nesterov"] * case["nesterov"] + ["--class-weight=balanced"] * case["balanced"]
    report = json.loads(peers.slabfit("train", features, "-o", f"{folder}/model.h5", "--json", "--force", *options))
    history = [[epoch[key] for key in KEYS] for epoch in report["epochs"]]
    return history, keras.models.load_model(f"{folder}/model.h5").get_weights()


def differences(ours, theirs):
    """The largest of a loss or accuracy, relative where it is not 0, and of a weight."""
    ours_history, theirs_history = np.array(ours[0]), np.array(theirs[0])
    scale = np.where(theirs_history == 0, 1, theirs_history)
    weights = zip(ours[1], theirs[1])
    return (np.abs(ours_history - theirs_history) / scale).max(), max(np.abs(a - b).max() for a, b in weights)


def add(results, name, loss, weight):
    results.add(loss < TOLERANCE and weight < TOLERANCE, f"{name}: largest relative difference of a loss or accuracy "
                f"{loss:.1e}, of a weight {weight:.1e} absolute")


def write_case(folder, split, features, labels):
    with h5py.File(f"{folder}/{split}.h5", "w") as file:
        file.create_dataset("features", data=features.astype(np.float32), chunks=(8, 128))
        file["labels"] = labels.astype(np.int32)


def compare_case(results, name, case, data):
    (x, y), (validation_x, validation_y) = data
    labels, validation_labels = reference.labels_of(case, y), reference.labels_of(case, validation_y)
    weights = reference.initial_weights(case["seed"], [x.shape[1], *case["hidden"], int(labels.max()) + 1])
    history = reference.train(case, weights, x, labels, validation_x, validation_labels)
    theirs = keras_train(case, x.astype(np.float32), labels, (validation_x.astype(np.float32), validation_labels))
    add(results, f"NumPy, {name}", *differences((history, [part for layer in weights for part in layer]), theirs))
    with peers.scratch() as folder:
        write_case(folder, "training", x, labels)
        write_case(folder, "validation", validation_x, validation_labels)
        for engine in ENGINES:
            ours = slabfit_train(case, folder, folder, engine)
            add(results, f"slabfit, {engine}, {name}", *differences(ours, theirs))


def compare_dropout(results, rate):
    """Keras's layer gives 0 or x / (1 - rate), the former as often as the rate says, and x where nothing is trained."""
    layer, x = keras.layers.Dropout(rate, seed=1), np.linspace(1, 2, 100000, dtype=np.float32)
    dropped = np.array(layer(x, training=True))
    factors = dropped / x
    expected = np.where(factors > 0.5, 1 / (1 - rate), 0)
    results.add(np.abs(factors - expected).max() < 1e-6 and abs((factors == 0).mean() - rate) < 0.01
                and (np.array(layer(x, training=False)) == x).all(),
                f"Keras's dropout of {rate}: {(factors == 0).mean():.3f} dropped, the others times {factors.max():.6f}")


def compare_features(results, features):
    data = []
    for split in ("training", "validation"):
        with h5py.File(f"{features}/{split}.h5") as file:
            data.append((file["features"][:].astype(np.float32), file["labels"][:].astype(np.int32)))
    case = dict(reference.BASE, hidden=[256, 16], rate=1e-3, decay=1e-3 / 25, batch=32, tile_rows=0)
    theirs = keras_train(case, *data[0], data[1])
    with peers.scratch() as folder:
        for engine in ENGINES:
            add(results, f"slabfit, {engine}, {data[0][0].shape[0]} x {data[0][0].shape[1]}",
                *differences(slabfit_train(case, features, folder, engine), theirs))


def main(arguments):
    results = peers.Results()
    if arguments:
        compare_features(results, *arguments)
    else:
        data = reference.load("training_features.h5"), reference.load("training_validation.h5")
        for name, changes in reference.CASES.items():
            compare_case(results, name, dict(reference.BASE, tile_rows=8) | changes, data)
        compare_dropout(results, 0.3)
    results.end()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
