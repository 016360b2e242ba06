"""Opens model files in Keras and compares its predictions with those of slabfit evaluate.

Run: python keras_model.py [MODEL.h5 FEATURES.h5]      (slabfit on the PATH; needs tensorflow, tf-keras, numpy, h5py)

Without arguments it trains models of several shapes on features that h5py wrote.  Keras 3 and Keras 2 (tf-keras, where
it is installed) must load each as compiled, without knowing more than the file.  A probability that differs by more
than 1e-5 is a failure.
"""
import csv
import importlib.util
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


def kerases():
    yield "Keras " + keras.__version__, keras
    if importlib.util.find_spec("tf_keras"):
        import tf_keras
        yield "Keras " + tf_keras.__version__, tf_keras


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
    for version, module in kerases():
        model = module.models.load_model(model_path)
        theirs = model.predict(features, verbose=0)
        difference = np.abs(ours - theirs).max() if ours.shape == theirs.shape else np.inf
        accuracy, expected = model.evaluate(features, labels, verbose=0)[1], (theirs.argmax(axis=1) == labels).mean()
        results.add(difference < 1e-5 and abs(accuracy - expected) < 1e-6,
                    f"{version}, {name}: {len(ours)} rows, largest difference of a probability {difference:.1e}, "
                    f"accuracy {accuracy:.4f}")


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
