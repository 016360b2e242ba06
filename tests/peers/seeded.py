"""What slabfit draws from a seed, drawn by NumPy: initial weights and orders of rows, for others to start from."""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))

import make_training as reference


def initial_weights(seed, sizes):
    """[kernel (inputs, outputs), bias (outputs)] of each layer, float32: as reference.initial_weights, a layer's draws
    all at once."""
    weights = []
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        steps = np.arange(1, inputs * outputs + 1, dtype=np.uint64) * np.uint64(reference.GAMMA)
        uniform = (reference.mix(steps + np.uint64(reference.Random(seed, 1024 + layer).state)) >> 40) / 2.0**24
        kernel = np.sqrt(6.0 / (inputs + outputs)) * (2 * uniform - 1)
        weights.append([kernel.astype(np.float32).reshape(inputs, outputs), np.zeros(outputs, np.float32)])
    return weights


def order(kind, rows, seed, epoch):
    """The rows of an epoch for --shuffle full or none."""
    return np.array(reference.order_of(kind, rows, 0, 0, seed, epoch))
