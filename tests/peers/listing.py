#!/usr/bin/env python3
"""What listing a large dataset takes: seconds, processor seconds and the process's own memory, for a list, a tar file and a
folder of images of 100 bytes.  In the build folder, with any Python:

    PATH=$PWD:$PATH python3 ../tests/peers/listing.py [--images 1000000] [--folder-images 200000] [FOLDER]
"""

import argparse
import os
import pathlib
import resource
import subprocess
import tarfile
import tempfile
import time


def paths(images):
    return (f"training/class{i % 1000:03d}/{i:08d}.jpg" for i in range(images))


def make_list(place, images):
    with open(place, "w") as file:
        file.write("path,label\n" + os.path.basename(place) + ",class000\n")  # one that is there
        file.writelines(f"{path},{path.split('/')[1]}\n" for path in paths(images))


def make_tar(place, images):
    body = bytes(100).ljust(512, b"\0")
    with open(place, "wb") as file:
        for path in paths(images):
            member = tarfile.TarInfo(path)
            member.size = 100
            file.write(member.tobuf(tarfile.USTAR_FORMAT) + body)
        file.write(bytes(1024))


def make_folder(place, images):
    for i in range(1000):
        os.makedirs(f"{place}/training/class{i:03d}")
    for path in paths(images):
        pathlib.Path(place, path).write_bytes(bytes(100))


def measure(dataset, images):
    """Lists DATASET for a split that it does not have: nothing else is done."""
    before, begin, own = resource.getrusage(resource.RUSAGE_CHILDREN), time.time(), 0
    command = ["slabfit", "extract", dataset, "-o", "features", "--split", "none", "--backbone", "net.ts"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while process.poll() is None:
        with open(f"/proc/{process.pid}/status") as file:
            sizes = [int(line.split()[1]) for line in file if line.startswith("RssAnon")]
        own = max([own] + sizes)
        time.sleep(0.01)
    said = process.stderr.read()
    assert "has no split 'none'" in said, said
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{dataset:12} {images:9} images  {time.time() - begin:6.1f} s  {processor:6.1f} s of a processor  "
          f"{own / 1024:5.1f} MiB of its own", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1000000)
    parser.add_argument("--folder-images", type=int, default=200000)
    parser.add_argument("folder", nargs="?")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        os.chdir(scratch)
        pathlib.Path("net.ts").write_text("not opened\n")
        for make, name, images in ((make_list, "images.csv", options.images), (make_tar, "images.tar", options.images),
                                   (make_folder, "images", options.folder_images)):
            for count in (images // 100, images):
                subprocess.run(["rm", "-rf", name], check=True)
                make(name, count)
                measure(name, count)


if __name__ == "__main__":
    main()
