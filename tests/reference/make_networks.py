#!/usr/bin/env python3
"""Writes the TorchScript files network-*.ts, which check_wrap.c wraps, by PyTorch 2.15 (pip install torch).

Each has the 1 x 1 convolution 2 r - b + 1/2 and g of an image's planes, whose numbers half precision and bfloat16 hold
exactly.
"""
import io
import os
import warnings
import zipfile
from typing import Dict

import torch

warnings.filterwarnings("ignore")
FOLDER = os.path.dirname(os.path.abspath(__file__))


class Maps(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.mixing = torch.nn.Conv2d(3, 2, 1)
        self.mixing.weight.data = torch.tensor([[2.0, 0.0, -1.0], [0.0, 1.0, 0.0]]).reshape(2, 3, 1, 1)
        self.mixing.bias.data = torch.tensor([0.5, 0.0])

    def forward(self, x):
        return self.mixing(x)


class Named(Maps):
    """Several outputs by name, and a method that nobody calls."""

    @torch.jit.export
    def unused(self, x, factor: int):
        return x * factor

    def forward(self, x) -> Dict[str, torch.Tensor]:
        maps = self.mixing(x)
        return {"maps": maps, "means": maps.mean([2, 3])}


class Pair(Maps):
    def forward(self, x):
        maps = self.mixing(x)
        return maps.mean([2, 3]), maps


class Indexed(Maps):
    """Takes the planes by a buffer of integers, which stay integers in any precision."""

    def __init__(self):
        super().__init__()
        self.register_buffer("order", torch.tensor([2, 1, 0]))

    def forward(self, x):
        return self.mixing(x[:, self.order][:, self.order])


def save(module, name):
    """Without the tables of source lines, which hold paths of the machine."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(f"{FOLDER}/network-{name}.ts", "w") as archive:
        for item in whole.infolist():
            if not item.filename.endswith(".debug_pkl"):
                archive.writestr(zipfile.ZipInfo(item.filename), whole.read(item))


def main():
    save(torch.jit.script(Maps().half()), "half")
    save(torch.jit.freeze(torch.jit.script(Maps().half().eval())), "half-frozen")
    save(torch.jit.freeze(torch.jit.script(Maps().bfloat16().eval())), "bfloat16-frozen")
    save(torch.jit.script(Indexed().half()), "indexed")
    save(torch.jit.script(Named()), "named")
    save(torch.jit.trace(Pair(), torch.zeros(1, 3, 4, 4)), "traced")
    save(torch.jit.freeze(torch.jit.trace(Pair().eval(), torch.zeros(1, 3, 4, 4))), "traced-frozen")


if __name__ == "__main__":
    main()
