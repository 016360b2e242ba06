#!/bin/bash
# slabfit run: the whole job from photographs to the report, and what is not done again.
. "$(dirname "$0")"/functions.sh || exit 1

"$abs_top_builddir"/data/demo_images photos --count 40 || exit 1
network map resize=96x96,scale=1/255
job () { slabfit run photos -o work --backbone map.ts --classes outdoors,table --epochs 3 "$@"; }

# The first time.
run 0 job
cp out first
sed '/^[0-9]* images in/,/^$/{/./d}' out >said
digits='[0-9]+\.[0-9]{4}'
like "\[organize\]
training: 12 outdoors, 12 table
validation: 4 outdoors, 4 table
evaluation: 4 outdoors, 4 table

\[extract\]
training: 24 rows, 0 of them kept from before, 0 failed
validation: 8 rows, 0 of them kept from before, 0 failed
evaluation: 8 rows, 0 of them kept from before, 0 failed

\[train\]
work/model.h5: 3 epochs: loss $digits, accuracy $digits, val_loss $digits, val_accuracy $digits

\[evaluate\]
 *precision    recall  f1-score   support

 *outdoors( +[01]\.[0-9]{2}){3}         4
 *table( +[01]\.[0-9]{2}){3}         4

 *accuracy +[01]\.[0-9]{2}         8
 *macro avg( +[01]\.[0-9]{2}){3}         8
 *weighted avg( +[01]\.[0-9]{2}){3}         8

confusion matrix \(rows: the class, columns: the prediction\)

 *outdoors +table
outdoors +[0-4] +[0-4]
 *table +[0-4] +[0-4]

ROC AUC of table: $digits
log loss: $digits
Brier score: $digits
expected calibration error: $digits \(15 bins\)" "$(cat said)"
grep -q '^organize 40/40 images' err || fail 'organize shows no progress'
test "$(ls work)" = $'dataset\nfeatures\nmodel.h5\npredictions.csv\nrun.json' || fail "there is $(ls work)"
test "$(ls work/features)" = $'evaluation.h5\ntraining.h5\nvalidation.h5' || fail "there is $(ls work/features)"
no_temporary work
cp work/run.json out
json "list(d) == ['organize', 'extract', 'train', 'evaluate']"
json "d['organize']['linked'] + d['organize']['copied'] == 40"
json "[d['extract']['splits'][s]['rows'] for s in ('training', 'validation', 'evaluation')] == [24, 8, 8]"
json "len(d['train']['epochs']) == 3 and sum(map(sum, d['evaluate']['confusion_matrix'])) == 8"

# Again: all is kept, and the report is the same.
listing () { find work -type f ! -name run.json ! -name predictions.csv -printf '%P %i %T@\n' | sort; }
listing >before
cp work/predictions.csv predictions
run 0 job -q
errors </dev/null
sed -n '/^\[evaluate\]/,$p' first >report
sed -n '/^\[evaluate\]/,$p' out >said
same report said
run 0 job --json -q
errors </dev/null
json "d['organize']['kept'] == 40 and d['train']['kept'] is True"
json "[d['extract']['splits'][s]['reused_rows'] for s in ('training', 'validation', 'evaluation')] == [24, 8, 8]"
cp out again
cp work/run.json out
json "d == json.load(open('again'))"
listing >after
same before after
same predictions work/predictions.csv

# Another option: refused by the stage that it belongs to, before anything is written.
refuses 1 "slabfit run: 'work/model.h5' was trained with epochs 3, and 4 is asked for; choose another name or give \
--force" \
  job --epochs 4 --json -q
refuses 1 "slabfit run: preprocess is 'resize=96x96,scale=1/255' in 'work/features/training.h5' and 'keras' in this \
command; repeat the command that made it, choose another folder, or use --force" job --preprocess keras --json -q
listing >after
same before after
run 0 job --epochs 4 --force --json -q
json "len(d['train']['epochs']) == 4 and d['extract']['splits']['training']['reused_rows'] == 24"

# A dataset that is organized already, without an evaluation split, by a configuration.
cp -r work/dataset mine
rm -r mine/evaluation
cat >job.conf <<'END'
dataset = mine
output = other
backbone = map.ts
epochs = 1
END
run 0 slabfit run --config job.conf
grep -qx "slabfit run: there is no evaluation split in 'mine'; nothing to evaluate" err || fail "$(cat err)"
test "$(ls other)" = $'features\nmodel.h5\nrun.json' || fail "there is $(ls other)"
cp other/run.json out
json "list(d) == ['extract', 'train']"

# The names that data sets are published with; a configuration may say how others are organized.
mkdir published
cp -r work/dataset/training published/train
cp -r work/dataset/validation published/val
cp -r work/dataset/evaluation published/test
echo 'classes = "outdoors,table"' >classes.conf
run 0 slabfit run --dataset published -o third --backbone map.ts --epochs 1 --config classes.conf --json -q
json "list(d) == ['extract', 'train', 'evaluate'] and sum(map(sum, d['evaluate']['confusion_matrix'])) == 8"
test "$(ls third/features)" = $'test.h5\ntrain.h5\nval.h5' || fail "there is $(ls third/features)"
refuses 1 "slabfit run: 'published' has its images in SPLIT/CLASS/ folders already; take it as it is: slabfit run \
--dataset published, or slabfit extract published" \
  slabfit run published -o new --backbone map.ts --splits 70,15,15 --json -q

# No network: said before anything is written.
rm -r new
refuses 1 "slabfit run: cannot open 'none.ts': No such file or directory; check the path" \
  slabfit run photos -o new --backbone none.ts --classes outdoors,table
absent new

# No photographs.
refuses 1 "slabfit run: cannot open 'none': No such file or directory; check the path" \
  slabfit run none -o new --backbone map.ts --classes a,b --json -q
