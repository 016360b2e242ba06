"""Makes the reference files of the tests of src/store with h5py and NumPy.

Run it in this folder: python3 make_store.py.  It prints the digests that tests/check_tile.c holds.
"""

import hashlib

import h5py
import numpy as np

ROWS, COLUMNS = 12, 10
rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
VALUES = ((rows * 31 + columns * 7) % 97 / 8).astype(np.float64)  # exact in float16
LABELS = np.arange(ROWS) % 3


def feature_file(name, values=VALUES, labels=LABELS, **options):
    file = h5py.File(name, "w")
    if values is not None:
        file.create_dataset("features", data=values, **options)
    if labels is not None:
        file.create_dataset("labels", data=labels)
    return file


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def foreign_files():
    feature_file("store-gzip.h5", VALUES.astype("<f4"), chunks=(5, 7), compression="gzip")
    feature_file("store-shuffle.h5", VALUES.astype("<f4"), chunks=(5, 7), compression="gzip", shuffle=True)
    feature_file("store-half.h5", VALUES.astype("<f2"), chunks=(4, 10), compression="gzip", shuffle=True, fletcher32=True)
    feature_file("store-bigendian.h5", VALUES.astype(">f4"), LABELS.astype(">i2"))
    animals = h5py.enum_dtype({"zebra": 30, "cat": 10, "dog": 20}, basetype="i1")
    feature_file("store-double.h5", VALUES, np.array((LABELS + 1) * 10, dtype=animals))
    layout = h5py.VirtualLayout(shape=(ROWS, COLUMNS), dtype="<f4")
    layout[:] = h5py.VirtualSource("store-gzip.h5", "features", shape=(ROWS, COLUMNS))
    with h5py.File("store-virtual.h5", "w", libver="latest") as file:
        file.create_virtual_dataset("features", layout)
        file.create_dataset("labels", data=LABELS.astype("u1"))
        file.create_dataset("images", data=["%d.jpg" % row for row in range(ROWS)])  # of variable length


def bad_files():
    feature_file("store-later.h5").attrs["format_version"] = 2
    spoiled = VALUES.astype("<f4")
    spoiled[3, 2] = np.nan
    feature_file("store-nan.h5", spoiled)
    feature_file("store-rank3.h5", VALUES.reshape(ROWS, 2, 5))
    feature_file("store-integers.h5", VALUES.astype("i4"))
    feature_file("store-nolabels.h5", labels=None)
    feature_file("store-nofeatures.h5", values=None)
    feature_file("store-short.h5", labels=LABELS[:-1])
    feature_file("store-negative.h5", labels=LABELS - 1)
    feature_file("store-floatlabels.h5", labels=LABELS * 1.0)


def attributes_file():
    with h5py.File("store-attributes.h5", "w") as file:
        file.attrs["layer"] = "output"  # h5py's text is of variable length
        file.attrs["pool"] = np.bytes_("avg")
        file.attrs["precision"] = "a precision that is too long"
        file.attrs["feature_shape"] = np.array([1, 1, 1280], dtype=">i4")
        file.attrs["seed"] = "42"


def half_files():
    random = np.random.default_rng(7)
    bits = random.integers(0, 1 << 32, 3000, dtype=np.uint32)
    near = (random.integers(0x32000000, 0x48000000, 3000, dtype=np.uint32)) | (bits & np.uint32(0x80000000))
    edges = np.array([0.0, -0.0, 65504, 65519.996, 65520, 65536, -1e38, 2**-14, 2**-24, 2**-25, 3 * 2**-25, 2**-26,
                      1 + 2**-11, 1 + 3 * 2**-11], dtype=np.float32)
    values = np.concatenate([bits.view(np.float32), near.view(np.float32), edges])
    values = values[np.isfinite(values)][: 5900 + len(edges)]
    halves = np.clip(values, -65504, 65504).astype(np.float16)
    np.concatenate([[len(values)]]).astype("<u4").tofile("store-float16.bin")
    with open("store-float16.bin", "ab") as file:
        file.write(values.astype("<f4").tobytes() + halves.astype("<f2").tobytes())

    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    wide = every.astype(np.float32)
    wide[np.isnan(wide)] = 0
    print("all float16 as float32, NaN as 0:", digest(wide.astype("<f4")))

    positive = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)  # 0 to 65504
    middle = (positive[:-1] + positive[1:]) / 2
    around = np.concatenate([np.nextafter(middle, np.float32(-1)), middle, np.nextafter(middle, np.float32(1e9))])
    print("half way between float16 numbers, one below, one above:", digest(around.astype(np.float16).astype("<f2")))


foreign_files()
bad_files()
attributes_file()
half_files()
