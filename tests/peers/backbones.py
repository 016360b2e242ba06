"""What the comparisons of backbones share: weights by a formula, slabfit's features of photographs, and how near they
are to another program's."""
import os
import re
import sys

import h5py
import numpy as np

import peers
from torchscript import Backbone

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference"))

import make_backbones as formula  # noqa: E402, F401: what the comparisons take from here

TOLERANCE = 1e-4
SPLIT = "evaluation"


def build(folder, weights, *options, architecture="resnet50"):
    """The backbone that slabfit makes of the file WEIGHTS."""
    path = f"{folder}/{architecture}.ts"
    peers.slabfit("backbone", architecture, "--weights", weights, "-o", path, "--force", *options)
    return path


def features(folder, dataset, backbone, *options):
    """(photographs, ...) in the shape that the file gives, and the photographs' paths in DATASET."""
    peers.slabfit("extract", dataset, "-o", f"{folder}/features", "--backbone", backbone, "--split", SPLIT, "--force",
                  *options)
    with h5py.File(f"{folder}/features/{SPLIT}.h5") as file:
        images = [image.decode() for image in file["images"]]
        return file["features"][:].reshape(len(images), *file.attrs["feature_shape"]), images


def photographs(dataset):
    """Paths in DATASET, in an order of their own."""
    return sorted(f"{SPLIT}/{label}/{name}" for label in os.listdir(f"{dataset}/{SPLIT}")
                  for name in os.listdir(f"{dataset}/{SPLIT}/{label}"))


class Comparison:
    """Of slabfit's features with others, given for DATASET's photographs () in that order."""

    def __init__(self, results, folder, dataset):
        self.results, self.folder, self.dataset = results, folder, dataset
        self.images = photographs(dataset)

    def difference(self, backbone, theirs):
        """The largest one, in units of the largest of THEIRS; infinite where the shape is another."""
        ours, images = features(self.folder, self.dataset, backbone)
        if ours.shape != theirs.shape:
            return float("inf")
        theirs = theirs[[self.images.index(image) for image in images]]
        return np.abs(ours - theirs).max() / np.abs(theirs).max()

    def near(self, what, backbone, theirs, tolerance=TOLERANCE):
        difference = self.difference(backbone, theirs)
        self.results.add(difference < tolerance, f"{what}: {len(self.images)} x {theirs.shape[1:]}, up to "
                         f"{np.abs(theirs).max():.3g}; largest difference {difference:.1e} of the largest feature")

    def far(self, what, backbone, theirs):
        difference = self.difference(backbone, theirs)
        self.results.add(difference > TOLERANCE, f"damage is noticed: {what}: {difference:.1e}")

    def damages(self, backbone, changes, theirs):
        """CHANGES, {what: [(pattern, replacement)]} in the text of the file BACKBONE, must be seen.  The pattern's
        absence is a defect of the comparison."""
        damaged = Backbone(backbone)
        whole = damaged.text
        for what, replacements in changes.items():
            damaged.text = whole
            for pattern, replacement in replacements:
                damaged.text, count = re.subn(pattern, replacement, damaged.text)
                assert count > 0, pattern
            damaged.save(f"{self.folder}/damaged.ts")
            self.far(what, f"{self.folder}/damaged.ts", theirs)

    def half(self, backbone):
        """--dtype float16 is what NumPy's rounding makes of float32."""
        whole, _ = features(self.folder, self.dataset, backbone)
        half, _ = features(self.folder, self.dataset, backbone, "--dtype", "float16")
        self.results.add(half.dtype == np.float16 and np.array_equal(half, whole.astype(np.float16)),
                         "--dtype float16 is the features rounded to the nearest")
