"""slabfit backbone --weights and extract against keras.applications' ResNet of the same weights.

Run: python backbone_keras.py [ARCHITECTURE...]      (slabfit on the PATH; needs tensorflow, tf-keras, numpy, h5py)

The weights, by a formula, have statistics and biases that matter.  They are saved in every form that Keras has or had.
Features of photographs, which Keras loads and preprocesses itself, may differ by 1e-4 of the largest one.  Then the
weights and the network's text are damaged in small ways, and each must be noticed.
"""
import re
import sys

import peers

import h5py
import keras
import numpy as np
import tf_keras

from backbones import Comparison, build, features, formula

LAYERS = {"conv1": "conv1_relu", **formula.KERAS_LAYERS}

# What a wrong reading of Keras's network would do: patterns in the text, and what takes their places.
DAMAGES = {
    "the stride in the 3 x 3 convolution": [
        (r"(conv[345]_block1_1_conv_bias), \[2, 2\]", r"\1, [1, 1]"),
        (r"(conv[345]_block1_2_conv_bias), \[1, 1\]", r"\1, [2, 2]")],
    "a first padding of 2": [(r"\[2, 2\], \[3, 3\]", "[2, 2], [2, 2]")],
    "a pooling padded on one side": [
        (r"max_pool2d\((.*), \[3, 3\], \[2, 2\], \[1, 1\]",
         r"max_pool2d(torch.constant_pad_nd(\1, [0, 1, 0, 1], 0.), [3, 3], [2, 2], [0, 0]")],
}


def maps(network, dataset, images, layers):
    """{layer: (photographs, height, width, channels)} by Keras's own loading, preprocessing and predict."""
    pictures = [keras.utils.img_to_array(keras.utils.load_img(f"{dataset}/{image}", target_size=(224, 224)))
                for image in images]
    network = keras.Model(network.input, [network.get_layer(LAYERS[layer]).output for layer in layers])
    pixels = keras.applications.resnet.preprocess_input(np.stack(pictures))
    outputs = network.predict(pixels, batch_size=4, verbose=0)
    return dict(zip(layers, outputs if len(layers) > 1 else [outputs]))


def old_name(layer):
    """The name of Keras's LAYER before keras-applications 1.0.8."""
    if layer in ("conv1_conv", "conv1_bn", "predictions"):
        return {"conv1_conv": "conv1", "conv1_bn": "bn_conv1", "predictions": "fc1000"}[layer]
    stage, block, number, kind = re.fullmatch(r"conv(\d)_block(\d)_(\d)_(conv|bn)", layer).groups()
    branch = "branch1" if number == "0" else "branch2" + " abc"[int(number)]
    return f"{'res' if kind == 'conv' else 'bn'}{stage}{'abcdef'[int(block) - 1]}_{branch}"


def save_old(path, architecture, top, numbered):
    """As the files published with Keras 1 and 2: W and b, and a variance that is called running_std; in some a number
    follows.  Layers without weights have a group and an empty list, which h5py makes an array of float64."""
    suffix = "_1:0" if numbered else ":0"
    parts = {1: ("W",), 2: ("W", "b"), 4: ("gamma", "beta", "running_mean", "running_std")}
    with h5py.File(path, "w") as file:
        names = ["input_1", "zeropadding2d_1"]
        for name in names:
            file.create_group(name).attrs["weight_names"] = []
        for layer, arrays in formula.keras_arrays(architecture).items():
            if layer == "predictions" and not top:
                continue
            names.append(old_name(layer))
            group = file.create_group(names[-1])
            weights = [f"{names[-1]}_{part}{suffix}" for part in parts[len(arrays)]]
            group.attrs["weight_names"] = [weight.encode() for weight in weights]
            for weight, values in zip(weights, arrays):
                group[weight] = values
        file.attrs["layer_names"] = [name.encode() for name in names]


def transfer(library, network):
    """NETWORK as a layer of another one, as transfer learning has it."""
    layers = library.layers
    return library.Sequential([library.Input((224, 224, 3)) if library is keras else layers.InputLayer((224, 224, 3)),
                               network, layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax")])


def forms():
    """(what, file name, function that writes it) for each form of the weights of a ResNet-50."""
    for library, name in ((keras, "Keras 3"), (tf_keras, "Keras 2")):
        for top in (False, True):
            network = formula.keras_network(library, "resnet50", top)
            what = f"{name}{', with its top' if top else ''}"
            weights = "weights.h5" if library is keras else "h5"
            yield f"{what}, save_weights", f"kept.{weights}", network.save_weights
            yield f"{what}, save to .h5", "whole.h5", network.save
            if library is keras:
                yield f"{what}, save to .keras", "whole.keras", network.save
        model = transfer(library, formula.keras_network(library, "resnet50"))
        yield f"{name}, within another network, save_weights", f"transfer.{weights}", model.save_weights
        yield f"{name}, within another network, save to .h5", "transfer.h5", model.save


def compare_forms(comparison, theirs):
    for what, name, write in forms():
        path = f"{comparison.folder}/{name}"
        write(path)
        comparison.near(what, build(comparison.folder, path), theirs)


def compare_old(comparison, theirs):
    """What had the names before 1.0.8 had another epsilon as well, which today's Keras does not take from it."""
    network = formula.keras_network(keras, "resnet50", epsilon=formula.OLD_EPSILON)
    old = maps(network, comparison.dataset, comparison.images, ["conv5"])["conv5"]
    for top in (False, True):
        path, what = f"{comparison.folder}/old.h5", f"names before 1.0.8{', with its top' if top else ''}"
        save_old(path, "resnet50", top, not top)
        comparison.near(what, build(comparison.folder, path), theirs)
    comparison.near(f"{what}, the epsilon of that time", build(comparison.folder, path, "--epsilon", "1e-3"), old)


def compare_layers(comparison, weights, theirs):
    """Every layer, and every pool by Keras's own layers."""
    pools = {"avg": keras.layers.GlobalAveragePooling2D(), "max": keras.layers.GlobalMaxPooling2D()}
    for layer, features_of in theirs.items():
        comparison.near(layer, build(comparison.folder, weights, "--layer", layer), features_of)
    for layer in ("conv3", "conv5"):
        for pool, function in pools.items():
            backbone = build(comparison.folder, weights, "--layer", layer, "--pool", pool)
            comparison.near(f"{layer}, {pool} pooled", backbone, np.asarray(function(theirs[layer])))
    comparison.near("conv4, by Keras's name", build(comparison.folder, weights, "--layer", LAYERS["conv4"]),
                    theirs["conv4"])


def compare_damages(comparison, weights, theirs):
    comparison.damages(build(comparison.folder, weights), DAMAGES, theirs)
    comparison.far("PyTorch's epsilon", build(comparison.folder, weights, "--epsilon", "1e-5"), theirs)


def main(architectures):
    results = peers.Results()
    with peers.scratch() as folder:
        dataset = peers.demo_photographs(folder, 30)
        comparison = Comparison(results, folder, dataset)
        for architecture in architectures or ("resnet50", "resnet101", "resnet152"):
            network = formula.keras_network(keras, architecture)
            if architecture != "resnet50":
                network.save_weights(f"{folder}/kept.weights.h5")
                name = next(layer.name for layer in reversed(network.layers) if layer.name.startswith("conv5"))
                assert name == LAYERS["conv5"]
                comparison.near(architecture, build(folder, f"{folder}/kept.weights.h5", architecture=architecture),
                                maps(network, dataset, comparison.images, ["conv5"])["conv5"])
                continue
            theirs = maps(network, dataset, comparison.images, list(LAYERS))
            compare_forms(comparison, theirs["conv5"])
            compare_old(comparison, theirs["conv5"])
            weights = f"{folder}/weights.weights.h5"
            network.save_weights(weights)
            compare_layers(comparison, weights, theirs)
            comparison.half(build(folder, weights))
            compare_damages(comparison, weights, theirs["conv5"])
    results.end()


if __name__ == "__main__":
    main(sys.argv[1:])
