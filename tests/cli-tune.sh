#!/bin/bash
# slabfit tune: its table and JSON, the refitted model, going on after a stop, and what is refused.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools

# Two classes of points that overlap a little.
for split in training validation; do
  for i in $(seq 60); do
    echo "0,$((i * 7 % 13)).$((i % 10)),$((i * 5 % 11))"
    echo "1,-$((i * 3 % 12)).$((i % 7)),$((i * 2 % 11))"
  done >$split.csv
done
mkdir features
for split in training validation; do run 0 slabfit import $split.csv -o features/$split.h5 --classes no,yes; done
tune () { slabfit tune features --epochs 3 "$@"; }
steady () { grep -v -e seconds -e peak_bytes -e '"products"' -e '"wall"' -e '"trials": [0-9]' out; }
line () { sed -n "${1}p" out; }

# Text: a line for each trial, best first; those with too large a step diverge.
run 0 tune --lr 0.01,0.001,1e30 --hidden 8/4,2 --folds 3
n='[0-9]+\.[0-9]{4}'
like '#     lr  hidden  val_loss +\+-    acc\.     AUC  folds +s' "$(line 1)"
like "1   0\.01 +(8|4,2) +$n  $n  $n  $n      3  +[0-9.]+" "$(line 2)"
for i in 5 6; do
  like "$i  1e\+30 +(8|4,2)         -       -       -       -      1  +[0-9.]+  diverged" "$(line $((i + 1)))"
done
like 'best: --lr 0\.01 --epochs 3 --hidden (8|4,2)' "$(line 9)"
like '6 trials, 14 trainings on 3 folds of 120 rows: [0-9.]+ (s|min)' "$(line 10)"
like 'the same by 18 trainings from the features: about [0-9.]+ (s|min|h) \(steps of sweep\)' "$(line 11)"
test "$(wc -l <out)" = 11 || fail 'other lines'
like 'tune 14/14 trainings, .*' "$(tail -n 1 err)"

# The widest table has 80 columns at most, without spaces at the ends of lines.
run 0 tune --lr 0.0001:0.1 --momentum 0.5:0.99 --l2 0.000001:0.01 --batch 16,32,64 --hidden 256,16/64,16 --trials 12 -q
errors </dev/null
awk '/^$/ { exit wide } length > 80 || / $/ { print FILENAME ":" FNR ": " $0; wide = 1 } END { exit wide }' out \
  || fail 'wide lines'

# JSON.
run 0 tune --lr 0.01,0.001,1e30 --hidden 8/4,2 --json -q
errors </dev/null
json "list(d) == ['best', 'trials', 'folds', 'rows', 'trainings', 'seconds', 'retraining_seconds', 'peak_bytes']"
json "d['best'] == d['trials'][0] and (d['folds'], d['rows'], d['trainings']) == (5, 120, 6 + 4 * 4)"
json "d['best']['options'] == {'lr': 0.01, 'momentum': 0.9, 'l2': 0, 'dropout': 0, 'epochs': 3, 'batch': 32, \
'hidden': d['best']['options']['hidden'], 'schedule': 'time'}"
json "[t['status'] for t in d['trials']] == 4 * ['finished'] + 2 * ['diverged']"
json "sorted(t['number'] for t in d['trials']) == [1, 2, 3, 4, 5, 6]"
json "all(len(t['outcomes']) == t['folds'] == 5 for t in d['trials'][:4]) and d['trials'][5]['val_loss'] is None"
json "all(a['val_loss'] <= b['val_loss'] for a, b in zip(d['trials'][:3], d['trials'][1:4]))"
json "all(abs(sum(o['accuracy'] for o in t['outcomes']) / 5 - t['accuracy']) < 1e-8 for t in d['trials'][:4])"

# The same from any number of threads; another seed draws others.
trials () { # OPTION...
  run 0 tune --lr 0.001:0.1 --trials 9 --json -q "$@"
  steady
}
trials --threads 1 >one
trials --threads 3 >three
trials --seed 7 >seven
same one three
cmp -s one seven && fail 'another --seed draws the same trials'

# --refit writes train's model.
weights () { h5dump -y -g /model_weights "$1" | sed 1d; }
run 0 tune --lr 0.02,0.0001 --hidden 8 --momentum 0.5 --refit refitted.h5 -q
like 'refitted.h5: trained on all 120 rows' "$(tail -n 1 out)"
run 0 slabfit train features -o trained.h5 --epochs 3 --lr 0.02 --hidden 8 --momentum 0.5 -q
weights refitted.h5 >refitted
weights trained.h5 >trained
test -s trained || fail 'no weights'
same refitted trained
run 0 slabfit train features -o refitted.h5 --epochs 3 --lr 0.02 --hidden 8 --momentum 0.5 -q --json
json "d['kept'] is True"
refuses 1 "slabfit tune: 'refitted.h5' is there already; choose another name or give --force" \
  tune --lr 0.02 --refit refitted.h5
run 0 tune --lr 0.02 --hidden 8 --refit refitted.h5 --json -q --force
json "d['model'] == 'refitted.h5'"

# A stopped search goes on from its --output, to the same result; once it is over it is only shown.
search=(--lr 0.001:0.1 --hidden 16 --batch 8 --epochs 200 --trials 60 --folds 3 --json -q)
run 75 slabfit tune features "${search[@]}" --stop-after 0.1
like "slabfit tune: the search on 'features/training.h5' was stopped after [0-9]+ trainings; run the same command \
again: it begins anew, since no --output FILE.json keeps what is finished" "$(cat err)"
run 0 slabfit tune features "${search[@]}"
steady >whole
stops=0
while test $stops -lt 100; do
  slabfit tune features "${search[@]}" -o result.json --stop-after 0.5 >out 2>err && break
  stops=$((stops + 1))
done
test $stops -lt 100 || fail 'the search never ends'
test $stops -gt 0 || left_out 'stopping the search: it was over before'
steady >resumed
same whole resumed
run 0 slabfit tune features "${search[@]}" -o result.json
steady >again
same whole again
refuses 1 "slabfit tune: 'result.json' was trained with folds 3, and 4 is asked for; choose another name or give \
--force" \
  slabfit tune features "${search[@]}" -o result.json --folds 4
echo '{}' >result.json
refuses 1 "slabfit tune: 'result.json' is there already and is no result of tune; choose another name or give --force" \
  slabfit tune features "${search[@]}" -o result.json
no_temporary .

# --cache: the file is that of train, and the result the same.
run 0 tune --lr 0.02,0.01 --hidden 8 --json -q
steady >plain
for turn in first second; do
  run 0 tune --lr 0.02,0.01 --hidden 8 --json -q --cache
  steady >$turn
  same plain $turn
done
stat -c '%i %y' features/gram.h5 >before
run 0 slabfit train features -o cached.h5 --engine gram --cache --epochs 1 -q
stat -c '%i %y' features/gram.h5 >after
same before after

# What is refused.
refuses 2 'slabfit tune: give the FEATURES folder' slabfit tune
refuses 2 "slabfit tune: one FEATURES folder, please; 'b' is too many" slabfit tune a b
refuses 2 "slabfit tune: --lr must be larger than 0, not 0" tune --lr 0.1,0
refuses 2 "slabfit tune: --lr takes a range LOW:HIGH with LOW below HIGH, not '1:0.1'" tune --lr 1:0.1
refuses 2 "slabfit tune: --l2 is drawn evenly on a logarithmic scale, so its range begins above 0, not at '0'" \
  tune --l2 0:0.1
refuses 2 "slabfit tune: --hidden takes values such as A/B/C without empty ones, not '8//4'" tune --hidden 8//4
refuses 2 "slabfit tune: --folds takes a whole number from 2 to 1000, not '1'" tune --folds 1
refuses 2 "slabfit tune: --objective takes val_loss, accuracy or auc, not 'loss'" tune --objective loss
refuses 1 "slabfit tune: 'training.csv' is not a folder; give the one that 'training.h5' lies in" \
  slabfit tune training.csv
mkdir empty
refuses 1 "slabfit tune: cannot open 'nothing': No such file or directory; check the path" slabfit tune nothing
refuses 1 "slabfit tune: there is no 'training.h5' in 'empty'; make it with 'slabfit extract'" slabfit tune empty
refuses 1 "slabfit tune: 'features/training.h5' has 120 rows, too few for 121 folds; ask for fewer (--folds)" \
  tune --lr 0.1 --folds 121 -q
refuses 1 "slabfit tune: all trials on 'features/training.h5' diverged; try smaller learning rates (--lr), or features \
of smaller values" tune --lr 1e30 -q
run 1 tune --memory 100K -q
like "slabfit tune: tune needs [0-9.]+ MB \([0-9.]+ of them for the inner products of 120 x 120 rows, [0-9.]+ for the \
first layers\) and may use 0\.1 MB; give the job more memory, or ask for fewer or smaller first layers \(--hidden\)" \
  "$(cat err)"
sed 's/^1/2/' training.csv >three.csv
head -n 7 training.csv >>three.csv
mkdir threes
run 0 slabfit import three.csv -o threes/training.h5 --classes no,yes,maybe
refuses 2 "slabfit tune: --objective auc needs two classes, and 'threes/training.h5' has 3; take val_loss or accuracy" \
  slabfit tune threes --objective auc
run 0 slabfit tune threes --lr 0.01 --hidden 8
like "warning: class 'yes' has 3 rows in 'threes/training.h5', fewer than the 5 folds" "$(head -n 1 err)"
if grep -q AUC out; then fail 'AUC of three classes'; fi
