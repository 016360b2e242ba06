"""slabfit backbone wrap and extract against PyTorch, for TorchScript files that others made.

Run: python wrap.py      (slabfit on the PATH; needs torch, numpy, h5py, Pillow; one network of SLABFIT_SHARED)

Traced and scripted networks with several outputs, with a classifier on top, of half precision and of other input sizes,
and efficientnet-lite0 where it is there.  Features of photographs may differ by 1e-4 of the largest one.
"""
import peers

import numpy as np
import torch
from PIL import Image

from backbones import Comparison
from pixels import BILINEAR, crop_centre, resize_shorter

SIZE = 96
PREPROCESS = (f"resize={SIZE}x{SIZE},interp=bilinear,order=rgb,scale=0.00392156862745098,mean=0.5:0.5:0.5,"
              "std=0.25:0.25:0.25")


class Small(torch.nn.Module):
    """Two convolutions and a classifier; GIVES says what forward gives of its maps and classes."""

    def __init__(self, gives):
        super().__init__()
        torch.manual_seed(3)
        self.stem = torch.nn.Conv2d(3, 24, 5, stride=3, padding=2)
        self.norm = torch.nn.BatchNorm2d(24)
        self.body = torch.nn.Conv2d(24, 40, 3, stride=2)
        self.top = torch.nn.Linear(40, 7)
        torch.nn.init.uniform_(self.norm.running_mean, -0.3, 0.3)
        torch.nn.init.uniform_(self.norm.running_var, 0.2, 2)
        self.gives = gives

    def forward(self, x):
        low = torch.relu(self.norm(self.stem(x)))
        high = torch.relu(self.body(low))
        return self.gives(low, high, self.top(high.mean((2, 3))))


def pixels_of(dataset, images):
    pictures = []
    for image in images:
        with Image.open(f"{dataset}/{image}") as picture:
            picture = picture.convert("RGB").resize((SIZE, SIZE), BILINEAR)
            pictures.append(np.asarray(picture, np.float32))
    return (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255 - 0.5) / 0.25


def rows(output):
    """Maps as (photographs, height, width, channels)."""
    return (output.permute(0, 2, 3, 1) if output.dim() == 4 else output).float().numpy()


def wrap(folder, source, *options):
    peers.slabfit("backbone", "wrap", source, "-o", f"{folder}/wrapped.ts", "--force", *options)
    return f"{folder}/wrapped.ts"


@torch.no_grad()
def compare_small(comparison, folder, dataset):
    pixels = pixels_of(dataset, comparison.images)
    cases = {"a map": (lambda low, high, top: high, 1), "a tuple": (lambda low, high, top: (low, high, top), 3),
             "a list": (lambda low, high, top: [top, low], 2),
             "a dict": (lambda low, high, top: {"low": low, "top": top}, 2)}
    for what, (gives, count) in cases.items():
        network = Small(gives).eval()
        traced = torch.jit.trace(network, pixels[:1], strict=False)
        outputs = network(pixels)
        outputs = (list(outputs.values()) if isinstance(outputs, dict) else
                   [outputs] if isinstance(outputs, torch.Tensor) else list(outputs))
        module, form = (torch.jit.freeze(traced), "frozen") if what == "a tuple" else (traced, "traced")
        module.save(f"{folder}/small.ts")
        for number in range(count):
            backbone = wrap(folder, f"{folder}/small.ts", "--preprocess", PREPROCESS,
                            *(("--output", number) if count > 1 else ()))
            comparison.near(f"{what}, {form}, output {number}", backbone, rows(outputs[number]))
    backbone = wrap(folder, f"{folder}/small.ts", "--preprocess", PREPROCESS, "--output", 0, "--pool", "max")
    comparison.near("the first of the dict, max pooled", backbone, rows(outputs[0]).max((1, 2)))


@torch.no_grad()
def compare_half(comparison, folder, dataset):
    """Of half precision are the weights; slabfit computes in float32."""
    pixels = pixels_of(dataset, comparison.images)
    for dtype in (torch.float16, torch.bfloat16):
        network = Small(lambda low, high, top: high).eval().to(dtype)
        traced = torch.jit.trace(network, pixels[:1].to(dtype))
        theirs = rows(Small(lambda low, high, top: high).eval().to(dtype).float()(pixels))
        for form, module in (("traced", traced), ("frozen", torch.jit.freeze(traced))):
            module.save(f"{folder}/half.ts")
            # What freezing has folded into the kernels was rounded to the network's precision.
            tolerance = 1e-4 if form == "traced" else 4 * torch.finfo(dtype).eps
            comparison.near(f"{dtype}, {form}", wrap(folder, f"{folder}/half.ts", "--preprocess", PREPROCESS), theirs,
                            tolerance)


@torch.no_grad()
def compare_efficientnet(results, comparison, folder, dataset):
    source = peers.shared(peers.SHARED_BACKBONE)
    if not source:
        print("left out: efficientnet-lite0, which SLABFIT_SHARED does not have")
        return
    pictures = []
    for image in comparison.images:
        with Image.open(f"{dataset}/{image}") as picture:
            picture = crop_centre(resize_shorter(picture.convert("RGB"), 256, BILINEAR), 224, 224)
            pictures.append(np.asarray(picture, np.float32))
    pixels = (torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) - 127) / 128
    theirs = rows(torch.jit.load(source).eval()(pixels))
    comparison.near("efficientnet-lite0", wrap(folder, source, "--preprocess", peers.EFFICIENTNET), theirs)


def main():
    results = peers.Results()
    with peers.scratch() as folder:
        dataset = peers.demo_photographs(folder, 30)
        comparison = Comparison(results, folder, dataset)
        compare_small(comparison, folder, dataset)
        compare_half(comparison, folder, dataset)
        compare_efficientnet(results, comparison, folder, dataset)
    results.end()


if __name__ == "__main__":
    main()
