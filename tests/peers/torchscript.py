"""Reads and changes the TorchScript files that slabfit backbone writes, without PyTorch.

Such a file is a zip archive: data.pkl names the arrays, data/N holds their bytes, code/__torch__.py the text.
"""
import pickle
import zipfile

import numpy


class Module:
    """Stands for the network's own class; its arrays become attributes."""


class Unpickler(pickle.Unpickler):
    """Knows what data.pkl may name, and nothing else."""

    def find_class(self, module, name):
        if module.startswith("__torch__"):
            return Module
        known = {"torch._utils _rebuild_tensor_v2": lambda storage, offset, size, *rest: (storage, offset, size),
                 "torch FloatStorage": "float32", "collections OrderedDict": dict}
        return known[f"{module} {name}"]

    def persistent_load(self, key):
        return key[2]


class Backbone:
    """ARRAYS by name, to be read and written, and TEXT."""

    def __init__(self, path):
        with zipfile.ZipFile(path) as archive:
            self.members = {item.filename: archive.read(item) for item in archive.infolist()}
        self.folder = next(name for name in self.members if name.endswith("/data.pkl"))[: -len("data.pkl")]
        with zipfile.ZipFile(path) as archive, archive.open(self.folder + "data.pkl") as file:
            self.places = vars(Unpickler(file).load())
        self.arrays = {}
        for name, (storage, offset, size) in self.places.items():
            values = numpy.frombuffer(self.members[f"{self.folder}data/{storage}"], "<f4")
            assert offset == 0 and values.size == numpy.prod(size), name
            self.arrays[name] = values.reshape(size).copy()
        self.text = self.members[self.folder + "code/__torch__.py"].decode()

    def save(self, path):
        members = dict(self.members)
        for name, (storage, _, _) in self.places.items():
            members[f"{self.folder}data/{storage}"] = self.arrays[name].tobytes()
        members[self.folder + "code/__torch__.py"] = self.text.encode()
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
