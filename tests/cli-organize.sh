#!/bin/bash
# slabfit organize: both layouts of a source, what is kept, and what is refused.
. "$(dirname "$0")"/functions.sh || exit 1

listing () { find "$1" -printf '%P %y %i %n %T@\n' | sort; }
files () { find "$1" -type f -printf '%P\n' | sort; }

# Food-5K's layout.
mkdir -p food/training food/validation food/evaluation
for split in training validation evaluation; do
  for i in 0 1 2; do
    echo "$split 0 $i" >food/$split/0_$i.jpg
    echo "$split 1 $i" >food/$split/1_$i.jpg
  done
done
rm food/validation/1_2.jpg
echo hidden >food/training/.hidden
run 0 slabfit organize food dataset --classes non_food,food
output <<'END'
training: 3 non_food, 3 food
validation: 3 non_food, 2 food
evaluation: 3 non_food, 3 food
END
like 'organize 17/17 images, [0-9.]+/s, [0-9.]+ s' "$(cat err)"
files dataset >tree
compare 'the tree' tree \
  < <(printf '%s\n' {evaluation,training,validation}/{food/1,non_food/0}_{0,1,2}.jpg | grep -v validation/food/1_2)
for file in training/non_food/0_1 validation/food/1_0; do
  split=${file%%/*} name=${file##*/}
  test dataset/$file.jpg -ef food/$split/$name.jpg || fail "dataset/$file.jpg is not a hard link"
done

# Running again changes nothing.
listing dataset >before
run 0 slabfit organize food dataset --classes non_food,food --json -q
errors </dev/null
json "d == {'splits': {'training': {'non_food': 3, 'food': 3}, 'validation': {'non_food': 3, 'food': 2}, \
'evaluation': {'non_food': 3, 'food': 3}}, 'linked': 0, 'copied': 0, 'kept': 17}"
listing dataset >after
same before after

# What is missing is added, and a copy is as good as a link.
rm dataset/training/food/1_0.jpg
cp --remove-destination food/training/0_0.jpg dataset/training/non_food/0_0.jpg
run 0 slabfit organize food dataset --classes non_food,food --json -q
json "(d['linked'], d['copied'], d['kept']) == (1, 0, 16)"

# Names.
organize () { slabfit organize food "${@-new}" --classes non_food,food; }
refuses 2 "slabfit organize: 'food' numbers its classes; name them in order, such as --classes non_food,food" \
  slabfit organize food new
refuses 1 "slabfit organize: 'food/training/1_0.jpg' is of class 1, but only the classes 0 to 0 have a name; name it \
too (--classes), or remove the file" slabfit organize food new --classes food
refuses 2 "slabfit organize: the class 'food' is named twice; give each number a name of its own" \
  slabfit organize food new --classes food,food
for name in .food non/food $'non\377food'; do
  refuses 2 "slabfit organize: '$name' cannot be a class's name: it becomes a folder's name, in UTF-8, without '/' and \
without a leading '.'" slabfit organize food new --classes "$name,food"
done
refuses 2 "slabfit organize: 'food' is divided into splits already; leave out --splits" organize new --splits 70,15,15
for name in README.txt 0.jpg _1.jpg 0_.jpg 0_1 x_1.jpg; do
  echo x >food/training/$name
  refuses 1 "slabfit organize: 'food/training/$name' does not fit {class}_{id}.EXT, such as 0_12.jpg; rename or remove \
it" \
    organize
  rm food/training/$name
done
for name in 2_0 99999999999999999999_0; do
  echo x >food/evaluation/$name.jpg
  class=${name%_0}
  test $class = 2 || class='[0-9]*'
  run 1 organize
  like "slabfit organize: 'food/evaluation/$name.jpg' is of class $class, but only the classes 0 to 1 have a name; \
name it too \(--classes\), or remove the file" "$(cat err)"
  rm food/evaluation/$name.jpg
done
mkdir food/training/sub
refuses 1 "slabfit organize: 'food/training/sub' is a folder among images; move its images up, or move it away" organize
rmdir food/training/sub
absent new

# Another file in the place.
echo other >other
cp --remove-destination other dataset/validation/food/1_1.jpg
listing dataset >before
refuses 1 "slabfit organize: 'dataset/validation/food/1_1.jpg' exists and is not the same as \
'food/validation/1_1.jpg'; remove it or choose another folder for the dataset" organize dataset
listing dataset >after
same before after

# A folder for each class.
mkdir -p animals/cat animals/dog
for i in 1 2 3 4 5 6 7 8 9 10; do echo "cat $i" >animals/cat/$i.jpg; echo "dog $i" >animals/dog/$i.jpg; done
refuses 2 "slabfit organize: 'animals' is not divided into splits; give each a share, such as --splits 70,15,15" \
  slabfit organize animals divided
refuses 2 "slabfit organize: 'animals' has a folder for each class, which names it; leave out --classes" \
  slabfit organize animals divided --splits 70,15,15 --classes cat,dog
run 0 slabfit organize animals divided --splits 60,20,20
output <<'END'
training: 6 cat, 6 dog
validation: 2 cat, 2 dog
evaluation: 2 cat, 2 dog
END
files divided | sed 's/^[a-z]*.//' | sort >tree
compare 'the images' tree < <(files animals)
listing divided >before
run 0 slabfit organize animals divided --splits 60,20,20 -q
listing divided >after
same before after
run 0 slabfit organize animals again --splits 60,20,20 -q
files divided >before
files again >after
same before after
run 0 slabfit organize animals other-seed --splits 60,20,20 -q --seed 1
files other-seed >after
cmp -s before after && fail 'another --seed divides in the same way'
run 1 slabfit organize animals divided --splits 60,20,20 --seed 1
output </dev/null
like "slabfit organize: 'divided/[a-z]+/(cat|dog)/[0-9]+.jpg' exists, but this division puts it into [a-z]+; use the \
seed, shares and images that made 'divided', or choose another folder" "$(cat err)"
files divided >after
same before after
run 0 slabfit organize animals two --splits 1,0,1 --json -q
json "d['splits'] == {'training': {'cat': 5, 'dog': 5}, 'evaluation': {'cat': 5, 'dog': 5}}"

# No source, or none with images.
refuses 1 "slabfit organize: cannot open 'none': No such file or directory; check the path" slabfit organize none new
refuses 1 "slabfit organize: 'other' is a file, and organize takes folders; take it as it is: slabfit run --dataset \
other, or slabfit extract other" slabfit organize other new
mkdir empty
refuses 1 "slabfit organize: 'empty' holds no images in SPLIT/{class}_{id}.EXT or CLASS/FILE; check the path" \
  slabfit organize empty new --splits 1,1,1
arranged="has its images in SPLIT/CLASS/ folders already; take it as it is: slabfit run --dataset"
refuses 1 "slabfit organize: 'dataset' $arranged dataset, or slabfit extract dataset" slabfit organize dataset new
mkdir published
cp -r dataset/training published/train
cp -r dataset/evaluation published/test
for options in '' '--splits 70,15,15' '--classes a,b'; do
  refuses 1 "slabfit organize: 'published' $arranged published, or slabfit extract published" \
    slabfit organize published new $options
done

# No place for the dataset.
refuses 1 "slabfit organize: 'food' and 'food/sub' lie in each other; choose a dataset's folder apart from the source" \
  organize food/sub
refuses 1 "slabfit organize: 'food' and 'food' lie in each other; choose a dataset's folder apart from the source" \
  organize food
refuses 2 "slabfit organize: the dataset's folder has an empty name; give it one" organize ''
run 1 organize other
like "slabfit organize: cannot .*'other.*': Not a directory; check the path.*" "$(cat err)"
absent new
if can_drop_rights; then
  mkdir locked
  chmod 555 locked
  refuses 1 "slabfit organize: cannot make the folder 'locked/new': Permission denied; check its permissions and its \
folder's" unprivileged slabfit organize food locked/new --classes non_food,food
  absent locked/new
  chmod 000 animals/dog
  refuses 1 "slabfit organize: cannot open 'animals/dog': Permission denied; check its permissions and its folder's" \
    unprivileged slabfit organize animals new --splits 1,1,1
else
  left_out 'folders without permissions: an unprivileged user does not reach slabfit'
fi
