"""The milliseconds an image of extract, and of others that do the same or a part of it: one run, ratios with targets.

Run: python extract_speed.py [--count N] [--repeat N] [--folder FOLDER]
     (slabfit on the PATH; of torch with torchvision, onnxruntime, keras and Pillow, what is not there is left out)

A ResNet-50 of Keras's structure at 224, the same weights for all, on the processor, all cores.

extract     photographs to compressed HDF5.  The rate is that of the second half of the photographs: COUNT take so much
            longer than half of them.  What remains is the start, which is shown apart.
forward     the network alone, on pixels that are there: `slabfit bench network' in the program's own libtorch; PyTorch,
            frozen and optimised for inference, in batches of 4 and 8, by one caller with all cores and by one caller a
            core; ONNX Runtime in batches of 1 to 8.  The best setting of each counts.
Keras       the tutorial's way: load, preprocess_input, predict batches of 32, and each row as text into a CSV file.
decoding    `slabfit bench decode' and Pillow on the first core alone: a file's bytes decoded, resized, cut out.

All take turns, REPEAT times, and the least of each counts.  Speed never fails: a busy machine spoils it.
"""
import argparse
import concurrent.futures
import functools
import importlib.util
import io
import json
import multiprocessing
import os
import pathlib
import shutil
import time

import peers

import numpy as np

SIZE, CORES, FIRST_CORE = 224, len(os.sched_getaffinity(0)), min(os.sched_getaffinity(0))
BARE_IMAGES = 64  # in a run of a bare forward pass, of each setting


# What a peer's own process keeps from turn to turn.
kept = {}


def once(function, *arguments):
    """FUNCTION's value of its first call in this process."""
    if function not in kept:
        kept[function] = function(*arguments)
    return kept[function]


def milliseconds(function, images):
    start = time.monotonic()
    function()
    return 1000 * (time.monotonic() - start) / images


def pixels(batch):
    return np.random.default_rng(1).normal(0, 60, (batch, 3, SIZE, SIZE)).astype(np.float32)


def keras_structure():
    """torchvision's network without its classifier, strides where Keras has them, for pixels as Keras has them."""
    import torch

    from backbones import formula

    network = formula.torchvision_network("resnet50")
    for layer in (network.layer2, network.layer3, network.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    network.conv1.weight.data /= 64
    return torch.nn.Sequential(*list(network.children())[:-2]).eval()


def torch_network():
    import torch

    os.environ["THP_MEM_ALLOC_ENABLE"] = "1"
    with torch.inference_mode():
        traced = torch.jit.trace(keras_structure(), torch.from_numpy(pixels(4)))
        return torch.jit.optimize_for_inference(torch.jit.freeze(traced))


def torch_forward():
    """(milliseconds, setting) of the best."""
    import torch

    network, settings = once(torch_network), []

    def call(batch, threads, runs):
        torch.set_num_threads(threads)
        x = torch.from_numpy(pixels(batch))
        with torch.inference_mode():
            for _ in range(runs):
                network(x)

    for batch in (4, 8):
        for callers, threads in {(1, CORES), (CORES, 1)}:
            runs = max(1, BARE_IMAGES // (batch * callers))
            with concurrent.futures.ThreadPoolExecutor(callers) as pool:
                def run(runs, batch=batch, threads=threads, callers=callers, pool=pool):
                    list(pool.map(lambda _: call(batch, threads, runs), range(callers)))
                run(2)
                settings.append((milliseconds(lambda: run(runs), runs * batch * callers),
                                 f"{callers} x {threads} threads, batches of {batch}"))
    return min(settings)


def onnx_file(folder):
    import torch

    torch.onnx.export(keras_structure(), (torch.from_numpy(pixels(1)),), f"{folder}/resnet50.onnx", dynamo=False,
                      input_names=["x"], dynamic_axes={"x": {0: "n"}})


def onnx_session(folder):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    return onnxruntime.InferenceSession(f"{folder}/resnet50.onnx", options, providers=["CPUExecutionProvider"])


def onnx_forward(folder):
    session, settings = once(onnx_session, folder), []
    for batch in (1, 2, 4, 8):
        x, runs = {"x": pixels(batch)}, BARE_IMAGES // batch
        session.run(None, x)
        settings.append((milliseconds(lambda: [session.run(None, x) for _ in range(runs)], runs * batch),
                         f"{CORES} threads, batches of {batch}"))
    return min(settings)


def keras_network():
    import keras

    from backbones import formula

    network = formula.keras_network(keras, "resnet50")
    network.predict(np.zeros((32, SIZE, SIZE, 3), np.float32), verbose=0)
    return network


def save_keras(path):
    keras_network().save_weights(path)


def keras_to_csv(folder, rows):
    import keras_csv

    network = once(keras_network)
    spent = milliseconds(lambda: keras_csv.keras_extract(network, rows, f"{folder}/features.csv"), len(rows))
    return spent, "batches of 32"


def pillow_pixels(data, specification):
    from PIL import Image

    from pixels import BILINEAR, NEAREST, crop_centre, resize_shorter

    with Image.open(io.BytesIO(data)) as image:
        image = image.convert("RGB")
        if specification == "keras":
            return np.asarray(image.resize((SIZE, SIZE), NEAREST))
        return np.asarray(crop_centre(resize_shorter(image, 256, BILINEAR), SIZE, SIZE))


def read_all(paths):
    os.sched_setaffinity(0, {FIRST_CORE})
    photographs = [pathlib.Path(path).read_bytes() for path in paths]
    pillow_pixels(photographs[0], "torchvision")  # imports Pillow
    return photographs


def pillow(paths, specification):
    photographs = once(read_all, paths)
    return milliseconds(lambda: [pillow_pixels(data, specification) for data in photographs], len(paths)), "one core"


class Process:
    """A process of its own for one peer, which imports only what it measures."""

    def __init__(self):
        self.pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def run(self, function, *arguments):
        return self.pool.submit(function, *arguments).result()


class Extract:
    """slabfit extract, with PRECISION, of half of the photographs and of all of them."""

    def __init__(self, folder, datasets, count, backbone, precision):
        self.folder, self.datasets, self.count = folder, datasets, count
        self.backbone, self.precision, self.least = backbone, precision, [float("inf")] * 2

    def seconds(self, dataset):
        shutil.rmtree(f"{self.folder}/features", ignore_errors=True)  # what is finished would be kept
        start = time.monotonic()
        peers.slabfit("extract", dataset, "-o", f"{self.folder}/features", "--backbone", self.backbone, "--precision",
                      self.precision)
        return time.monotonic() - start

    def measure(self):
        self.least = [min(least, self.seconds(dataset)) for least, dataset in zip(self.least, self.datasets)]
        image_seconds = 2 * (self.least[1] - self.least[0]) / self.count
        return 1000 * image_seconds, f"and {self.least[1] - image_seconds * self.count:.1f} s to start"


def bench_network(backbone, precision):
    """The first turn tries all settings, and extract takes the best from then on."""
    report = json.loads(peers.slabfit("bench", "network", "--backbone", backbone, "--precision", precision, "--json"))
    best, library = report["network"]["best"], report["network"]["library"]
    return best["image_ms"], "{callers} x {threads} threads, batches of {batch}, ".format(**best) + library


def bench_decode(paths, specification):
    report = json.loads(peers.run("taskset", "-c", FIRST_CORE, "slabfit", "bench", "decode", *paths, "--threads", 1,
                                  "--repeat", 1, "--json", "--quiet"))
    return 1000 / report["rates"]["decode"][specification][0], "one core"


def has_bfloat16():
    with open("/proc/cpuinfo") as file:
        return bool({"avx512_bf16", "amx_bf16"} & set(file.read().split()))


def there(*modules):
    missing = [module for module in modules if not importlib.util.find_spec(module)]
    if missing:
        print(f"left out, since it cannot be imported: {', '.join(missing)}")
    return not missing


def cases(folder, datasets, rows, backbone):
    """(name, function that gives milliseconds an image and what to say) of each, in the order of a turn."""
    partial, paths = functools.partial, [path for path, _ in rows]
    for precision in ("f32", "bf16"):
        if precision == "bf16" and not has_bfloat16():
            print("left out: bf16, which this processor does not have")
            continue
        yield f"forward pass, slabfit, {precision}", partial(bench_network, backbone, precision)
        yield f"extract, {precision}", Extract(folder, datasets, len(rows), backbone, precision).measure
    if there("torch", "torchvision"):
        yield "forward pass, PyTorch", partial(Process().run, torch_forward)
        if there("onnxruntime", "onnx"):
            Process().run(onnx_file, folder)
            yield "forward pass, ONNX Runtime", partial(Process().run, onnx_forward, folder)
    if there("keras", "tensorflow"):
        yield "Keras to CSV", partial(Process().run, keras_to_csv, folder, rows)
    pillow_process = Process()
    for specification in ("keras", "torchvision"):
        yield f"decoding, slabfit, {specification}", partial(bench_decode, paths, specification)
        if there("PIL"):
            yield f"decoding, Pillow, {specification}", partial(pillow_process.run, pillow, paths, specification)


def print_ratios(best):
    """Each target of ours, where both sides were measured; a negative one is a least ratio."""
    forward = min((name for name in ("forward pass, slabfit, f32", "forward pass, PyTorch") if name in best),
                  key=best.get)
    targets = (("extract, f32", forward, 1.15), ("Keras to CSV", "extract, f32", -2.3),
               ("extract, f32", "forward pass, ONNX Runtime", 1.25), ("extract, f32", "extract, bf16", -1.5),
               ("decoding, Pillow, keras", "decoding, slabfit, keras", -1.3),
               ("decoding, Pillow, torchvision", "decoding, slabfit, torchvision", -1.3))
    for over, under, target in targets:
        if over in best and under in best:
            ratio = best[over] / best[under]
            reached = ratio >= -target if target < 0 else ratio <= target
            print(f"{over + ' / ' + under:62}{ratio:6.2f}, target at {'least' if target < 0 else 'most'} {abs(target)}"
                  f"{'' if reached else '  MISSED'}")


def make_files(folder, count):
    """The datasets of half of the photographs and of all of them, all of these as (path, label), and the backbone."""
    dataset, rows = peers.training_photographs(folder, count)
    for path, _ in rows[::2]:
        name = path.replace(dataset, f"{folder}/half")
        os.makedirs(os.path.dirname(name), exist_ok=True)
        os.link(path, name)
    if importlib.util.find_spec("keras"):
        Process().run(save_keras, f"{folder}/kept.weights.h5")
        source = ("--weights", f"{folder}/kept.weights.h5")
    else:
        source = ("--random", 42)
    peers.slabfit("backbone", "resnet50", *source, "-o", f"{folder}/resnet50.ts")
    return (f"{folder}/half", dataset), rows, f"{folder}/resnet50.ts"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=240, help="photographs, a multiple of 4 (240)")
    parser.add_argument("--repeat", type=int, default=3, help="turns of all cases (3)")
    parser.add_argument("--folder", help="for the files, which are removed at the end")
    options = parser.parse_args()
    print(peers.machine("torch", "onnxruntime", "keras", "tensorflow", "pillow"))
    with peers.scratch(options.folder) as folder:
        os.environ["XDG_CACHE_HOME"] = f"{folder}/cache"  # of the settings that slabfit measures
        found, best = list(cases(folder, *make_files(folder, options.count))), {}
        for _ in range(options.repeat):
            for name, measure in found:
                best[name] = min(measure(), best.get(name, (float("inf"), "")))
    print(f"{options.count} photographs, milliseconds an image, least of {options.repeat}:")
    for name, (spent, said) in best.items():
        print(f"{name:40}{spent:9.2f}  {said}")
    print_ratios({name: spent for name, (spent, _) in best.items()})


if __name__ == "__main__":
    main()
