#!/bin/bash
# slabfit check: the report, JSON that agrees, what is refused, and --strict.
. "$(dirname "$0")"/functions.sh || exit 1

# Rows whose cosines are easily seen: (1, 0, ...) and the like.  Columns 2 and 3 are dead.
cat >training.csv <<'END'
0,1,0,0,5,0
0,0,3,0,5,4
1,0,1,0,5,-1
1,0,0,0,0,0
END
sed 's/,5,/,0,/' training.csv >zero.csv && mv zero.csv training.csv
cat >evaluation.csv <<'END'
1,2,0,0,0,0
0,0,6,0,0,8
0,0,6,0,0,8
END
mkdir features
for split in training evaluation; do
  run 0 slabfit import $split.csv -o features/$split.h5 --classes food,other -q
done

run 0 slabfit check features
errors </dev/null
cp out report
output <<'END'
training, evaluation: 7 rows of 5 features, 2 classes
near-duplicates: 4 pairs in 2 groups (cosine 0.9 or more)
leaks: 3 of the pairs lie across splits: take one row of each out
labels: in 1 group they differ: look which one is right
  cosine 1.0000, across splits, LABELS DIFFER
    training row 0 (food)
    evaluation row 0 (other)
  cosine 1.0000, across splits
    training row 1 (food)
    evaluation row 1 (food)
    evaluation row 2 (food)
classes: too few to compare (two of 10 rows or more are needed)
columns: 2 of 5 are zero in all rows (40.0 %), 0 constant, 0 repeated
rows of zeros: 1: look at their images
    training row 3 (other)
END

# One file by its name; the order of the files is that of the arguments.
run 0 slabfit check features/evaluation.h5 --limit 0
errors </dev/null
output <<'END'
evaluation: 3 rows of 5 features, 2 classes
near-duplicates: 1 pair in 1 group (cosine 0.9 or more)
  and 1 more group: --limit shows more, --json all
classes: too few to compare (two of 10 rows or more are needed)
columns: 2 of 5 are zero in all rows (40.0 %), 0 constant, 0 repeated
rows of zeros: none
END

# JSON, by hand: the same, in any order of the files.
run 0 slabfit check features/evaluation.h5 features/training.h5 --json --similarity 1
errors </dev/null
json "list(d) == ['rows', 'similarity', 'duplicates', 'pairs', 'leaks', 'classes', 'hardest', 'error', 'dead_columns', \
'panels', 'walks']"
json "(d['rows'], d['similarity'], d['pairs'], d['leaks'], d['classes'], d['hardest']) == (7, 1, 4, 3, [], None)"
json "[(g['cosine'], g['least'], g['pairs'], g['leaks'], g['labels_differ']) for g in d['duplicates']] == \
[(1, 1, 1, 1, True), (1, 1, 3, 2, False)]"
json "d['duplicates'][0]['rows'] == [{'split': 'evaluation', 'row': 0, 'class': 'other'}, \
{'split': 'training', 'row': 0, 'class': 'food'}]"
json "d['dead_columns'] == {'columns': 5, 'zero': 2, 'share': 0.4, 'constant': 0, 'repeated': 0, 'zero_rows': \
[{'split': 'training', 'row': 3, 'class': 'other'}]}"

# --strict fails after all was said, and only where there are leaks.
run 1 slabfit check features --strict
same report out
errors <<'END'
slabfit check: 3 pairs of near-duplicates across splits; take one row of each out, and extract again
END
run 0 slabfit check features/evaluation.h5 --strict -q

# Two classes of one distribution, a third apart from them; a curve.
for split in training validation; do
  for i in $(seq 90); do
    case $((i % 3)) in
      2) echo "2,$((i * 7 % 5)),$((i % 4)),$((20 + i * 11 % 17)),$((i * 5 % 3))" ;;
      *) echo "$((i % 3)),$((5 + i * i % 23)),$((i * 7 % 19)),$((i % 2)),$((i * i * 3 % 29))" ;;
    esac
  done >$split.csv
done
sed -i 's/,\([0-9]\),/,3\1,/' validation.csv
mkdir more
for split in training validation; do
  run 0 slabfit import $split.csv -o more/$split.h5 --classes a,b,c -q
done
digits='[0-9]+\.[0-9]{4}'
run 0 slabfit check more --similarity 1 --limit 0 --curve --hidden 4 --epochs 2
errors </dev/null
like "learning curve, 3 draws of each size, on the validation rows:
      rows   epochs   val_loss         \+-   val_accuracy
         9        6 +$digits +$digits +$digits
        18        6 +$digits +$digits +$digits
        36        3 +$digits +$digits +$digits
        63        3 +$digits +$digits +$digits
        90        2 +$digits +$digits +$digits
fit: val_loss = [0-9.e+-]+ \+ [0-9.e+-]+ n\^-[0-9]+\.[0-9]{2}; twice the rows take off $digits \+- $digits
.*" "$(sed -n '/^learning/,$p' out)"
run 0 slabfit train more -o more.h5 --hidden 4 --epochs 2 --json -q
cp out train.json
run 0 slabfit check more --curve --hidden 4 --epochs 2 --json
json "list(d)[-2:] == ['curve', 'law'] and [p['rows'] for p in d['curve']] == [9, 18, 36, 63, 90]"
json "all(abs(d['curve'][4]['draws'][0][k] / json.load(open('train.json'))['epochs'][1][k] - 1) < 1e-5 \
for k in ('loss', 'accuracy', 'val_loss', 'val_accuracy'))"
json "d['law']['verdict'] in ('worth', 'flat', 'noisy')"
cp out one
run 0 slabfit check more --curve --hidden 4 --epochs 2 --json --threads 3
same one out

# The names that data sets are published with, in a folder and one by one.
mkdir published
cp more/training.h5 published/train.h5
cp more/validation.h5 published/val.h5
run 0 slabfit check published --curve --hidden 4 --epochs 2 --json --limit 0
json "[d[k] for k in ('rows', 'curve', 'law')] == [json.load(open('one'))[k] for k in ('rows', 'curve', 'law')]"
run 0 slabfit check published/val.h5 published/train.h5 --curve --hidden 4 --epochs 2
grep -q '^learning curve, 3 draws of each size, on the validation rows:' out || fail "there is $(<out)"
test "$(head -n 1 out)" = 'val, train: 180 rows of 4 features, 3 classes' || fail "there is $(head -n 1 out)"
mkdir published/test.parts
refuses 1 "slabfit check: 'published/test.parts' is not merged yet; run 'slabfit merge published' first" \
  slabfit check published

# Images by their paths: one that is in two splits under two classes, in a file of features of its own each.
network wide
"$helpers"/make_photographs photos 6 || exit 1
first=$(cd photos/training && find . -name '*.jpg' | sort | head -n 1)
other=$(cd photos/training && find . -name '*.jpg' | sort | tail -n 1)
mkdir -p "photos/evaluation/$(dirname "$first")" "photos/evaluation/$(dirname "$other")"
cp "photos/training/$first" "photos/evaluation/$(dirname "$other")/copy.jpg"
cp "photos/training/$other" "photos/evaluation/$(dirname "$first")/again.jpg"
run 0 slabfit extract photos -o images --backbone wide.ts -q
run 0 slabfit check images --similarity 1
sed -n '2,10p' out >said
class=$(basename "$(dirname "$first")") second=$(basename "$(dirname "$other")")
compare 'head of the report' said <<END
near-duplicates: 2 pairs in 2 groups (cosine 1 or more)
leaks: 2 of the pairs lie across splits: take one row of each out
labels: in 2 groups they differ: look which one is right
  cosine 1.0000, across splits, LABELS DIFFER
    training/${other#./} ($second)
    evaluation/$class/again.jpg ($class)
  cosine 1.0000, across splits, LABELS DIFFER
    training/${first#./} ($class)
    evaluation/$second/copy.jpg ($second)
END
run 0 slabfit check images --similarity 1 --json
json "sorted(r['image'] for g in d['duplicates'] for r in g['rows'])[0] == 'evaluation/$class/again.jpg'"

# Refused.
refuses 1 "slabfit check: 'features/training.h5' has 5 features in a row and 'more/training.h5' has 4; check features \
that were extracted in the same way" slabfit check features more
refuses 2 "slabfit check: 'features/training.h5' is given twice" slabfit check features features/training.h5
refuses 2 "slabfit check: give the FEATURES folder, or feature files" slabfit check
refuses 2 "slabfit check: --similarity takes a number above 0 and up to 1, not '1.5'" \
  slabfit check features --similarity 1.5
refuses 2 "slabfit check: --curve needs training features: a file training.h5" \
  slabfit check features/evaluation.h5 --curve
mkdir empty
refuses 1 "slabfit check: there is no training.h5, validation.h5 or evaluation.h5 in 'empty'; make them with 'slabfit \
extract', or give feature files by name" slabfit check empty
mkdir -p empty/training.parts
refuses 1 "slabfit check: 'empty/training.parts' is not merged yet; run 'slabfit merge empty' first" slabfit check empty
run 1 slabfit check features --memory 1K
like "slabfit check: checking 7 rows of 5 features needs [0-9.]+ MB and may use 0.0 MB; give the job more memory, or \
check fewer files" "$(<err)"
run 1 slabfit check more --curve --memory 1K
like "slabfit check: --curve needs [0-9.]+ MB for the inner products of all rows and may use 0.0 MB; give the job more \
memory, or check fewer files" "$(<err)"

# Stopped.
run 75 slabfit check more --curve --epochs 1000000 --stop-after 0.5
like "slabfit check: the learning curve was stopped; run the same command again" "$(<err)"
