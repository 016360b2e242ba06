"""Features as a ResNet gives them, made up, in the files that slabfit and its peers read.

A row is POSITIONS blocks of CHANNELS values after ReLU, 86 % of them zeros: a channel has a level of its own, in each
image another one, and noise at each position.  Two classes differ by a little in each channel, and one label of ten is
wrong, so that losses fall and never reach zero.
"""
import os

import h5py
import numpy as np

import peers

POSITIONS = 7 * 7
BLOCK = 100  # rows made at a time
SPLITS = ("training", "validation")


def rows_of(generator, count, channels, levels, shifts):
    """Features (count, POSITIONS * channels) and labels (count)."""
    labels = generator.integers(0, 2, count, dtype=np.int32)
    seen = np.where(generator.random(count) < 0.1, 1 - labels, labels)
    image = levels + 0.7 * generator.standard_normal((count, channels), np.float32)
    image += np.where(seen[:, None] == 1, shifts, -shifts)
    values = generator.standard_normal((count, POSITIONS, channels), np.float32)
    values += image[:, None, :]
    return np.maximum(values, 0, out=values).reshape(count, -1), labels


def write_split(path, rows, channels, scale, number):
    """PATH.npy and PATH.labels.npy; the levels of the channels are the same in all splits."""
    common = np.random.default_rng(1)
    levels = common.normal(-1.4, 0.4, channels).astype(np.float32)
    shifts = common.normal(0, 0.2, channels).astype(np.float32)
    generator = np.random.default_rng(2 + number)
    shape = (rows, POSITIONS * channels)
    features = np.lib.format.open_memmap(f"{path}.npy", "w+", np.float32, shape)
    labels = np.empty(rows, np.int32)
    for first in range(0, rows, BLOCK):
        block = slice(first, min(first + BLOCK, rows))
        values, labels[block] = rows_of(generator, block.stop - first, channels, levels, shifts)
        features[block] = scale * values
    features.flush()
    np.save(f"{path}.labels.npy", labels)


def load(folder, split, mode="r"):
    """Features, mapped from the file or with MODE None in memory, and labels of one split."""
    return np.load(f"{folder}/{split}.npy", mmap_mode=mode), np.load(f"{folder}/{split}.labels.npy")


def write(folder, rows, channels, scale=1):
    """FOLDER/SPLIT.npy with so many ROWS (a number for each split, or for training only), and slabfit's FOLDER/features
    of them."""
    os.makedirs(f"{folder}/features")
    for number, (split, count) in enumerate(zip(SPLITS, rows)):
        write_split(f"{folder}/{split}", count, channels, scale, number)
        peers.slabfit("import", f"{folder}/{split}.npy", "-o", f"{folder}/features/{split}.h5")


def write_by_h5py(folder):
    """FOLDER/SPLIT.h5 as users have it: gzip-1 and shuffle, a chunk for each row."""
    for split in SPLITS:
        features, labels = load(folder, split)
        with h5py.File(f"{folder}/{split}.h5", "w") as file:
            data = file.create_dataset("features", features.shape, "f4", chunks=(1, features.shape[1]),
                                       compression="gzip", compression_opts=1, shuffle=True)
            for first in range(0, len(features), BLOCK):
                data[first : first + BLOCK] = features[first : first + BLOCK]
            file["labels"] = labels


def write_csv(folder, rows):
    """FOLDER/SPLIT.csv of the first ROWS (one number for each split): label and values, as Python writes float32."""
    for split, count in zip(SPLITS, rows):
        features, labels = load(folder, split)
        with open(f"{folder}/{split}.csv", "w") as csv:
            for row, label in zip(features[:count], labels):
                texts = np.full(len(row), "0.0", object)
                texts[row != 0] = [str(value) for value in row[row != 0]]
                csv.write(f"{label},{','.join(texts)}\n")


class Batches:
    """A split of h5py's file as batches of rows that lie together: the way in which h5py reads fastest."""

    def __init__(self, path, batch):
        self.path, self.batch, self.file = path, batch, None  # each process opens its own
        with h5py.File(path) as file:
            self.rows = len(file["labels"])

    def __len__(self):
        return -(-self.rows // self.batch)

    def __getitem__(self, index):
        if self.file is None:
            self.file = h5py.File(self.path)
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = slice(index * self.batch, (index + 1) * self.batch)
        return self.file["features"][rows], self.file["labels"][rows].astype(np.int64)
