#!/bin/bash
# Wrong usage, option by option: exit status 2 and a message that says what is taken.  And --help and --version.
. "$(dirname "$0")"/functions.sh || exit 1

commands='run organize backbone extract merge verify info check train tune evaluate predict export import bench'

# No command, or none of ours.
run 2 slabfit
output </dev/null
head -n 1 err >said
echo 'Usage: slabfit COMMAND [OPTION...] ARGUMENT...' | compare 'usage' said
refuses 2 "slabfit: there is no command 'frobnicate'; 'slabfit --help' lists them" slabfit frobnicate
refuses 2 "slabfit: there is no command '--json'; 'slabfit --help' lists them" slabfit --json

# --help and --version.
run 0 slabfit --help
errors </dev/null
for name in $commands; do
  grep -q "^  $name  *[A-Za-z]" out || fail "slabfit --help does not list $name"
done
test "$(grep -c '^  [a-z]' out)" = 15 || fail 'slabfit --help lists other commands too'
run 0 slabfit --version
like 'slabfit [0-9]+\.[0-9]+\.[0-9]+' "$(cat out)"
cp out version
for name in '' $commands; do
  run 0 slabfit $name --help
  errors </dev/null
  test "$(grep -c '^Example: slabfit ' out)" = 1 || fail "slabfit $name --help has no example"
  awk 'length > 79 { print FILENAME ":" FNR ": " $0; wide = 1 } END { exit wide }' out \
    || fail "slabfit $name --help has lines of 80 columns and more"
  run 0 slabfit $name --version
  same out version
done

# Arguments.
refuses 2 'slabfit run: give SOURCE, the photographs, or --dataset' slabfit run
refuses 2 'slabfit run: give the folder for all that is made: -o WORK' slabfit run photos
refuses 2 'slabfit run: give the folder for all that is made: -o WORK' slabfit run photos -o ''
refuses 2 "slabfit run: one SOURCE, please; 'b' is too many" slabfit run a b -o work
refuses 2 'slabfit organize: give SOURCE and DATASET' slabfit organize
refuses 2 'slabfit organize: give SOURCE and DATASET' slabfit organize a
refuses 2 "slabfit organize: one SOURCE and one DATASET, please; 'c' is too many" slabfit organize a b c
refuses 2 'slabfit backbone: give an architecture: resnet50, resnet101, resnet152; or wrap FILE.ts' slabfit backbone
refuses 2 'slabfit backbone: give the file to write: -o FILE.ts' slabfit backbone resnet50
refuses 2 'slabfit backbone: say where the weights come from: --weights FILE, or --random SEED' \
  slabfit backbone resnet50 -o a.ts
refuses 2 "slabfit backbone: one architecture, please; 'b' is too many" slabfit backbone a b -o a.ts --random 1
refuses 2 "slabfit backbone: there is no architecture 'vgg'; choose one of resnet50, resnet101, resnet152" \
  slabfit backbone vgg -o a.ts --random 1
refuses 2 'slabfit extract: give the DATASET, a folder of images, a list of paths, or a tar file' slabfit extract
refuses 2 'slabfit extract: give the folder for the features: -o FEATURES' slabfit extract a
refuses 2 'slabfit extract: give the folder for the features: -o FEATURES' slabfit extract a -o ''
refuses 2 "slabfit extract: give the network: --backbone FILE.ts ('slabfit backbone' makes one)" slabfit extract a -o f
refuses 2 "slabfit extract: one DATASET, please; 'b' is too many" slabfit extract a b -o f --backbone n.ts
refuses 2 'slabfit merge: give the FEATURES folder' slabfit merge
refuses 2 "slabfit merge: one FEATURES folder, please; 'b' is too many" slabfit merge a b
refuses 2 'slabfit verify: give at least one feature FILE.h5' slabfit verify
refuses 2 'slabfit info: give a FILE: features, a model or a backbone' slabfit info
refuses 2 "slabfit info: one FILE, please; 'b' is too many" slabfit info a b
refuses 2 'slabfit train: give the FEATURES folder' slabfit train
refuses 2 'slabfit train: give the model file to write: -o MODEL.h5' slabfit train f
refuses 2 "slabfit train: one FEATURES folder, please; 'g' is too many" slabfit train f g -o m.h5
refuses 2 'slabfit tune: give the FEATURES folder' slabfit tune
refuses 2 "slabfit tune: one FEATURES folder, please; 'g' is too many" slabfit tune f g
refuses 2 'slabfit evaluate: give MODEL.h5 and the feature FILE.h5' slabfit evaluate m.h5
refuses 2 "slabfit evaluate: one MODEL.h5 and one FILE.h5, please; 'c' is too many" slabfit evaluate a b c
refuses 2 'slabfit predict: give MODEL.h5 and at least one IMAGE (- reads their paths from standard input)' \
  slabfit predict m.h5
refuses 2 "slabfit predict: give the network that made the model's features: --backbone FILE.ts" \
  slabfit predict m.h5 a.jpg
refuses 2 'slabfit export: give the feature FILE.h5 and the file to write: -o FILE.csv or FILE.npy' slabfit export a.h5
refuses 2 "slabfit export: one feature FILE.h5, please; 'b' is too many" slabfit export a b -o c
refuses 2 'slabfit import: give FILE.csv or FILE.npy and the feature file to write: -o FILE.h5' slabfit import -o a.h5
refuses 2 "slabfit import: one FILE.csv or FILE.npy, please; 'b' is too many" slabfit import a b -o c

# Options that no command has, or without what they take.
for name in $commands; do
  refuses 2 "slabfit $name: unrecognized option '--frobnicate'" slabfit $name --frobnicate
  refuses 2 "slabfit $name: option '--seed' requires an argument" slabfit $name --seed
  refuses 2 "slabfit $name: option '--json' doesn't allow an argument" slabfit $name --json=yes
  refuses 2 "slabfit $name: invalid option -- 'x'" slabfit $name -x
done
refuses 2 "slabfit train: option '--epochs' requires an argument" slabfit train f -o m.h5 --epochs
refuses 2 "slabfit train: unrecognized option '--task'" slabfit train f -o m.h5 --task 0/2
refuses 2 "slabfit train: option '--e' is ambiguous; possibilities: '--early-stop' '--engine' '--epochs'" \
  slabfit train f -o m.h5 --e 3

# Options of every command.
common () { refuses 2 "slabfit merge: $1" slabfit merge f "${@:2}"; }
for number in -1 x 1.5 9223372036854775808 99999999999999999999 ''; do
  common "--seed takes a whole number from 0 to 9223372036854775807, not '$number'" --seed "$number"
done
for number in 0 -2 1025 99999999999999999999 two; do
  common "--threads takes a whole number from 1 to 1024, not '$number'" --threads "$number"
done
for bytes in 1X 0 -5 99999999999T 18446744073709551616 16777216T M 5MB ''; do
  common "--memory takes a number of bytes such as 800M or 16G, not '$bytes'" --memory "$bytes"
done
common "--stop-after takes a number of seconds above 0, not '0'" --stop-after 0
common "--stop-after takes a number of seconds above 0, not '-1'" --stop-after -1
common "--stop-after takes a number, not 'soon'" --stop-after soon
common "--stop-after takes a number, not 'inf'" --stop-after inf

# organize.
for shares in 1,2 1,2,3,4 1,2,x 1,2,-3 0,0,0; do
  refuses 2 "slabfit organize: --splits takes three shares such as 70,15,15, none below 0, not '$shares'" \
    slabfit organize a b --splits $shares
done
for list in '' , a,,b a,; do
  refuses 2 "slabfit organize: --classes takes a list such as A,B,C without empty entries, not '$list'" \
    slabfit organize a b --classes "$list"
done

# extract.
extract () { refuses 2 "slabfit extract: $1" slabfit extract a -o f --backbone n.ts "${@:2}"; }
for task in 3/2 2/2 -1/2 0/0 1 1/ /2 0/2/3 0/x 0/99999999999 99999999999999999999/2 ''; do
  extract "--task takes I/N with I from 0 to N - 1, not '$task'" --task "$task"
done
for number in 0 -1 1048577 99999999999999999999 1K; do
  extract "--rows-per-part takes a whole number from 1 to 1048576, not '$number'" --rows-per-part $number
done
extract "--network-batch takes a whole number from 1 to 1024, not '0'" --network-batch 0
extract "--network-batch takes a whole number from 1 to 1024, not '1025'" --network-batch 1025
extract "--compress takes a whole number from 0 to 12, not '13'" --compress 13
extract "--compress takes a whole number from 0 to 12, not '-1'" --compress -1
extract "--dtype takes float32 or float16, not 'float64'" --dtype float64
extract "--pool takes none, avg or max, not 'mean'" --pool mean
extract "--split takes a list such as A,B,C without empty entries, not 'training,'" --split training,
for limit in -1 101% x % '' 1.5 99999999999999999999 -1%; do
  extract "--max-failures takes a number of images or a share such as 1%, not '$limit'" --max-failures "$limit"
done

# What SPEC of --preprocess is, and each thing it may not be.
keys="it takes keras, torchvision, or key=value with the keys decode, resize, crop, interp, centre, order, scale, mean \
and std, separated by commas"
sizes='each from 1 to 16384'
preprocess () { extract "preprocessing '$1'$2" --preprocess "$1"; }
preprocess '' ": unknown key ''; $keys"
preprocess caffe ": unknown key 'caffe'; $keys"
preprocess resize=8x8, ": unknown key ''; $keys"
preprocess keras,crop=8 ": unknown key 'keras'; $keys"
preprocess resize ": resize takes the shorter side or HEIGHTxWIDTH, $sizes, not ''"
for size in '' 0 -8 8x 8x0 8x8x8 16385 99999999999999999999 8.5; do
  preprocess resize=$size ": resize takes the shorter side or HEIGHTxWIDTH, $sizes, not '$size'"
  preprocess resize=8,crop=$size ": crop takes a size or HEIGHTxWIDTH, $sizes, not '$size'"
done
preprocess interp=cubic,resize=8x8 ": interp takes nearest, bilinear or bicubic, not 'cubic'"
preprocess resize=8x8,order=gbr ": order takes rgb or bgr, not 'gbr'"
for scale in 0 -1 1/0 x nan 1/255/2; do
  preprocess resize=8x8,scale=$scale ": scale takes a positive number or fraction, such as 1/255, not '$scale'"
done
for mean in 1:2 1:2:3:4 1:2:x inf:0:0; do
  preprocess resize=8x8,mean=$mean ": mean takes three numbers R:G:B, such as 123.68:116.779:103.939, not '$mean'"
done
for std in 0:1:1 1:1:-1 1; do
  preprocess resize=8x8,std=$std ": std takes three positive numbers R:G:B, such as 0.229:0.224:0.225, not '$std'"
done
preprocess resize=8x8,resize=9x9 ': resize is there twice; leave one'
preprocess crop=8,resize=9 ': resize is applied before crop; write it before'
preprocess resize=8x8,std=1:1:1,mean=0:0:0 ': mean is applied before std; write it before'
preprocess resize=8 ' gives images of different sizes; add crop=HEIGHTxWIDTH, or write resize=HEIGHTxWIDTH'

# backbone, import.
refuses 2 "slabfit backbone: --random takes a whole number from 0 to 9223372036854775807, not '-1'" \
  slabfit backbone resnet50 -o a.ts --random -1
refuses 2 "slabfit import: --dtype takes float32 or float16, not 'double'" slabfit import a.csv -o a.h5 --dtype double
refuses 2 "slabfit import: --compress takes a whole number from 0 to 12, not 'x'" \
  slabfit import a.csv -o a.h5 --compress x
refuses 2 "slabfit import: --classes takes a list such as A,B,C without empty entries, not 'a,,b'" \
  slabfit import a.csv -o a.h5 --classes a,,b

# train: looked at before any file.
train () { refuses 2 "slabfit train: $1" slabfit train f -o m.h5 "${@:2}"; }
for number in 0 -3 3x 1e3 1073741825 99999999999999999999 ''; do
  train "--epochs takes a whole number from 1 to 1073741824, not '$number'" --epochs "$number"
done
for number in 0 -1 1048577 99999999999999999999; do
  train "--batch takes a whole number from 1 to 1048576, not '$number'" --batch $number
done
train "--early-stop takes a whole number from 1 to 1073741824, not '0'" --early-stop 0
train "--hidden takes a whole number from 1 to 1048576, not '0'" --hidden 0
train "--hidden takes a whole number from 1 to 1048576, not '-16'" --hidden 256,-16
train "--hidden takes a whole number from 1 to 1048576, not '99999999999999999999'" --hidden 99999999999999999999
train "--hidden takes a list such as A,B,C without empty entries, not '256,,16'" --hidden 256,,16
train '--hidden takes up to 16 sizes, not 17' --hidden 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
train "--lr takes a number, not 'abc'" --lr abc
train "--lr takes a number, not '1e999'" --lr 1e999
train '--lr must be larger than 0, not 0' --lr 0
train '--lr must be larger than 0, not -0.1' --lr -0.1
train '--momentum must be from 0 to below 1, not 1' --momentum 1
train '--momentum must be from 0 to below 1, not -0.5' --momentum -0.5
train '--decay must be 0 or larger, not -1' --decay -1
train '--l2 must be 0 or larger, not -1' --l2 -1
train "--engine takes auto, sweep or gram, not 'fast'" --engine fast
train "--schedule takes constant, time, cosine[:WARMUP] or step[:EPOCHS:FACTOR], not 'fast'" --schedule fast
train '--dropout must be from 0 to below 1, not 1' --dropout 1
train '--schedule cosine:25 warms up for all of the 25 epochs; give fewer, or more --epochs' --schedule cosine:25
train "--shuffle takes window, full or none, not 'maybe'" --shuffle maybe
train "--class-weight takes none or balanced, not '2'" --class-weight 2

# run looks at the options of all stages before the first one works.
stages () { refuses 2 "slabfit run: $1" slabfit run photos -o work "${@:2}"; }
stages "give the network: --backbone FILE.ts ('slabfit backbone' makes one)"
stages "--epochs takes a whole number from 1 to 1073741824, not '-3'" --backbone n.ts --epochs -3
stages "unrecognized option '--task'" --backbone n.ts --task 0/2
stages "give SOURCE, here 'photos', or --dataset, here 'dataset', which is taken as it is: not both" --dataset dataset
refuses 2 'slabfit run: --splits is for SOURCE; --dataset is taken as it is' \
  slabfit run --dataset dataset -o work --backbone n.ts --splits 70,15,15
refuses 2 'slabfit run: --classes is for SOURCE; --dataset is taken as it is' \
  slabfit run --dataset dataset -o work --backbone n.ts --classes a,b
stages "--splits takes three shares such as 70,15,15, none below 0, not '1,2'" --backbone n.ts --splits 1,2

# Nothing of all this made a file.
rm -f out err said expected version
test -z "$(ls)" || fail "left behind: $(ls)"
