#!/bin/bash
# extract is killed by SIGKILL at random moments and started again until it is done, again and again.  SLABFIT_KILLS (100)
# says how many times, SLABFIT_SEED (42) which moments.  After each kill:
#   - no finished part was touched, and all of them are whole;
#   - no image of a finished part went through the network;
#   - what is lost is the parts that were in hand at the most.
# After each end: the file has the bytes of an undisturbed run's, and nothing else is left.
. "$(dirname "$0")"/functions.sh || exit 1

kills=${SLABFIT_KILLS:-100} seed=${SLABFIT_SEED:-42}
images=960 part=64      # two tiles of 32 rows each
in_flight=$((part * 5)) # a part at its end, and one for each of the threads + 2 tiles in hand
RANDOM=$seed

"$helpers/make_photographs" photos $images || exit 1
: >stub.ts
export SLABFIT_NETWORK=$helpers/stub_network.so SLABFIT_STUB_MILLISECONDS=3

# The command line is kept in the file, so all runs have the same one, in folders of their own.
extract=(slabfit extract ../photos -o features --backbone ../stub.ts --preprocess resize=80x80,mean=128:128:128
         --rows-per-part $part --threads 2 --json -q)

mkdir undisturbed disturbed
began=$(date +%s%N)
(cd undisturbed && exec "${extract[@]}") >out || exit 1
longest=$((($(date +%s%N) - began) / 1000)) # microseconds
json "d['splits'] == {'training': {'rows': $images, 'failed': 0, 'reused_rows': 0, 'missing_parts': 0}}"
values undisturbed/features/training.h5 /images | sort >images
(cd photos && find training -name '*.jpg') | sort >all
same images all

# finished: "inode name" of each finished part.
finished () { ls -i disturbed/features/training.parts 2>/dev/null | sed -n 's/^ *\([0-9]* [0-9]*\.h5\)$/\1/p'; }
computed () { stat -c %s log 2>/dev/null || echo 0; }
broken () { echo "kill $killed of seed $seed: $1"; fail "$1"; exit 1; }

check_killed () {
  finished >after
  old=$(wc -l <before) new=$(comm -13 <(sort before) <(sort after) | wc -l) done=$(computed)
  test ! -s after || slabfit verify -q disturbed/features/training.parts/[0-9]*.h5 >said 2>&1 || broken "$(cat said)"
  test "$done" = 0 || worked=$((worked + 1))
  test "$done" -le $((images - part * old)) || broken "an image of a finished part was done again"
  if test -e disturbed/features/training.h5; then return; fi # which takes the parts away
  test -z "$(comm -23 <(sort before) <(sort after))" || broken "a finished part was made again or removed"
  test "$done" -le $((part * new + in_flight)) || broken "$done images done, and only $new parts came of it"
}

check_done () {
  same undisturbed/features/training.h5 disturbed/features/training.h5
  test "$(ls -A disturbed/features)" = training.h5 || broken "left behind: $(ls -A disturbed/features)"
  if $merged; then reused=$images; else reused=$((part * $(wc -l <before))); fi
  json "d['splits']['training'] == {'rows': $images, 'failed': 0, 'reused_rows': $reused, 'missing_parts': 0}"
  test "$(computed)" = $((images - reused)) || broken "$(computed) images done, and $reused rows reused"
  test ! -e "$folder"/.failed || broken "see above"
}

# start: one more run, in the background.
start () {
  finished >before
  merged=false
  test ! -e disturbed/features/training.h5 || merged=true
  rm -f log
  (cd disturbed && SLABFIT_STUB_LOG=../log exec "${extract[@]}") >out 2>err &
}

# So that a run which has only to merge comes to its end as often as not.
moment () {
  local range=$longest
  test $(($(wc -l <before) * part)) -lt $images || range=$((2 * longest))
  delay=$(((RANDOM * 32768 + RANDOM) % range))
}

killed=0 ends=0 worked=0
while test $killed -lt "$kills"; do
  start
  moment
  sleep "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))"
  kill -KILL $! 2>/dev/null
  wait $! 2>/dev/null
  status=$?
  case $status in
    137) killed=$((killed + 1)); check_killed ;;
    0) ends=$((ends + 1)); check_done; rm -rf disturbed/features ;;
    *) broken "exit status $status: $(cat err)" ;;
  esac
done
start
wait $! || broken "$(cat err)"
check_done
test $worked -gt $((kills / 10)) || fail "only $worked of $kills kills came while images went through the network"
echo "killed $killed times, $worked of them with images through the network; $((ends + 1)) files made"
