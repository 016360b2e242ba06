"""A feature file of slabfit as a Keras data set, and a small training on it.

    python3 keras_sequence.py FEATURES/training.h5 [FEATURES/validation.h5]

For Keras 3 (PyDataset) and Keras 2 (Sequence).  A batch is of rows that lie together in the file; Keras shuffles the
batches, and slabfit has shuffled the images before.  A batch size that divides the rows of a chunk (32, 64, 128 or 256)
touches one chunk's rows only.
"""

import sys

import h5py
import keras

Base = getattr(keras.utils, "PyDataset", None) or keras.utils.Sequence


class FeatureSequence(Base):
    """Batches are (features, labels): float32 or float16 (batch, d) and int32 (batch)."""

    def __init__(self, path, batch=32, **options):  # workers=, use_multiprocessing= of Keras 3
        super().__init__(**options)
        self.path, self.batch = path, batch
        self.file = None  # each process opens its own
        with h5py.File(path, "r") as file:
            self.rows, self.columns = file["features"].shape
            numbers = h5py.check_enum_dtype(file["labels"].dtype)
            self.classes = sorted(numbers, key=numbers.get)

    def __len__(self):
        return -(-self.rows // self.batch)

    def __getitem__(self, index):
        if self.file is None:
            self.file = h5py.File(self.path, "r", rdcc_nbytes=64 << 20)  # a row of chunks stays inflated
        rows = slice(index * self.batch, (index + 1) * self.batch)
        return self.file["features"][rows], self.file["labels"][rows]


def train(training, validation=None, epochs=3):
    data = FeatureSequence(training)
    model = keras.Sequential(
        [
            keras.Input((data.columns,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(len(data.classes), activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.SGD(1e-3, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(data, validation_data=FeatureSequence(validation) if validation else None, epochs=epochs, verbose=2)
    return model


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    train(*sys.argv[1:])
