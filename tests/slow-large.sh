#!/usr/bin/env bash
# More than 2^32 values in a file of more than 4 GiB: merged, verified, read at its far end by rows and by columns, trained on
# and evaluated, each in memory that is small beside it.  The last rows are also read by h5py and compared with NumPy's own
# calculation, and so are the probabilities that a model gives them.  Takes some minutes and 16 GB of disk: SLABFIT_SLOW=1.
test -n "${SLABFIT_SLOW-}" || { echo 'skipped: it is slow; SLABFIT_SLOW=1 runs it'; exit 77; }
. "${srcdir:-.}"/tests/functions.sh
free=$(df -Pk . | awk 'NR == 2 { print $4 }')
test "$free" -gt 16000000 || skip "16 GB of disk are needed, and $free kB are free"
"${python:-false}" -c 'import h5py, numpy' 2>/dev/null || skip 'no python3 with h5py (Debian: python3-h5py)'

rows=43008
mkdir features
"$helpers/make_large" features || exit 1

# timed COMMAND...: COMMAND succeeds; how long it took goes to the log.
timed () {
  local began=$SECONDS
  run 0 "$@"
  echo "$1 $2: $((SECONDS - began)) s"
}

timed slabfit merge features -q
output <<END2
training: $rows rows from 2 parts
END2
absent features/training.parts
test "$(stat -c %s features/training.h5)" -gt 4294967296 || fail 'the file has less than 4 GiB'

timed slabfit verify features/training.h5 -q
like "features/training.h5: good, $rows rows in 37632 chunks, [0-9]+ MB/s" "$(cat out)"
run 0 slabfit info features/training.h5 --json
json "(d['rows'], d['columns'], d['failed']) == ($rows, 100352, 0) and d['classes'] == {'food': 21504, 'non_food': 21504} \
and d['file_bytes'] > 2 ** 32 and 3 < d['ratio'] < 4 and 0.749 < d['zeros'] < 0.751"

# Rows and columns at the far end, with worker threads and without.
timed "$helpers/make_large" -c features/training.h5

# One epoch and its model, which all rows then go through.
timed slabfit train features -o model.h5 --hidden 4 --epochs 1 --memory 1G --json -q
json "d['peak_bytes'] < 1.5 * 2 ** 30 and 0 < d['epochs'][0]['loss'] < 100"
timed slabfit evaluate model.h5 features/training.h5 --predictions predictions.csv --json -q
json "sum(map(sum, d['confusion_matrix'])) == $rows"

"$python" - <<'END2' || fail 'the far end is not what h5py and NumPy find'
import csv
import sys

import h5py
import numpy as np

ROWS, COLUMNS, LAST = 43008, 100352, 200

with np.errstate(over="ignore"):
    row = np.arange(ROWS - LAST, ROWS, dtype=np.uint64)[:, None] % np.uint64(128)
    x = (row * np.uint64(COLUMNS) + np.arange(COLUMNS, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
x ^= x >> np.uint64(32)
expected = np.where(x % np.uint64(4) == 0, (x >> np.uint64(40)) / 2.0**24, 0).astype(np.float32)
wrong = []
with h5py.File("features/training.h5") as file:
    if file["features"].shape != (ROWS, COLUMNS) or ROWS * COLUMNS <= 2**32:
        wrong.append(f"shape {file['features'].shape}")
    if not np.array_equal(file["features"][ROWS - LAST :], expected):
        wrong.append("h5py's last rows differ")
    if list(file["labels"][ROWS - LAST :]) != [i * 7 % 2 for i in range(ROWS - LAST, ROWS)]:
        wrong.append("labels differ")
    if file["images"][ROWS - 1] != b"training/food/1_43007.jpg":
        wrong.append(f"the last image is {file['images'][ROWS - 1]}")

# The model's own weights, in float64: relu, then softmax.
arrays = []
with h5py.File("model.h5") as file:
    file["model_weights"].visititems(lambda name, entry: arrays.append(entry[:]) if isinstance(entry, h5py.Dataset) else None)
bias1, kernel1, bias2, kernel2 = (array.astype(np.float64) for array in arrays)
logits = np.maximum(expected.astype(np.float64) @ kernel1 + bias1, 0) @ kernel2 + bias2
probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
probabilities /= probabilities.sum(axis=1, keepdims=True)
with open("predictions.csv") as file:
    last = list(csv.reader(file))[-LAST:]
found = np.array([line[-2:] for line in last], dtype=np.float64)
if np.abs(found - probabilities).max() > 1e-4:
    wrong.append(f"probabilities differ by {np.abs(found - probabilities).max()}")
print(f"last {LAST} rows: probabilities differ by {np.abs(found - probabilities).max():.1e} at the most")
for text in wrong:
    print("not ok:", text)
sys.exit(bool(wrong))
END2
