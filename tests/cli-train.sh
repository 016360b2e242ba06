#!/bin/bash
# slabfit train: what it prints and writes, what is kept, and what is refused.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools

# Two classes of points that overlap a little, for all splits.
for split in training validation evaluation; do
  for i in $(seq 60); do
    echo "0,$((i * 7 % 13)).$((i % 10)),$((i * 5 % 11))"
    echo "1,-$((i * 3 % 12)).$((i % 7)),$((i * 2 % 11))"
  done >$split.csv
done
head -n 80 validation.csv >shorter.csv
mkdir features
for split in training evaluation; do run 0 slabfit import $split.csv -o features/$split.h5 --classes no,yes; done
run 0 slabfit import shorter.csv -o features/validation.h5 --classes no,yes
train () { slabfit train features -o "$1" --hidden 8 --lr 0.01 "${@:2}"; }
digits='[0-9]+\.[0-9]{4}'

# Text.
run 0 train model.h5 --epochs 3
like "model.h5: 3 epochs: loss $digits, accuracy $digits, val_loss $digits, val_accuracy $digits" "$(cat out)"
scores="loss $digits, accuracy $digits, val_loss $digits, val_accuracy $digits, [0-9]+\.[0-9] s"
like "engine gram: so small a training takes a moment
epoch 1/3: $scores
epoch 2/3: $scores
epoch 3/3: $scores" "$(cat err)"
no_temporary .

# JSON.
run 0 train again.h5 --epochs 3 --json -q
errors </dev/null
json "list(d) == ['model', 'engine', 'kept', 'epochs', 'epoch', 'seconds', 'peak_bytes', 'buffer_bytes']"
json "(d['model'], d['engine'], d['kept'], d['epoch']) == ('again.h5', 'gram', False, 3) and d['peak_bytes'] > 0"
json "[list(e) for e in d['epochs']] == 3 * [['epoch', 'loss', 'accuracy', 'val_loss', 'val_accuracy', 'auc', 'val_auc', 'seconds']]"
json "[e['epoch'] for e in d['epochs']] == [1, 2, 3] and d['epochs'][2]['loss'] < d['epochs'][0]['loss']"
json "list(d['seconds']) == ['read', 'gram', 'epochs', 'wall']"
json "all(0 <= e['accuracy'] <= 1 and (e['accuracy'] * 120) % 1 < 1e-6 and (e['val_accuracy'] * 80) % 1 < 1e-6 \
for e in d['epochs'])"

# The same bits from any number of threads; others from another seed.
weights () { h5dump -y -g /model_weights "$1" | sed 1d; }
run 0 train one.h5 --epochs 3 -q --threads 1
run 0 train two.h5 --epochs 3 -q --threads 2
run 0 train seven.h5 --epochs 3 -q --seed 7
weights one.h5 >one
weights two.h5 >two
weights seven.h5 >seven
test -s one || fail 'no weights'
same one two
cmp -s one seven && fail 'another --seed gives the same weights'

# Again: kept, and not written.
stat -c '%i %y' model.h5 >before
run 0 train model.h5 --epochs 3
like "model.h5: 3 epochs: loss $digits, accuracy $digits, val_loss $digits, val_accuracy $digits" "$(cat out)"
errors <<'END'
slabfit train: 'model.h5' was trained so already; kept
END
run 0 train model.h5 --epochs 3 --json -q
json "d['kept'] is True and len(d['epochs']) == 3"

# Trained otherwise: refused, naming what differs.
differs () { # MESSAGE OPTION...; the options given last win
  refuses 1 "slabfit train: 'model.h5' was trained $1 is asked for; choose another name or give --force" \
    train model.h5 --epochs 3 "${@:2}"
}
differs 'with epochs 3, and 4' --epochs 4
differs 'with lr 0.01, and 0.02' --lr 0.02
differs 'with hidden [8], and [8,4]' --hidden 8,4
differs 'with batch 32, and 16' --batch 16
differs 'with momentum 0.9, and 0.5' --momentum 0.5
differs 'with decay 4e-5, and 0.0' --decay 0
differs 'with l2 0.0, and 0.01' --l2 0.01
differs 'with nesterov false, and true' --nesterov
differs 'without class-weight, and "balanced"' --class-weight balanced
differs 'with shuffle "window", and "full"' --shuffle full
differs 'with seed 42, and 43' --seed 43
differs 'with early-stop 0, and 2' --early-stop 2
differs 'without from, and "one.h5"' --from one.h5
mv features/validation.h5 .
run 1 train model.h5 --epochs 3
like "slabfit train: 'model.h5' was trained with validation \".*, 80 rows\", and none is asked for; choose another \
name or give --force" "$(cat err)"
mv validation.h5 features
stat -c '%i %y' model.h5 >after
same before after
run 0 train model.h5 --epochs 4 --force -q
like 'model.h5: 4 epochs: .*' "$(cat out)"

# --from goes on from a model's weights.
run 0 train one.h5 --epochs 3 --json -q --threads 1
cp out one.json
run 0 train on.h5 --epochs 1 --from one.h5 --json -q
json "d['epochs'][0]['loss'] < json.load(open('one.json'))['epochs'][1]['loss']"
refuses 1 "slabfit train: 'one.h5' has other hidden layers than --hidden asks for; leave --hidden out to go on with \
its own" \
  train on.h5 --force --from one.h5 --hidden 9
refuses 1 "slabfit train: cannot open 'none.h5': No such file or directory; check the path" \
  train on.h5 --force --from none.h5

# --early-stop keeps the weights of the best epoch.
run 0 train early.h5 --epochs 400 --early-stop 3 --json -q
json "1 <= d['epoch'] == len(d['epochs']) - 3 < 397"
json "min(d['epochs'], key=lambda e: e['val_loss'])['epoch'] == d['epoch']"
run 0 train early.h5 --epochs 400 --early-stop 3 -q
like "early.h5: [0-9]+ epochs, the weights of epoch [0-9]+: loss .*" "$(cat out)"
run 0 slabfit evaluate early.h5 features/validation.h5 --json
cp out evaluated
run 0 train early.h5 --epochs 400 --early-stop 3 --json -q
json "abs(d['epochs'][d['epoch'] - 1]['val_loss'] - json.load(open('evaluated'))['loss']) < 1e-6"

# Without validation, and with a class that no row has.
mkdir alone
cp features/training.h5 alone
run 0 slabfit train alone -o alone.h5 --epochs 1 --json -q
json "list(d['epochs'][0]) == ['epoch', 'loss', 'accuracy', 'auc', 'seconds']"
refuses 2 'slabfit train: --early-stop needs validation features; extract them, or leave --early-stop out' \
  slabfit train alone -o none.h5 --early-stop 2
run 0 slabfit import training.csv -o alone/training.h5 --force --classes no,yes,maybe
run 0 slabfit train alone -o maybe.h5 --epochs 1
like "engine gram: so small a training takes a moment
warning: no row of 'alone/training.h5' has class 'maybe', so it cannot be learnt
epoch 1/1: loss $digits, accuracy $digits, [0-9.]+ s" "$(cat err)"
like "maybe.h5: 1 epoch: loss $digits, accuracy $digits" "$(cat out)"
grep '^0' training.csv >one-class.csv
run 0 slabfit import one-class.csv -o alone/training.h5 --force --classes no
refuses 1 "slabfit train: 'alone/training.h5' has 1 class, and it takes two to tell them apart; extract a dataset of \
two or more classes" slabfit train alone -o none.h5

# Too large a step, too little memory.
run 1 train none.h5 --lr 1e30 -q
like "slabfit train: the loss is no longer a number in epoch 1 at step [0-9]+ of training on 'features/training.h5': \
the learning rate 1e\+30 is too large for these features; try --lr 1e\+29, or features of smaller values" "$(cat err)"
run 1 train none.h5 --memory 1K
like "slabfit train: training needs [0-9.]+ MB \(.*\) and may use 0.0 MB; give the job more memory, or ask for smaller \
batches \(--batch\) or --shuffle none" "$(cat err)"
absent none.h5
no_temporary .
