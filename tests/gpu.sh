#!/bin/bash
# The network on a GPU: rows against the processor's, what happens where memory runs out, and rates.  The first thing to
# run on a machine with a GPU (doc/gpu.md); skipped where there is none.  Each figure is a line.
#
#   SLABFIT_GPU_IMAGES   of the rates (2000)
. "$(dirname "$0")"/functions.sh || exit 1

network wide resize=64x64
mkdir -p one/training/a
cp "$images"/photo.jpg one/training/a
if ! slabfit extract one -o none --backbone wide.ts --device cuda -q >out 2>err; then
  if grep -Eq 'no GPU is there|libtorch without CUDA' err; then skip 'no GPU'; fi
  cat err
  exit 1
fi
numpy=
for candidate in "${PYTHON:-python3}" python3 python; do
  if "$candidate" -c 'import numpy' 2>/dev/null; then numpy=$candidate; break; fi
done
test -n "$numpy" || { echo 'a Python with numpy is needed beside a GPU; name it by PYTHON'; exit 1; }

# value EXPRESSION: of d, the JSON object in the file out.
value () { "$numpy" -c "import json; d = json.load (open ('out')); print ($1)"; }

# error A B: the largest difference between rows of two folders, of the largest value.
error () {
  for folder in "$1" "$2"; do
    test -e "$folder".npy || slabfit export "$folder"/training.h5 -o "$folder".npy -q >/dev/null || fail "no rows in $folder"
  done
  "$numpy" -c 'import numpy, sys
a, b = (numpy.load (name + ".npy").astype ("f8") for name in sys.argv[1:])
print ("%.1e" % (abs (a - b).max () / abs (a).max ()) if a.shape == b.shape else "inf")' "$1" "$2"
}

# within A B LIMIT: that is at most LIMIT.
within () {
  found=$(error "$1" "$2")
  echo "$1 and $2 differ by $found of the largest value (at most $3)"
  "$numpy" -c "import sys; sys.exit (not $found <= $3)" || fail "$1 and $2 differ by $found, more than $3"
}

# extract FOLDER NETWORK OPTION...: features of the dataset.
extract () {
  run 0 slabfit extract "${dataset:-dataset}" -o "$1" --backbone "$2" --split training --json -q "${@:3}"
}

"$abs_top_builddir"/data/demo_images photographs --count 120 >/dev/null || fail 'no photographs'
slabfit organize photographs dataset --classes landscape,still_life -q >/dev/null || fail 'no dataset'
slabfit backbone resnet50 --random 1 -o resnet50.ts -q >/dev/null || fail 'no network'

# The same rows as the processor's, in batches whose last one is not full, and in others.
for net in wide resnet50; do
  extract $net-cpu $net.ts
  for limit in f32,1e-4 tf32,1e-2 f16,1e-2 bf16,5e-2; do
    precision=${limit%,*}
    extract $net-$precision $net.ts --device cuda --precision $precision --network-batch 16
    within $net-cpu $net-$precision "${limit#*,}"
  done
  extract $net-batch7 $net.ts --device cuda:0 --network-batch 7
  within $net-f32 $net-batch7 1e-4
done
for precision in f16 bf16; do
  test "$(error resnet50-cpu resnet50-$precision)" != "$(error resnet50-cpu resnet50-f32)" || fail "$precision is no $precision"
done
extract resnet50-again resnet50.ts --device cuda --network-batch 16
echo "a second run differs by $(error resnet50-f32 resnet50-again) (0 where cuDNN chose the same algorithms)"

# Memory that holds no batch of 80 images of 640 x 640: what it holds is taken, and said once.  libtorch is told to keep to
# a fiftieth of it: tensors of more than 2^31 values, which it takes to fill a large GPU, are beyond some of its kernels.
mkdir -p large/training/a
find dataset/training -name '*.jpg' | head -n 8 | while read -r name; do ln "$name" large/training/a/; done
dataset=large extract large-4 resnet50.ts --device cuda --pool avg --preprocess resize=640x640 --network-batch 4
run 0 env PYTORCH_CUDA_ALLOC_CONF=per_process_memory_fraction:0.02 slabfit extract large -o large-80 \
  --backbone resnet50.ts --device cuda --pool avg --preprocess resize=640x640 --network-batch 80
grep "memory" err
within large-4 large-80 1e-4
test "$(grep -c "the GPU's memory is short" err)" = 1 || echo 'the batch was not halved: is the memory so large?'

# Rates.  The forward pass alone has its pixels at hand; an extraction has photographs, and a file to write.
wanted=${SLABFIT_GPU_IMAGES:-2000} made=0
mkdir -p many/training/landscape many/training/still_life
while test "$made" -lt "$wanted"; do
  for name in dataset/training/*/*.jpg; do
    class=${name%/*}
    ln "$name" "many/training/${class##*/}/$made.jpg"
    made=$((made + 1))
    test "$made" -lt "$wanted" || break
  done
done
for precision in f32 tf32 bf16 f16; do
  run 0 slabfit bench network --backbone resnet50.ts --device cuda --precision $precision --json -q
  bare=$(value 'd["rates"]["network"]') batch=$(value 'd["network"]["best"]["batch"]')
  dataset=many extract many-$precision resnet50.ts --device cuda --precision $precision --network-batch "$batch" \
    --pool avg
  value "'$precision, batches of $batch: %.0f images/s, %.2f of the bare forward pass (%.0f); the GPU was busy %.0f %% of the \
time; the network waited %.0f %% of it for images; %.1f cores decode as fast as it computes (%d are here)' % (
d['images_per_second'], d['images_per_second'] / $bare, $bare, 100 * d['stalls']['gpu_busy'],
100 * d['stalls']['images_share'], $bare * d['seconds']['decode'] / $wanted, $(nproc))"
  value "'the target, 0.9, is ' + ('reached' if d['images_per_second'] >= 0.9 * $bare else 'missed' if
$bare * d['seconds']['decode'] / $wanted < 0.8 * $(nproc) else 'not to be expected: too few cores')"
done
