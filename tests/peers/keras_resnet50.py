"""The features of slabfit extract against keras.applications' ResNet on the same photographs and the same weights.

Run: python keras_resnet50.py [ARCHITECTURE...]      (slabfit on the PATH; needs tensorflow, numpy, h5py and Pillow)

slabfit backbone writes the network; its batch normalisations and biases are made random here, with variances near
epsilon, so that no term is without effect.  The same arrays go into Keras's network.  A difference above 1e-4 of the
largest feature is a failure.  Then the network's text is damaged in small ways, and each must be noticed.
"""
import re
import sys

import peers

import h5py
import keras
import numpy as np
from PIL import Image

from torchscript import Backbone

TOLERANCE = 1e-4
SPLIT = "evaluation"

# What a wrong reading of Keras's network would do: patterns in the text, and what takes their places.
DAMAGES = {
    "PyTorch's epsilon": [(r"1\.0010*\d*e-05", "1.0e-05")],
    "the stride in the 3 x 3 convolution": [
        (r"(block1_1_conv_bias), \[2, 2\]", r"\1, [1, 1]"),
        (r"(conv[345]_block1_2_conv_bias), \[1, 1\]", r"\1, [2, 2]")],
    "a first padding of 2": [(r"\[2, 2\], \[3, 3\]", "[2, 2], [2, 2]")],
    "a pooling padded on one side": [
        (r"max_pool2d\((.*), \[3, 3\], \[2, 2\], \[1, 1\]",
         r"max_pool2d(torch.constant_pad_nd(\1, [0, 1, 0, 1], 0.), [3, 3], [2, 2], [0, 0]")],
}


def make_random(backbone, seed):
    """Biases and statistics that matter, with gains below 1, or rounding would grow from layer to layer."""
    generator = np.random.default_rng(seed)
    for name, values in backbone.arrays.items():
        if name.endswith("_bn_variance"):
            unit = name[: -len("_variance")]
            scale = np.abs(backbone.arrays[unit + "_gamma"]) / np.sqrt(values + 1.001e-5)
            values[:] = np.exp(generator.uniform(np.log(1e-8), np.log(1e-3), values.shape))
            sign = generator.choice((-1, 1), values.shape)
            spread = generator.uniform(0.3, 1.1, values.shape)
            backbone.arrays[unit + "_gamma"][:] = sign * spread * scale * np.sqrt(values + 1.001e-5)
            backbone.arrays[unit + "_mean"][:] = generator.normal(0, 0.3 / scale.mean(), values.shape)
            backbone.arrays[unit + "_beta"][:] = generator.normal(0, 0.3, values.shape)
            backbone.arrays[unit.replace("_bn", "_conv") + "_bias"][:] = generator.normal(0, 0.3, values.shape)


def keras_network(architecture, arrays):
    name = architecture.replace("resnet", "ResNet")
    network = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(224, 224, 3))
    used = set()
    for layer in network.layers:
        parts = {"Conv2D": ("kernel", "bias"), "BatchNormalization": ("gamma", "beta", "mean", "variance")}
        names = [f"{layer.name}_{part}" for part in parts.get(type(layer).__name__, ())]
        if names:
            layer.set_weights([arrays[n].transpose(2, 3, 1, 0) if arrays[n].ndim == 4 else arrays[n] for n in names])
        used.update(names)
    assert used == set(arrays), used ^ set(arrays)
    return network


def keras_features(network, dataset, images):
    pictures = []
    for image in images:
        with Image.open(f"{dataset}/{image}") as picture:
            pictures.append(np.asarray(picture.convert("RGB").resize((224, 224), Image.Resampling.NEAREST), np.float32))
    pixels = keras.applications.resnet.preprocess_input(np.stack(pictures))
    return network.predict(pixels, batch_size=4, verbose=0).reshape(len(images), -1)


def our_features(folder, dataset, backbone):
    """Features, and the images that they belong to."""
    backbone.save(f"{folder}/backbone.ts")
    peers.slabfit("extract", dataset, "-o", f"{folder}/features", "--backbone", f"{folder}/backbone.ts", "--split",
                  SPLIT, "--force")
    with h5py.File(f"{folder}/features/{SPLIT}.h5") as file:
        assert list(file.attrs["feature_shape"]) == [7, 7, 2048]
        return file["features"][:], [image.decode() for image in file["images"]]


def damage(text, changes):
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text)
        assert count > 0, pattern
    return text


def compare(results, folder, dataset, architecture):
    peers.slabfit("backbone", architecture, "--random", 7, "-o", f"{folder}/{architecture}.ts")
    backbone = Backbone(f"{folder}/{architecture}.ts")
    make_random(backbone, 7)
    ours, images = our_features(folder, dataset, backbone)
    theirs = keras_features(keras_network(architecture, backbone.arrays), dataset, images)
    largest = np.abs(theirs).max()
    difference = np.abs(ours - theirs).max() / largest
    results.add(difference < TOLERANCE, f"{architecture}, {len(images)} photographs: features up to {largest:.3g}, "
                f"{(theirs == 0).mean():.0%} zeros; largest difference {difference:.1e} of the largest feature")
    whole = backbone.text
    for name, changes in DAMAGES.items() if architecture == "resnet50" else ():
        backbone.text = damage(whole, changes)
        difference = np.abs(our_features(folder, dataset, backbone)[0] - theirs).max() / largest
        results.add(difference > TOLERANCE, f"damage is noticed: {name}: {difference:.1e}")


def main(architectures):
    results = peers.Results()
    with peers.scratch() as folder:
        dataset = peers.demo_photographs(folder, 30)
        for architecture in architectures or ("resnet50", "resnet101"):
            compare(results, folder, dataset, architecture)
    results.end()


if __name__ == "__main__":
    main(sys.argv[1:])
