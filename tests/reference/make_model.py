"""A model file of format version 1, which every later slabfit must read, and what Keras 3 makes of it.

model-v1.h5 was written by slabfit 0.1.0 (see main) and stays as it is: it is made only where it is missing.
model-v1.json has what h5py and Keras read in it: the classes, the number of epochs and the last one's loss; input rows,
whose values are exact in float32, and their probabilities.

Run: python make_model.py      (needs numpy, h5py and Keras 3; to make model-v1.h5 also slabfit on the PATH)
"""
import json
import os
import subprocess
import tempfile

import h5py
import keras
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES = ["almond", "crème brûlée", "dal"]
COLUMNS = 20


def draw_rows(generator, centres, labels):
    """Multiples of 1/64; about half of them are zeros, as after ReLU."""
    values = np.maximum(centres[labels] + generator.normal(0, 1, (len(labels), COLUMNS)), 0)
    return (np.round(values * 64) / 64).astype(np.float32)


def write_features(path, values, labels):
    with h5py.File(path, "w") as file:
        file["features"] = values
        kind = h5py.enum_dtype({name: i for i, name in enumerate(CLASSES)}, basetype="i4")
        file.create_dataset("labels", data=labels, dtype=kind)


def train(path):
    generator = np.random.default_rng(1)
    centres = generator.normal(0, 0.5, (len(CLASSES), COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/features")
        for split, rows in (("training", 90), ("validation", 30)):
            labels = generator.integers(0, len(CLASSES), rows).astype(np.int32)
            write_features(f"{folder}/features/{split}.h5", draw_rows(generator, centres, labels), labels)
        command = "slabfit train features -o model-v1.h5 --hidden 8,4 --epochs 12 --lr 0.02 --batch 16 --quiet"
        subprocess.run(command.split(), cwd=folder, check=True)
        with open(f"{folder}/model-v1.h5", "rb") as made, open(path, "wb") as kept:
            kept.write(made.read())


def main():
    path = os.path.join(HERE, "model-v1.h5")
    if not os.path.exists(path):
        train(path)
    generator = np.random.default_rng(2)
    rows = draw_rows(generator, generator.normal(0, 1, (12, COLUMNS)), np.arange(12))
    with h5py.File(path) as file:
        classes, history = [name.decode() for name in file.attrs["classes"]], file["history"][:]
    result = dict(
        classes=classes,
        epochs=len(history),
        loss=float(history["loss"][-1]),
        rows=rows.tolist(),
        probabilities=keras.models.load_model(path).predict(rows, verbose=0).tolist(),
    )
    with open(os.path.join(HERE, "model-v1.json"), "w") as file:
        json.dump(result, file, ensure_ascii=False)
        file.write("\n")


if __name__ == "__main__":
    main()
