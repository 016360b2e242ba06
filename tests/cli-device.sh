#!/bin/bash
# --device and --precision: what is refused and why, what is recorded, and what is compared later.
. "$(dirname "$0")"/functions.sh || exit 1

network map resize=64x64
mkdir -p dataset/training/a dataset/training/b
cp "$images"/{photo,gray}.jpg dataset/training/a
cp "$images"/{rgb,cmyk}.jpg dataset/training/b
extract () { slabfit extract dataset -o f --backbone map.ts "$@"; }

# Words that are none.
for command in 'extract dataset -o f --backbone map.ts' 'predict model.h5 --backbone map.ts photo.jpg'; do
  for name in gpu cuda: cuda:x cuda:-1 cuda:1x cuda:100 CUDA ''; do
    refuses 2 "slabfit ${command%% *}: --device takes cpu, cuda or cuda:N, not '$name'" slabfit $command --device "$name"
  done
  refuses 2 "slabfit ${command%% *}: --precision takes f32, tf32, bf16 or f16, not 'half'" \
    slabfit $command --precision half
done
echo 'device = gpu' >c.conf
refuses 2 "slabfit extract: configuration 'c.conf': --device takes cpu, cuda or cuda:N, not 'gpu'" extract --config c.conf

# What a processor does not compute.
only_gpus='the precisions tf32 and f16 are for GPUs (--device cuda); processors take f32 and bf16'
refuses 1 "slabfit extract: cannot use the backbone 'map.ts': $only_gpus" extract --precision f16
refuses 1 "slabfit extract: cannot use the backbone 'map.ts': $only_gpus" extract --precision tf32

# A GPU that is not there is never replaced by the processor.  Libtorch sees none where the variable is empty.
export CUDA_VISIBLE_DEVICES=
run 1 extract --device cuda
test -s out && fail 'something was printed'
like "slabfit extract: cannot use the backbone 'map.ts': (no GPU is there for this process, or its driver is older than \
this libtorch [0-9.]+ needs; see what nvidia-smi says, and under SLURM ask for one, as by --gres=gpu:1|\
this slabfit was built with a libtorch without CUDA \([0-9.]+\); build it with one that has it: ./configure \
--with-libtorch=DIR \(doc/gpu.md\))" "$(cat err)"
test -e f && fail 'a folder was made'

# What is recorded and compared, by a module that takes any device.
export SLABFIT_NETWORK=$helpers/stub_network.so
precision () { slabfit info "$1" --json | "${PYTHON:-python3}" -c 'import json, sys; print (json.load (sys.stdin)["precision"])'; }
part () { extract --device cuda:1 --rows-per-part 1 --preprocess resize=64x64 --task 0/2 -q "$@"; }
mkdir -p dataset/training/c
for i in $(seq 40); do cp "$images"/rgb.jpg dataset/training/c/$i.jpg; done
run 0 part --precision f16
test "$(precision f/training.parts/00000.h5)" = f16 || fail 'the precision of a part is not recorded'
refuses 1 "slabfit extract: precision is 'f16' in 'f/training.parts/00000.h5' and 'f32' in this command; repeat the \
command that made it, choose another folder, or use --force" part
run 0 part --precision f16 --task 1/2
test "$(precision f/training.h5)" = f16 || fail 'the precision is not recorded'
run 0 slabfit train f -o model.h5 --epochs 1 --hidden 4 -q
run 0 slabfit predict model.h5 --backbone map.ts "$images"/rgb.jpg --device cuda
unset SLABFIT_NETWORK CUDA_VISIBLE_DEVICES
export SLABFIT_NETWORK=$abs_top_builddir/network.so

# A model's own precision, and another one by word.
predict () { slabfit predict model.h5 --backbone map.ts "$images"/rgb.jpg "$@"; }
refuses 1 "slabfit predict: cannot use the backbone 'map.ts': $only_gpus" predict
run 1 predict --precision f32
grep -q "feature_shape is" err || fail "the precision is compared: $(cat err)"
