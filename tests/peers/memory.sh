#!/usr/bin/env bash
# The peak memory of extract at 600 images, more than one part, and at 2,000, as slabfit and as the system count it, must not
# grow by 10 %.  Real photographs and weights where SLABFIT_SHARED has them, else the demo's photographs and random weights.
set -u
shared=${SLABFIT_SHARED-}
python=${PYTHON:-python3}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

fail ()
{
  echo "FAILED: $*"
  exit 1
}

backbone=$shared/data/backbones/efficientnet-lite0.ts
preprocess=resize=256,crop=224,interp=bilinear,order=rgb,mean=127:127:127,std=128:128:128
if [ ! -f "$backbone" ]; then
  backbone=$scratch/resnet50.ts preprocess=keras
  slabfit backbone resnet50 --random 1 -o "$backbone" --quiet > "$scratch/log" || fail backbone
fi
photographs=$shared/data/food5k-mini
if [ ! -d "$photographs" ]; then
  photographs=$scratch/photographs
  "${DEMO_IMAGES:-data/demo_images}" "$photographs" --count 200 || fail demo_images
fi

# DATASET of COUNT images: the photographs, as often as it takes, under different names.
make_dataset ()
{
  local dataset=$1 count=$2 number=0 file
  mkdir -p "$dataset/training/photograph"
  while [ "$number" -lt "$count" ]; do
    for file in "$photographs"/*/*.jpg; do
      [ "$number" -lt "$count" ] || break
      ln -s "$file" "$dataset/training/photograph/$number.jpg"
      number=$((number + 1))
    done
  done
}

# Prints the two peaks in MiB for the dataset of COUNT images: slabfit's own figure, and the system's.
measure ()
{
  make_dataset "$scratch/$1" "$1"
  "$python" - "$scratch/$1" "$backbone" "$preprocess" <<'END'
import json
import resource
import subprocess
import sys

dataset, backbone, preprocess = sys.argv[1:]
command = ["slabfit", "extract", dataset, "-o", dataset + "-features", "--backbone", backbone, "--preprocess",
           preprocess, "--json", "--quiet"]
report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
system = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # what /usr/bin/time -v shows
print(f"{report['peak_bytes'] / 2**20:.0f} {system:.0f} {report['images_per_second']:.1f}")
END
}

status=0
small=$(measure 600) || fail 'extract of 600 images'
large=$(measure 2000) || fail 'extract of 2,000 images'
read -r -a small <<< "$small"
read -r -a large <<< "$large"
for i in 0 1; do
  what=('slabfit says' 'the system says')
  grown=$(((large[i] - small[i]) * 100 / small[i]))
  if [ "$grown" -ge 10 ]; then verdict=FAILED status=1; else verdict=ok; fi
  echo "$verdict: peak memory, ${what[i]}: ${small[i]} MiB for 600 images, ${large[i]} MiB for 2,000 (${grown} % more)"
done
echo "images a second: ${small[2]} and ${large[2]}"
exit $status
