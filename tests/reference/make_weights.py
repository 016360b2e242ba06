"""Small files of weights in every form that Keras and PyTorch write, and what is in them.

Writes weights-*.{h5,keras,safetensors,pth} and weights.json beside this file: for each file its arrays' names as
check_weights must give them, their shapes, and their values as Keras's get_weights and PyTorch's tensors have them, in
float32.  The files of Keras 1 are written by h5py as Keras 1.2 did, with the layers' list split over two attributes.

Run: python make_weights.py      (needs numpy, h5py, Keras 3, tf-keras, PyTorch, safetensors and ml_dtypes)
"""
import collections
import json
import os
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import ml_dtypes
import numpy as np
import safetensors.torch
import tf_keras
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
PARTS = {4: ["gamma", "beta", "moving_mean", "moving_variance"]}
generator = np.random.default_rng(6)
expected = {}


def place(name):
    return os.path.join(HERE, name)


def draw(shape):
    """Multiples of 1/64 that float16 and bfloat16 hold exactly."""
    return (generator.integers(-127, 128, shape) / 64).astype(np.float32)


def note(name, arrays):
    """What FILE is to hold: ARRAYS (name, array)."""
    arrays = [(key, np.asarray(value).astype(np.float32)) for key, value in arrays]
    expected[name] = [dict(name=key, shape=list(value.shape), values=value.flatten().tolist()) for key, value in arrays]


# Keras

def convolution(library, inputs):
    x = library.layers.Conv2D(2, 3, name="conv1_conv")(inputs)
    x = library.layers.BatchNormalization(name="conv1_bn")(x)
    return library.layers.Conv2D(3, 1, use_bias=False, name="second")(x)


def plain(library):
    """Two convolutions and a normalisation."""
    inputs = library.Input((8, 8, 3), name="photo")
    return library.Model(inputs, convolution(library, inputs), name="inner")


def nested(library):
    """The same as a layer of a model with a head, compiled, so that there is an optimiser."""
    inputs = library.Input((8, 8, 3), name="outer")
    x = library.layers.GlobalAveragePooling2D(name="pool")(plain(library)(inputs))
    model = library.Model(inputs, library.layers.Dense(2, name="top")(x), name="whole")
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def fill(model):
    model.set_weights([draw(weight.shape) for weight in model.get_weights()])
    return model


def layers(model):
    """All layers with weights, those of nested models too."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers(layer)
        elif layer.get_weights():
            yield layer


def arrays(model, name=lambda layer: layer.name):
    """The weights by the names that are wanted, by Keras's own order: kernel, bias; gamma, beta, mean, variance."""
    for layer in layers(model):
        weights = layer.get_weights()
        for part, weight in zip(PARTS.get(len(weights), ["kernel", "bias"]), weights):
            yield f"{name(layer)}/{part}", weight


def class_names(model):
    """What a .weights.h5 without names calls the layers."""
    counts, names = collections.Counter(), {}
    for layer in layers(model):
        kind = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization", "Dense": "dense"}[type(layer).__name__]
        names[layer.name] = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
    return lambda layer: names[layer.name]


def make_keras(library, tag, named):
    model, whole = fill(plain(library)), fill(nested(library))
    name = (lambda model: lambda layer: layer.name) if named else class_names
    whole.save(place(f"weights-{tag}-nested.keras"))
    note(f"weights-{tag}-nested.keras", arrays(whole, name(whole)))
    if named:
        model.save_weights(place(f"weights-{tag}.weights.h5"))
        note(f"weights-{tag}.weights.h5", arrays(model))
        whole.save(place(f"weights-{tag}-nested.h5"))
        note(f"weights-{tag}-nested.h5", arrays(whole))
    else:
        model.save_weights(place(f"weights-{tag}.h5"))
        note(f"weights-{tag}.h5", arrays(model))
        model.save(place(f"weights-{tag}-model.h5"))
        note(f"weights-{tag}-model.h5", arrays(model))


def make_keras1():
    """As "resnet50_weights_tf_dim_ordering_tf_kernels.h5" of 2016 is: the parts have other names, and running_std is the
    variance."""
    parts = dict(W="kernel", b="bias", gamma="gamma", beta="beta", running_mean="moving_mean",
                 running_std="moving_variance")
    shapes = {"conv1": dict(W=(3, 3, 3, 2), b=(2,)), "res2a_branch2a": dict(W=(1, 1, 2, 3), b=(3,)),
              "bn2a_branch2a": dict(gamma=(3,), beta=(3,), running_mean=(3,), running_std=(3,)), "flatten_1": {}}
    wanted = []
    with h5py.File(place("weights-keras1.h5"), "w", libver="earliest") as file:
        names = [name.encode() for name in shapes]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = np.array(names[:2]), np.array(names[2:])
        for layer, own in shapes.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}_{part}_1:0".encode() for part in own])
            for part, shape in own.items():
                wanted.append((f"{layer}/{parts[part]}", draw(shape)))
                group[f"{layer}_{part}_1:0"] = wanted[-1][1]
    note("weights-keras1.h5", wanted)


def make_types():
    """Types of numbers other than float32 in a .weights.h5: Keras stores bfloat16 as opaque."""
    model = {"dense": draw((3, 2)).astype(np.float16), "dense_1": draw((2, 2)).astype(ml_dtypes.bfloat16),
             "dense_2": draw((2, 3)).astype(np.float64) / 3, "dense_3": np.arange(4, dtype=np.int64).reshape(2, 2)}
    with h5py.File(place("weights-types.weights.h5"), "w") as file:
        for name, value in model.items():
            variables = file.create_group(f"layers/{name}/vars")
            dataset = variables.create_dataset("0", data=value)
            if value.dtype == ml_dtypes.bfloat16:
                dataset.attrs["dtype"] = "bfloat16"
    note("weights-types.weights.h5", [(f"{name}/kernel", value) for name, value in model.items()])


def make_inflated():
    """A chunk that is said to have 4 KB and has 160 MB, all zeros."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(160)) + packer.flush()
    with h5py.File(place("weights-inflated.h5"), "w") as file:
        data = file.create_dataset("layers/dense/vars/0", (1024,), "f4", chunks=(1024,), compression="gzip")
        data.id.write_direct_chunk((0,), packed)


# PyTorch

def tensor(shape, dtype=torch.float32):
    return torch.from_numpy(draw(shape)).to(dtype)


def values(state):
    return [(name, value.detach().to(torch.float32).numpy()) for name, value in state.items()]


def state_dict():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2))
    for value in network.state_dict().values():
        value.copy_(tensor(tuple(value.shape)) if value.is_floating_point() else torch.tensor(1000))
    return network.state_dict()


def odd_tensors():
    """Views of one storage, other strides, all types of numbers, no elements, no dimensions."""
    base = tensor((6, 4))
    state = collections.OrderedDict(base=base, transposed=base.t(), rows=base[1:5:2], column=base[:, 3],
                                    inner=base[2:4, 1:3], permuted=tensor((2, 3, 4)).permute(2, 0, 1),
                                    third=torch.tensor([1 / 3, -2 / 3], dtype=torch.float64),
                                    empty=torch.zeros((0, 3)), scalar=torch.tensor(2.5))
    for name in "float16 bfloat16 int64 int32 int16 int8".split():
        state[name] = (tensor((3,)) * 8).round().to(getattr(torch, name))
    state["uint8"] = torch.tensor([0, 127, 255], dtype=torch.uint8)
    state["bool"] = torch.tensor([True, False])
    state["parameter"] = torch.nn.Parameter(tensor((2,)))
    return state


def make_torch():
    state, odd = state_dict(), odd_tensors()
    for form, new in (("zip", True), ("sequential", False)):
        torch.save(state, place(f"weights-{form}.pth"), _use_new_zipfile_serialization=new)
        note(f"weights-{form}.pth", values(state))
        torch.save(odd, place(f"weights-{form}-odd.pth"), _use_new_zipfile_serialization=new)
        note(f"weights-{form}-odd.pth", values(odd))
        parallel = collections.OrderedDict(("module." + name, value) for name, value in state.items())
        optimizer = dict(state={0: dict(momentum_buffer=tensor((5,), torch.float64))},
                         param_groups=[dict(lr=0.1, params=[0])])
        checkpoint = dict(epoch=3, optimizer=optimizer, best_acc1=torch.tensor(76.125), state_dict=parallel)
        torch.save(checkpoint, place(f"weights-{form}-checkpoint.pth"), _use_new_zipfile_serialization=new)
        note(f"weights-{form}-checkpoint.pth", values(state))
    torch.save(state, place("weights-protocol4.pth"), pickle_protocol=4)
    note("weights-protocol4.pth", values(state))
    torch.save(torch.nn.Linear(2, 2), place("weights-whole.pth"))
    torch.jit.script(torch.nn.ReLU()).save(place("weights-program.pth"))


def make_safetensors():
    state = {name: value.detach().contiguous().clone() for name, value in odd_tensors().items()}
    safetensors.torch.save_file(state, place("weights.safetensors"), metadata={"format": "pt"})
    note("weights.safetensors", values(state))


def main():
    torch.manual_seed(6)
    make_keras(keras, "keras3", named=True)
    make_keras(tf_keras, "keras2", named=False)
    make_keras1()
    make_types()
    make_inflated()
    make_torch()
    make_safetensors()
    with open(place("weights.json"), "w") as file:
        json.dump(expected, file)
        file.write("\n")


if __name__ == "__main__":
    main()
