"""Opens a model file in Keras and compares its predictions.

Run: python keras_model.py MODEL.h5 FEATURES.h5 PREDICTIONS.csv      (needs tensorflow with Keras 2 or 3, numpy, h5py)
PREDICTIONS.csv has one line a row of FEATURES.h5: the probability of each class, no heading.  Exit status 1 where one
differs by more than 1e-5.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import h5py
import keras
import numpy as np


def main(model_path, features_path, predictions_path):
    model = keras.models.load_model(model_path)
    with h5py.File(features_path) as file:
        features, labels = file["features"][:].astype(np.float32), file["labels"][:]
    ours = np.loadtxt(predictions_path, delimiter=",", ndmin=2)
    theirs = model.predict(features, verbose=0)
    if ours.shape != theirs.shape:
        sys.exit(f"FAILED: Keras predicts {theirs.shape}, {predictions_path} has {ours.shape}")
    difference = np.abs(ours - theirs).max()
    accuracy, expected = model.evaluate(features, labels, verbose=0)[1], (theirs.argmax(axis=1) == labels).mean()
    if abs(accuracy - expected) > 1e-6:
        sys.exit(f"FAILED: Keras's compiled accuracy is {accuracy}, that of its predictions {expected}")
    print(f"Keras {keras.__version__}: {len(ours)} rows, largest difference of a probability {difference:.1e}")
    sys.exit(bool(not difference < 1e-5))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
