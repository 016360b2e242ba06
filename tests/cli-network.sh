#!/bin/bash
# How a network is run: bench network, and extract, which takes what was found; by the stub network, whose times are known.
. "$(dirname "$0")"/functions.sh || exit 1

export SLABFIT_NETWORK="$helpers"/stub_network.so SLABFIT_STUB_MILLISECONDS=20 SLABFIT_STUB_BATCH=16
echo network >network.ts
how='--backbone network.ts --preprocess resize=8x8 --threads 2'

# Runs of 16 images take as long as those of 8, and those of 32 four times as long.
run 0 slabfit bench network $how
errors </dev/null
sed -E -e '1s/on .*/on PROCESSOR/' -e 's/ +[0-9.]+ +[0-9.]+( \*)?$/ N N\1/' out >masked
compare 'the ways' masked <<'END'
network.ts, 8 x 8, f32, on PROCESSOR
stub, 2 threads

callers threads  batch images/s ms an image
      2       1      8 N N
      2       1     16 N N *
      2       1     32 N N
      1       2     16 N N
* taken by 'extract'; larger batches have to gain 2 %
END

run 0 slabfit bench network $how --network-batch 4 --json
errors </dev/null
json '[(way["callers"], way["threads"], way["batch"]) for way in d["network"]["tried"]] == [(2, 1, 4), (1, 2, 4)]'
json 'd["network"]["best"] == d["network"]["tried"][0] and d["rates"]["network"] == d["network"]["best"]["images_per_second"]'
json 'd["network"]["precision"] == "f32" and d["network"]["library"] == "stub"'

refuses 2 'slabfit bench: give the network: --backbone FILE.ts' slabfit bench network
refuses 2 "slabfit bench: --backbone is an option of 'bench network'" slabfit bench store --backbone network.ts
refuses 1 "slabfit bench: cannot open 'none.ts': No such file or directory; check the path" \
  slabfit bench network --backbone none.ts

# extract: what was found before, and, where that is gone, measured in a tenth of the job's time: one way only.
mkdir -p dataset/training/a
photograph=$(find "$images" -name '*.jpg' | sort | head -n 1)
for i in $(seq 300); do cp "$photograph" dataset/training/a/$i.jpg; done
run 0 slabfit extract dataset -o features $how --json
json 'd["network"]["origin"] == "remembered" and d["network"]["batch"] == 16 and d["network"]["image_seconds"] > 0'
grep -qE '^network: 2 callers x 1 thread, batches of 16: [0-9.]+ ms an image \(measured earlier\)$' err \
  || fail 'extract does not say what it takes'
rm -r .cache
run 0 slabfit extract dataset -o again $how
grep -qE '^network: 2 callers x 1 thread, batches of 8: [0-9.]+ ms an image \(measured now\)$' err \
  || fail 'extract does not say what it has measured'
test -s .cache/slabfit/network.json || fail 'nothing is remembered'

# Few images.
rm -r .cache dataset/training/a/1??.jpg
run 0 slabfit extract dataset -o few $how --network-batch 3 --json
json "d['network'] == {'callers': 2, 'threads': 1, 'batch': 3, 'image_seconds': None, 'origin': 'fixed'}"
grep -q '^network: 2 callers x 1 thread, batches of 3 (not measured: few images)$' err || fail 'extract does not say why'
