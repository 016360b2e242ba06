#!/bin/bash
# What damage, other jobs and clocks do: parts that are cut short, flipped bits, two jobs on one output, temporary files that
# dead jobs left, files from the future.  Whatever happens, extract ends with the bytes of an undisturbed run.
. "$(dirname "$0")"/functions.sh || exit 1

test -e "$helpers/faults.so" || skip 'no preloaded library here'
"$helpers/make_photographs" photos 320 || exit 1
: >stub.ts
export SLABFIT_NETWORK=$helpers/stub_network.so
host=$(uname -n)

# The command line is kept in the file, so all runs have the same one, in folders of their own.
command=(slabfit extract ../photos -o features --backbone ../stub.ts --preprocess resize=80x80,mean=128:128:128
         --rows-per-part 64 --threads 2 --json)
extract () { (cd "$1" && exec "${command[@]}"); }

mkdir whole parts work
run 0 extract whole
whole=whole/features/training.h5

# Five parts that wait for their merge: the disk was full when the merged file was to get its name.
(cd parts && exec env LD_PRELOAD="$helpers/faults.so" FAULTS_FOLDER=features FAULTS_CALL=rename FAULTS_NUMBER=7 FAULTS_ERRNO=28 \
  "${command[@]}") >out 2>err
test "$(echo parts/features/*/*)" = "$(echo parts/features/training.parts/0000{0..4}.h5)" || fail "parts: $(find parts)"

anew () { rm -rf work; mkdir work; cp -a parts/features work; }
part=work/features/training.parts/00002.h5

# ends REUSED [MESSAGE]: extract makes the file, with so many rows kept, and says a line like MESSAGE.
ends () {
  run 0 extract work
  json "d['splits']['training'] == {'rows': 320, 'failed': 0, 'reused_rows': $1, 'missing_parts': 0}"
  same $whole work/features/training.h5
  said=$(grep -v -e '^extract training ' -e ' values to make in ' -e '^network: ' err)
  if test $# = 2; then like "$2" "$said"; else test -z "$said" || fail "it says '$said'"; fi
  test "$(ls -A work/features)" = training.h5 || fail "left behind: $(ls -A work/features)"
}

# flip FILE OFFSET: turns the lowest bit of a byte.
flip () {
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

anew
ends 320

# A part of another length is made again.
size=$(stat -c %s parts/features/training.parts/00002.h5)
for length in 0 1 8 47 600 $((size / 3)) $((size / 2)) $((size - 1)); do
  anew
  truncate -s "$length" $part
  run 1 slabfit verify -q $part
  ends 256 ".*'features/training.parts/00002.h5'.*: made again"
done
anew
rm $part
ends 256

# A flipped bit in a part's chunk: verify names the chunk, and extract makes that part again.  One elsewhere is found or
# harmless.
chunk="chunk \\([01], [01]\\) of '/features' of '[^']*', from row (0|32) and column [0-9]+ on, .*; make the file again"
found=0
for ((i = 1; i < 20; i++)); do
  anew
  flip $part $((size * i / 20))
  if slabfit verify -q $part >out 2>err; then
    run 0 extract work
    same $whole work/features/training.h5
  else
    like "slabfit verify: $chunk" "$(head -n 1 err)"
    ends 256 "$chunk: made again"
    found=$((found + 1))
  fi
done
test $found -gt 9 || fail "only $found of 19 flipped bits were found"

# In the merged file: all is made again, and until then the file stays.
size=$(stat -c %s $whole)
for i in 1 2 3; do
  rm -rf work
  cp -a whole work
  flip work/features/training.h5 $((size * i / 4))
  run 1 slabfit verify -q work/features/training.h5
  like "slabfit verify: chunk \\([0-9], [01]\\) of '/features' of 'work/features/training.h5', from row [0-9]+ and column [0-9]+ on, .*" "$(head -n 1 err)"
  run 1 slabfit export -q work/features/training.h5 -o rows.csv
  like "slabfit export: chunk \\([0-9], [01]\\) of '/features' of 'work/features/training.h5', .*" "$(cat err)"
  absent rows.csv
  ends 0 "chunk \\([0-9], [01]\\) of '/features' of 'features/training.h5', .*: made again"
done

# What verify finds good HDF5's own filters can read, whichever bit is flipped.
if command -v h5dump >/dev/null; then
  for ((i = 1; i < 150; i++)); do
    cp $whole flipped.h5
    flip flipped.h5 $((size * i / 150))
    if slabfit verify -q flipped.h5 >/dev/null 2>&1; then
      h5dump -d /features -o /dev/null flipped.h5 >said 2>&1 || fail "flip $i of 150 is not found, and h5dump cannot read it"
    fi
  done
else
  left_out 'flipped bits that only HDF5 finds: no h5dump (Debian: hdf5-tools)'
fi

# Two jobs on one output: both end well, whoever is first.  The second one opens files slowly at times, so that the first
# one takes parts away under its hands.
for ((i = 0; i < 20; i++)); do
  rm -rf work
  mkdir work
  extract work >out1 2>err1 &
  sleep "0.0$((i % 5 * 2))"
  (
    if ((i % 4)); then export LD_PRELOAD=$helpers/faults.so FAULTS_FOLDER=features FAULTS_SLOW=5; fi
    extract work
  ) >out2 2>err2
  second=$?
  wait $!
  first=$?
  test $first = 0 || fail "the first of two jobs exits with $first: $(cat err1)"
  test $second = 0 || fail "the second of two jobs exits with $second: $(cat err2)"
  same $whole work/features/training.h5
  test "$(ls -A work/features)" = training.h5 || fail "left behind: $(find work)"
done

# Temporary files.  Gone: those of processes of this host that ended, and old ones of other hosts.  Kept: those of living
# processes, young ones of other hosts, also where their clock or ours is wrong, and whatever is not slabfit's.
sleep 0 &
ended=$!
wait $ended
anew
for name in training.h5 training.parts/00001.h5; do
  : >work/features/$name."$host".$ended.0.tmp
  touch -d '2 days ago' work/features/$name.elsewhere.$$.0.tmp
done
ends 320
anew
kept=(training.h5."$host".$$.0.tmp training.h5.elsewhere.1.0.tmp training.h5.ahead.1.0.tmp notes.tmp training.h5.tmp
      training.parts/00003.h5."$host".$$.0.tmp training.parts/00003.h5.elsewhere.1.0.tmp training.parts/00003.h5.ahead.1.0.tmp
      training.parts/notes.tmp)
for name in "${kept[@]}"; do : >work/features/"$name"; done
touch -d '2 days ago' work/features/notes.tmp work/features/training.parts/notes.tmp work/features/training.h5.tmp
touch -d '2 days' work/features/*ahead* work/features/training.parts/*ahead*
run 0 extract work
same $whole work/features/training.h5
(cd work/features && find . -name '*.tmp' | sed 's|^\./||' | sort) >there
printf '%s\n' "${kept[@]}" | sort | compare 'kept files' there

# The clock was set back: parts, photographs and the network are from the future.
anew
find photos work stub.ts -exec touch -d '3 days' {} +
ends 320
touch -d '3 days' work/features/training.h5
run 0 extract work
json "d['splits']['training']['reused_rows'] == 320"

# A job that is killed and started again in a container has the same host name and the same process number.
confined=(unshare --fork --pid --user --map-root-user)
if "${confined[@]}" true 2>/dev/null; then
  rm -rf work
  mkdir work
  for wait in 0.35 none; do
    (cd work && SLABFIT_STUB_MILLISECONDS=$(test $wait = none || echo 100) exec "${confined[@]}" sh -c \
      '"$@" & test '$wait' = none || { sleep '$wait'; kill -KILL $!; }; wait $!' sh "${command[@]}") >out 2>err
    status=$?
    test $wait = none || test $status = 137 || fail "killed in a container: $status: $(cat err)"
  done
  test $status = 0 || fail "in a container: $status: $(cat err)"
  same $whole work/features/training.h5
else
  left_out 'process numbers that come again: no unshare here'
fi
