"""The features of slabfit extract from AOTInductor packages (.pt2) against PyTorch's own from the same network.

Run: python package.py      (slabfit on the PATH; needs torch, h5py, numpy and Pillow, and a C++ compiler)

A small residual network is exported and compiled for one number of images, for any, and with two outputs.  A difference
above 1e-5 of the largest feature is a failure: both compute in float32, in another order.  Skipped where slabfit was
built with a libtorch that loads no packages, or where torch has no compiler for them.
"""
import os
import subprocess
import sys
import zipfile

import peers

import h5py
import numpy as np
import torch
from PIL import Image

TOLERANCE = 1e-5
SIZE = 64
IMAGES = 11 # neither a multiple of what the packages take nor of what slabfit calls them with
PREPROCESS = f"resize={SIZE}x{SIZE},order=rgb,scale=1/255"


class Network(torch.nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 16, 7, 2, 3, bias=False)
        self.norm = torch.nn.BatchNorm2d(16)
        self.block = torch.nn.Conv2d(16, 16, 3, 1, 1)
        self.wider = torch.nn.Conv2d(16, 24, 1, 2)
        self.outputs = outputs

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.norm(self.stem(x))), 3, 2, 1)
        x = torch.relu(x + self.block(x))
        y = torch.relu(self.wider(x))
        return (x.mean((2, 3)), y) if self.outputs == 2 else y


def make_network(outputs):
    torch.manual_seed(7)
    network = Network(outputs).eval()
    with torch.no_grad():
        network.norm.running_mean.normal_()
        network.norm.running_var.uniform_(0.1, 2)
    return network


def compile_package(network, path, images, dynamic, metadata):
    shapes = {"x": {0: torch.export.Dim("images", min=2, max=1024)}} if dynamic else None
    with torch.no_grad():
        program = torch.export.export(network, (torch.zeros(images, 3, SIZE, SIZE),), dynamic_shapes=shapes)
        torch._inductor.aoti_compile_and_package(program, package_path=path,
                                                 inductor_configs={"aot_inductor.metadata": metadata})


def slabfit_features(folder, dataset, package):
    peers.slabfit("extract", dataset, "-o", f"{folder}/features", "--backbone", package, "--split", "training", "--force")
    with h5py.File(f"{folder}/features/training.h5") as file:
        assert file.attrs["preprocess"].decode() == PREPROCESS, file.attrs["preprocess"]
        return file["features"][:], list(file.attrs["feature_shape"]), [name.decode() for name in file["images"]]


@torch.no_grad()
def torch_features(network, dataset, images):
    pictures = []
    for image in images:
        with Image.open(f"{dataset}/{image}") as picture:
            pictures.append(np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.NEAREST), np.float32))
    output = network(torch.from_numpy(np.stack(pictures) / 255).permute(0, 3, 1, 2))
    output = output[1] if isinstance(output, tuple) else output
    return output.permute(0, 2, 3, 1).flatten(1).numpy()


def loads_packages(folder):
    """Whether slabfit does; it is given what only looks like one."""
    with zipfile.ZipFile(f"{folder}/none.pt2", "w") as archive:
        archive.writestr("none/data/aotinductor/model/none.so", "none")
    done = subprocess.run(["slabfit", "info", f"{folder}/none.pt2"], capture_output=True, text=True)
    return "cannot load" not in done.stderr


def main():
    os.environ.pop("SLABFIT_NETWORK", None)
    results = peers.Results()
    with peers.scratch() as folder:
        if not hasattr(torch._inductor, "aoti_compile_and_package") or not loads_packages(folder):
            sys.exit(peers.SKIPPED)
        dataset = peers.training_photographs(folder, 2 * IMAGES)[0]
        metadata = {"slabfit.json": f'{{"preprocess": "{PREPROCESS}", "layer": "wider"}}'}
        for name, images, dynamic, outputs in (("any number of images", 4, True, 1), ("4 images", 4, False, 1),
                                               ("1 image and two outputs", 1, False, 2)):
            network = make_network(outputs)
            package = f"{folder}/{images}{dynamic}{outputs}.pt2"
            compile_package(network, package, images, dynamic,
                            metadata | ({"slabfit.output": "1"} if outputs == 2 else {}))
            ours, shape, names = slabfit_features(folder, dataset, package)
            theirs = torch_features(network, dataset, names)
            difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
            results.add(shape == [8, 8, 24] and len(names) == 2 * IMAGES and difference <= TOLERANCE,
                        f"a package for {name}: {ours.shape} features, largest difference {difference:.1e}")
    results.end()


if __name__ == "__main__":
    main()
