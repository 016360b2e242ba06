"""Opens model files in Keras and PyTorch and compares their predictions with those of slabfit evaluate.

Run: python keras_model.py [MODEL.h5 FEATURES.h5]      (slabfit on the PATH; needs tensorflow, numpy, h5py)

Without arguments it trains models of several shapes on features that h5py wrote.  Keras 3 and Keras 2 (tf-keras, where
it is installed) must load each as compiled, without knowing more than the file; PyTorch (where it is installed) by
data/examples/pytorch_model.py.  A probability that differs by more than 1e-6 is a failure.
"""
import csv
import importlib.util
import os
import sys

import peers

import h5py
import keras
import numpy as np

# Classes and what train is told; NumPy's generator makes the features.
CASES = {
    "the tutorial's shape": (2, ["--epochs", 3, "--lr", 0.01]),
    "five classes, one hidden layer": (5, ["--epochs", 4, "--lr", 0.01, "--hidden", 24, "--nesterov", "--l2", 0.001]),
    "three hidden layers": (3, ["--epochs", 5, "--lr", 0.01, "--hidden", "33,17,9", "--batch", 20]),
}

TOLERANCE = 1e-6


def kerases():
    yield "Keras " + keras.__version__, keras
    if importlib.util.find_spec("tf_keras"):
        import tf_keras
        yield "Keras " + tf_keras.__version__, tf_keras


def keras_probabilities(module, path, features, labels):
    """What Keras predicts, and whether its accuracy is that of these predictions."""
    model = module.models.load_model(path)
    found = model.predict(features, verbose=0)
    return found, abs(model.evaluate(features, labels, verbose=0)[1] - (found.argmax(axis=1) == labels).mean()) < 1e-6


def torch_probabilities(path, features):
    import torch
    examples = os.path.join(os.environ.get("srcdir", "."), "data", "examples")
    if examples not in sys.path:
        sys.path.append(examples)
    from pytorch_model import load
    with torch.no_grad():
        return load(path)(torch.from_numpy(features)).numpy()


def our_probabilities(model_path, features_path, folder):
    """What slabfit evaluate writes, beside the class that it says."""
    peers.slabfit("evaluate", model_path, features_path, "--predictions", f"{folder}/predictions.csv", "--force")
    with open(f"{folder}/predictions.csv", newline="") as file:
        heading, *lines = csv.reader(file)
    assert heading[:3] == ["image", "class", "predicted"], heading
    probabilities = np.array([line[3:] for line in lines], np.float64)
    assert [line[2] for line in lines] == [heading[3 + i] for i in probabilities.argmax(axis=1)]
    return probabilities


def compare(results, name, model_path, features_path, folder):
    with h5py.File(features_path) as file:
        features, labels = file["features"][:].astype(np.float32), file["labels"][:].astype(np.int64)
    ours = our_probabilities(model_path, features_path, folder)

    def add(peer, theirs, sound=True):
        difference = np.abs(ours - theirs).max() if ours.shape == theirs.shape else np.inf
        results.add(sound and difference < TOLERANCE,
                    f"{peer}, {name}: {len(ours)} rows, largest difference of a probability {difference:.1e}")

    for version, module in kerases():
        add(version, *keras_probabilities(module, model_path, features, labels))
    if importlib.util.find_spec("torch"):
        add("PyTorch", torch_probabilities(model_path, features))


def write_features(path, generator, centres, rows):
    labels = generator.integers(0, len(centres), rows)
    values = np.maximum(centres[labels] + generator.normal(0, 1, (rows, centres.shape[1])) - 0.5, 0)
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=values.astype(np.float32), compression="gzip", shuffle=True)
        file["labels"] = labels.astype(np.int32)


def train(folder, classes, options, generator):
    centres = generator.normal(0, 0.15, (classes, 3000))
    write_features(f"{folder}/training.h5", generator, centres, 300)
    write_features(f"{folder}/evaluation.h5", generator, centres, 150)
    peers.slabfit("train", folder, "-o", f"{folder}/model.h5", *options)


def main(arguments):
    results = peers.Results()
    if not importlib.util.find_spec("torch"):
        print("left out: torch cannot be imported")
    with peers.scratch() as folder:
        if arguments:
            compare(results, arguments[0], *arguments, folder)
    for name, (classes, options) in CASES.items() if not arguments else ():
        with peers.scratch() as folder:
            train(folder, classes, options, np.random.default_rng(classes))
            compare(results, name, f"{folder}/model.h5", f"{folder}/evaluation.h5", folder)
    results.end()


if __name__ == "__main__":
    if len(sys.argv) not in (1, 3):
        sys.exit(__doc__)
    main(sys.argv[1:])
