#!/bin/sh
# Our feature files in h5dump, h5ls and h5py, without a plugin.  Exit 77 (skipped) where they are missing.
helper=${MAKE_FEATFILE:-./tests/make_featfile}
unset HDF5_PLUGIN_PATH

for tool in h5dump h5ls; do
  command -v $tool >/dev/null 2>&1 || { echo "skipped: no $tool (Debian: hdf5-tools)"; exit 77; }
done
for python in python3 /usr/bin/python3; do
  $python -c 'import h5py, numpy' 2>/dev/null && break
  python=
done
test -n "$python" || { echo "skipped: no python3 with h5py (Debian: python3-h5py)"; exit 77; }

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

fail () { echo "not ok: $1"; exit 1; }

# expect FILE PATTERN...: the output in FILE has a line like each PATTERN.
expect () {
  output=$1; shift
  for pattern; do
    grep -q -- "$pattern" "$output" || { cat "$output"; fail "no '$pattern' in it"; }
  done
}

for type in float half; do
  file=$folder/$type.h5
  "$helper" "$file" 100 $type || fail "make_featfile"

  h5ls -v "$file" >"$folder/ls" 2>&1 || fail "h5ls -v"
  expect "$folder/ls" '^features  *Dataset {100/128, 1280/1280}' 'Chunks:    {64, 1280}' 'shuffle-2 OPT' \
    'deflate-1 OPT' '^labels  *Dataset {100/' 'food  *= 0' 'non_food  *= 1' '25-byte null-padded UTF-8' \
    '^failed  *Dataset {1/1}'

  h5dump "$file" >"$folder/dump" 2>&1 || fail "h5dump"
  expect "$folder/dump" 'non_food' 'training/food/1_00099.jpg' 'not a JPEG file' 'ATTRIBUTE "preprocess"' '"keras"' \
    '"slabfit extract data"' '(0): 42'
  if grep -qi 'error\|unable' "$folder/dump"; then fail "h5dump complains"; fi

  "$python" - "$file" $type <<'END' || fail "h5py"
import sys
import h5py
import numpy as np

def sample(row, column):  # as tests/store_support.h
    mixed = row * 2654435761 + column * 40503 + (row ^ column) * 97
    return np.where(mixed % 7 != 0, 0.0, mixed // 7 % 1999 / 8.0 - 64.0)

with h5py.File(sys.argv[1], "r") as file:
    features = file["features"]
    assert features.dtype == np.dtype("<f2" if sys.argv[2] == "half" else "<f4"), features.dtype
    assert features.compression == "gzip" and features.shuffle
    row, column = np.mgrid[0:100, 0:1280]
    assert np.array_equal(features[:], sample(row, column))
    assert h5py.check_enum_dtype(file["labels"].dtype) == {"food": 0, "non_food": 1}
    assert np.array_equal(file["labels"][:], np.arange(100) * 7 % 2)
    assert file["images"][99] == b"training/food/1_00099.jpg"
    assert file["failed"][0]["image"] == b"training/food/1_broken.jpg"
    assert file["failed"][0]["reason"] == b"not a JPEG file"
    assert file.attrs["format_version"] == 1
    assert list(file.attrs["feature_shape"]) == [1, 1, 1280]
    assert list(file.attrs["classes"]) == [b"food", b"non_food"]
    assert file.attrs["layer"] == b"output" and file.attrs["seed"] == 42
    assert file.attrs["images"] == 101
END
  echo "ok: $type"
done
