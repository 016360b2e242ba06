#!/bin/bash
# slabfit train as several ranks on this machine, by mpirun: the same model as from one, one message for what is wrong, and
# a training that was stopped, or lost a rank, goes on.
. "$(dirname "$0")"/functions.sh || exit 1
. "$tests"/ranks.sh || exit 1
need h5dump hdf5-tools
ranks_make

ranks_features
train () { slabfit train features "${options[@]}" "$@"; }
train_by () { "${ranks[@]}" "$1" timeout -s KILL 60 "$ranks_slabfit" train features "${options[@]}" "${@:2}"; }

# One step in which all ranks sum their shares of 32 x 16 pre-activations and are asked to stop: (512 + 1) * 4 bytes; the
# last one of an epoch has 12 rows, (192 + 1) * 4 bytes: (9 * 2052 + 772) / 10.
for engine in sweep gram; do
  options=(--engine $engine --hidden 16,8 --epochs 5 --lr 0.02)
  run 0 train -o $engine.h5 --json -q
  cp out alone.json
  for n in 1 2 4; do
    run 0 train_by $n -o $engine-$n.h5 --json
    if test $engine = sweep && test $n != 1; then
      like "$n ranks, 1924 bytes a step from each" "$(grep 'bytes a step' err)"
    fi
    json "d['engine'] == '$engine' and len(d['epochs']) == 5 and all(abs(a[k] - b[k]) <= 1e-5 * abs(b[k]) \
      for a, b in zip(d['epochs'], json.load(open('alone.json'))['epochs']) for k in ('loss', 'val_loss'))"
    ranks_close $engine.h5 $engine-$n.h5
  done
  run 0 train_by 2 -o $engine-2.h5 --json
  json "d['kept'] is True"
done
no_temporary .

# What is wrong is said once.
# says STATUS MESSAGE N ARGUMENT...
says () {
  local begun=$SECONDS
  run "$1" "${ranks[@]}" "$3" timeout -s KILL 60 "$ranks_slabfit" train "${@:4}"
  test $((SECONDS - begun)) -lt 20 || fail "'$command_line' takes $((SECONDS - begun)) seconds"
  output </dev/null
  grep '^slabfit train: ' err >said
  compare messages said <<<"slabfit train: $2"
}
says 2 'give the model file to write: -o MODEL.h5' 3 features
says 1 "cannot open 'nothing': No such file or directory; check the path" 3 nothing -o none.h5
says 1 "cannot open 'none.h5': No such file or directory; check the path" 2 features -o one.h5 --from none.h5

# Stopped by mpirun's signal, by --stop-after, or by a rank's death: the same command goes on, and ends with the bits of a
# training that nothing has disturbed.
# begin: begins a training, and waits for some epochs.
begin () {
  "${ranks[@]}" 2 "$ranks_slabfit" train features "${options[@]}" -o again.h5 >out 2>err </dev/null &
  process=$!
  for _ in $(seq 3000); do
    if grep -q '^epoch .*5/' err || ! kill -0 $process 2>/dev/null; then break; fi
    sleep 0.01
  done
}
for engine in sweep gram; do
  options=(--engine $engine --hidden 16,8 --epochs 300 --lr 0.002)
  run 0 train_by 2 -o whole.h5 --force -q
  begin
  kill -USR1 $process
  wait $process
  status=$? command_line="$engine, with SIGUSR1"
  like 75 $status
  like "slabfit train: training on 'features/training.h5' was stopped in epoch [0-9]+; run the same command again" \
    "$(grep '^slabfit train: ' err)"
  absent again.h5
  begin
  read -ra children </proc/$process/task/$process/children
  kill -KILL "${children[-1]}"
  wait $process
  status=$? command_line="$engine, one rank killed"
  test $status != 0 || fail "'$command_line' exits with 0"
  absent again.h5
  run 75 train_by 2 -o again.h5 --stop-after 0.01 -q
  run 0 train_by 2 -o again.h5 -q
  for file in whole again; do h5dump -y -g /model_weights $file.h5 | sed 1d >$file.weights; done
  test -s whole.weights || fail 'no weights'
  same whole.weights again.weights
  absent again.h5.checkpoint
  rm again.h5
done
no_temporary .
