"""The tutorial's CSV, parsed by NumPy and by slabfit import: the same numbers, and the seconds of each.

Run: python import_csv.py [--rows N] [--repeat N]      (slabfit on the PATH; needs numpy, h5py)

The file has rows of 100,352 values, nine of ten 0, as Python writes float32.  NumPy parses it as the tutorial does, a
line at a time by numpy.array (line.strip ().split (",")[1:], dtype="float"), and by numpy.loadtxt; slabfit writes the
feature file as well.  Each runs REPEAT times in turn, and the best seconds are shown.  Only the numbers decide whether
the comparison passes, because a busy machine spoils times.
"""
import argparse
import os
import time

import peers

import h5py
import numpy as np

WIDTH = 7 * 7 * 2048


def write_csv(path, count):
    random = np.random.default_rng(42)
    with open(path, "w") as csv:
        for number in range(count):
            row = random.gamma(0.5, 2.0, WIDTH).astype(np.float32)
            texts = np.full(WIDTH, "0.0", dtype=object)
            used = random.random(WIDTH) < 0.1
            texts[used] = [str(value) for value in row[used]]
            csv.write(f"{number % 2},{','.join(texts)}\n")


def parse_by_array(path):
    """What the tutorial does with each line; yields label and float64 values."""
    with open(path) as csv:
        for line in csv:
            label, *values = line.strip().split(",")
            yield int(label), np.array(values, dtype="float")


def parse_all_by_array(path):
    for _ in parse_by_array(path):
        pass


def parse_by_loadtxt(path):
    np.loadtxt(path, delimiter=",")


def parse_by_slabfit(path):
    peers.slabfit("import", path, "-o", path + ".h5", "--force")


def differences(path):
    """How many values and labels of the feature file are not, bit for bit, NumPy's float64 made float32."""
    with h5py.File(path + ".h5") as file:
        features, labels = file["features"], file["labels"][:]
        count = 0
        for number, (label, values) in enumerate(parse_by_array(path)):
            count += np.count_nonzero(features[number].view(np.uint32) != values.astype(np.float32).view(np.uint32))
            count += int(labels[number] != label)
        return count + abs(len(labels) - number - 1)


def seconds_of(function, path):
    start = time.monotonic()
    function(path)
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=300, help="of the file (300)")
    parser.add_argument("--repeat", type=int, default=3, help="each way of parsing (3)")
    options = parser.parse_args()
    results = peers.Results()
    ways = {"numpy.array": parse_all_by_array, "numpy.loadtxt": parse_by_loadtxt, "slabfit import": parse_by_slabfit}
    best = dict.fromkeys(ways, float("inf"))
    with peers.scratch() as folder:
        path = f"{folder}/rows.csv"
        write_csv(path, options.rows)
        for _ in range(options.repeat):
            for name, function in ways.items():
                best[name] = min(best[name], seconds_of(function, path))
        megabytes = os.path.getsize(path) / 1e6
        wrong = differences(path)
    for name, seconds in best.items():
        print(f"{name}: {seconds:.2f} s, {megabytes / seconds:.0f} MB/s, "
              f"{seconds / best['slabfit import']:.1f} times slabfit's")
    results.add(wrong == 0, f"{options.rows} x {WIDTH} values: {wrong} differ from NumPy's")
    results.end()


if __name__ == "__main__":
    main()
