"""slabfit backbone --weights and extract against torchvision's ResNet of the same weights.

Run: python backbone_torchvision.py [ARCHITECTURE...]
     (slabfit on the PATH, CHECK_PIXELS or tests/peers/check_pixels; needs torch, torchvision, safetensors, numpy, h5py)

The weights, by a formula, have statistics that matter.  They are saved in every form that PyTorch's users meet.
Features of photographs, which torchvision's transforms prepare, may differ by 1e-4 of the largest one.  Pixels are the
same as torchvision's on a Pillow image, and within 1 of 255 of its antialiased resize of a tensor.
"""
import math
import os
import re
import subprocess
import sys

import peers

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode, functional

from backbones import Comparison, build, formula
from pixels import crop_centre

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

DAMAGES = {
    "the stride in the first 1 x 1 convolution": [
        (r"(conv[345]_block1_1_conv_bias), \[1, 1\]", r"\1, [2, 2]"),
        (r"(conv[345]_block1_2_conv_bias), \[2, 2\]", r"\1, [1, 1]")],
    "a first padding of 2": [(r"\[2, 2\], \[3, 3\]", "[2, 2], [2, 2]")],
}


def load(dataset, image):
    with Image.open(f"{dataset}/{image}") as picture:
        return picture.convert("RGB")


def prepare(resize=transforms.Resize(256), crop=transforms.CenterCrop(224)):
    return transforms.Compose([resize, crop, transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])


@torch.no_grad()
def maps(network, pixels):
    """{layer: (photographs, height, width, channels)}"""
    x, found = network.relu(network.bn1(network.conv1(pixels))), {}
    found["conv1"] = x
    x = network.maxpool(x)
    for number in range(1, 5):
        x = found[f"conv{number + 1}"] = getattr(network, f"layer{number}")(x)
    return {layer: x.permute(0, 2, 3, 1).numpy() for layer, x in found.items()}


def hugging_face_name(name):
    """That of a parameter of torchvision's in transformers' ResNetForImageClassification."""
    kinds = {"conv": "convolution", "bn": "normalization"}
    if name.startswith("fc."):
        return name.replace("fc", "classifier.1")
    if stem := re.fullmatch(r"(conv|bn)1\.(\w+)", name):
        return f"resnet.embedder.embedder.{kinds[stem[1]]}.{stem[2]}"
    layer, block, rest = re.fullmatch(r"layer(\d)\.(\d+)\.(.+)", name).groups()
    place = f"resnet.encoder.stages.{int(layer) - 1}.layers.{block}."
    if shortcut := re.fullmatch(r"downsample\.(\d)\.(\w+)", rest):
        return f"{place}shortcut.{('convolution', 'normalization')[int(shortcut[1])]}.{shortcut[2]}"
    kind, number, parameter = re.fullmatch(r"(conv|bn)(\d)\.(\w+)", rest).groups()
    return f"{place}layer.{int(number) - 1}.{kinds[kind]}.{parameter}"


def forms(network):
    """(what, file name, function that writes it) for each form of the weights."""
    state = network.state_dict()
    checkpoint = {"epoch": 3, "arch": "resnet50", "best_acc1": torch.tensor(76.1),
                  "state_dict": {f"module.{name}": values for name, values in state.items()},
                  "optimizer": {"state": {}, "param_groups": [{"lr": 0.1, "momentum": 0.9, "params": [0, 1]}]}}
    parameters = {name: torch.nn.Parameter(values) if values.is_floating_point() else values
                  for name, values in state.items()}
    strided = {name: values.to(memory_format=torch.channels_last) if values.dim() == 4 else values
               for name, values in state.items()}
    yield "a state dict", "kept.pth", lambda path: torch.save(state, path)
    yield "a state dict of the older form", "kept.pth", lambda path: torch.save(
        state, path, _use_new_zipfile_serialization=False)
    yield "a checkpoint of DataParallel", "checkpoint.pth.tar", lambda path: torch.save(checkpoint, path)
    yield "the same, older form", "checkpoint.pth.tar", lambda path: torch.save(
        checkpoint, path, _use_new_zipfile_serialization=False)
    yield "channels last", "kept.pt", lambda path: torch.save(strided, path)
    yield "parameters", "kept.pt", lambda path: torch.save(parameters, path)
    yield "float64", "kept.bin", lambda path: torch.save(
        {name: values.double() if values.is_floating_point() else values for name, values in state.items()}, path)
    yield "safetensors", "model.safetensors", lambda path: safetensors.torch.save_file(state, path)


def hugging_face_forms(network):
    """The same with the names of transformers."""
    state = {hugging_face_name(name): values for name, values in network.state_dict().items()}
    headless = {name.removeprefix("resnet."): values for name, values in state.items() if "classifier" not in name}
    yield "safetensors, Hugging Face's names", "model.safetensors", lambda path: safetensors.torch.save_file(
        state, path, {"format": "pt"})
    yield "safetensors, those without a head", "model.safetensors", lambda path: safetensors.torch.save_file(
        headless, path)
    yield "Hugging Face's names, pickled", "pytorch_model.bin", lambda path: torch.save(state, path)


def compare_forms(comparison, forms_of_weights, theirs):
    for what, name, write in forms_of_weights:
        path = f"{comparison.folder}/{name}"
        write(path)
        comparison.near(what, build(comparison.folder, path), theirs)


def compare_layers(comparison, network, weights, theirs):
    for layer in LAYERS:
        comparison.near(layer, build(comparison.folder, weights, "--layer", layer), theirs[layer])
    comparison.near("conv4, by torchvision's name", build(comparison.folder, weights, "--layer", "layer3"),
                    theirs["conv4"])
    for layer in ("conv3", "conv5"):
        x = torch.from_numpy(theirs[layer]).permute(0, 3, 1, 2)
        for pool, pooled in (("avg", network.avgpool(x)), ("max", torch.nn.AdaptiveMaxPool2d(1)(x))):
            backbone = build(comparison.folder, weights, "--layer", layer, "--pool", pool)
            comparison.near(f"{layer}, {pool} pooled", backbone, pooled.flatten(1).numpy())


def compare_damages(comparison, weights, theirs):
    comparison.damages(build(comparison.folder, weights), DAMAGES, theirs)
    comparison.far("Keras's epsilon", build(comparison.folder, weights, "--epsilon", "1.001e-5"), theirs)


def our_pixels(specification, path):
    program = os.environ.get("CHECK_PIXELS", "tests/peers/check_pixels")
    output = subprocess.run([program, "resized", specification, path], check=True, capture_output=True).stdout
    head, body = output.split(b"\n", 1)
    return np.frombuffer(body, np.uint8).reshape(*map(int, head.split()), 3)


def compare_pixels(results, dataset, images):
    """Of torchvision's two ways of preparation, for both generations of its weights and for transformers'."""
    for resize, interpolation in ((256, "bilinear"), (232, "bilinear"), (256, "bicubic")):
        specification, exact, furthest = f"resize={resize},crop=224,interp={interpolation}", True, 0
        mode = InterpolationMode(interpolation)
        for image in images:
            ours = our_pixels(specification, f"{dataset}/{image}")
            picture = load(dataset, image)
            theirs = np.asarray(functional.center_crop(functional.resize(picture, resize, mode), 224))
            exact = exact and np.array_equal(ours, theirs)
            tensor = functional.resize(functional.pil_to_tensor(picture), resize, mode, antialias=True)
            tensor = functional.center_crop(tensor, 224).permute(1, 2, 0).numpy()
            furthest = max(furthest, np.abs(ours.astype(int) - tensor).max())
        results.add(exact, f"{specification}: the pixels of torchvision's transforms of {len(images)} Pillow images")
        if interpolation == "bilinear":  # Pillow clips what bicubic overshoots between the passes, that of tensors behind
            results.add(furthest <= 1, f"{specification}: at most {furthest} of 255 from its transforms of tensors")


def main(architectures):
    results = peers.Results()
    with peers.scratch() as folder:
        dataset = peers.demo_photographs(folder, 30)
        comparison = Comparison(results, folder, dataset)
        compare_pixels(results, dataset, comparison.images)
        pixels = torch.stack([prepare()(load(dataset, image)) for image in comparison.images])
        for architecture in architectures or ("resnet50", "resnet101", "resnet152"):
            network = formula.torchvision_network(architecture)
            theirs = maps(network, pixels)
            weights = f"{folder}/weights.pth"
            torch.save(network.state_dict(), weights)
            if architecture != "resnet50":
                comparison.near(architecture, build(folder, weights, architecture=architecture), theirs["conv5"])
                continue
            compare_forms(comparison, forms(network), theirs["conv5"])
            as_transformers = prepare(transforms.Resize(256, InterpolationMode.BICUBIC),
                                      lambda picture: crop_centre(picture, 224, 224, math.floor))
            pixels_transformers = torch.stack([as_transformers(load(dataset, image)) for image in comparison.images])
            compare_forms(comparison, hugging_face_forms(network), maps(network, pixels_transformers)["conv5"])
            compare_layers(comparison, network, weights, theirs)
            pixels_232 = torch.stack([prepare(transforms.Resize(232))(load(dataset, image)) for image in comparison.images])
            specification = ("resize=232,crop=224,interp=bilinear,order=rgb,scale=0.003921568627450980,"
                             "mean=0.485:0.456:0.406,std=0.229:0.224:0.225")
            comparison.near("--preprocess with resize=232", build(folder, weights, "--preprocess", specification),
                            maps(network, pixels_232)["conv5"])
            comparison.half(build(folder, weights))
            compare_damages(comparison, weights, theirs["conv5"])
    results.end()


if __name__ == "__main__":
    main(sys.argv[1:])
