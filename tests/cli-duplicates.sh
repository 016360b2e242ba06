#!/bin/bash
# Images with the same contents: they are counted and named at the end of extract, over parts made earlier and by other
# tasks, by merge and by info.  Python's hashlib says what the digests are.
. "$(dirname "$0")"/functions.sh || exit 1
for python in "${PYTHON:-python3}" python3 /usr/bin/python3 ''; do
  if test -z "$python" || "$python" -c 'import h5py' 2>/dev/null; then break; fi
done
test -n "$python" || skip 'no python3 with h5py (Debian: python3-h5py)'

network mean
mkdir -p dataset/{training,evaluation}/{a,b}
# What follows the end of a photograph makes it another file: 300 of them, for two parts.
for i in {100..399}; do { cat "$images"/one.jpg; echo "$i"; } >dataset/training/a/$i.jpg; done
cp dataset/training/a/110.jpg dataset/training/b/110.jpg
cp dataset/training/a/399.jpg dataset/training/b/399.jpg
cp dataset/training/a/110.jpg dataset/training/b/again.jpg
cp "$images"/photo.jpg dataset/evaluation/a
cp "$images"/png-rgb-8.png dataset/evaluation/b/picture.jpg # the contents choose
cp "$images"/gray.jpg dataset/evaluation/a/gray.jpg
echo 'not a photograph' >dataset/evaluation/a/bad.jpg
cp dataset/evaluation/a/bad.jpg dataset/evaluation/b/bad.jpg # failures are no duplicates
extract () {
  run 0 slabfit extract dataset -o "$1" --backbone mean.ts --preprocess resize=8x8 --max-failures 2 \
    --rows-per-part 256 -q "${@:2}"
}
# The lines about duplicates, less the order of a pair, which is that of the seed.
told () {
  sed -n '/byte by byte/,$p; /leak/,$p' out | sed '/images\/s/,$d' | awk '!seen[$0]++' |
    sed -E 's/^  (.*) = (.*)$/\1 \2/' |
    while read -r one two rest; do
      if test -f "dataset/$one"; then printf '  %s\n' "$(printf '%s\n%s\n' "$one" "$two" | sort | paste -sd' ')"
      else echo "$one $two $rest"; fi
    done | sort
}

# Nothing is said where there are none.
extract few --split evaluation
told >said
compare 'what is said without duplicates' said </dev/null

# Three in training, of which one is there three times.
extract f --json
json 'd["duplicates"] == {"within": 3, "across": 0}'
run 0 slabfit info --json f/training.h5
json 'd["duplicates"] == 3'
run 0 slabfit info --json f/evaluation.h5
json 'd["duplicates"] == 0'
"$python" - <<'END' || fail 'digests'
import hashlib, h5py
for split in ("training", "evaluation"):
    with h5py.File(f"f/{split}.h5") as file:
        assert file["digests"].dtype == "<u8" and len(file["digests"]) == len(file["images"])
        for image, digest in zip(file["images"], file["digests"]):
            with open("dataset/" + image.decode(), "rb") as photograph:
                assert hashlib.sha256(photograph.read()).hexdigest()[:16] == f"{digest:016x}", image
END
run 0 slabfit verify f/training.h5

# A leak, which the next run finds though it makes nothing: by the same command, and with the rows of before.
cp dataset/training/b/399.jpg dataset/evaluation/b/leak.jpg
rm f/evaluation.h5
extract f
told >said
compare 'what is said' said <<'END'
  evaluation/b/leak.jpg training/b/399.jpg
  training/a/110.jpg training/b/110.jpg
  training/a/399.jpg training/b/399.jpg
  training/b/110.jpg training/b/again.jpg
1 image is in another split as well, a leak: what is trained on must not be evaluated on; remove it from one of the splits and extract again:
3 images repeat others of the same split, byte by byte:
END

# The same from two tasks, and by merge.
extract g --task 0/2
told >said
compare 'what the first task says' said </dev/null
extract g --task 1/2 --json
json 'd["duplicates"] == {"within": 3, "across": 1}'
run 0 slabfit merge g --json
json 'd["duplicates"] == {"within": 3, "across": 1}'

# A part of an earlier version has no digests: those of the others are kept.
extract h --task 0/2
"$python" -c 'import h5py; file = h5py.File("h/training.parts/00000.h5", "a"); del file["digests"]'
extract h --task 1/2 --json
"$python" - <<'END' || fail 'digests of one part'
import h5py
with h5py.File("h/training.h5") as file:
    assert (file["digests"][:256] == 0).all() and (file["digests"][256:] != 0).all()
END
run 0 slabfit verify h/training.h5

# And a file of an earlier version.
"$python" -c 'import h5py; file = h5py.File("h/training.h5", "a"); del file["digests"]'
run 0 slabfit verify h/training.h5
run 0 slabfit info --json h/training.h5
json '"duplicates" not in d'
extract h --json
json 'd["duplicates"] == {"within": 0, "across": 0}'
