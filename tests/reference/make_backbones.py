"""Writes backbones.txt: features of a ResNet-50 by Keras and by torchvision, which cli-parity.sh compares with.

The weights follow a formula, which tests/make_weights.c has too: they are draws of SplitMix64, multiplied by powers of
two, so that both have the same floats.  tests/peers take their weights from here as well.

Run: python make_backbones.py      (needs tensorflow with Keras 3, torch, torchvision, NumPy, Pillow)
"""
import os

import numpy as np

from make_training import GAMMA, Random, mix

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 6
BLOCKS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3)}
PARTS = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")
PHOTOGRAPHS = ("photo.jpg", "colour-420.jpg")
CLASSES = 1000


def units(architecture):
    """(stage, block, number, inputs, outputs, kernel size) of each convolution with its normalisation, in Keras's
    order.  The stem is stage 1; number 0 is a shortcut's."""
    yield 1, 1, 0, 3, 64, 7
    inputs = 64
    for stage, blocks in enumerate(BLOCKS[architecture], 2):
        width = 16 << stage
        for block in range(1, blocks + 1):
            if block == 1:
                yield stage, block, 0, inputs, 4 * width, 1
            yield stage, block, 1, inputs, width, 1
            yield stage, block, 2, width, width, 3
            yield stage, block, 3, width, 4 * width, 1
            inputs = 4 * width


def draws(seed, stream, count):
    """Uniform in [-1, 1), of 24 bits, float32."""
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GAMMA) + np.uint64(Random(seed, stream).state)
    return ((mix(steps) >> np.uint64(40)).astype(np.float32) - np.float32(2**23)) * np.float32(2.0**-23)


def kernel(seed, stream, shape, shift):
    """(outputs, inputs, height, width).  An odd input's weights are those of the one before it, negated: what all
    channels have in common would otherwise grow from layer to layer."""
    values = draws(seed, stream, int(np.prod(shape))).reshape(shape)
    values[:, 1::2] = -values[:, 0 : shape[1] - 1 : 2]
    rest = int(np.prod(shape[1:]))
    while rest > 1:
        rest, shift = rest // 4, shift + 1
    return values * np.float32(2.0**-shift)


def unit_arrays(seed, index, unit, structure):
    """PARTS of unit number INDEX.  Convolutions give some 2^-8, and variances are below 2^-17, so that epsilon has the say
    in what leaves the normalisation.  What a block adds is small, or rounding would grow from block to block."""
    stage, _, number, inputs, outputs, size = unit
    pixels = 6 if stage == 1 and structure == "keras" else 0  # Keras's are some 70 times as large as torchvision's

    def vector(part):
        return draws(seed, 8 * index + part, outputs)

    gamma = vector(2)
    gamma += np.where(gamma < 0, np.float32(-1), np.float32(1))
    gamma *= np.float32(0.0625 if number == 3 else 0.5)
    arrays = (kernel(seed, 8 * index, (outputs, inputs, size, size), 6 + pixels), vector(1) * np.float32(2.0**-11),
              gamma, vector(3) * np.float32(0.125), vector(4) * np.float32(2.0**-11),
              (vector(5) + np.float32(1)) * np.float32(2.0**-18))
    return dict(zip(PARTS, arrays))


def weights(architecture, structure, seed=SEED):
    """{unit: PARTS} in the order of units (); the classifier's is under None."""
    arrays, index = {}, 0
    for index, unit in enumerate(units(architecture)):
        arrays[unit] = unit_arrays(seed, index, unit, structure)
    index += 1
    arrays[None] = {"kernel": kernel(seed, 8 * index, (CLASSES, 2048, 1, 1), 0).reshape(CLASSES, 2048),
                    "bias": draws(seed, 8 * index + 1, CLASSES)}
    return arrays


# Keras.


def keras_name(unit):
    stage, block, number = unit[:3]
    return "conv1" if stage == 1 else f"conv{stage}_block{block}_{number}"


def keras_arrays(architecture, seed=SEED):
    """{layer: its arrays, in Keras's order and layout}."""
    layers = {}
    for unit, arrays in weights(architecture, "keras", seed).items():
        if unit is None:
            layers["predictions"] = [arrays["kernel"].T, arrays["bias"]]
            continue
        layers[keras_name(unit) + "_conv"] = [arrays["kernel"].transpose(2, 3, 1, 0), arrays["bias"]]
        layers[keras_name(unit) + "_bn"] = [arrays[part] for part in PARTS[2:]]
    return layers


def keras_network(keras, architecture, top=False, epsilon=None, seed=SEED):
    """A network of KERAS, which is Keras 3 or 2; EPSILON is other than its own."""
    make = getattr(keras.applications, architecture.replace("resnet", "ResNet"))
    network = make(weights=None, include_top=top, **({} if top else {"input_shape": (224, 224, 3)}))
    layers = keras_arrays(architecture, seed)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(layers.pop(layer.name))
        if epsilon and hasattr(layer, "epsilon"):
            layer.epsilon = epsilon
    assert set(layers) == (set() if top else {"predictions"}), layers.keys()
    return network


# torchvision.


def torchvision_names(unit):
    """Of its convolution and of its normalisation."""
    if unit is None:
        return "fc", None
    stage, block, number = unit[:3]
    if stage == 1:
        return "conv1", "bn1"
    place = f"layer{stage - 1}.{block - 1}."
    return (place + "downsample.0", place + "downsample.1") if number == 0 else (place + f"conv{number}",
                                                                                  place + f"bn{number}")


def torchvision_arrays(architecture, seed=SEED):
    """The state dict, without counters."""
    arrays = {}
    for unit, parts in weights(architecture, "torchvision", seed).items():
        convolution, normalisation = torchvision_names(unit)
        arrays[convolution + ".weight"] = parts["kernel"]
        if unit is None:
            arrays[convolution + ".bias"] = parts["bias"]
            continue
        for name, part in zip(("weight", "bias", "running_mean", "running_var"), PARTS[2:]):
            arrays[f"{normalisation}.{name}"] = parts[part]
    return arrays


def torchvision_network(architecture, seed=SEED):
    import torch
    import torchvision

    network = getattr(torchvision.models, architecture)(weights=None).eval()
    arrays = {name: torch.from_numpy(values.copy()) for name, values in torchvision_arrays(architecture, seed).items()}
    missing, unexpected = network.load_state_dict(arrays, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing)
    return network


# The reference.
# (layer, pool) of each; what both call a layer.
CASES = {"torchvision": (("conv4", "avg"), ("conv5", "none")), "keras": (("conv5", "none"),),
         "keras-old": (("conv3", "max"),)}
KERAS_LAYERS = {"conv2": "conv2_block3_out", "conv3": "conv3_block4_out", "conv4": "conv4_block6_out",
                "conv5": "conv5_block3_out"}
POSITIONS = 24
OLD_EPSILON = 1e-3  # that of Keras's batch normalisation, which keras-applications left as it was before 1.0.8


def keras_maps(layers, paths, epsilon=None):
    """(photographs, height, width, channels) of each layer, by what Keras has for all of the way."""
    import keras

    network = keras_network(keras, "resnet50", epsilon=epsilon)
    network = keras.Model(network.input, [network.get_layer(KERAS_LAYERS[layer]).output for layer in layers])
    images = [keras.utils.img_to_array(keras.utils.load_img(path, target_size=(224, 224))) for path in paths]
    outputs = network.predict(keras.applications.resnet.preprocess_input(np.stack(images)), verbose=0)
    return dict(zip(layers, outputs if len(layers) > 1 else [outputs]))


def old_keras_maps(layers, paths):
    return keras_maps(layers, paths, OLD_EPSILON)


def torchvision_maps(layers, paths):
    import torch
    from PIL import Image
    from torchvision import transforms

    prepare = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
                                  transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    network, maps = torchvision_network("resnet50"), {}
    with torch.no_grad():
        x = torch.stack([prepare(Image.open(path).convert("RGB")) for path in paths])
        x = network.maxpool(network.relu(network.bn1(network.conv1(x))))
        for number in range(1, 5):
            x = getattr(network, f"layer{number}")(x)
            maps[f"conv{number + 1}"] = x.permute(0, 2, 3, 1).numpy()
    return {layer: maps[layer] for layer in layers}


POOLS = {"none": lambda features: features.reshape(-1), "avg": lambda features: features.mean((0, 1)),
         "max": lambda features: features.max((0, 1))}


def main():
    paths = [os.path.join(HERE, "images", name) for name in PHOTOGRAPHS]
    lines = ["# KIND LAYER POOL PHOTOGRAPH, the values of a row and the largest of them, then some as INDEX VALUE"]
    # In this order: PyTorch does not start after TensorFlow.
    for structure, maps_of in (("torchvision", torchvision_maps), ("keras", keras_maps),
                               ("keras-old", old_keras_maps)):
        maps = maps_of([layer for layer, _ in CASES[structure]], paths)
        for layer, pool in CASES[structure]:
            for photograph, features in zip(PHOTOGRAPHS, maps[layer]):
                row = POOLS[pool](features)
                places = [(7919 * k + 11) % row.size for k in range(POSITIONS)]
                values = " ".join(f"{place} {row[place]:.7g}" for place in places)
                lines.append(f"{structure} {layer} {pool} {photograph} {row.size} {row.max():.7g} {values}")
    with open(os.path.join(HERE, "backbones.txt"), "w") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
