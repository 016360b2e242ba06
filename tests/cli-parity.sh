#!/bin/bash
# slabfit backbone and extract against Keras and torchvision: the features of tests/reference/backbones.txt, which those
# computed from the same weights (tests/reference/make_backbones.py), within 1e-4 of the largest.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools

mkdir -p dataset/training/a dataset/validation/a
cp "$images"/photo.jpg dataset/training/a
cp "$images"/colour-420.jpg dataset/validation/a

# weights FILE KIND: make_weights.c lists the kinds.
weights () { "$helpers"/make_weights "$@" || { echo "no weights $1"; exit 1; }; }

# close REFERENCE: the row on standard input, a value a line, is as the line of backbones.txt says.
close () {
  awk -v reference="$1" '
    { value[NR - 1] = $1; if (NR == 1 || $1 + 0 > largest) largest = $1 + 0 }
    function check (what, mine, theirs) {
      difference = mine - theirs
      if (mine == "" || difference > tolerance || -difference > tolerance) {
        printf "%s is %s, not %s\n", what, mine, theirs
        wrong = 1
      }
    }
    END {
      count = split (reference, word, " ")
      if (NR != word[5]) { printf "%d values, not %d\n", NR, word[5]; exit 1 }
      tolerance = 1e-4 * word[6]
      check("the largest", largest, word[6])
      for (i = 7; i < count; i += 2) check("value " word[i], value[word[i]], word[i + 1])
      exit wrong
    }'
}

# parity WEIGHTS KIND LAYER POOL [OPTION...]
parity () {
  rm -rf network.ts f
  run 0 slabfit backbone resnet50 --weights "$1" --layer "$3" --pool "$4" -o network.ts "${@:5}"
  run 0 slabfit extract dataset -o f --backbone network.ts
  for split in training validation; do
    photograph=$(ls dataset/$split/a)
    reference=$(grep "^$2 $3 $4 $photograph " "$tests"/reference/backbones.txt) || fail "no reference $* $photograph"
    values f/$split.h5 /features | close "$reference" || fail "features of $* of $photograph"
  done
}

weights weights.safetensors torchvision
parity weights.safetensors torchvision conv4 avg
parity weights.safetensors torchvision conv5 none
rm weights.safetensors

weights weights.h5 keras
parity weights.h5 keras conv5 none
weights weights.h5 keras-old
parity weights.h5 keras-old conv3 max --epsilon 1e-3 # as Keras had then
