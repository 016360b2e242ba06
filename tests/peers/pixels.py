#!/usr/bin/env python3
"""Compares slabfit's decoding and preprocessing with Pillow's, pixel for pixel.

usage: pixels.py CHECK_PIXELS [--sizes N] [FILE ...]

CHECK_PIXELS is the program built from check_pixels.c.  Each FILE is decoded, turned by its EXIF orientation, resized
and normalised by both.  --sizes makes N JPEG and PNG images of random sizes, colour spaces, samplings and qualities, and resizes
each to a random size by all interpolations, up and down.  Needs Pillow and NumPy; compares the Keras planes with
Keras's own function where Keras is installed.
"""
import argparse
import math
import os
import random
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageFile, ImageOps

NEAREST, BILINEAR = Image.Resampling.NEAREST, Image.Resampling.BILINEAR
INTERPOLATIONS = {"nearest": NEAREST, "bilinear": BILINEAR, "bicubic": Image.Resampling.BICUBIC}
CENTRES = {"round": round, "floor": math.floor}
ImageFile.MAXBLOCK = 1 << 26  # or Pillow cannot write some progressive files
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def ours(program, arguments, path, dtype=numpy.uint8):
    """The array that the program writes, or the reason that it gives instead."""
    output = subprocess.run([program, *arguments, path], check=True, capture_output=True).stdout
    head, body = output.split(b"\n", 1)
    height, width, *reason = head.decode().split(" ", 2)
    if reason:
        return reason[0]
    array = numpy.frombuffer(body, dtype)
    return array.reshape(int(height), int(width), 3) if dtype == numpy.uint8 else array.reshape(3, int(height), -1)


def theirs(path, exif=False):
    """Pillow's array, or None where it refuses the file."""
    try:
        with Image.open(path) as image:
            if exif:
                image = ImageOps.exif_transpose(image)
            return image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None


def resize_shorter(image, size, interpolation):
    """torchvision.transforms.Resize(size) of a PIL image."""
    width, height = image.size
    longer = int(size * max(width, height) / min(width, height))
    return image.resize((size, longer) if width <= height else (longer, size), interpolation)


def crop_centre(image, height, width, centre=round):
    """torchvision.transforms.CenterCrop of a PIL image; with math.floor that of transformers' image processors."""
    if width > image.width or height > image.height:
        left, top = max(0, (width - image.width) // 2), max(0, (height - image.height) // 2)
        padded = Image.new("RGB", (max(width, image.width), max(height, image.height)))
        padded.paste(image, (left, top))
        image = padded
    top, left = centre((image.height - height) / 2), centre((image.width - width) / 2)
    return image.crop((left, top, left + width, top + height))


def keras_planes(image):
    pixels = numpy.asarray(image.resize((224, 224), NEAREST), numpy.float32)
    try:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from keras.applications.resnet import preprocess_input
        pixels = preprocess_input(pixels)
    except ImportError:
        pixels = pixels[..., ::-1] - numpy.array([103.939, 116.779, 123.68], numpy.float32)
    return pixels.transpose(2, 0, 1)


def torchvision_planes(image):
    pixels = numpy.asarray(crop_centre(resize_shorter(image, 256, BILINEAR), 224, 224), numpy.float32)
    pixels = pixels / numpy.float32(255) - numpy.array(MEAN, numpy.float32)
    return (pixels / numpy.array(DEVIATION, numpy.float32)).transpose(2, 0, 1)


class Comparison:
    def __init__(self, program):
        self.program, self.compared, self.different = program, 0, 0

    def same(self, what, mine, reference):
        self.compared += 1
        if reference is None and isinstance(mine, str):
            return
        if not isinstance(mine, str) and reference is not None and numpy.array_equal(mine, numpy.asarray(reference)):
            return
        self.different += 1
        print(f"different: {what}" + (f": {mine}" if isinstance(mine, str) else ""))

    def resized(self, path, image, spec, reference):
        self.same(f"{path} {spec}", ours(self.program, ["resized", spec], path), reference)

    def file(self, path):
        image = theirs(path)
        self.same(path, ours(self.program, ["pixels"], path), image)
        self.same(path + " turned", ours(self.program, ["--exif", "pixels"], path), theirs(path, exif=True))
        if image is None:
            return
        self.same(path + " keras", ours(self.program, ["planes", "keras"], path, numpy.float32), keras_planes(image))
        self.same(path + " torchvision", ours(self.program, ["planes", "torchvision"], path, numpy.float32),
                  torchvision_planes(image))

    def sizes(self, folder, draw):
        path = os.path.join(folder, draw.choice(("image.jpg", "image.jpg", "image.png")))
        largest = draw.choice((8, 40, 300, 1500))
        width, height = draw.randint(1, largest), draw.randint(1, largest)
        png = path.endswith("png")
        mode = draw.choice(("1", "L", "LA", "P", "RGB", "RGBA") if png else ("L", "RGB", "RGB", "RGB", "CMYK"))
        source = Image.frombytes("RGBA" if mode in "1 LA P" else mode, (width, height),
                                 draw.randbytes(width * height * (4 if mode in "1 LA P" else len(mode)))).convert(mode)
        options = {"subsampling": draw.randint(0, 2)} if mode == "RGB" and not png else {}
        source.save(path, quality=draw.randint(30, 98), progressive=draw.random() < 0.3, **options)
        image = theirs(path)
        description = f"{width}x{height} {mode} {options}"
        self.same(description, ours(self.program, ["pixels"], path), image)
        to_height, to_width = draw.randint(1, largest), draw.randint(1, largest)
        for name, interpolation in INTERPOLATIONS.items():
            spec = f"resize={to_height}x{to_width},interp={name}"
            self.same(f"{description} {spec}", ours(self.program, ["resized", spec], path),
                      image.resize((to_width, to_height), interpolation))
        if max(width, height) < 40 * min(width, height):
            shorter, crop = draw.randint(1, 300), (draw.randint(1, 300), draw.randint(1, 300))
            name, interpolation = draw.choice(list(INTERPOLATIONS.items()))
            centre = draw.choice(list(CENTRES))
            spec = f"resize={shorter},crop={crop[0]}x{crop[1]},interp={name},centre={centre}"
            self.same(f"{description} {spec}", ours(self.program, ["resized", spec], path),
                      crop_centre(resize_shorter(image, shorter, interpolation), *crop, CENTRES[centre]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program", metavar="CHECK_PIXELS")
    parser.add_argument("--sizes", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("file", nargs="*")
    arguments = parser.parse_intermixed_args()
    comparison, draw = Comparison(arguments.program), random.Random(arguments.seed)
    for path in arguments.file:
        comparison.file(path)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.sizes):
            comparison.sizes(folder, draw)
    print(f"{comparison.compared} comparisons, {comparison.different} different")
    return 1 if comparison.different else 0


if __name__ == "__main__":
    sys.exit(main())
