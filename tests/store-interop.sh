#!/bin/bash
# Feature files among programs: ours in h5dump, h5ls, h5repack, h5diff and h5py; and what h5py writes, as other feature
# extractors do (foreign_files.py), in slabfit.  What values must be, NumPy says.
. "$(dirname "$0")"/functions.sh || exit 1
make_featfile=${MAKE_FEATFILE:-$helpers/make_featfile}

for tool in h5dump h5ls h5repack h5diff; do need $tool hdf5-tools; done
for python in "${PYTHON:-python3}" python3 /usr/bin/python3 ""; do
  if test -z "$python" || "$python" -c 'import h5py, numpy' 2>/dev/null; then break; fi
done
test -n "$python" || skip "no python3 with h5py (Debian: python3-h5py)"
export PYTHONDONTWRITEBYTECODE=1

# has FILE PATTERN...: the output in FILE has a line like each PATTERN.
has () {
  printed=$1; shift
  for pattern; do
    grep -q -- "$pattern" "$printed" || { cat "$printed"; fail "no '$pattern' in what '$command_line' prints"; }
  done
}

# Our files in the tools of HDF5 and in h5py.
for type in float half; do
  file=$type.h5
  "$make_featfile" $file 100 $type || fail "make_featfile"

  run 0 h5ls -v $file
  has out '^features  *Dataset {100/128, 1280/1280}' 'Chunks:    {64, 1280}' 'shuffle-2 OPT' \
    'deflate-1 OPT' '^labels  *Dataset {100/' 'food  *= 0' 'non_food  *= 1' '25-byte null-padded UTF-8' \
    '^failed  *Dataset {1/1}'

  run 0 h5dump $file
  has out 'non_food' 'training/food/1_00099.jpg' 'not a JPEG file' 'ATTRIBUTE "preprocess"' '"keras"' \
    '"slabfit extract data"' '(0): 42'
  if grep -qi 'error\|unable' out err; then fail "h5dump complains"; fi
  run 0 h5dump -d /labels -s 97 -c 3 $file
  has out '(97): non_food, food, non_food'

  "$python" - $file $type <<'END' || fail "h5py"
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
    expected = sample(row, column)
    assert np.array_equal(features[:], expected)
    assert np.array_equal(features[60:70, 5:1280:3], expected[60:70, 5:1280:3])
    assert np.array_equal(features[[3, 64, 99]], expected[[3, 64, 99]])
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

  # Repacked: the same to h5diff and to us.
  run 0 slabfit export $file -o $type.csv
  for how in '-l features:CHUNK=10x77' '-l features:CONTI -f features:NONE' '-f GZIP=9' '-f SHUF -f GZIP=1 -f FLET'; do
    rm -f repacked.h5
    run 0 h5repack $how $file repacked.h5
    run 0 h5diff $file repacked.h5
    output </dev/null
    run 0 slabfit verify repacked.h5
    run 0 slabfit export repacked.h5 -o repacked.csv --force
    same $type.csv repacked.csv
  done
  "$python" -c "import h5py; h5py.File('repacked.h5', 'a')['features'][42, 7] += 1" || fail 'changing a value'
  run 1 h5diff $file repacked.h5
  output <<'END'
dataset: </features> and </features>
1 differences found
END
done
h5repack -l features:CONTI -f features:NONE float.h5 contiguous.h5
for name in float contiguous; do
  mkdir $name
  cp $name.h5 $name/training.h5
  run 0 slabfit train $name -o $name.model.h5 --hidden 8 --epochs 2 --shuffle full -q
done
run 0 h5diff float.model.h5 contiguous.model.h5 /model_weights

# Files of other programs: those that read as plain.h5 does.
mkdir foreign
"$python" "$tests"/foreign_files.py foreign || { echo 'foreign_files.py failed'; exit 1; }
cd foreign || exit 1
run 0 slabfit export plain.h5 -o plain.csv
"$python" - <<'END' || fail 'the values of plain.h5'
import numpy as np

read = np.loadtxt("plain.csv", delimiter=",")
row, column = np.mgrid[0:60, 0:24]
assert np.array_equal(read[:, 0], np.arange(60) % 3)
assert np.array_equal(read[:, 1:], (row * 31 + column * 7) % 97 / 8)
END
classes () { # FILE NAME...: the file's classes are these, of 20 rows each
  run 0 slabfit info "$1" --json
  json "d['classes'] == dict.fromkeys('${*:2}'.split(), 20)"
}
same_as_plain () { # FILE NAME...
  run 0 slabfit verify "$1"
  run 0 slabfit export "$1" -o read.csv --force
  same plain.csv read.csv
  classes "$@"
}
for file in plain gzip gzip_rows shuffle guessed fletcher checked scale nbit compact big double half outside maps \
    maps_gzip leading texts long_texts text_column spread joined linked; do
  same_as_plain $file.h5 cat dog zebra
done
if test -e szip.h5; then same_as_plain szip.h5 cat dog zebra; else left_out 'szip, which h5py lacks here'; fi
for file in number_*.h5; do same_as_plain "$file" 0 1 2; done
run 0 slabfit info bool.h5 --json
json "d['classes'] == {'FALSE': 40, 'TRUE': 20}"
run 0 slabfit info many_names.h5 --json
json "len(d['classes']) == 3000 and d['classes']['c0002'] == 20 and d['classes']['c0003'] == 0"

# Datasets of other names: what is trained and evaluated is the same.
train () { # NAME FILE OPTION...: NAME.model.h5
  mkdir "$1"
  cp "$2" "$1"/training.h5
  run 0 slabfit train "$1" -o "$1".model.h5 --hidden 8 --epochs 3 --shuffle full -q "${@:3}"
}
train plain plain.h5
run 0 slabfit evaluate plain.model.h5 plain.h5 --json
json "[d[name]['support'] for name in ('cat', 'dog', 'zebra')] == [20, 20, 20]"
cp out plain.report
train grouped grouped.h5 --features-dataset /train/feats --labels-dataset train/y
train keras keras.h5 --features-dataset train_features --labels-dataset train_labels
train maps maps_gzip.h5
for name in grouped keras maps; do run 0 h5diff plain.model.h5 $name.model.h5 /model_weights; done
run 0 slabfit evaluate plain.model.h5 grouped.h5 --features-dataset train/feats --labels-dataset train/y --json
same plain.report out
run 0 slabfit evaluate plain.model.h5 keras.h5 --features-dataset train_features --labels-dataset train_labels --json
same plain.report out
named () { run 0 slabfit "$@" --features-dataset train/feats --labels-dataset train/y; }
named verify grouped.h5
named export grouped.h5 -o read.csv --force
same plain.csv read.csv
named export grouped.h5 -o read.npy
"$python" -c "import numpy as n; assert (n.load('read.npy') == n.loadtxt('plain.csv', delimiter=',')[:, 1:]).all()" \
  || fail 'the values of read.npy'
named info grouped.h5 --json
json "d['rows'] == 60 and d['classes'] == {'cat': 20, 'dog': 20, 'zebra': 20}"
refuses 1 "slabfit train: 'grouped.model.h5' was trained with training \"/train/feats, /train/y, \
$(stat -c '%s bytes of %Y' grouped/training.h5), 60 rows\", and \"/test/feats, /test/y, \
$(stat -c '%s bytes of %Y' grouped/training.h5), 6 rows\" is asked for; choose another name or give --force" \
  slabfit train grouped -o grouped.model.h5 --hidden 8 --epochs 3 --shuffle full --features-dataset test/feats \
  --labels-dataset test/y
refuses 2 "slabfit evaluate: --features-dataset takes the name of a dataset, not '/'" \
  slabfit evaluate plain.model.h5 grouped.h5 --features-dataset /
printf 'features-dataset = "/train/feats"\nlabels-dataset = "/train/y"\n' >grouped.conf
run 0 slabfit evaluate plain.model.h5 grouped.h5 --config grouped.conf --json
same plain.report out

# What cannot be read, each with what to do.
bad () { # NAME MESSAGE OPTION...
  refuses 1 "slabfit evaluate: $2" slabfit evaluate plain.model.h5 "$1".h5 "${@:3}"
}
bad clam "'clam.h5' has no dataset '/labels' (it has '/coords' (60, 2), '/features' (60, 24)); name the dataset of the \
labels with --labels-dataset"
bad neighbours "'neighbours.h5' has no dataset '/labels' (it has '/neighbors' (6, 100), '/test' (6, 24), '/train' (60, \
24)); name the dataset of the labels with --labels-dataset" --features-dataset train
bad grouped "'/train' of 'grouped.h5' is a group, not a dataset; name a feature file, or its dataset with \
--features-dataset" --features-dataset train
bad grouped "'grouped.h5' has no dataset '/valid/feats' (it has '/test/feats' (6, 24), '/test/y' (6), '/train/feats' \
(60, 24), '/train/y' (60)); name a feature file, or its dataset with --features-dataset" --features-dataset valid/feats
images=
for i in 0 1 2 3 4 5 6 7; do images="$images'/db/0$i.jpg/global_descriptor' (24), "; done
bad images "'images.h5' has no dataset '/features' but one for each image (${images}and more); stack them into one, a \
row for each image"
bad flat "'/features' of 'flat.h5' has 1 dimension, not 2 (rows, columns) or more; reshape it, one row for each image"
bad onehot "'/labels' of 'onehot.h5' has the shape (60, 3), not one label for each row; take the numbers of the \
classes, from one-hot rows by numpy.argmax"
bad floats "'/labels' of 'floats.h5' is not of integers, of an enum or of text; convert it, numbering the classes from 0"
bad no_name "'/labels' of 'no_name.h5' has no valid name of a class at row 1; name each row's class"
bad lzf "'/features' of 'lzf.h5' needs the HDF5 filter 32000 (lzf), which is not installed; only h5py has it: write \
the file anew with compression='gzip'"
plugin="which is not installed; install its plugin (HDF5_PLUGIN_PATH), or where it is installed run 'h5repack -f \
GZIP=1 OLD NEW'"
bad zstd "'/features' of 'zstd.h5' needs the HDF5 filter 32015 (zstd), $plugin"
bad unknown "'/features' of 'unknown.h5' needs the HDF5 filter 40000 (of unknown name), $plugin"
bad gap "'/features' of 'gap.h5' is virtual and its sources have only 480 of its 1440 values; map the others too"
bad sourceless "'/features' of 'sourceless.h5' is virtual and its source 'feats' of 'part0.h5' cannot be opened; put \
it back"
bad dangling "'/features' of 'dangling.h5' is a link to '/features' of 'gone.h5', which is not there; put it back"
# Files that lack values or say what is not so, in little memory.
unreadable () { # NAME MESSAGE COMMAND...
  for command in "${@:3}" verify "export -o new.csv"; do
    refuses 1 "slabfit ${command%% *}: $2" bash -c 'ulimit -v 1000000; exec timeout 60 slabfit "$@"' - $command "$1".h5
  done
  absent new.csv
}
hostile () { unreadable "$1" "$2" info "evaluate plain.model.h5"; }
unwritten="was never written; write it, or make the file again"
unreadable half_done "the chunk of '/features' of 'half_done.h5' from (30, 0) on $unwritten"
hostile half_labels "the chunk of '/labels' of 'half_labels.h5' from (30) on $unwritten"
unreadable not_begun "'/features' of 'not_begun.h5' $unwritten"
unreadable overflow "'/features' of 'overflow.h5' has the value inf at row 7, column 3; make the features again"
hostile many_rows "the chunk of '/labels' of 'many_rows.h5' from (0) on $unwritten"
hostile many_columns "'/labels' of 'many_columns.h5' $unwritten"
hostile overflowing "'/features' of 'overflowing.h5' has the impossible shape (1099511627776, 1099511627776); make the \
file again"
hostile wide_chunks "'/features' of 'wide_chunks.h5' has chunks of 2.1 GB, more than 1, each to be read whole; make \
smaller ones: h5repack -l /features:CHUNK=..."
hostile long_attribute "the attribute 'classes' of 'long_attribute.h5' is damaged or too large; make the file again"
hostile long_labels "'/labels' of 'long_labels.h5' is of texts of 1000000000 bytes, more than 1024; name the classes \
more shortly"
hostile many_texts "'/labels' of 'many_texts.h5' has more than 65536 different texts; name the labels with \
--labels-dataset"
tile="from row 0 and column 0 on,"
unreadable bomb "chunk (0, 0) of '/features' of 'bomb.h5', $tile is larger than a tile can be; make the file again"
unreadable bomb_shuffled "chunk (0, 0) of '/features' of 'bomb_shuffled.h5', $tile is larger than a tile can be; make the \
file again"
unreadable bomb_double "the chunk of '/features' of 'bomb_double.h5' from (0, 0) on has 305767 bytes, more than its values \
need; make the file again"
unreadable short "chunk (0, 0) of '/features' of 'short.h5', $tile inflates to fewer than the 5760 bytes of a tile; make the \
file again"
