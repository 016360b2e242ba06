"""A feature file of slabfit as a PyTorch Dataset, and a small training on it.

    python3 pytorch_dataset.py FEATURES/training.h5

An item is a block of rows as they lie together in the file, so that each compressed chunk is inflated once in an epoch.
The loader shuffles the blocks, the dataset the rows of each; and slabfit has shuffled the images before.
"""

import sys

import h5py
import torch
from torch.utils.data import DataLoader, Dataset


class FeatureBlocks(Dataset):
    """Items are (features, labels): float32 (rows, d) and int64 (rows)."""

    def __init__(self, path, shuffle=True):
        self.path, self.shuffle = path, shuffle
        self.file = None  # each worker opens its own, since HDF5 cannot be shared with a forked process
        with h5py.File(path, "r") as file:
            self.rows, self.columns = file["features"].shape
            self.block = file["features"].chunks[0]
            numbers = h5py.check_enum_dtype(file["labels"].dtype)
            self.classes = sorted(numbers, key=numbers.get)

    def __len__(self):
        return -(-self.rows // self.block)

    def __getitem__(self, index):
        if self.file is None:
            self.file = h5py.File(self.path, "r")
        rows = slice(index * self.block, (index + 1) * self.block)
        features = torch.from_numpy(self.file["features"][rows]).float()
        labels = torch.from_numpy(self.file["labels"][rows]).long()
        order = torch.randperm(len(labels)) if self.shuffle else slice(None)
        return features[order], labels[order]


def train(path, epochs=3, batch=32, workers=2):
    data = FeatureBlocks(path)
    loader = DataLoader(data, batch_size=None, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    model = torch.nn.Sequential(
        torch.nn.Linear(data.columns, 256), torch.nn.ReLU(), torch.nn.Linear(256, 16), torch.nn.ReLU(),
        torch.nn.Linear(16, len(data.classes)),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    for epoch in range(epochs):
        right = loss_sum = 0
        for block_features, block_labels in loader:
            for features, labels in zip(block_features.split(batch), block_labels.split(batch)):
                logits = model(features)
                loss = torch.nn.functional.cross_entropy(logits, labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                loss_sum += loss.item() * len(labels)
                right += (logits.argmax(1) == labels).sum().item()
        print(f"epoch {epoch + 1}: loss {loss_sum / data.rows:.4f}, accuracy {right / data.rows:.4f}")
    return model


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    train(sys.argv[1])
