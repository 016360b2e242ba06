#!/bin/bash
# extract --scaled-decode: other pixels, which the file says, and which do not mix with exact ones.
. "$(dirname "$0")"/functions.sh || exit 1

network mean
mkdir -p dataset/training/{a,b}
cp "$images"/progressive.jpg dataset/training/a
cp "$images"/photo.jpg dataset/training/b
spec=resize=5x6,interp=bilinear
extract () { slabfit extract dataset -o "$1" --backbone mean.ts -q "${@:2}"; }

run 0 extract exact --preprocess $spec
run 0 extract scaled --preprocess $spec --scaled-decode
run 0 extract written --preprocess decode=scaled,$spec
run 0 slabfit info --json scaled/training.h5
json 'd["preprocess"] == "decode=scaled,resize=5x6,interp=bilinear"'
values () { slabfit export "$1"/training.h5 -o "$1".csv -q >/dev/null && cat "$1".csv; }
values exact >exact.txt
values scaled >scaled.txt
values written >written.txt
same scaled.txt written.txt
cmp -s exact.txt scaled.txt && fail 'scaled decoding changes nothing'

refuses 1 "slabfit extract: preprocess is 'decode=scaled,$spec' in 'scaled/training.h5' and '$spec' in this command; repeat the command that made it, choose another folder, or use --force" \
  extract scaled --preprocess $spec
# Named specifications, too.
run 0 extract keras --preprocess keras --scaled-decode
run 0 slabfit info --json keras/training.h5
json 'd["preprocess"] == "decode=scaled,keras"'
