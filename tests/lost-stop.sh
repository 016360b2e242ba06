#!/bin/bash
# SIGTERM, SIGINT, USR1 and --stop-after: status 75 within seconds at whatever moment, nothing unfinished left, and the same
# command then ends with what an undisturbed run makes.  A second SIGINT ends at once.  SLABFIT_STOPS (60) says how many random
# moments, SLABFIT_SEED (42) which.
. "$(dirname "$0")"/functions.sh || exit 1

RANDOM=${SLABFIT_SEED:-42}
"$helpers/make_photographs" photos 640 || exit 1
: >stub.ts
torch=$SLABFIT_NETWORK
export SLABFIT_NETWORK=$helpers/stub_network.so

mkdir whole work
command=(slabfit extract ../photos -o features --backbone ../stub.ts --preprocess resize=80x80,mean=128:128:128
         --rows-per-part 64 --threads 2 -q)
extract () { (cd "$1" && exec "${command[@]}" "${@:2}"); }

# begin MILLISECONDS OPTION...: extract in the background, whose network takes so long for a batch.
begin () {
  rm -f log
  (cd work && SLABFIT_STUB_MILLISECONDS=$1 SLABFIT_STUB_LOG=../log exec "${command[@]}" "${@:2}") >out 2>err &
}

now () { date +%s%N; }
began=$(now)
run 0 extract whole
longest=$((($(now) - began) / 1000))
whole=whole/features/training.h5
stopped='stopped as asked; nothing is lost: run the same command again'

# wait_for PROCESS SECONDS STATUS: it ends in that time with that status.
wait_for () {
  begun=$(now)
  { wait "$1"; } 2>/dev/null
  status=$?
  took=$((($(now) - begun) / 1000000))
  test $status = "$3" || fail "$what: exit status $status, not $3: $(cat err)"
  test $took -le $(($2 * 1000)) || fail "$what: it took $took ms"
}

# pause MICROSECONDS
pause () { sleep "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))"; }

# A slow network: a batch takes a second.  The two batches in hand end, and no third begins.
for signal in TERM INT USR1 after; do
  what=SIG$signal
  rm -rf work/features
  if test $signal = after; then what=--stop-after option=(--stop-after 0.5); else option=(); fi
  begin 1000 "${option[@]}"
  sleep 0.5
  test $signal = after || kill -s $signal $!
  wait_for $! 4 75
  errors <<<"slabfit extract: $stopped"
  test "$(stat -c %s log)" -le 16 || fail "$what: $(stat -c %s log) images went through the network"
  no_temporary work
done
run 0 extract work
same $whole work/features/training.h5

# A second SIGINT does not wait for the batch.
what='second SIGINT'
rm -rf work/features
begin 9000
sleep 0.5
kill -s INT $!
sleep 0.2
kill -s INT $!
wait_for $! 2 130

# Random moments, from the start to the removal of merged parts.
rm -rf work/features
ended=0 signals=(TERM INT USR1)
for ((i = 0; i < ${SLABFIT_STOPS:-60}; i++)); do
  signal=${signals[i % 3]}
  what="SIG$signal, the ${i}th"
  begin 0
  pause $((20000 + (RANDOM * 32768 + RANDOM) % longest * 7 / 10))
  kill -s "$signal" $! 2>/dev/null
  { wait $!; } 2>/dev/null
  status=$?
  case $status in
    0) ended=$((ended + 1)); same $whole work/features/training.h5; rm -rf work/features ;;
    75) grep -Eqx "slabfit extract: ($stopped|stopped while (listing|merging|verifying) '.*'; run the same command again)" err \
          || fail "$what: it says '$(cat err)'" ;;
    143 | 138 | 130) test ! -s err || fail "$what: killed: $(cat err)" ;; # before the program listened
    *) fail "$what: exit status $status: $(cat err)" ;;
  esac
  test ! -e work/features || no_temporary work
done
run 0 extract work
same $whole work/features/training.h5

# While libtorch starts, which takes most of a second.
SLABFIT_NETWORK=$torch network wide resize=80x80
mkdir starting
for moment in 0.1 0.4; do
  what="SIGTERM after $moment s of libtorch's start"
  (cd starting && SLABFIT_NETWORK=$torch exec slabfit extract ../photos -o features --backbone ../wide.ts -q) >out 2>err &
  sleep $moment
  kill -s TERM $!
  wait_for $! 10 75
  command_line=$what
  like "slabfit extract: ($stopped|stopped while listing '../photos'; run the same command again)" "$(cat err)"
  no_temporary starting
done

# Training, conversions.
signals=(TERM INT USR1)
for signal in "${signals[@]}"; do
  what="SIG$signal in training"
  slabfit train whole/features -o model.h5 --hidden 64 --epochs 100000 -q >out 2>err &
  sleep 0.6
  kill -s "$signal" $!
  wait_for $! 4 75
  like "slabfit train: training on 'whole/features/training.h5' was stopped (in epoch [0-9]+|before its first epoch); run the same command again" "$(cat err)"
  absent model.h5
  no_temporary .
done
rm -f model.h5.checkpoint

# Stopped at random moments until it is done, by each engine: the weights are those of an undisturbed training.
weights () { h5dump -y -g /model_weights "$1" | sed 1d; }
for engine in sweep gram; do
  train=(slabfit train whole/features --hidden 64 --epochs 100 --dropout 0.2 --engine $engine -q)
  command -v h5dump >/dev/null || { left_out 'the weights of a stopped training: no h5dump (Debian: hdf5-tools)'; break; }
  began=$(now)
  run 0 "${train[@]}" -o undisturbed.h5
  longest=$((($(now) - began) / 1000)) stops=0 status=75
  while test $status != 0; do
    signal=${signals[stops % 3]} what="SIG$signal, the ${stops}th, in training"
    "${train[@]}" -o model.h5 --threads $((stops % 3 + 1)) >out 2>err &
    pause $((20000 + (RANDOM * 32768 + RANDOM) % longest))
    kill -s "$signal" $! 2>/dev/null
    { wait $!; } 2>/dev/null
    status=$?
    stops=$((stops + 1))
    case $status in
      0) ;;
      75) grep -Eqx "slabfit train: .* was stopped( in epoch [0-9]+| before its first epoch|); run the same command again" err \
            || fail "$what: it says '$(cat err)'" ;;
      143 | 138 | 130) test ! -s err || fail "$what: killed: $(cat err)" ;;
      *) fail "$what: exit status $status: $(cat err)"; break ;;
    esac
    no_temporary .
  done
  echo "$engine: stopped $stops times"
  cmp <(weights undisturbed.h5) <(weights model.h5) || fail "$engine: other weights after $stops stops"
  absent model.h5.checkpoint
  rm -f model.h5 undisturbed.h5
done
what='--stop-after in export'
run 75 slabfit export $whole -o rows.csv --stop-after 0.001
errors <<<"slabfit export: stopped while writing 'rows.csv'; run the same command again"
absent rows.csv
run 0 slabfit export $whole -o rows.csv -q
run 75 slabfit import rows.csv -o rows.h5 --stop-after 0.001
errors <<<"slabfit import: stopped while reading 'rows.csv'; run the same command again"
absent rows.h5
no_temporary .
