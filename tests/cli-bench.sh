#!/bin/bash
# slabfit bench: that it measures what it says and leaves nothing behind.  No rate is tested: that is not what tests are for.
. "$(dirname "$0")"/functions.sh || exit 1

for python in "${PYTHON:-python3}" python3 /usr/bin/python3 ""; do
  if test -z "$python" || "$python" -c 'import h5py, numpy' 2>/dev/null; then break; fi
done
test -n "$python" || skip 'no python3 with h5py (Debian: python3-h5py)'

small='--rows 600 --columns 500 --repeat 2'
mkdir folder

run 0 slabfit bench store $small -o folder --json
errors </dev/null
json 'd["store"] == {"rows": 600, "columns": 500, "value_bytes": 600 * 500 * 4, "file_bytes": d["store"]["file_bytes"]}'
json 'list(d["rates"]["store"]) == ["write", "copy", "merge", "read", "batches", "columns"]'
json 'all(rate > 0 for rate in d["rates"]["store"].values())'
json 'd["peak_bytes"] > 0'
test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"

run 0 slabfit bench $small -o folder --threads 2
errors </dev/null
head -n 1 out | sed -E 's/[0-9]+ MB, 1\/[0-9.]+$/N MB, 1\/N/' >first
echo '600 rows x 500 features, 2 threads: 1 MB of values in N MB, 1/N' | compare 'the first line' first
sed 1d out | sed -E 's/ +[0-9]+ MB\/s$//' >rest
printf '%s\n' write copy merge read batches columns | compare 'the rates' rest

# Decoding, of made-up photographs and of those that are named.
run 0 slabfit bench decode --repeat 1 --threads 2 --json
json '(d["images"], d["threads"]) == (32, 2)'
json 'list(d["rates"]["decode"]) == ["keras", "torchvision", "decode=scaled,keras", "decode=scaled,torchvision"]'
json 'all(rate > 0 for both in d["rates"]["decode"].values() for rate in both)'
mkdir -p photographs/more
cp "$images"/photo.jpg "$images"/png-rgb-8.png photographs
cp "$images"/gray.jpg photographs/more
run 0 slabfit bench decode --repeat 1 photographs "$images"/one.jpg --json
json 'd["images"] == 4'
refuses 1 "slabfit bench: image 1 cannot be decoded: truncated: the data end before the image does; leave it out" \
  slabfit bench decode "$images"/truncated.jpg
refuses 1 "slabfit bench: cannot open 'nothing': No such file or directory; check the path" slabfit bench decode nothing

# The file that stays: its zeros are as many as asked for, and it is a whole feature file.
run 0 slabfit bench store $small -o folder --keep --zeros 0.75
test "$(ls -A folder)" = bench.h5 || fail "in the folder: $(ls -A folder)"
"$python" - <<'END' || fail 'the kept file is not as asked for'
import h5py, numpy
features = h5py.File('folder/bench.h5')['features']
zeros = (features[:] == 0).mean()
assert features.shape == (600, 500) and features.dtype == numpy.float32, features
assert abs(zeros - 0.75) < 0.01, zeros
assert (features[:] >= 0).all()
END
run 0 slabfit verify folder/bench.h5
cp folder/bench.h5 before
refuses 1 "slabfit bench: 'folder/bench.h5' is there already; choose another name or give --force" \
  slabfit bench store $small -o folder --keep
same folder/bench.h5 before

# The rows of another file, over and over; float16.
"$python" - <<'END'
import h5py, numpy
with h5py.File('rows.h5', 'w') as file:
    file['features'] = numpy.arange(30, dtype=numpy.float32).reshape(10, 3)
    file['labels'] = numpy.zeros(10, numpy.int32)
END
run 0 slabfit bench store --rows 1100 --repeat 1 --like rows.h5 --dtype float16 -o folder --keep --force
"$python" - <<'END' || fail 'the rows are not those of the other file'
import h5py, numpy
features = h5py.File('folder/bench.h5')['features']
assert features.shape == (1100, 3) and features.dtype == numpy.float16, features
rows = set(map(tuple, features[:].tolist()))
assert rows == {(3 * i, 3 * i + 1, 3 * i + 2) for i in range(10)}, rows
END
rm folder/bench.h5

refuses 1 "slabfit bench: cannot open 'none.h5': No such file or directory; check the path" \
  slabfit bench --like none.h5 -o folder
refuses 1 "slabfit bench: cannot open 'none.h5': No such file or directory; check the path" \
  slabfit bench --like none.h5 -o folder --keep
test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"

run 75 slabfit bench --rows 100000 --repeat 1000 --stop-after 0.3 -o folder
echo 'slabfit bench: the benchmark was stopped; run the same command again' | errors
test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"

# train: both engines beside their forecasts, in a case of the given shape.  No time is tested, only that one of them is
# the shorter one.
run 0 slabfit bench train $small -o folder --zeros 0.5 --threads 2
errors </dev/null
sed -E '/ [0-9.]+ +[0-9]+$/s/( +[0-9.]+){6}$/ RATES/; s/[0-9]+\.[0-9]+[* ]?/N /g; s/ +/ /g' out >table
compare 'the tables' table <<'END'
 sweep, s gram, s
 rows features hidden zeros epoch forec took ratio forec took ratio auto
 600 500 256,16 50% 5 N N N N N N gram
* the faster one

 read products epochs step forward head
 rows features hidden zeros MB/s GFLOP/s GFLOP/s ms ms rows/s
 600 500 256,16 50% RATES
END
test -z "$(awk 'length > 80' out)" || fail 'a line is longer than 80 columns'
test "$(sed -n 3p out | tr -dc '*')" = '*' || fail 'not one engine is the faster one'
test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"

run 0 slabfit bench train --rows 700 --columns 2000 --repeat 1 -o folder --json
errors </dev/null
json 'list(d["rates"]["train"]) == ["read", "pack", "products", "epochs", "step_ms", "forward_ms", "head", "draw", "memory"]'
json 'all(rate > 0 for rate in d["rates"]["train"].values()) and d["peak_bytes"] > 0'
json 'len(d["train"]) == 1 and d["train"][0]["rates"] == d["rates"]["train"]'
json '[d["train"][0][key] for key in ("rows", "columns", "hidden", "zeros", "epochs")] == [700, 2000, "256,16", 0.88, 5]'
json 'all(time > 0 for engine in ("sweep", "gram") for time in d["train"][0][engine].values())'
json 'list(d["train"][0]["gram"]) == ["forecast", "seconds"]'
# 2 * 700 * 256 * 2000 + 700 * 350 * 2000 + 5 * 2 * 700 * 700 * 256 = 2.46e9 terms: above 2e9, so the forecasts decide.
json 'd["train"][0]["auto"] == min(("sweep", "gram"), key=lambda engine: d["train"][0][engine]["forecast"])'

# The rows of another file; all that is made is removed.
run 0 slabfit bench train --rows 64 --repeat 1 --like rows.h5 -o folder --json
json 'd["train"][0]["columns"] == 3 and d["train"][0]["rows"] == 64 and d["train"][0]["auto"] == "gram"'
test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"

refuses 2 "slabfit bench: 'bench train' keeps no file; leave --keep out, or use 'bench store'" \
  slabfit bench train --keep
refuses 2 "slabfit bench: there is no benchmark 'trains'; there are 'decode', 'network', 'store' and 'train'" slabfit bench trains
run 1 slabfit bench train --rows 1000 --columns 20000 --repeat 1 --memory 20M -o folder
like 'slabfit bench: training needs .* MB .* and may use .* MB; give the job more memory, .*' "$(<err)"
test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"

# Stopped while the file is made, and while it is trained on.
for shape in '--rows 1000000' "$small --repeat 1000"; do
  run 75 slabfit bench train $shape --stop-after 1 -o folder
  echo 'slabfit bench: the benchmark was stopped; run the same command again' | errors
  test -z "$(ls -A folder)" || fail "left in the folder: $(ls -A folder)"
done
