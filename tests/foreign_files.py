"""Writes, with h5py, feature files as other programs write them: python3 foreign_files.py FOLDER.

Those of `same` hold the same rows and classes under the usual names, in other layouts, filters and datatypes; those of
`named` hold them under other names; those of `refused` lack something; those of `hostile` say what is not so.
"""

import os
import sys
import zlib

import h5py
import numpy as np

ROWS, COLUMNS = 60, 24
rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
VALUES = ((rows * 31 + columns * 7) % 97 / 8).astype("<f4")  # exact in float16
LABELS = np.arange(ROWS) % 3
NAMES = np.array(["cat", "dog", "zebra"])
ANIMALS = h5py.enum_dtype({"cat": 0, "dog": 1, "zebra": 2}, basetype="<i4")
TEXT = h5py.string_dtype()


def write(name, features=VALUES, labels=LABELS, kind=ANIMALS, **options):
    with h5py.File(name + ".h5", "w") as file:
        file.create_dataset("features", data=features, **options)
        if labels is not None:
            file.create_dataset("labels", data=np.asarray(labels).astype(kind) if kind else labels)


def low_level(name, filters=(), layout=h5py.h5d.CHUNKED):
    """A dataset whose creation properties h5py's own interface does not have."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_layout(layout)
    if layout == h5py.h5d.CHUNKED:
        creation.set_chunk((7, COLUMNS))
    for number, flag, values in filters:
        creation.set_filter(number, flag, values)
    with h5py.File(name + ".h5", "w") as file:
        space = h5py.h5s.create_simple((ROWS, COLUMNS))
        dataset = h5py.h5d.create(file.id, b"features", h5py.h5t.IEEE_F32LE, space, creation)
        h5py.Dataset(dataset)[:] = VALUES
        file["labels"] = LABELS.astype(ANIMALS)


def same():
    """Files that read as plain.h5 does."""
    write("plain")
    write("gzip", chunks=(7, 5), compression="gzip")
    write("gzip_rows", chunks=(1, COLUMNS), maxshape=(None, COLUMNS), compression="gzip")
    write("shuffle", chunks=(16, 24), compression="gzip", shuffle=True)
    write("guessed", chunks=True)
    write("fletcher", chunks=(7, 5), fletcher32=True)
    write("checked", chunks=(7, 5), compression="gzip", shuffle=True, fletcher32=True)
    write("scale", chunks=(7, 24), scaleoffset=3)
    if h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP):
        write("szip", chunks=(8, 24), compression="szip")
    low_level("nbit", [(h5py.h5z.FILTER_NBIT, 0, ())])
    low_level("compact", layout=h5py.h5d.COMPACT)
    write("big", VALUES.astype(">f4"))
    write("double", VALUES.astype("<f8"), chunks=(7, 5), compression="gzip")
    write("half", VALUES.astype("<f2"), chunks=(7, 5), compression="gzip")
    write("outside", external=[("outside.raw", 0, h5py.h5f.UNLIMITED)])

    write("maps", VALUES.reshape(ROWS, 2, 3, 4))
    write("maps_gzip", VALUES.reshape(ROWS, 2, 3, 4), chunks=(7, 2, 2, 3), compression="gzip")
    write("leading", VALUES.reshape(1, ROWS, COLUMNS), chunks=(1, 7, 5), compression="gzip")

    write("texts", labels=NAMES[LABELS].astype("S"), kind=None)
    write("long_texts", labels=NAMES[LABELS].astype(object), kind=TEXT)
    write("text_column", labels=NAMES[LABELS].astype("S").reshape(ROWS, 1), kind=None, chunks=(7, 5))
    write("spread", labels=(LABELS - 3) * 10, kind=h5py.enum_dtype({"zebra": -10, "dog": -20, "cat": -30}, basetype=">i8"))

    for part in range(3):
        rows = slice(part * 20, part * 20 + 20)
        write("part%d" % part, VALUES[rows], LABELS[rows], kind="i4", compression="gzip")
    layouts = {"features": h5py.VirtualLayout((ROWS, COLUMNS), "<f4"), "labels": h5py.VirtualLayout((ROWS,), "<i4")}
    for part in range(3):
        for key, layout in layouts.items():
            layout[part * 20 : part * 20 + 20] = h5py.VirtualSource("part%d.h5" % part, key, (20,) + layout.shape[1:])
    with h5py.File("joined.h5", "w", libver="latest") as file:
        for key, layout in layouts.items():
            file.create_virtual_dataset(key, layout)
        file.attrs["classes"] = NAMES.astype("S")
    with h5py.File("linked.h5", "w") as file:  # labels for a file that has none
        file["features"] = h5py.ExternalLink("clam.h5", "/features")
        file["labels"] = LABELS.astype(ANIMALS)


def numbered():
    """Integers of any kind are the classes 0, 1, 2."""
    for kind in ["i1", "u1", ">i2", "u2", "i4", ">u4", "i8", "u8"]:
        write("number_" + kind.replace(">", "big_"), kind=kind)
    write("number_column", labels=LABELS.reshape(ROWS, 1), kind=None)
    write("bool", labels=LABELS == 1, kind=None)


def named():
    with h5py.File("grouped.h5", "w") as file:
        file["train/feats"] = VALUES
        file["train/y"] = LABELS.astype(ANIMALS)
        file["test/feats"] = VALUES[:6]
        file["test/y"] = LABELS[:6].astype(ANIMALS)
    with h5py.File("keras.h5", "w") as file:  # as a notebook dumps them
        file["train_features"] = VALUES.reshape(ROWS, 2, 3, 4)
        file["train_labels"] = NAMES[LABELS].astype("S")


def refused():
    with h5py.File("clam.h5", "w") as file:
        file.create_dataset("features", data=VALUES, chunks=(1, COLUMNS), maxshape=(None, COLUMNS))
        file["coords"] = np.zeros((ROWS, 2), "i4")
    with h5py.File("neighbours.h5", "w") as file:
        file["train"] = VALUES
        file["test"] = VALUES[:6]
        file["neighbors"] = np.zeros((6, 100), "i4")
    with h5py.File("images.h5", "w") as file:  # hloc: a group for each image
        for image in range(20):
            file["db/%02d.jpg/global_descriptor" % image] = VALUES[image]
    write("flat", VALUES[:, 0])
    write("onehot", labels=np.eye(3)[LABELS], kind="f4")
    write("floats", kind="f4")
    write("no_name", labels=np.where(LABELS == 1, b"", b"cat"), kind=None)
    write("lzf", chunks=(7, 5), compression="lzf")
    low_level("zstd", [(32015, h5py.h5z.FLAG_OPTIONAL, (3,))])
    low_level("unknown", [(40000, h5py.h5z.FLAG_OPTIONAL, ())])

    with h5py.File("gap.h5", "w", libver="latest") as file:
        layout = h5py.VirtualLayout((ROWS, COLUMNS), "<f4")
        layout[:20] = h5py.VirtualSource("part0.h5", "features", (20, COLUMNS))
        file.create_virtual_dataset("features", layout)
        file["labels"] = LABELS
    with h5py.File("sourceless.h5", "w", libver="latest") as file:
        layout = h5py.VirtualLayout((20, COLUMNS), "<f4")
        layout[:] = h5py.VirtualSource("part0.h5", "feats", (20, COLUMNS))
        file.create_virtual_dataset("features", layout)
        file["labels"] = LABELS[:20]
    with h5py.File("dangling.h5", "w") as file:
        file["features"] = h5py.ExternalLink("gone.h5", "/features")
        file["labels"] = LABELS
    with h5py.File("half_done.h5", "w") as file:  # an extraction that was killed
        file.create_dataset("features", (ROWS, COLUMNS), "<f4", chunks=(6, COLUMNS))[:30] = VALUES[:30]
        file["labels"] = LABELS
    with h5py.File("half_labels.h5", "w") as file:
        file["features"] = VALUES
        file.create_dataset("labels", (ROWS,), "<i4", chunks=(6,))[:30] = LABELS[:30]
    with h5py.File("not_begun.h5", "w") as file:
        file.create_dataset("features", (ROWS, COLUMNS), "<f4")
        file["labels"] = LABELS
    huge = np.array(VALUES, "<f8")
    huge[7, 3] = 1e39  # beyond float32
    write("overflow", huge)


def hostile():
    def bomb(name, data, **options):
        with h5py.File(name + ".h5", "w") as file:
            dataset = file.create_dataset("features", (ROWS, COLUMNS), chunks=(ROWS, COLUMNS), compression="gzip", **options)
            dataset.id.write_direct_chunk((0, 0), zlib.compress(data, 9))
            file["labels"] = LABELS

    zeros = bytes(300 << 20)
    bomb("bomb", zeros, dtype="<f4")
    bomb("bomb_shuffled", zeros, dtype="<f4", shuffle=True)
    bomb("bomb_double", zeros, dtype="<f8")
    bomb("short", VALUES.tobytes()[:-4], dtype="<f4")

    def empty(name, shape, chunks, labels=None, dtype="<f4"):
        with h5py.File(name + ".h5", "w") as file:
            file.create_dataset("features", shape, dtype, chunks=chunks)
            file.create_dataset("labels", shape[:1], "<i4", chunks=(1 << 20,) if shape[0] > 1 << 20 else None)

    empty("many_rows", (1 << 40, COLUMNS), (1 << 10, COLUMNS))
    empty("many_columns", (ROWS, 1 << 40), (1, 1 << 20))
    empty("overflowing", (1 << 40, 1 << 40), (1 << 10, 1 << 10))
    empty("wide_chunks", (1 << 20, 1024), (1 << 19, 1024))
    with h5py.File("long_attribute.h5", "w", libver="latest") as file:
        file["features"] = VALUES
        file["labels"] = LABELS
        file.attrs.create("classes", np.zeros(70, "S1048576"))
    with h5py.File("long_labels.h5", "w") as file:
        file["features"] = VALUES
        file.create_dataset("labels", (ROWS,), "S1000000000", chunks=(1,))
    write("many_names", labels=LABELS, kind=h5py.enum_dtype({"c%04d" % i: i for i in range(3000)}, basetype="i4"))
    labels = np.arange(70000)
    with h5py.File("many_texts.h5", "w") as file:
        file["features"] = np.zeros((70000, 1), "<f4")
        file["labels"] = np.char.mod("%05d.jpg", labels).astype("S")


os.chdir(sys.argv[1])
same()
numbered()
named()
refused()
hostile()
