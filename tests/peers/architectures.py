"""slabfit extract against PyTorch, for torchvision's architectures of other kinds than ResNet.

Run: python architectures.py [NAME...]      (slabfit on the PATH; needs torch, torchvision, numpy, h5py, Pillow)

Whole networks, with their classifiers, and the first layers of some, whose weights are random and whose normalisations are
not all alike.  Some run by oneDNN's primitives, others by libtorch's operators; features may differ by 1e-4 of the largest
one either way.
"""
import sys
import warnings

import peers

import torch
import torchvision

from backbones import Comparison
from wrap import PREPROCESS, pixels_of, rows, wrap

ARCHITECTURES = {name: {} for name in (
    "mobilenet_v3_large", "efficientnet_b0", "mnasnet1_0", "regnet_y_400mf", "vgg11_bn", "densenet121", "squeezenet1_1",
    "shufflenet_v2_x1_0", "resnext50_32x4d", "convnext_tiny", "swin_t")}
ARCHITECTURES["googlenet"] = {"init_weights": False, "aux_logits": False}
PARTS = {"mobilenet_v3_large": 8, "efficientnet_b0": 4, "densenet121": 6}  # modules of the network's features


def vary(network):
    """Fresh normalisations would pass over what a network does wrong in its middle."""
    torch.manual_seed(5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.6, 1.4)
            torch.nn.init.uniform_(module.bias, -0.4, 0.4)
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


@torch.no_grad()
def compare(comparison, what, network, pixels):
    path = f"{comparison.folder}/network.ts"
    torch.jit.trace(network, pixels[:1], check_trace=False).save(path)
    comparison.near(what, wrap(comparison.folder, path, "--preprocess", PREPROCESS), rows(network(pixels)))


def main(names):
    warnings.filterwarnings("ignore")
    results = peers.Results()
    with peers.scratch() as folder:
        dataset = peers.demo_photographs(folder, 30)
        comparison = Comparison(results, folder, dataset)
        pixels = pixels_of(dataset, comparison.images)
        for name in names or ARCHITECTURES:
            torch.manual_seed(7)
            network = vary(getattr(torchvision.models, name)(weights=None, **ARCHITECTURES[name]))
            compare(comparison, name, network, pixels)
            if name in PARTS:
                compare(comparison, f"{name}, {PARTS[name]} modules", network.features[:PARTS[name]], pixels)
    results.end()


if __name__ == "__main__":
    main(sys.argv[1:])
