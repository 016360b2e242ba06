#!/bin/bash
# Datasets and backbones that are missing, damaged or do not do: each with its message, and nothing left behind.
. "$(dirname "$0")"/functions.sh || exit 1

for kind in mean pair nan map; do network $kind; done
mkdir -p dataset/training/a dataset/training/b dataset/validation/a
cp "$images"/photo.jpg "$images"/gray.jpg dataset/training/a
cp "$images"/rgb.jpg "$images"/one.jpg dataset/training/b
cp "$images"/photo.jpg dataset/validation/a

# Datasets.
extract () {
  refuses 1 "slabfit extract: $1" slabfit extract "${@:2}" -o f --backbone mean.ts --preprocess resize=32x32
}
extract "cannot open 'none': No such file or directory; check the path" none
extract "'mean.ts' is neither a list of paths nor a tar file; give one of these, or a folder of images" mean.ts
extract "class 'b' is in 'dataset/training' but not in 'dataset/validation'; add the folder 'dataset/validation/b' \
(empty, if there are no such images) or remove the class" dataset
mkdir dataset/validation/b dataset/validation/c
extract "class 'c' is in 'dataset/validation' but not in 'dataset/training'; add the folder 'dataset/training/c' \
(empty, if there are no such images) or remove the class" dataset
rmdir dataset/validation/c
no_images="holds no images; put some into 'dataset/evaluation/CLASS/' (slabfit organize does it), or remove the folder"
mkdir dataset/evaluation
extract "'dataset/evaluation' $no_images" dataset
mkdir dataset/evaluation/a dataset/evaluation/b
extract "'dataset/evaluation' $no_images" dataset
rm -r dataset/evaluation
mkdir empty
extract "'empty' has no folders of splits; put images into 'empty/training/CLASS/' and so on, or make a dataset with \
slabfit organize" empty
cp "$images"/one.jpg $'dataset/training/a/caf\351.jpg'
extract "the name 'training/a/caf\\xe9.jpg' is not UTF-8; rename it (convmv converts whole folders)" dataset
rm dataset/training/a/caf*
absent f

# Backbones.
backbone () {
  refuses 1 "slabfit extract: $2" slabfit extract dataset -o f --preprocess resize=32x32 --backbone "$1"
}
backbone none.ts "cannot open 'none.ts': No such file or directory; check the path"
backbone dataset "cannot read 'dataset': Is a directory; check the path and the file system"
: >empty.ts
echo 'not a network' >text.ts
head -c 1000 mean.ts >cut.ts
for file in empty text; do
  run 1 slabfit extract dataset -o f --backbone $file.ts
  like "slabfit extract: cannot use the backbone '$file.ts': .*; give a TorchScript file, such as 'slabfit backbone' \
writes" \
    "$(cat err)"
done
backbone cut.ts "'cut.ts' is cut short: what a zip archive ends with is missing; copy or make it again"
other="give it the --preprocess that it was trained with, or another backbone"
backbone pair.ts "cannot use the backbone 'pair.ts' for images of 3 x 32 x 32: the network gives a Tuple, not one \
tensor ('slabfit backbone wrap --output N' takes one of several); $other"
run 1 slabfit extract dataset -o f --backbone map.ts --preprocess resize=8x8
like "slabfit extract: cannot use the backbone 'map.ts' for images of 3 x 8 x 8: .*[Oo]utput size is too small; \
$other" \
  "$(cat err)"
absent f
run 1 slabfit extract dataset -o f --backbone nan.ts -q
like "slabfit extract: the backbone gives a value that is not finite in row [0-9]+, column [0-9]+ of part 0 of \
'training'; check its weights and the --preprocess that it was trained with" "$(cat err)"
absent f/training.h5 f/training.parts/00000.h5
no_temporary f
run 1 env SLABFIT_NETWORK=none.so slabfit extract dataset -o f --backbone mean.ts
like "slabfit extract: cannot use the backbone 'mean.ts': the network module does not load: none.so: .*; check that \
libtorch is there" "$(cat err)"
