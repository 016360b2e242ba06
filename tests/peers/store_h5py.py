"""The feature store's rates beside h5py's on the same rows in the same run: what 'slabfit bench store' measures.

    store_h5py.py [--rows N] [--repeat N] [--like FILE.h5] [--folder FOLDER]

Both take turns, and the best of each counts.  h5py writes gzip in chunks of the same shape as ours, which suits it best
for all three ways of reading, and gzip in a chunk for each row, as feature extractors do.  A value that differs fails; a
rate never does.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

STEPS = ("write", "read", "batches", "columns")
SLAB_ROWS = 2048  # as slabfit bench reads columns


def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def read_windows(data, rows, columns):
    for column in range(0, data.shape[1], columns):
        for row in range(0, data.shape[0], rows):
            data[row : row + rows, column : column + columns]


def read_rates(path, chunks):
    with h5py.File(path, rdcc_nbytes=64 << 20) as file:
        data = file["features"]
        size = data.size * 4
        return {
            "read": size / seconds(lambda: read_windows(data, 4 * chunks[0], data.shape[1])),
            "batches": size / seconds(lambda: read_windows(data, 32, data.shape[1])),
            "columns": size / seconds(lambda: read_windows(data, SLAB_ROWS, 2 * chunks[1])),
        }


def write(path, values, **options):
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=values, **options)
        file.flush()
        os.fsync(file.id.get_vfd_handle())


def measure_ours(arguments, folder):
    command = ["slabfit", "bench", "store", "--rows", str(arguments.rows), "--repeat", "1", "--keep", "--json"]
    command += ["-o", folder] + (["--like", arguments.like] if arguments.like else [])
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def measure_gzip(folder, values, chunks, options):
    path = os.path.join(folder, "gzip.h5")
    rates = {"write": values.nbytes / seconds(lambda: write(path, values, **options))}
    rates.update(read_rates(path, chunks))
    size = os.path.getsize(path)
    with h5py.File(path) as file:
        if not numpy.array_equal(file["features"][:], values):
            sys.exit("h5py does not read what it wrote")
    os.remove(path)
    return rates, size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--like")
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    best, sizes = {}, {}

    def keep(name, rates):
        mine = best.setdefault(name, {})
        for step, rate in rates.items():
            mine[step] = max(rate, mine.get(step, 0))

    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        ours = os.path.join(folder, "bench.h5")
        for _ in range(arguments.repeat):
            report = measure_ours(arguments, folder)
            keep("slabfit", report["rates"]["store"])
            sizes["slabfit"] = report["store"]["file_bytes"]
            with h5py.File(ours) as file:
                values, chunks = file["features"][:], file["features"].chunks
            keep("h5py, slabfit's file", read_rates(ours, chunks))
            sizes["h5py, slabfit's file"] = sizes["slabfit"]
            row = (1, values.shape[1])
            for name, options in (
                ("h5py, gzip-1 + shuffle", dict(compression="gzip", compression_opts=1, shuffle=True, chunks=chunks)),
                ("h5py, gzip-4", dict(compression="gzip", compression_opts=4, chunks=chunks)),
                ("h5py, gzip-4 + shuffle", dict(compression="gzip", compression_opts=4, shuffle=True, chunks=chunks)),
                ("h5py, gzip-4, chunks of a row", dict(compression="gzip", compression_opts=4, chunks=row)),
            ):
                rates, sizes[name] = measure_gzip(folder, values, chunks, options)
                keep(name, rates)
    print(f"{values.shape[0]} x {values.shape[1]} values, {(values == 0).mean():.1%} zeros; MB/s of values, best of "
          f"{arguments.repeat} (slabfit is so many times as fast)")
    print(f"{'':30} {'size':>6} " + " ".join(f"{step:>15}" for step in STEPS))
    for name, rates in best.items():
        cells = (f"{rates[step] / 1e6:7.0f} ({best['slabfit'][step] / rates[step]:4.1f})" if step in rates else ""
                 for step in STEPS)
        print(f"{name:30} {values.nbytes / sizes[name]:5.2f}: " + " ".join(f"{cell:>15}" for cell in cells))
    merge, copy = best["slabfit"]["merge"], best["slabfit"]["copy"]
    print(f"merge {merge / 1e6:.0f}, copy {copy / 1e6:.0f} MB/s of values: {merge / copy:.2f}")


if __name__ == "__main__":
    main()
