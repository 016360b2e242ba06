"""Reference values for training, from an independent implementation in NumPy and float64.

Writes training_features.h5, training_validation.h5 (made by h5py, with only /features and /labels) and training.json
beside this file: losses, weights and orders of rows that check_train and check_shuffle must find again.
tests/peers/keras_training.py compares `train' below with Keras.

Run: python make_training.py      (needs numpy and h5py)
"""
import json
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


# SplitMix64 (Steele, Lea, Flood 2014): a counter stepped by GAMMA, mixed.
def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


class Random:
    def __init__(self, seed, stream):
        self.state = mix(seed) ^ mix((stream * GAMMA + 1) & MASK)

    def bits(self):
        self.state = (self.state + GAMMA) & MASK
        return mix(self.state)

    def below(self, limit):
        """Lemire 2019: the high half of a product, with the first few low halves rejected."""
        while True:
            product = self.bits() * limit
            if product & MASK >= (1 << 64) % limit:
                return product >> 64

    def uniform(self):
        return (self.bits() >> 40) / 2.0**24

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]


def glorot(seed, layer, inputs, outputs):
    random = Random(seed, 1024 + layer)
    limit = np.sqrt(6.0 / (inputs + outputs))
    values = [limit * (2 * random.uniform() - 1) for _ in range(inputs * outputs)]
    return np.array(values, np.float32).astype(np.float64).reshape(inputs, outputs)


def initial_weights(seed, sizes):
    return [[glorot(seed, i, a, b), np.zeros(b)] for i, (a, b) in enumerate(zip(sizes, sizes[1:]))]


def order_of(kind, rows, tile_rows, window_rows, seed, epoch):
    random = Random(seed, (1 << 32) + epoch)
    if kind == "none":
        return list(range(rows))
    if kind == "full":
        order = list(range(rows))
        random.shuffle(order)
        return order
    tiles = list(range(-(-rows // tile_rows)))
    random.shuffle(tiles)
    per_window = -(-min(window_rows, rows) // tile_rows)
    order = []
    for first in range(0, len(tiles), per_window):
        window = [
            row
            for tile in tiles[first : first + per_window]
            for row in range(tile * tile_rows, min((tile + 1) * tile_rows, rows))
        ]
        random.shuffle(window)
        order += window
    return order


def rate_of(case, step, steps_per_epoch):
    """The learning rate of a step counted from 0: schedule.h."""
    kind, *numbers = case["schedule"].split(":")
    steps = case["epochs"] * steps_per_epoch
    if kind == "time":
        return case["rate"] / (1 + case["decay"] * step)
    if kind == "cosine":
        warmup = int(numbers[0]) * steps_per_epoch if numbers else 0
        if step < warmup:
            return case["rate"] * step / warmup
        return case["rate"] * 0.5 * (1 + np.cos(np.pi * (step - warmup) / (steps - warmup)))
    if kind == "step":
        return case["rate"] * float(numbers[1]) ** (step // (int(numbers[0]) * steps_per_epoch))
    return case["rate"]


def dropout_masks(seed, step, rate, rows, units):
    """For each hidden layer of UNITS what multiplies its outputs in a step: 0, or 1 / (1 - rate)."""
    masks = []
    for layer, width in enumerate(units):
        random = Random(seed, (1 << 40) + 64 * step + layer)
        kept = [[random.uniform() >= rate for _ in range(width)] for _ in range(rows)]
        masks.append(np.array(kept) / (1 - rate))
    return masks


def forward(weights, x, masks=None):
    """The inputs of each layer and the probabilities."""
    inputs = []
    for i, (kernel, bias) in enumerate(weights):
        inputs.append(x)
        x = x @ kernel + bias
        if i < len(weights) - 1:
            x = np.maximum(x, 0) * (masks[i] if masks else 1)
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return inputs, x / x.sum(axis=1, keepdims=True)


def losses(probabilities, labels):
    return -np.log(probabilities[np.arange(len(labels)), labels])


def gradients(weights, inputs, probabilities, labels, row_weights, l2, masks=None):
    delta = probabilities.copy()
    delta[np.arange(len(labels)), labels] -= 1
    delta *= row_weights[:, None] / len(labels)
    result = [None] * len(weights)
    for i in reversed(range(len(weights))):
        kernel = weights[i][0]
        result[i] = [inputs[i].T @ delta + 2 * l2 * kernel, delta.sum(axis=0)]
        delta = (delta @ kernel.T) * (inputs[i] > 0) * (masks[i - 1] if masks and i > 0 else 1)
    return result


def train(case, weights, x, y, validation_x, validation_y):
    """Keras's SGD and its running means; returns the history, and WEIGHTS trained in place."""
    momentum, l2, classes = case["momentum"], case["l2"], weights[-1][1].size
    velocity = [[np.zeros_like(kernel), np.zeros_like(bias)] for kernel, bias in weights]
    class_weight = np.ones(classes)
    if case["balanced"]:
        class_weight = len(y) / (classes * np.bincount(y, minlength=classes))
    steps_per_epoch = -(-len(y) // case["batch"])
    history, step = [], 0
    for epoch in range(case["epochs"]):
        order = order_of(case["shuffle"], len(y), case["tile_rows"], 512, case["seed"], epoch)
        loss_sum = correct = 0
        for first in range(0, len(order), case["batch"]):
            rows = order[first : first + case["batch"]]
            masks = None
            if case["dropout"]:
                masks = dropout_masks(case["seed"], step, case["dropout"], len(rows), case["hidden"])
            inputs, probabilities = forward(weights, x[rows], masks)
            row_weights = class_weight[y[rows]]
            penalty = l2 * sum((kernel**2).sum() for kernel, _ in weights)
            loss_sum += (row_weights * losses(probabilities, y[rows])).sum() + len(rows) * penalty
            correct += (probabilities.argmax(axis=1) == y[rows]).sum()
            rate = rate_of(case, step, steps_per_epoch)
            changes = gradients(weights, inputs, probabilities, y[rows], row_weights, l2, masks)
            for layer, change in enumerate(changes):
                for part in (0, 1):
                    g = change[part]
                    v = velocity[layer][part] = momentum * velocity[layer][part] - rate * g
                    weights[layer][part] = weights[layer][part] + (momentum * v - rate * g if case["nesterov"] else v)
            step += 1
        _, probabilities = forward(weights, validation_x)
        penalty = l2 * sum((kernel**2).sum() for kernel, _ in weights)
        history.append(
            [
                loss_sum / len(y),
                correct / len(y),
                losses(probabilities, validation_y).mean() + penalty,
                (probabilities.argmax(axis=1) == validation_y).mean(),
            ]
        )
    return history


def make_features(generator, rows, columns, classes, centres):
    """Mostly zeros, as a ReLU's outputs are, in eighths so that they compress well."""
    labels = np.minimum(generator.geometric(0.45, rows) - 1, classes - 1)
    values = centres[labels] + generator.normal(0, 1, (rows, columns)) - 0.7
    values = np.round(np.maximum(values, 0) * 8) / 8
    return values.astype(np.float32), labels.astype(np.int32)


BASE = dict(
    hidden=[12, 5], epochs=3, batch=16, rate=0.05, momentum=0.9, decay=0.01, l2=0.0, nesterov=False, balanced=False,
    shuffle="none", seed=42, schedule="time", dropout=0.0, labels=None, weight_step=29,
)  # labels: those of the file, or [factor, offset, classes]: (factor row + offset) modulo classes
CASES = {
    "tutorial": dict(rate=1e-3, decay=1e-3 / 25, batch=32),
    "plain": dict(),
    "window": dict(shuffle="window"),
    "full": dict(shuffle="full", seed=7),
    "no-momentum": dict(momentum=0.0),
    "nesterov": dict(nesterov=True),
    "l2": dict(l2=0.01),
    "balanced": dict(balanced=True),
    "one-hidden": dict(hidden=[9]),
    "three-hidden": dict(hidden=[12, 7, 5]),
    "two-classes": dict(labels=[1, 0, 2]),
    "many-classes": dict(labels=[1, 0, 11]),
    "thousand-classes": dict(labels=[11, 20, 1000], hidden=[12, 7], weight_step=131),
    "batch-1": dict(batch=1, rate=0.01, epochs=2),
    "batch-512": dict(batch=512, epochs=5),
    "no-momentum-nesterov": dict(momentum=0.0, nesterov=True, l2=0.01),
    "constant": dict(schedule="constant"),
    "cosine": dict(schedule="cosine"),
    "cosine-warmup": dict(schedule="cosine:1", epochs=4),
    "step": dict(schedule="step:2:0.3", epochs=5),
    "dropout": dict(dropout=0.3),
    "dropout-three-hidden": dict(dropout=0.5, hidden=[12, 7, 5], shuffle="full", l2=0.001),
    "everything": dict(nesterov=True, l2=0.003, balanced=True, shuffle="full", batch=20, hidden=[10, 6]),
}
ORDERS = [
    dict(kind="window", rows=90, tile_rows=8, window_rows=16, seed=1, epoch=0),
    dict(kind="window", rows=90, tile_rows=8, window_rows=20, seed=1, epoch=1),
    dict(kind="window", rows=21, tile_rows=32, window_rows=512, seed=3, epoch=2),
    dict(kind="window", rows=5, tile_rows=1, window_rows=1, seed=3, epoch=2),
    dict(kind="full", rows=90, tile_rows=8, window_rows=90, seed=42, epoch=5),
    dict(kind="full", rows=1, tile_rows=8, window_rows=1, seed=42, epoch=0),
    dict(kind="none", rows=33, tile_rows=8, window_rows=16, seed=42, epoch=0),
]


def labels_of(case, labels):
    if case["labels"] is None:
        return labels
    factor, offset, classes = case["labels"]
    return ((factor * np.arange(len(labels)) + offset) % classes).astype(np.int32)


def load(path):
    import h5py

    with h5py.File(os.path.join(HERE, path)) as file:
        return file["features"][:].astype(np.float64), file["labels"][:]


def main():
    import h5py

    generator = np.random.default_rng(20)
    centres = generator.normal(0, 0.35, (3, 333))
    for name, rows in (("training_features.h5", 90), ("training_validation.h5", 41)):
        values, labels = make_features(generator, rows, 333, 3, centres)
        with h5py.File(os.path.join(HERE, name), "w") as file:
            file.create_dataset("features", data=values, chunks=(8, 128), compression="gzip", shuffle=True)
            file["labels"] = labels
    x, y = load("training_features.h5")
    validation_x, validation_y = load("training_validation.h5")
    cases = []
    for name, changes in CASES.items():
        case = dict(BASE, name=name, tile_rows=8) | changes
        labels, validation_labels = labels_of(case, y), labels_of(case, validation_y)
        weights = initial_weights(case["seed"], [x.shape[1], *case["hidden"], int(labels.max()) + 1])
        case["history"] = train(case, weights, x, labels, validation_x, validation_labels)
        flat = np.concatenate([part.ravel() for layer in weights for part in layer])
        case["weights"] = [float(f"{w:.9g}") for w in flat[:: case["weight_step"]]]  # some, to keep the file small
        cases.append(case)
    orders = [dict(o, order=order_of(**o)) for o in ORDERS]
    with open(os.path.join(HERE, "training.json"), "w") as file:
        json.dump({"cases": cases, "orders": orders}, file)
        file.write("\n")


if __name__ == "__main__":
    main()
