#!/usr/bin/env python3
"""Makes the files in images/ that check_decode, check_preprocess, check_manifest and check_organize compare with.

Run with Pillow 13 or later, NumPy, Keras and libjpeg-turbo's djpeg.  NAME.jpg and NAME.png are images, NAME.rgb their pixels by Pillow's
convert("RGB") (those of orientation-N, exif and xmp turned by ImageOps.exif_transpose); resized.txt lists specifications, and resized.rgb holds what
Pillow makes of photo.jpg by each, one after the other; positions.rgb shows which pixels its nearest resize picks of
longer rows; all.rgb holds every value of a pixel, keras.f32 and torchvision.f32 its planes.  manifest.txt and
division.txt are the order and the division that the headers define, computed here anew.
"""
import hashlib
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy
from PIL import Image, ImageOps

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peers"))
from pixels import (BILINEAR, CENTRES, DEVIATION, INTERPOLATIONS, MEAN, NEAREST,  # noqa: E402
                    crop_centre, resize_shorter)

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")
MASK = (1 << 64) - 1


def path(name):
    return os.path.join(FOLDER, name)


def picture(height, width, bands, seed):
    """Smooth waves, an edge and a little noise: what JPEG is made for, and no two pixels alike."""
    random = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [110 + 80 * numpy.sin(x / (3 + b) + y / (5 - b) + b) + 60 * (x + (b + 1) * y > width)
              for b in range(bands)]
    pixels = numpy.stack(planes, axis=-1) + random.normal(0, 6, (height, width, bands))
    pixels = numpy.clip(pixels, 0, 255).astype(numpy.uint8)
    return Image.fromarray(pixels[..., 0] if bands == 1 else pixels, mode={1: "L", 3: "RGB", 4: "CMYK"}[bands])


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def write_pixels(name, turned=False, kind="jpg"):
    with Image.open(path(f"{name}.{kind}")) as image:
        image = ImageOps.exif_transpose(image) if turned else image
        write(name + ".rgb", image.convert("RGB").tobytes())


def make_colours():
    picture(13, 17, 1, 1).save(path("gray.jpg"), quality=90)
    for name, subsampling, size in (("444", 0, (9, 11)), ("422", 1, (17, 21)), ("420", 2, (21, 33))):
        picture(*size, 3, 2).save(path(f"colour-{name}.jpg"), quality=85, subsampling=subsampling)
    picture(27, 35, 3, 3).save(path("progressive.jpg"), quality=80, progressive=True)
    picture(10, 13, 3, 4).save(path("rgb.jpg"), quality=90, keep_rgb=True)
    picture(11, 14, 4, 5).save(path("cmyk.jpg"), quality=90)
    picture(1, 1, 3, 6).save(path("one.jpg"))
    picture(23, 31, 3, 7).save(path("photo.jpg"), quality=92)
    adobe = read("cmyk.jpg")
    place = adobe.index(b"Adobe") + 11
    assert adobe[place] == 0
    write("ycck.jpg", adobe[:place] + b"\2" + adobe[place + 1:])
    for name in ("gray", "colour-444", "colour-422", "colour-420", "progressive", "rgb", "cmyk", "ycck", "one",
                 "photo"):
        write_pixels(name)


def exif(orientation, order):
    """A TIFF directory of two entries in byte order "little" or "big"; the orientation is the second."""
    def number(value, size):
        return value.to_bytes(size, order)
    entries = number(0x0100, 2) + number(4, 2) + number(1, 4) + number(9, 4)
    entries += number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2)
    head = b"II" if order == "little" else b"MM"
    return b"Exif\0\0" + head + number(42, 2) + number(8, 4) + number(2, 2) + entries + number(0, 4)


def make_orientations():
    for orientation in range(1, 9):
        name = f"orientation-{orientation}"
        picture(5, 9, 3, 8).save(path(name + ".jpg"), exif=exif(orientation, "little" if orientation % 2 else "big"))
        write_pixels(name, turned=True)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
CHANNELS = {"gray": (0, 1), "rgb": (2, 3), "palette": (3, 1), "graya": (4, 2), "rgba": (6, 4)}


def png_rows(values, depth):
    """The lines of VALUES (h, w, channels), filtered by turns by all five ways of the specification."""
    rows, before, step = b"", None, max(1, values.shape[2] * depth // 8)
    for y, line in enumerate(values):
        if depth == 16:
            row = line.astype(">u2").tobytes()
        else:
            bits = "".join(f"{value:0{depth}b}" for value in line.flatten())
            row = bytes(int(bits[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
        rows += bytes([y % 5])
        for i, byte in enumerate(row):
            left, above = row[i - step] if i >= step else 0, before[i] if before else 0
            corner = before[i - step] if before and i >= step else 0
            paeth = min((left, above, corner), key=lambda value: abs(left + above - corner - value))
            rows += bytes([(byte - (0, left, above, (left + above) // 2, paeth)[y % 5]) % 256])
        before = row
    return rows


def write_png(name, height, width, before=b"", after=b""):
    """NAME is KIND, depth and perhaps "-interlaced"; values of all sizes, with a tRNS chunk where there may be one."""
    kind, depth = name.split("-")[1:3]
    depth, (colour, channels), interlaced = int(depth), CHANNELS[kind], name.endswith("interlaced")
    random = numpy.random.default_rng(len(name) + depth)
    values = random.integers(0, 1 << depth, (height, width, channels))
    values[0, ::2] //= 200 if depth == 16 else 1  # grays below 256 as well
    lines = b"".join(png_rows(values[y::dy, x::dx], depth) for y, x, dy, dx in ADAM7 if values[y::dy, x::dx].size) \
        if interlaced else png_rows(values, depth)
    palette = random.integers(0, 256, 3 << depth, numpy.uint8).tobytes() if kind == "palette" else b""
    clear = {"gray": values[0, 0].astype(">u2").tobytes(), "rgb": values[0, 0].astype(">u2").tobytes(),
             "palette": bytes(range(min(1 << depth, 256)))}.get(kind)
    write(name + ".png", b"\x89PNG\r\n\x1a\n"
          + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
          + (chunk(b"PLTE", palette) if palette else b"") + (chunk(b"tRNS", clear) if clear else b"") + before
          + chunk(b"IDAT", zlib.compress(lines)) + after + chunk(b"IEND", b""))


def make_png():
    names = [f"png-gray-{depth}" for depth in (1, 2, 4, 8, 16)] + [f"png-palette-{depth}" for depth in (1, 2, 4, 8)]
    names += [f"png-{kind}-{depth}" for kind in ("rgb", "graya", "rgba") for depth in (8, 16)]
    names += [f"png-{name}-interlaced" for name in ("gray-1", "gray-16", "palette-4", "rgb-8", "rgba-16")]
    for name in names:
        write_png(name, 11, 13)
        write_pixels(name, kind="png")
    packet = b"XML:com.adobe.xmp\0\0\0\0\0<rdf:Description tiff:Orientation=\"%d\"/>"
    write_png("png-rgb-8-exif", 5, 9, after=chunk(b"eXIf", exif(6, "big")[6:]), before=chunk(b"iTXt", packet % 3))
    write_png("png-gray-4-xmp", 5, 9, before=chunk(b"iTXt", packet % 5))
    for name in ("png-rgb-8-exif", "png-gray-4-xmp"):
        write_pixels(name, turned=True, kind="png")


def make_damaged():
    photo, progressive = read("photo.jpg"), read("progressive.jpg")
    write("truncated.jpg", photo[:len(photo) * 3 // 4])
    write("truncated-progressive.jpg", progressive[:len(progressive) * 3 // 4])
    frame = photo.index(b"\xff\xc0")
    write("enormous.jpg", photo[:frame + 5] + b"\xea\x60\xea\x60" + photo[frame + 9:])


SPECIFICATIONS = [f"resize={size},interp={name}" for name in INTERPOLATIONS
                  for size in ("5x3", "23x31", "25x34", "13x47", "10x30", "1x1", "46x62")]
SPECIFICATIONS += ["resize=11,crop=8,interp=bilinear", "resize=11,crop=22x9,interp=nearest", "resize=17,crop=10x9",
                   "resize=12,crop=10x13,interp=bilinear", "crop=28x35", "crop=21x28", "crop=24x5", "crop=1x1",
                   "resize=11,crop=8,interp=bicubic", "crop=20x24", "crop=20x24,centre=floor"]


def prepared(image, specification):
    keys = dict(item.split("=") for item in specification.split(","))
    interpolation = INTERPOLATIONS[keys.get("interp", "nearest")]
    if "x" in keys.get("resize", ""):
        height, width = map(int, keys["resize"].split("x"))
        image = image.resize((width, height), interpolation)
    elif "resize" in keys:
        image = resize_shorter(image, int(keys["resize"]), interpolation)
    if "crop" in keys:
        height, width = (map(int, keys["crop"].split("x")) if "x" in keys["crop"] else [int(keys["crop"])] * 2)
        image = crop_centre(image, height, width, CENTRES[keys.get("centre", "round")])
    return image


def make_resized():
    lines, pixels = [], b""
    with Image.open(path("photo.jpg")) as photo:
        photo = photo.convert("RGB")
        for specification in SPECIFICATIONS:
            image = prepared(photo, specification)
            lines.append(f"{specification} {image.height} {image.width}\n")
            pixels += image.tobytes()
    write("resized.txt", "".join(lines).encode())
    write("resized.rgb", pixels)


def make_scaled():
    """progressive.jpg (27 x 35) decoded at half the size, then resized.  For 15 rows 5/8 is taken, which Pillow cannot ask
    libjpeg for; its own program djpeg does."""
    for name, interpolation in (("nearest", NEAREST), ("bilinear", BILINEAR)):
        with Image.open(path("progressive.jpg")) as image:
            image.draft("RGB", (17, 13))
            assert image.size == (18, 14)
            write(f"scaled-{name}.rgb", image.resize((17, 13), interpolation).tobytes())
    program = subprocess.run(["djpeg", "-scale", "5/8", path("progressive.jpg")], check=True, capture_output=True)
    with Image.open(io.BytesIO(program.stdout)) as image:
        assert image.size == (22, 17)
        write("scaled-eighths.rgb", image.resize((17, 15), NEAREST).tobytes())


def make_positions():
    """Rows whose pixels are their own numbers, by nearest to 224: sizes at which adding the step up in double precision
    picks other pixels than multiplying it would."""
    pixels = b""
    for width in (64, 640, 1152):
        row = numpy.zeros((1, width, 3), numpy.uint8)
        row[0, :, 0], row[0, :, 1] = numpy.arange(width) % 256, numpy.arange(width) // 256
        pixels += Image.fromarray(row).resize((224, 1), NEAREST).tobytes()
    write("positions.rgb", pixels)


def make_planes():
    from keras.applications.resnet import preprocess_input
    value = numpy.arange(256)
    pixels = numpy.stack([value, (7 * value + 3) % 256, 255 - value], axis=-1).astype(numpy.uint8).reshape(16, 16, 3)
    write("all.rgb", pixels.tobytes())
    keras = preprocess_input(pixels.astype(numpy.float32))
    assert keras.dtype == numpy.float32
    write("keras.f32", keras.transpose(2, 0, 1).tobytes())
    tensor = pixels.astype(numpy.float32) / numpy.float32(255)
    tensor = (tensor - numpy.array(MEAN, numpy.float32)) / numpy.array(DEVIATION, numpy.float32)
    write("torchvision.f32", tensor.transpose(2, 0, 1).tobytes())


def mix(z):
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9 & MASK
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb & MASK
    return z ^ (z >> 31)


def shuffled(items, seed, stream):
    """The permutation of random_shuffle after random_new (seed, stream)."""
    gamma, items = 0x9e3779b97f4a7c15, list(items)
    state = mix(seed) ^ mix((stream * gamma + 1) & MASK)
    for last in range(len(items) - 1, 0, -1):
        limit = last + 1
        while True:
            state = (state + gamma) & MASK
            product = mix(state) * limit
            if product & MASK >= (1 << 64) % limit:
                break
        other = product >> 64
        items[last], items[other] = items[other], items[last]
    return items


def make_manifest():
    """check_manifest makes these files: image N of class C, sorted by name, has N + C bytes."""
    classes = ["a", "a-b", "z\u00e9bra"]
    images = []
    for label, name in enumerate(classes):
        names = sorted(f"{label}_{i}.jpg" for i in range(7 + label))
        images += [(label, i + label, f"training/{name}/{file}") for i, file in enumerate(names)]
    images = shuffled(images, 42, 1)
    records = ["seed 42", *(f"class {name}" for name in classes), *("image %d %d %s" % image for image in images)]
    digest = hashlib.sha256("".join(record + "\0" for record in records).encode())
    lines = [digest.hexdigest(), *("%d %d %s" % image for image in images)]
    write("manifest.txt", "".join(line + "\n" for line in lines).encode())


def make_division():
    """check_organize divides cat (10 files) and dog (7) by 70, 15, 15: by hand 7 2 1 and 5 1 1."""
    lines = []
    for index, (name, count, parts) in enumerate((("cat", 10, (7, 2, 1)), ("dog", 7, (5, 1, 1)))):
        names = shuffled(sorted(f"{name}{i}.jpg" for i in range(count)), 42, 2 + index)
        for split, part in zip(("training", "validation", "evaluation"), parts):
            lines += [f"{split}/{name}/{file}\n" for file in names[:part]]
            names = names[part:]
    write("division.txt", "".join(sorted(lines)).encode())


def main():
    os.makedirs(FOLDER, exist_ok=True)
    for make in (make_colours, make_orientations, make_png, make_damaged, make_resized, make_scaled, make_positions, make_planes,
                 make_manifest, make_division):
        make()


if __name__ == "__main__":
    main()
