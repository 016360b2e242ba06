"""The reference values for training against Keras itself.

Trains the cases of tests/reference/make_training.py in Keras from the same initial weights and in the same order of rows,
and compares each epoch's losses and the final weights with the NumPy implementation.

Run: python keras_training.py      (needs tensorflow with Keras 3, numpy, h5py); prints one line a case, exit status 1
where one differs.
"""
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "reference"))

import keras
import numpy as np

import make_training as reference


def keras_train(case, weights, x, y, validation):
    regularizer = keras.regularizers.L2(case["l2"]) if case["l2"] else None
    model = keras.Sequential([keras.Input((x.shape[1],))])
    for i, (kernel, bias) in enumerate(weights):
        activation = "relu" if i < len(weights) - 1 else "softmax"
        model.add(keras.layers.Dense(len(bias), activation=activation, kernel_regularizer=regularizer))
        model.layers[-1].set_weights([kernel, bias])
    rate = keras.optimizers.schedules.InverseTimeDecay(case["rate"], 1, case["decay"])
    optimizer = keras.optimizers.SGD(rate, momentum=case["momentum"], nesterov=case["nesterov"])
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    class_weight = None
    if case["balanced"]:
        counts = np.bincount(y)
        class_weight = {i: len(y) / (len(counts) * n) for i, n in enumerate(counts)}
    history = []
    for epoch in range(case["epochs"]):
        order = reference.order_of(case["shuffle"], len(y), case["tile_rows"], 512, case["seed"], epoch)
        log = model.fit(x[order], y[order], batch_size=case["batch"], epochs=1, shuffle=False, verbose=0,
                        class_weight=class_weight, validation_data=validation).history
        history.append([log[key][0] for key in ("loss", "accuracy", "val_loss", "val_accuracy")])
    return history, [layer.get_weights() for layer in model.layers]


def main():
    x, y = reference.load("training_features.h5")
    validation_x, validation_y = reference.load("training_validation.h5")
    failed = 0
    for name, changes in reference.CASES.items():
        case = dict(reference.BASE, tile_rows=8) | changes
        labels, validation_labels = reference.labels_of(case, y), reference.labels_of(case, validation_y)
        weights = reference.initial_weights(case["seed"], [x.shape[1], *case["hidden"], int(labels.max()) + 1])
        theirs, their_weights = keras_train(case, weights, x.astype(np.float32), labels,
                                            (validation_x.astype(np.float32), validation_labels))
        ours = reference.train(case, weights, x, labels, validation_x, validation_labels)
        loss = np.abs(np.array(theirs) / np.array(ours) - 1).max()
        weight = max(np.abs(a - b).max() for l, m in zip(weights, their_weights) for a, b in zip(l, m))
        ok = loss < 1e-5 and weight < 1e-5
        failed += not ok
        print(f"{'ok' if ok else 'FAILED'} {name}: largest relative difference of a loss or accuracy {loss:.1e}, "
              f"of a weight {weight:.1e} absolute")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
