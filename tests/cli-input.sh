#!/bin/bash
# What slabfit extract takes as DATASET: folders, lists of paths and tar files give the same features, images need no
# classes, and what cannot be used is named with its line or member.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools
need h5diff hdf5-tools
need h5ls hdf5-tools
need tar tar

SLABFIT_NETWORK=$helpers/stub_network.so
echo network >net.ts
extract () { slabfit extract "$1" -o "$2" --backbone net.ts --preprocess resize=32x32 "${@:3}"; }
sha256 () { h5dump -a /manifest_sha256 "$1" | sed -n 's/.*: "\([0-9a-f]*\)".*/\1/p'; }

# Names that lists and archives have trouble with.
odd=$'5" \u00fc, b;\tc\n d.PNG'
for split in training validation; do
  mkdir -p dataset/$split/a 'dataset/'$split'/a b/deep/er'
  cp "$images"/photo.jpg dataset/$split/a/photo.jpeg
  cp "$images"/gray.jpg "dataset/$split/a/$odd"
  cp "$images"/one.jpg "dataset/$split/a b/deep/er/1.JPG"
  cp "$images"/rgb.jpg "dataset/$split/a b/.hidden.jpg"
  cp "$images"/progressive.jpg "dataset/$split/a b/no-extension"
done
echo 'left out' >dataset/README
run 0 extract dataset folder -q
test "$(ls -A folder)" = $'training.h5\nvalidation.h5' || fail "left behind: $(ls -A folder)"
values folder/training.h5 /labels | sort | uniq -c | tr -s ' ' >labels
compare 'labels of folders' labels <<'END'
 2 a
 2 a b
END

# same_features FEATURES: they are those of the folder, and were made from the same manifest.
same_features () {
  for split in training validation; do
    for what in /features /labels /images; do run 0 h5diff folder/$split.h5 "$1"/$split.h5 $what $what; done
    test "$(sha256 "$1"/$split.h5)" = "$(sha256 folder/$split.h5)" || fail "another manifest in $1"
  done
  test "$(ls -A "$1")" = $'training.h5\nvalidation.h5' || fail "left behind: $(ls -A "$1")"
}

# Tar files: of what is in the folder, of the folder, in every format; and one for each split.
for format in ustar pax gnu; do tar -cf $format.tar --format=$format -C dataset .; done
tar -cf around.tar dataset
mkdir tars
for split in training validation; do tar -cf tars/$split.tar -C dataset $split; done
for tar in ustar.tar pax.tar gnu.tar around.tar tars; do
  run 0 extract $tar from-$tar -q
  same_features from-$tar
done
mkdir tars-of-classes
for split in training validation; do tar -cf tars-of-classes/$split.tar -C dataset/$split a 'a b'; done
run 0 extract tars-of-classes f -q
same_features f
rm -r f

# The same with a folder around what each holds, or two, of which the last may be called as the tar file.
mkdir tars-around
tar -cf tars-around/training.tar --transform 's,^dataset/training,photos,' dataset/training
tar -cf tars-around/validation.tar dataset/validation
run 0 extract tars-around f -q
same_features f
rm -r f

# Tasks take turns on one list of what there is.
run 0 extract pax.tar f -q --task 0/2 --split training
run 0 extract pax.tar f -q --task 1/2
run 0 extract pax.tar f -q
same_features f
rm -r f

# Lists of paths.  quoted TEXT: as a field.
quoted () { printf '"%s"' "${1//\"/\"\"}"; }
list () { # SEPARATOR: a line for each image
  (cd dataset && find training validation -name '[!.]*' -type f -print0) | while IFS= read -r -d '' path; do
    class=${path#*/}
    printf '%s%s%s%s%s\n' "$(quoted "$path")" "$1" "${class%%/*}" "$1" "${path%%/*}"
  done
}
for separator in , ';' $'\t'; do
  { echo "path${separator}label${separator}split"; list "$separator"; } >dataset/list.csv
  run 0 extract dataset/list.csv f -q
  same_features f
  rm -r f
done
if test -n "$python"; then
  list , >lines
  "$python" - <<'END' || fail 'no list by Python'
import csv
with open("lines", newline="", encoding="utf-8") as file, open("dataset/list.csv", "w", newline="", encoding="utf-8-sig") as out:
    writer = csv.writer(out)  # as RFC 4180 has it, with CRLF
    writer.writerow(["Set", "ignored", "File", "Class"])
    for path, label, split in csv.reader(file):
        writer.writerow([split, "x", "./" + path.replace("/", "//", 1), label])
END
  run 0 extract dataset/list.csv f -q
  same_features f
  rm -r f
else
  left_out 'a list by another program (no python3)'
fi

# Without a first line that names columns, and without splits: one split.
printf '%s\n' "$PWD"/dataset/training/a/photo.jpeg,x dataset/validation/a/photo.jpeg,y >two.txt
run 0 extract two.txt f -q
values f/training.h5 /labels | sort >labels
compare 'labels of two columns' labels <<'END'
x
y
END
rm -r f
printf '%s\n' dataset/training/a/photo.jpeg dataset/validation/a/photo.jpeg >one.txt
run 0 extract one.txt f -q
test "$(ls -A f)" = all.h5 || fail "there is $(ls -A f)"
rm -r f
cp two.txt validation.txt
run 0 extract validation.txt f -q
test "$(ls -A f)" = validation.h5 || fail "there is $(ls -A f)"
rm -r f

# Images without classes, from a folder to the end.
mkdir -p flat
for i in 1 2 3 4 5; do cp "$images"/photo.jpg flat/$i.jpg; done
echo 'not an image' >flat/notes.txt
run 0 extract flat f -q
run 0 slabfit info f/all.h5 --json
json "(d['rows'], d['classes'], d['images']) == (5, {}, 5)"
run 0 slabfit verify f/all.h5
h5ls f/all.h5 | grep -q '^images ' || fail 'there is no /images'
h5ls f/all.h5 | grep -q '^labels ' && fail 'there is a /labels'
run 0 extract flat f
head -n 1 out >said
compare 'what is kept' said <<'END'
all: 5 rows, 5 of them kept from before, 0 failed
END
run 0 slabfit export f/all.h5 -o all.csv
test "$(cut -d, -f1 all.csv | sort -u)" = -1 || fail "labels are $(cut -d, -f1 all.csv)"
run 0 slabfit export f/all.h5 -o all.npy
mv f/all.h5 f/training.h5
no_labels="'f/training.h5' has no labels, since its images had no classes; extract them from a folder for each class, or \
from a list that names the class of each"
echo 0,1 >rows.csv
echo 1,2 >>rows.csv
mkdir g
run 0 slabfit import rows.csv -o g/training.h5
run 0 slabfit train g -o model.h5 --epochs 1 --hidden 2 -q
refuses 1 "slabfit train: $no_labels" slabfit train f -o other.h5 -q
refuses 1 "slabfit tune: $no_labels" slabfit tune f -q
refuses 1 "slabfit check: $no_labels" slabfit check f -q
refuses 1 "slabfit evaluate: $no_labels" slabfit evaluate model.h5 f/training.h5 -q
rm -r f

# Parts of such files are merged.
mkdir -p many/test
for i in $(seq 70); do cp "$images"/one.jpg many/test/$i.jpg; done
run 0 extract many f -q --rows-per-part 1 --preprocess resize=64x64 --task 1/2
test "$(ls -A f)" = $'images.catalogue\ntest.parts' || fail "there is $(ls -A f)"
run 0 extract many f -q --rows-per-part 1 --preprocess resize=64x64 --task 0/2
test "$(ls -A f)" = test.h5 || fail "left behind: $(ls -A f)"
run 0 extract many f --json -q --preprocess resize=64x64
json "d['splits']['test'] == {'rows': 70, 'failed': 0, 'reused_rows': 70, 'missing_parts': 0}"
rm -r f

# The catalogue that one task left is not taken for another list or tar file of the same folder, however old both are.
for name in first second; do
  for i in $(seq 70); do echo "many/test/$i.jpg,$name"; done | sed '1i path,split' >$name.csv
  tar -cf $name.tar --transform "s,^,$name/," -C many/test .
done
touch -d 2001-02-03 first.csv second.csv first.tar second.tar
for kind in csv tar; do
  run 0 extract first.$kind f -q --rows-per-part 1 --preprocess resize=64x64 --task 0/2
  test "$(ls -A f)" = $'first.parts\nimages.catalogue' || fail "of $kind there is $(ls -A f)"
  run 0 extract second.$kind f -q
  test "$(ls -A f)" = $'first.parts\nimages.catalogue\nsecond.h5' || fail "of $kind there is $(ls -A f)"
  rm -r f
done

# Links in a tar file: what they lead to in it, or a failure.
mkdir -p links/training/a links/training/b links/elsewhere
cp "$images"/photo.jpg links/training/a
ln links/training/a/photo.jpg links/training/b/hard.jpg
ln -s ../a/photo.jpg links/training/b/soft.jpg
ln -s ../../nowhere.jpg links/training/b/dangling.jpg
tar -cf links.tar -C links training
run 0 extract links.tar f -q --max-failures 1
test "$(failed f/training.h5)" = "training/b/dangling.jpg: cannot be read: it is a link to something that the tar file does \
not hold" || fail "failed: $(failed f/training.h5)"
values f/training.h5 /images | sort >paths
compare 'images of links' paths <<'END'
training/a/photo.jpg
training/b/hard.jpg
training/b/soft.jpg
END
rm -r f
ln -s ../elsewhere links/training/c
tar -cf links.tar -C links training elsewhere
refuses 1 "slabfit extract: 'training/c' in 'links.tar' is a link to the folder 'elsewhere'; make the tar file with \
--dereference" extract links.tar f

# Named again: in a list, and in a tar file that was appended to, whose last member counts.
printf '%s\n' path,label dataset/training/a/photo.jpeg,a ./dataset/training/a/photo.jpeg,a >again.csv
run 0 extract again.csv f
head -n 1 err >said
compare 'what is said' said <<'END'
'again.csv' names 1 image again, the first 'dataset/training/a/photo.jpeg'; each is taken once, as named last
END
rm -r f
printf '%s\n' path,label,split dataset/training/a/photo.jpeg,a,training dataset/training/a/photo.jpeg,a,test >again.csv
run 0 extract again.csv f
head -n 1 err >said
compare 'what is said' said <<'END'
'again.csv' has 1 image in two splits, the first 'dataset/training/a/photo.jpeg': what is learned from one will look right in the other
END
rm -r f
mkdir -p twice/training/a
cp "$images"/gray.jpg twice/training/a/1.jpg
tar -cf twice.tar -C twice training
cp "$images"/one.jpg twice/training/a/1.jpg
tar -rf twice.tar -C twice training
run 0 extract twice.tar f
head -n 1 err >said
compare 'what is said' said <<'END'
'twice.tar' names 1 image again, the first 'training/a/1.jpg'; each is taken once, as named last
END
run 0 extract twice g2 -q
run 0 h5diff f/training.h5 g2/training.h5 /features /features
rm -r f

# Lists that cannot be used.
bad_list () { # MESSAGE LINE...
  printf '%s\n' "${@:2}" >bad.csv
  refuses 1 "slabfit extract: $1" extract bad.csv f -q
  absent f
}
p=dataset/training/a/photo.jpeg
bad_list "line 3 of 'bad.csv' has 2 columns and the first line 3; put fields that hold a separator into quotes" \
  path,label,split $p,a,training $p,b
bad_list "the first line of 'bad.csv' has 3 columns and names none of them 'path'; name the columns, as in \
path,label,split" $p,a,training
bad_list "the first line of 'bad.csv' names no image, since 'image_id' is not there, and no column 'path'; name the \
columns, as in path,label,split, or remove the line" image_id,label $p,a
bad_list "line 2 of 'bad.csv' has no path; add it or remove the line" path,label ,a
bad_list "line 2 of 'bad.csv' has '../x' for a split, which is to become a file's name; name one, such as training" \
  path,split $p,../x
bad_list "line 3 of 'bad.csv' has no class, and others of the split 'training' have; add it or remove the line" \
  path,label $p,a dataset/validation/a/photo.jpeg,
bad_list "'$p' has the class 'a' in line 2 of 'bad.csv' and 'b' in line 3; an image has one" path,label $p,a $p,b
bad_list "line 2 of 'bad.csv' is not UTF-8; convert the list (iconv -t UTF-8), and rename its images (convmv) where they \
are called so" path $'caf\xe9.jpg'
bad_list "none of the images that 'bad.csv' names is there, not that of line 2; paths in it are taken from the folder '.' \
on" path,label 1.jpg,a 2.jpg,b
bad_list "'bad.csv' names no images; give a line for each" path,label
bad_list "the quote at line 2 of 'bad.csv' is not closed; close it, or put the field into quotes with its own quotes \
doubled" path,label '"1.jpg,a'

# Some that are not there are told of, and fail as images do.
printf '%s\n' path,label $p,a dataset/none.jpg,a >some.csv
run 0 extract some.csv f --max-failures 1
head -n 1 err >said
compare 'what is said' said <<'END'
1 of the 2 images that 'some.csv' names is not there, the first in line 3
END
test "$(failed f/training.h5)" = "dataset/none.jpg: cannot be read: No such file or directory" \
  || fail "failed: $(failed f/training.h5)"
rm -r f

# A first image that is not there, and one whose name looks like a column's.
printf '%s\n' none.jpg,a $p,a >some.csv
run 0 extract some.csv f -q --max-failures 1
test "$(failed f/training.h5)" = "none.jpg: cannot be read: No such file or directory" \
  || fail "failed: $(failed f/training.h5)"
rm -r f
cp $p image_id
printf '%s\n' image_id,a $p,b >some.csv
run 0 extract some.csv f -q
values f/training.h5 /labels | sort >labels
compare 'labels of two columns' labels <<'END'
a
b
END
rm -r f

# Columns that may be misspelt, or of which there are two.
printf '%s\n' path,lable,set $p,a,training >some.csv
run 0 extract some.csv f
head -n 1 err >said
compare 'what is said' said <<'END'
'some.csv' has no column label, class or category, so that its images have no classes; it has path, lable, set
END
rm -r f
printf '%s\n' path,split $p,training >some.csv
run 0 extract some.csv f
grep -q column err && fail "said of a list without classes: $(cat err)"
rm -r f
bad_list "the first line of 'bad.csv' names two columns for the class, 'label' and 'Class'; rename the one that is not \
meant" path,label,Class $p,a,b
bad_list "the first line of 'bad.csv' names two columns for the split, 'split' and 'set'; rename the one that is not \
meant" path,set,split $p,a,b

# Classes some of which have folders.
mkdir -p classes/cat classes/dog/thumbs
cp "$images"/photo.jpg classes/cat
cp "$images"/gray.jpg classes/dog/thumbs
run 0 extract classes f
head -n 1 err >said
compare 'what is said' said <<'END'
none of the 2 folders of 'classes' is called as a split is (training, validation, evaluation): they are taken for classes, with all images in the folders below them
END
values f/training.h5 /labels | sort >labels
compare 'labels of classes with folders' labels <<'END'
cat
dog
END
rm -r f

# What else is no dataset.
gzip -k pax.tar
refuses 1 "slabfit extract: 'pax.tar.gz' is compressed, so that no image in it can be read alone; unpack it with gzip -d" \
  extract pax.tar.gz f
mkdir tars-of-few
cp tars/training.tar tars-of-few
gzip -c tars/validation.tar >tars-of-few/validation.tar.gz
refuses 1 "slabfit extract: 'tars-of-few/validation.tar.gz' is compressed, so that no image in it can be read alone; unpack \
it with gzip -d" extract tars-of-few f
absent f
head -c 20000 pax.tar >cut.tar
run 1 extract cut.tar f -q
like "slabfit extract: 'cut.tar' (ends in the middle of '.*'; copy it again|cannot be read as a tar file: .*; copy or make it again)" "$(tr '\n' ' ' <err | sed 's/ $//')"
refuses 1 "slabfit extract: 'net.h5' is neither a list of paths nor a tar file; give one of these, or a folder of images" \
  bash -c 'printf "\211HDF\0" >net.h5; slabfit extract net.h5 -o f --backbone net.ts'
mkdir -p wrapped/photos
cp -r dataset/training dataset/validation wrapped/photos
refuses 1 "slabfit extract: 'wrapped/photos' looks like the dataset, since it has the folder 'training'; give it instead of \
'wrapped'" extract wrapped f
absent f

# Features in the dataset would be taken for images, if they were not hidden.
for place in dataset dataset/f dataset/training/f; do
  refuses 1 "slabfit extract: '$place' lies in the dataset 'dataset', which it would become a part of; choose a folder elsewhere" \
    extract dataset $place -q
done
absent dataset/f dataset/training/f
for place in tars tars/f; do
  refuses 1 "slabfit extract: '$place' lies in the dataset 'tars', which it would become a part of; choose a folder elsewhere" \
    extract tars $place -q
done
absent tars/f
run 0 extract dataset dataset/.f -q
same_features dataset/.f

# The whole job from a list.
mkdir -p shots
for i in 1 2 3 4 5 6 7 8; do
  cp "$images"/$(test $((i % 2)) = 0 && echo photo || echo gray).jpg shots/$i.jpg
  echo "shots/$i.jpg,$(test $((i % 2)) = 0 && echo colour || echo gray),$(test $i -gt 6 && echo evaluation || echo training)"
done >lines
{ echo path,class,split; cat lines; } >job.csv
run 0 slabfit run --dataset job.csv -o work --backbone net.ts --preprocess resize=32x32 --epochs 2 --hidden 2 -q --json
json "d['extract']['splits']['training']['rows'] == 6 and 'accuracy' in d['evaluate']"

# Splits that are called as in other data sets.
mkdir -p other/train/a other/train/b other/val/a other/val/b
cp "$images"/photo.jpg other/train/a/1.jpg
cp "$images"/gray.jpg other/train/b/1.jpg
cp "$images"/rgb.jpg other/val/a/1.jpg
cp "$images"/progressive.jpg other/val/b/1.jpg
run 0 extract other apart -q
test "$(ls apart)" = $'train.h5\nval.h5' || fail "there are $(ls apart)"
run 0 slabfit train apart -o apart.h5 --epochs 1 --hidden 2 -q --json
json "'val_loss' in d['epochs'][0]"
