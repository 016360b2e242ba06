"""What the comparisons share: slabfit run as its users run it, scratch folders, and lines of results."""
import importlib.metadata
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Of TensorFlow, before it is imported: only errors, and no GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

# So that scratch folders are removed.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

SKIPPED = 77
SHARED_BACKBONE = "data/backbones/efficientnet-lite0.ts"
SHARED_PHOTOGRAPHS = "data/food5k-mini"
EFFICIENTNET = "resize=256,crop=224,interp=bilinear,order=rgb,mean=127:127:127,std=128:128:128"


def run(*arguments):
    """Standard output of a program; ends this one where it fails."""
    done = subprocess.run([str(argument) for argument in arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join(map(str, arguments))}: status {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode()


def slabfit(*arguments):
    return run("slabfit", *arguments, "--quiet")


def knows(*command):
    """Whether slabfit has this COMMAND with its options; it is given a file that is not there."""
    arguments = ["slabfit", *map(str, command), os.devnull + "/none", "--quiet"]
    return subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 2


def machine(*packages):
    """A line that says on what and when something was measured, with the versions of Python PACKAGES that are there."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "processor")
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    found = {item.metadata["Name"]: item.version for item in importlib.metadata.distributions()}
    versions = [f"{name} {found[name]}" for name in packages if name in found]
    return (f"{time.strftime('%Y-%m-%d')}: {model}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB; "
            f"{', '.join([run('slabfit', '--version').splitlines()[0], *versions])}")


def scratch(folder=None):
    """A folder that is removed at the end of a `with', in FOLDER or where temporary files go."""
    return tempfile.TemporaryDirectory(prefix="slabfit-peers-", dir=folder)


def shared(path):
    """Where the shared data PATH lies; None where there is none."""
    found = os.path.join(os.environ.get("SLABFIT_SHARED", ""), path)
    return found if "SLABFIT_SHARED" in os.environ and os.path.exists(found) else None


def demo_photographs(folder, count):
    """Organizes COUNT photographs of the demo into FOLDER/dataset, and returns that."""
    program = os.environ.get("DEMO_IMAGES") or shutil.which("demo_images", path="data") or "demo_images"
    run(program, f"{folder}/photographs", "--count", count)
    slabfit("organize", f"{folder}/photographs", f"{folder}/dataset", "--classes", "landscape,still_life")
    return f"{folder}/dataset"


def training_photographs(folder, count):
    """A dataset FOLDER/COUNT with COUNT photographs for training, half of each class; (path, label) of each, in one
    random order."""
    found = shared(SHARED_PHOTOGRAPHS)
    source, rows = f"{folder}/all", []
    if found:
        slabfit("organize", found, source, "--classes", "non_food,food")
    else:
        source = demo_photographs(folder, 2 * count)
    for label, name in enumerate(sorted(os.listdir(f"{source}/training"))):
        os.makedirs(f"{folder}/{count}/training/{name}")
        for image in sorted(os.listdir(f"{source}/training/{name}"))[: count // 2]:
            path = f"{folder}/{count}/training/{name}/{image}"
            os.link(f"{source}/training/{name}/{image}", path)
            rows.append((path, label))
    random.Random(42).shuffle(rows)
    return f"{folder}/{count}", rows


class Results:
    """One line for each comparison; the exit status at the end."""

    def __init__(self):
        self.failed = 0

    def add(self, ok, text):
        self.failed += not ok
        print(f"{'ok' if ok else 'FAILED'}: {text}", flush=True)

    def end(self):
        sys.exit(self.failed > 0)
