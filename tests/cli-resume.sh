#!/bin/bash
# slabfit train, stopped and gone on with: exit status 75, what is said and kept, and the same weights and history in the
# end.  SLABFIT_KILLS (20) says how often each engine's training is killed, SLABFIT_SEED (42) at which moments.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools
RANDOM=${SLABFIT_SEED:-42}

# Two classes of points that overlap a little.
mkdir features
for split in training validation; do
  for i in $(seq 60); do
    echo "0,$((i * 7 % 13)).$((i % 10)),$((i * 5 % 11))"
    echo "1,-$((i * 3 % 12)).$((i % 7)),$((i * 2 % 11))"
  done >$split.csv
  run 0 slabfit import $split.csv -o features/$split.h5 --classes no,yes
done
epochs=1500
options=(--hidden 8 --lr 0.01 --epochs $epochs --dropout 0.1 --l2 0.001 --nesterov --early-stop $epochs)
train () { slabfit train features -o model.h5 "${options[@]}" --engine "$engine" "$@"; }

# kept FILE: the weights of a model, and its history but for the seconds, from the JSON in out.
kept () {
  h5dump -y -g /model_weights model.h5 | sed 1d
  test -z "$python" || "$python" -c 'import json
for epoch in json.load(open("out"))["epochs"]: print([epoch[key] for key in epoch if key != "seconds"])'
}

# is_whole: the last run made what the undisturbed one made, and nothing else is left.
is_whole () {
  kept >found
  same whole found
  absent model.h5.checkpoint
  no_temporary .
}

# stopped: the last run was stopped in an epoch and said so.
stopped () {
  output </dev/null
  like "slabfit train: training on 'features/training.h5' was stopped in epoch [0-9]+; run the same command again" \
    "$(tail -n 1 err)"
  absent model.h5
  no_temporary .
  test -s model.h5.checkpoint || fail 'no checkpoint'
}

first_epoch () { sed -n "1s|^epoch \([0-9]*\)/.*|\1|p" err; }
last_epoch () { sed -n "s|^epoch \([0-9]*\)/.*|\1|p" err | tail -n 1; }
stopped_epoch () { sed -n 's/.* was stopped in epoch \([0-9]*\);.*/\1/p' err; }

# interrupt SIGNAL SECONDS OPTION...: a training in the background that is sent SIGNAL so long after its first epoch.
interrupt () {
  command_line="train, with SIG$1"
  rm -f err
  (exec slabfit train features -o model.h5 "${options[@]}" --engine $engine "${@:3}") >out 2>err &
  process=$!
  while ! test -s err && kill -0 $process 2>/dev/null; do sleep 0.01; done
  sleep "$2"
  { kill -s "$1" $process; wait $process; } 2>/dev/null
  status=$?
}

for engine in sweep gram; do
  rm -f model.h5
  run 0 train --json -q --threads 1
  kept >whole
  test "$(wc -l <whole)" -gt $epochs || test -z "$python" || fail "$(wc -l <whole) lines are kept"

  # Signals, each in a later epoch; with --resume or without, by any number of threads.
  rm model.h5
  before=1
  for signal in TERM INT USR1; do
    interrupt $signal 0.02 --threads 2
    test $status = 75 || fail "'$command_line' exits with $status, not 75"
    stopped
    now=$(stopped_epoch)
    test "$(first_epoch)" = "$before" || fail "it goes on at $(first_epoch), not in epoch $before"
    test "$now" -gt "$before" || fail "it does not come from epoch $before on"
    before=$now
  done
  run 0 slabfit info model.h5.checkpoint --json
  json "(d['kind'], d['epochs'], d['training']['engine']) == ('checkpoint of a training', $before - 1, '$engine')"
  run 75 train --stop-after 0.000001 --resume --threads 3
  if test $engine = gram; then # while it computes inner products: the checkpoint stays
    errors <<<"slabfit train: training on 'features/training.h5' was stopped before its first epoch; run the same \
command again"
  else
    stopped
    test "$(stopped_epoch)" = "$before" || fail "stopped at once in epoch $(stopped_epoch), not $before"
  fi

  # What another training left is not touched, but by force.
  cp model.h5.checkpoint kept.checkpoint
  refuses 1 "slabfit train: 'model.h5.checkpoint' was trained with lr 0.01, and 0.02 is asked for; remove it, or give \
--force, to begin anew" train -q --lr 0.02
  truncate -s 1000 model.h5.checkpoint
  refuses 1 "slabfit train: cannot open 'model.h5.checkpoint': it is cut short or damaged; remove it, or give --force, \
to begin anew" train -q --resume
  absent model.h5
  run 0 train --json -q --force
  is_whole
  rm model.h5
  mv kept.checkpoint model.h5.checkpoint
  run 0 train --json --resume --threads 3
  test "$(first_epoch)" = "$before" || fail "it goes on in epoch $(first_epoch), not in $before"
  is_whole

  # Nothing to go on from: said, and trained from the beginning.  A model that is there is kept.
  rm model.h5
  run 0 train --json --resume
  like "slabfit train: there is no 'model.h5.checkpoint' to go on from; beginning anew" "$(head -n 1 err)"
  is_whole
  run 0 train --resume
  errors <<<"slabfit train: 'model.h5' was trained so already; kept"

  # Killed again and again: an epoch that was saved is not trained again, and each run saves its first one at least.
  rm model.h5
  before=0 worked=0
  for ((kills = 0; kills < ${SLABFIT_KILLS:-20}; kills++)); do
    interrupt KILL 0.0$((RANDOM % 6))
    if test -e model.h5; then break; fi
    test $status = 137 || fail "killed: exit status $status: $(tail -n 1 err)"
    now=$(first_epoch)
    test "${now:-$before}" -ge $before || fail "from epoch $before back to $now"
    before=${now:-$before}
    test "$before" = 1 || worked=$((worked + 1))
  done
  test $worked -gt $((kills / 2)) || fail "only $worked of $kills runs went on from an earlier one"
  # Between the writing of the model and the end, a kill leaves the checkpoint.
  if test -e model.h5; then rm -f model.h5 model.h5.checkpoint; fi
  run 0 train --json -q
  is_whole
  echo "$engine: killed $kills times, $worked of them after an earlier one; then in epoch $before"
done
