"""The examples of data/examples on a file that slabfit wrote: each row once, as h5py reads it, in batches of the right
types; and their training learns.  PyTorch's is left out, and said so, where torch cannot be imported."""
import importlib.util
import os
import sys

import h5py
import numpy as np

from peers import Results, run, scratch, slabfit

EXAMPLES = os.path.join(os.environ.get("srcdir", "."), "data", "examples")
ROWS, COLUMNS = 1000, 48


def write_features(path):
    """Two classes that one column tells, by way of CSV."""
    random = np.random.default_rng(5)
    values = np.where(random.random((ROWS, COLUMNS)) < 0.8, 0, random.normal(size=(ROWS, COLUMNS))).astype("f4")
    labels = random.integers(0, 2, ROWS)
    values[:, 3] = labels * 8 - 4
    with open(path + ".csv", "w") as stream:
        for label, row in zip(labels, values):
            stream.write(",".join([str(label), *map(str, row)]) + "\n")
    slabfit("import", path + ".csv", "-o", path, "--classes", "low,high")


def load(name):
    specification = importlib.util.spec_from_file_location(name, os.path.join(EXAMPLES, name + ".py"))
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def rows_of(batches):
    features, labels = zip(*((np.asarray(features), np.asarray(labels)) for features, labels in batches))
    return np.concatenate(features), np.concatenate(labels)


def in_order(features, labels):
    """The rows in an order of their own, so that shuffled ones compare."""
    whole = np.column_stack([features, labels])
    return whole[np.lexsort(whole.T)]


def check_keras(results, path, name, features, labels):
    module = load("keras_sequence")
    data = module.FeatureSequence(path)
    batches = [data[index] for index in range(len(data))]
    found = rows_of(batches)
    results.add(len(data) == 32 and len(batches[-1][1]) == 8 and data.classes == ["low", "high"],
                f"{name}: 32 batches, the last of 8 rows; classes {data.classes}")
    results.add(np.array_equal(found[0], features) and np.array_equal(found[1], labels), f"{name}: rows as h5py reads")
    model = module.train(path, path)
    accuracy = model.evaluate(data, verbose=0)[1]
    results.add(accuracy > 0.99, f"{name}: accuracy {accuracy:.3f} after the example's training")


def check_torch(results, path, features, labels):
    module = load("pytorch_dataset")
    plain = module.FeatureBlocks(path, shuffle=False)
    found = rows_of(plain[index] for index in range(len(plain)))
    results.add(np.array_equal(found[0], features) and np.array_equal(found[1], labels), "torch: rows as h5py reads")
    for workers in (0, 2):
        loader = module.DataLoader(module.FeatureBlocks(path), batch_size=None, shuffle=True, num_workers=workers)
        found = rows_of(loader)
        results.add(not np.array_equal(found[0], features)
                    and np.array_equal(in_order(*found), in_order(features, labels)),
                    f"torch: {workers} workers give each row once, shuffled")
    printed = run(sys.executable, os.path.join(EXAMPLES, "pytorch_dataset.py"), path).splitlines()
    results.add(len(printed) == 3 and float(printed[-1].split()[-1]) > 0.99, f"torch: {printed[-1]}")


def main():
    results = Results()
    with scratch() as folder:
        path = os.path.join(folder, "training.h5")
        write_features(path)
        with h5py.File(path, "r") as file:
            features, labels = file["features"][:], file["labels"][:]
        for name in ("keras", "tf_keras"):
            if importlib.util.find_spec(name):
                sys.modules["keras"] = importlib.import_module(name)
                check_keras(results, path, name, features, labels)
            else:
                print(f"left out: {name} cannot be imported")
        if importlib.util.find_spec("torch"):
            check_torch(results, path, features, labels)
        else:
            print("left out: torch cannot be imported")
    results.end()


if __name__ == "__main__":
    main()
