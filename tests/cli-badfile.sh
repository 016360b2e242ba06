#!/bin/bash
# Feature files, models and outputs that are missing, damaged or do not go together: each with its message, and nothing
# left behind.
. "$(dirname "$0")"/functions.sh || exit 1

for kind in mean map; do network $kind; done
mkdir -p dataset/training/a dataset/training/b empty
cp "$images"/photo.jpg "$images"/gray.jpg dataset/training/a
cp "$images"/rgb.jpg "$images"/one.jpg dataset/training/b

# Features and a model to go on with: two columns, and two classes that the first one tells apart.
for i in 1 2 3 4 5 6 7 8 9 10; do echo "0,$i,1"; echo "1,-$i,1"; done >rows.csv
mkdir features
run 0 slabfit import rows.csv -o features/training.h5 --classes low,high
run 0 slabfit train features -o model.h5 --hidden 4 --epochs 2 -q

# Feature files that cannot be read, for every command that reads one.
bad () { # MESSAGE about the file bad/training.h5
  refuses 1 "slabfit train: $1" slabfit train bad -o new.h5 --epochs 1 -q
  refuses 1 "slabfit evaluate: $1" slabfit evaluate model.h5 bad/training.h5
  refuses 1 "slabfit export: $1" slabfit export bad/training.h5 -o new.csv
  refuses 1 "slabfit verify: $1" slabfit verify bad/training.h5
  absent new.h5 new.csv
  no_temporary .
}
mkdir bad
f="'bad/training.h5'"
head -c 3000 features/training.h5 >bad/training.h5
bad "cannot open $f: it is cut short or damaged; copy it again or make it again"
echo 'not HDF5' >bad/training.h5
bad "$f is not an HDF5 file; name a feature file, as 'slabfit extract' or h5py writes it"
: >bad/training.h5
bad "$f is empty; make it again"
rm bad/training.h5
mkdir bad/training.h5
bad "$f is a folder; name a feature file"
rmdir bad/training.h5
reference () { cp -f "$tests/reference/store-$1.h5" bad/training.h5; }
reference later
bad "$f has format version 2, this slabfit reads up to 1; use a newer slabfit"
reference nofeatures
bad "$f has no dataset '/features' (it has '/labels' (12)); name a feature file, or its dataset with --features-dataset"
reference nolabels
bad "$f has no dataset '/labels' (it has '/features' (12, 10)); name the dataset of the labels with --labels-dataset"
reference short
bad "'/labels' of $f has 11 rows and the features have 12; make the file again"
reference negative
bad "'/labels' of $f has -1 at row 0; number the classes from 0 to at most 999999"
reference integers
bad "'/features' of $f is not of floating-point numbers of 2, 4 or 8 bytes; convert it to float32"
reference virtual
bad "'/features' of $f is virtual and its source 'store-gzip.h5' is not there; put it back"

# A row that is not finite, and a row that is too wide.
reference nan
nan="'/features' of $f has the value nan at row 3, column 2; make the features again"
refuses 1 "slabfit train: $nan" slabfit train bad -o new.h5 --epochs 1 -q
refuses 1 "slabfit export: $nan" slabfit export bad/training.h5 -o new.csv
refuses 1 "slabfit verify: $nan" slabfit verify bad/training.h5
refuses 1 "slabfit evaluate: a row has 2 features in 'model.h5' and 10 in $f; use features that were extracted in the \
same way" slabfit evaluate model.h5 bad/training.h5
cp -f features/training.h5 bad/training.h5
cp "$tests"/reference/store-gzip.h5 bad/validation.h5
refuses 1 "slabfit train: a row has 2 features in 'bad/training.h5' and 10 in 'bad/validation.h5'; use features that \
were extracted in the same way" slabfit train bad -o new.h5 --epochs 1 -q
rm bad/validation.h5
absent new.h5 new.csv

# verify of several files tells each.
head -c 3000 features/training.h5 >bad/cut.h5
run 1 slabfit verify features/training.h5 bad/cut.h5 none.h5 --json
errors <<'END'
slabfit verify: cannot open 'bad/cut.h5': it is cut short or damaged; copy it again or make it again
slabfit verify: cannot open 'none.h5': No such file or directory; check the path
slabfit verify: 2 of 3 files are bad, as said above
END
json "d['ok'] is False and [(f['file'], f['ok']) for f in d['files']] == \
[('features/training.h5', True), ('bad/cut.h5', False), ('none.h5', False)]"

# The folder of features.
refuses 1 "slabfit train: cannot open 'nothing': No such file or directory; check the path" \
  slabfit train nothing -o nothing.h5
refuses 1 "slabfit train: there is no 'training.h5' in 'empty'; make it with 'slabfit extract'" \
  slabfit train empty -o new.h5
refuses 1 "slabfit train: 'rows.csv' is not a folder; give the one that 'training.h5' lies in" \
  slabfit train rows.csv -o new.h5

# Models.
evaluate () { refuses 1 "slabfit evaluate: $2" slabfit evaluate "$1" features/training.h5; }
evaluate none.h5 "cannot open 'none.h5': No such file or directory; check the path"
head -c 5000 model.h5 >cut.h5
evaluate cut.h5 "cannot open 'cut.h5': it is cut short or damaged; copy it again or make it again"
evaluate rows.csv "'rows.csv' is not an HDF5 file; give the file that slabfit train made"
evaluate features/training.h5 "'features/training.h5' is not a model that slabfit wrote; give the file that slabfit \
train made"
refuses 1 "slabfit export: 'model.h5' has no dataset '/features' (it has '/history' (2), \
'/model_weights/dense/dense/bias:0' (4), '/model_weights/dense/dense/kernel:0' (2, 4), \
'/model_weights/dense_1/dense_1/bias:0' (2), '/model_weights/dense_1/dense_1/kernel:0' (4, 2)); name a feature \
file, or its dataset with --features-dataset" \
  slabfit export model.h5 -o new.csv
run 0 slabfit import rows.csv -o named.h5 --classes cold,hot
refuses 1 "slabfit evaluate: the classes are 'low, high' in 'model.h5' and 'cold, hot' in 'named.h5'; use features of \
the same classes" slabfit evaluate model.h5 named.h5

# A model for other features: extracted with two networks, from two sets of images.
run 0 slabfit extract dataset -o mean --backbone mean.ts --preprocess resize=32x32 -q
run 0 slabfit extract dataset -o bgr --backbone mean.ts --preprocess resize=32x32,order=bgr -q
run 0 slabfit train mean -o mean.h5 --hidden 4 --epochs 1 -q
refuses 1 "slabfit evaluate: preprocess is 'resize=32x32' in 'mean.h5' and 'resize=32x32,order=bgr' in \
'bgr/training.h5'; use features that were extracted in the same way" slabfit evaluate mean.h5 bgr/training.h5
refuses 1 "slabfit train: preprocess is 'resize=32x32' in 'mean.h5' and 'resize=32x32,order=bgr' in 'bgr/training.h5'; \
use features that were extracted in the same way" slabfit train bgr -o new.h5 --from mean.h5
sha256 () { sha256sum "$1" | cut -d' ' -f1; }
refuses 1 "slabfit predict: backbone_sha256 is '$(sha256 map.ts)' in 'map.ts' and '$(sha256 mean.ts)' in 'mean.h5'; \
give the backbone that made the model's features" slabfit predict mean.h5 --backbone map.ts "$images"/photo.jpg
refuses 1 "slabfit predict: the backbone 'mean.ts' gives 3 features and the model 'model.h5' takes 2; give the \
backbone that made the model's features" slabfit predict model.h5 --backbone mean.ts "$images"/photo.jpg

# Outputs that are there already, or cannot be.
there="is there already; choose another name or give --force"
echo old >old
refuses 1 "slabfit export: 'old' $there" slabfit export features/training.h5 -o old
refuses 1 "slabfit import: 'old' $there" slabfit import rows.csv -o old
refuses 1 "slabfit backbone: 'old' $there" slabfit backbone resnet50 --random 1 -o old
refuses 1 "slabfit train: 'old' is there already and is no model; choose another name or give --force" \
  slabfit train features -o old
refuses 1 "slabfit evaluate: 'old' is there already with other contents; choose another name or give --force" \
  slabfit evaluate model.h5 features/training.h5 --predictions old
test "$(cat old)" = old || fail 'old was overwritten'
mkfifo pipe
mkdir -m 555 locked
for command in 'train features' 'export features/training.h5' 'import rows.csv' 'backbone resnet50 --random 1'; do
  name=${command%% *}
  refuses 1 "slabfit $name: 'empty' is a folder; give the name of a file" slabfit $command -o empty
  refuses 1 "slabfit $name: 'pipe' is a device or pipe; give the name of a file" slabfit $command -o pipe --force
  refuses 2 "slabfit $name: the output's name is empty; give the name of a file" slabfit $command -o ''
  refuses 1 "slabfit $name: cannot create 'none/new': No such file or directory; check the path" \
  slabfit $command -o none/new
  refuses 1 "slabfit $name: cannot create 'old/new': Not a directory; check the path and the file system" \
    slabfit $command -o old/new
  if can_drop_rights; then
    refuses 1 "slabfit $name: cannot create 'locked/new': Permission denied; check its permissions and its folder's" \
      unprivileged slabfit $command -o locked/new
  fi
done
for command in 'train features' 'import rows.csv'; do
  run 0 slabfit $command -o old --force -q
done
echo old >old.csv
run 0 slabfit export features/training.h5 -o old.csv --force -q
test "$(cat old.csv)" != old || fail 'old.csv was not overwritten'
no_temporary .

# What info takes.
refuses 1 "slabfit info: 'rows.csv' is neither a feature file or model (HDF5) nor a backbone (TorchScript); check the \
path" \
  slabfit info rows.csv
refuses 1 "slabfit info: 'empty' is neither a feature file or model (HDF5) nor a backbone (TorchScript); check the \
path" \
  slabfit info empty
refuses 1 "slabfit info: cannot open 'none': No such file or directory; check the path" slabfit info none
