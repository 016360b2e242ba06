"""A model file of slabfit as a PyTorch module, and its probabilities for the first rows of a feature file.

    python3 pytorch_model.py MODEL.h5 FEATURES.h5
"""

import sys

import h5py
import torch


def load(path):
    """A module that takes features (n, d), float32, and gives probabilities (n, C)."""
    weights, layers = h5py.File(path, "r")["model_weights"], []
    for layer in (weights[name][name] for name in weights.attrs["layer_names"]):
        layers += [torch.nn.Linear(*layer["kernel:0"].shape), torch.nn.ReLU()]
        layers[-2].weight.data = torch.tensor(layer["kernel:0"][:].T)
        layers[-2].bias.data = torch.tensor(layer["bias:0"][:])
    return torch.nn.Sequential(*layers[:-1], torch.nn.Softmax(dim=1))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with torch.no_grad(), h5py.File(sys.argv[2], "r") as file:
        print(load(sys.argv[1])(torch.tensor(file["features"][:5]).float()))
