"""The MLP and Keras's SGD in PyTorch, and an epoch with its seconds."""
import itertools
import time

import torch
from torch.nn.functional import cross_entropy


class Network:
    """Starts from WEIGHTS, [kernel (inputs, outputs), bias (outputs)] of each layer."""

    def __init__(self, weights, rate=1e-3, momentum=0.9, decay=1e-3 / 25):
        layers = []
        for kernel, bias in weights:
            layers.append(torch.nn.Linear(*kernel.shape, device="meta"))
            layers[-1].weight = torch.nn.Parameter(torch.from_numpy(kernel).T.contiguous())
            layers[-1].bias = torch.nn.Parameter(torch.from_numpy(bias))
            layers.append(torch.nn.ReLU())
        self.layers = torch.nn.Sequential(*layers[:-1])
        # The rate goes into the gradient: PyTorch has v = m v + g, w -= r v where Keras has v = m v - r g, w += v.
        self.optimizer = torch.optim.SGD(self.layers.parameters(), lr=1, momentum=momentum, fused=True)
        self.rate, self.decay, self.steps = rate, decay, 0

    def train_step(self, features, labels):
        """The loss and the outputs before the step."""
        outputs = self.layers(features)
        loss = cross_entropy(outputs, labels)
        self.optimizer.zero_grad()
        (self.rate / (1 + self.decay * self.steps) * loss).backward()
        self.optimizer.step()
        self.steps += 1
        return loss, outputs

    @torch.no_grad()
    def test_step(self, features, labels):
        outputs = self.layers(features)
        return cross_entropy(outputs, labels), outputs

    def epoch(self, training, validation):
        """{loss, accuracy, val_loss, val_accuracy, seconds, val_seconds, steps, val_steps} of a pass over batches."""
        return measured("", self.train_step, training) | measured("val_", self.test_step, validation)

    def weights(self):
        return [[layer.weight.detach().numpy().T, layer.bias.detach().numpy()] for layer in self.layers[::2]]


def measured(prefix, step, batches):
    start, rows, steps, loss_sum, correct = time.monotonic(), 0, 0, 0.0, 0
    for features, labels in batches:
        loss, outputs = step(features, labels)
        loss_sum += loss.item() * len(labels)
        correct += (outputs.argmax(1) == labels).sum().item()
        rows += len(labels)
        steps += 1
    return {prefix + "loss": loss_sum / rows, prefix + "accuracy": correct / rows, prefix + "steps": steps,
            prefix + "seconds": time.monotonic() - start}


class InMemory:
    """Batches of features that are all in memory, the rows in the order that ORDER () gives for each pass."""

    def __init__(self, features, labels, batch, order):
        self.features, self.labels = torch.from_numpy(features), torch.from_numpy(labels).long()
        self.batch, self.order = batch, order

    def __iter__(self):
        for rows in torch.as_tensor(self.order()).split(self.batch):
            yield self.features[rows], self.labels[rows]


def in_file_order(features, labels, batch):
    order = torch.arange(len(labels))
    return InMemory(features, labels, batch, lambda: order)


def first(batches, count):
    """The first COUNT of a pass over BATCHES; all where COUNT is None."""
    return itertools.islice(iter(batches), count)
