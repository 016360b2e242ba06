#!/bin/bash
# A full disk: a message that says so, nothing under a final name, nothing unfinished left, and success with more space.
. "$(dirname "$0")"/functions.sh || exit 1

for i in 1 2 3 4 5 6 7 8 9 10; do echo "0,$i,1"; echo "1,-$i,1"; done >rows.csv
mkdir features
run 0 slabfit import rows.csv -o features/training.h5 --classes low,high
run 0 slabfit train features -o model.h5 --hidden 4 --epochs 2 -q

# Standard output.
if test -w /dev/full; then
  for command in --help --version 'info model.h5' 'info model.h5 --json' 'evaluate model.h5 features/training.h5' \
    'verify features/training.h5' 'merge features' 'train features -o new.h5 --epochs 1 -q'; do
    slabfit $command >/dev/full 2>err
    status=$? command_line="slabfit $command >/dev/full"
    test $status = 1 || fail "'$command_line' exits with $status"
    name=" ${command%% *}"
    errors <<END
slabfit${name/ --*}: cannot write 'standard output': No space left on device; free some space, then run the same command again
END
  done
else
  left_out 'a full standard output: no /dev/full'
fi

mkdir full
if ! mount -t tmpfs -o size=256k slabfit-test full 2>/dev/null; then
  left_out 'a full disk: it takes the right to mount one'
  exit 0
fi
fill () { head -c 1M /dev/zero >full/fill 2>/dev/null; }
space='No space left on device; free some space, then run the same command again'

# no_space FILE COMMAND...: fails to write FILE, or even to create it, then succeeds.
no_space () {
  fill
  run 1 slabfit "${@:2}"
  output </dev/null
  like "slabfit $2: cannot (create|write|write the model to) '$1': $space" "$(cat err)"
  test "$(ls -A full)" = fill || fail "left behind: $(ls -A full)"
  rm full/fill
  run 0 slabfit "${@:2}"
  test -s "$1" || fail "'$command_line' makes no $1"
  rm "$1"
}
no_space full/new.h5 train features -o full/new.h5 --epochs 1 -q
no_space full/new.csv export features/training.h5 -o full/new.csv
no_space full/new.h5 import rows.csv -o full/new.h5
no_space full/new.csv evaluate model.h5 features/training.h5 --predictions full/new.csv

# organize copies to another file system.
mkdir -p photos/training
cp "$images"/photo.jpg photos/training/0_1.jpg
cp "$images"/rgb.jpg photos/training/1_1.jpg
fill
refuses 1 "slabfit organize: cannot write 'full/dataset/training/a/0_1.jpg': $space" \
  slabfit organize photos full/dataset --classes a,b -q
test -z "$(find full/dataset -type f)" || fail "left behind: $(find full/dataset -type f)"
rm full/fill
run 0 slabfit organize photos full/dataset --classes a,b --json -q
json "(d['linked'], d['copied'], d['kept']) == (0, 2, 0)"
rm -r full/dataset

# A backbone is larger than this disk.
refuses 1 "slabfit backbone: cannot write the backbone 'full/new.ts': No space left on device; check the free space \
and the folder's permissions" slabfit backbone resnet50 --random 1 -o full/new.ts
test -z "$(ls -A full)" || fail "left behind: $(ls -A full)"

# extract: 160 rows of 2400 float32, 1,536,000 bytes in parts and as many merged; an eighth of both is more than 256 kB.
network wide
mkdir -p dataset/training/a dataset/training/b elsewhere
for i in $(seq 80); do
  cp "$images"/photo.jpg dataset/training/a/$i.jpg
  cp "$images"/progressive.jpg dataset/training/b/$i.jpg
  echo $i | tee -a dataset/training/{a,b}/$i.jpg >tee # no duplicates
done
extract='slabfit extract ../dataset -o f --backbone ../wide.ts --preprocess resize=160x160 --rows-per-part 32 --compress 0'
cd elsewhere || exit 1
run 0 $extract
cd ../full || exit 1
run 1 $extract
like "slabfit extract: 160 x 2400 float32 values need 3.1 MB in 'f' before compression, parts and merged file together, \
and 2[0-9]+\.[0-9] kB are free, less than an eighth; free some space, choose another folder, make them smaller with \
--dtype float16 or --pool avg, or try with --force, which makes all anew" "$(cat err)"
absent f

# What is listed does not fit either, at the first list or at the second, which it is sorted into.
for images in 3000 8000; do
  { echo dataset/training/a/1.jpg; seq -f %.0f.jpg $images; } >../list.csv
  run 1 slabfit extract ../list.csv -o f --backbone ../wide.ts -q
  like "slabfit extract: cannot write 'f/images.catalogue': $space" "$(cat err)"
  absent f
done

# --force tries, and says what it would take: not even the first part fits.
run 1 $extract --force
like "160 x 2400 float32 values to make in 'f': 1.5 MB before compression, 3.1 MB while the merged file stands beside its \
parts; 2[0-9]+\.[0-9] kB free, enough if they become 1[12]\.[0-9] times smaller" "$(head -n 1 err)"
like "slabfit extract: cannot (create|write) 'f/training.parts/0000[0-4].h5': $space" "$(tail -n 1 err)"
test -z "$(find f -type f)" || fail "left behind: $(find f -type f)"

# More space, but the first part shows that it is too little: that part stays, and nothing more is done.
mount -o remount,size=1M . || fail 'no remount'
run 1 $extract
like "160 x 2400 float32 values to make in 'f': .*; 1.0 MB free, enough if they become (2.9|3.0) times smaller" "$(head -n 1 err)"
too_little="slabfit extract: 'f' needs 2.8 MB more, by the size of the parts that are there, for 128 images and for the \
merged file beside its parts, and has 7[0-9]+.[0-9] kB free; make room, then run the same command again"
like "$too_little" "$(tail -n 1 err)"
test "$(find f -name '*.h5' | wc -l)" = 1 || fail "there are $(find f -type f)"
run 1 $extract
like "$too_little" "$(cat err)"

# Enough: it goes on to the same bytes.
mount -o remount,size=8M . || fail 'no remount'
run 0 $extract
like "128 x 2400 float32 values to make in 'f': 1.3 MB if they are like the parts that are there, 2.8 MB while the merged \
file stands beside its parts; 8.[01] MB free" "$(head -n 1 err)"
like "training: 160 rows, 32 of them kept from before, 0 failed" "$(head -n 1 out)"
same f/training.h5 ../elsewhere/f/training.h5
rm -r f
mount -o remount,size=256k . || fail 'no remount'

# merge: the parts stay until their split is whole.
cd ..
extract=${extract//..\//}
extract="${extract/--compress 0/} -q"
run 0 $extract --task 0/2
mkdir -p full/f/training.parts
mv f/training.parts/* full/f/training.parts
run 0 $extract --task 1/2
mv f/training.parts/* full/f/training.parts
ls full/f/training.parts >before
fill
run 1 slabfit merge full/f
like "slabfit merge: cannot (create|write) 'full/f/training.h5': $space" "$(cat err)"
ls full/f/training.parts >after
same before after
absent full/f/training.h5
no_temporary full
rm full/fill
run 0 slabfit merge full/f
output <<'END'
training: 160 rows from 5 parts
END
