#!/bin/bash
# slabfit extract: what it says of its time, and what would make it faster, where one stage is slow for certain.
. "$(dirname "$0")"/functions.sh || exit 1
export SLABFIT_NETWORK=$helpers/stub_network.so

mkdir -p dataset/training/a
for i in $(seq 64); do # no two of the same bytes
  { cat "$images"/gray.jpg; echo $i; } >dataset/training/a/$i.jpg
done
echo any >stub.ts
extract='slabfit extract dataset --backbone stub.ts --preprocess resize=32x32 --threads 2 --network-batch 8 -q'
n=' *[0-9.]+'

# A network of 800 ms for 8 images at most, in two callers at once: 3.2 s and more in all.
export SLABFIT_STUB_MILLISECONDS=800
run 0 $extract -o text
like "training: 64 rows, 0 of them kept from before, 0 failed
64 images in$n s,$n images/s; of the time of 2 threads:
  read    $n$n %
  decode  $n$n %
  network $n$n %
  compress$n$n %
  write   $n$n %
The network waited$n s \($n %\) for images,$n s \($n %\) for room in the file.
The network is the limit: .*a GPU.*" "$(cat out)"
run 0 $extract -o json --json
unset SLABFIT_STUB_MILLISECONDS
json "d['seconds']['network'] >= 6.4 and d['seconds']['wall'] >= 3.2 and 'a GPU' in d['advice']"
json "d['stalls']['images_share'] < 0.15 and d['stalls']['gpu_busy'] == 0"
json "(d['network']['callers'], d['network']['threads'], d['network']['batch']) == (2, 1, 8)"
json "abs(d['stalls']['disk'] - d['seconds']['read'] - d['seconds']['write']) < 1e-9"

# A disk on which each image takes 60 ms, 1.9 s and more by two decoders; and one on which each new file takes 1 s.
slow=(env LD_PRELOAD="$helpers"/faults.so)
if "${slow[@]}" true 2>err && test ! -s err; then
  run 0 "${slow[@]}" FAULTS_FOLDER=dataset FAULTS_SLOW=60 $extract -o read --json
  json "d['seconds']['read'] >= 3.8 and d['seconds']['decode'] < d['seconds']['read'] / 2"
  json "d['stalls']['images'] > 1 and d['stalls']['images_share'] > 0.15 and d['stalls']['room_share'] < 0.5"
  json "d['advice'].startswith('Reading images is the limit: ')"
  run 0 "${slow[@]}" FAULTS_FOLDER=write FAULTS_SLOW=1000 $extract -o write --json
  json "d['seconds']['write'] >= 2 and d['stalls']['disk'] >= 2"
  json "d['advice'].startswith('Writing features is the limit: ')"
  run 0 slabfit verify read/training.h5 write/training.h5
else
  left_out 'slow disks: no library can be preloaded'
fi

# A run too short to tell, and one with nothing to do.
run 0 $extract -o short --json
json "d['seconds']['wall'] >= 1 or d['advice'] == 'The run was too short to tell what would make it faster.'"
run 0 $extract -o short
output <<'END'
training: 64 rows, 64 of them kept from before, 0 failed
END

# A network that fails leaves nothing unfinished.
export SLABFIT_STUB_LOG=none/log
refuses 1 'slabfit extract: the network failed on a batch of 8 images: the stub cannot work; try a smaller --network-batch' \
  $extract -o failed
no_temporary failed
absent failed/training.h5
