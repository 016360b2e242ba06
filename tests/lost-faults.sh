#!/bin/bash
# A full disk and a device error at every call in turn that writes, fsyncs, renames, creates or closes a file of what is made.
# Each time: status 1 and a message that says so, no unfinished file left, what stands under a final name is whole, and the
# same command then makes what an undisturbed run makes.  A close that fails after all was read, or after fsync, harms nothing;
# a checkpoint that cannot be written is warned of.
. "$(dirname "$0")"/functions.sh || exit 1

need h5dump hdf5-tools
faults=$helpers/faults.so
test -e "$faults" || skip 'no preloaded library here'
LD_PRELOAD=$faults true 2>said && test ! -s said || skip "the preloaded library does not load: $(cat said)"
work=$(pwd -P)/work
mkdir "$work"
stub=$helpers/stub_network.so

"$helpers/make_photographs" photos 120 || exit 1
echo 'no photograph' >photos/training/other/broken.jpg # so that failures are written, and rows that fill no tile merged
: >stub.ts

# with_fault CALL NUMBER ERRNO COMMAND...
with_fault () {
  env LD_PRELOAD="$faults" FAULTS_FOLDER="$work" FAULTS_CALL=$1 FAULTS_NUMBER=$2 FAULTS_ERRNO=$3 ${forever:+FAULTS_FOREVER=1} \
    FAULTS_COUNT=count "${@:4}" >out 2>err </dev/null
}

reasons=('' '' '' '' '' 'Input/output error; the device failed: check the disk, then run the same command again')
reasons[28]='No space left on device; free some space, then run the same command again'

whole () { find "$work" -name '*.h5' ! -name 'model*' ! -name 'gram*' -exec slabfit verify -q {} + >said 2>&1 || broken "$(cat said)"; }
broken () { fail "$name: $call $number of $calls, error $errno: $1"; exit 1; }

# check_fault STATUS: after the command had a fault.
check_fault () {
  no_temporary "$work"
  whole
  if test "$1" = 0 && test $call = close; then
    agree || broken 'another result'
    return
  fi
  if test "$1" = 0 && grep -q '^warning: cannot .* training goes on without checkpoints$' err; then
    agree || broken 'another result'
    return
  fi
  test "$1" = 1 || broken "exit status $1: $(cat err)"
  tail -n 1 err >said
  grep -Eqx "slabfit $name: cannot (create|write|write to|open|write the [a-z]+ (of|to)|write '/failed' of|rename a finished file to) '$work[^']*': ${reasons[$errno]}" \
    said || broken "it says '$(cat said)'"
}

# agree: work/RESULT is what the undisturbed run made; a model's history says how long it took.
agree () {
  if test $name = train; then
    cmp <(h5dump -g /model_weights result | sed 1d) <(h5dump -g /model_weights "$work/$result" | sed 1d)
  else
    cmp result "$work/$result"
  fi
}

# Where only the fsync of the folder failed, the file stands, and some commands do not write it again.
again () {
  "$@" >out 2>err </dev/null \
    || { test $call = fsync && grep -q 'is there already; choose another name or give --force' err; }
}

# try COMMAND...: with an error at the call, and then again without.
try () {
  prepare
  with_fault $call $number $errno "$@"
  status=$?
  check_fault $status
  tried=$((tried + 1))
  test $status = 0 || again "$@" || broken "again: $(cat err)"
  agree || broken 'another result'
  no_temporary "$work"
  test ! -e "$folder"/.failed || broken 'see above'
}

# every_call NAME RESULT MOST COMMAND...: COMMAND of slabfit NAME makes work/RESULT; "prepare" makes what it starts from.  Of each
# kind of call MOST are tried, spread over all.
every_call () {
  name=$1 result=$2 most=$3 tried=0
  shift 3
  prepare
  call=none number=0 calls=0 errno=0
  "$@" >out 2>err </dev/null || { fail "$name: $(cat err)"; exit 1; }
  cp "$work/$result" result
  for call in create write fsync rename close truncate; do
    prepare
    with_fault $call 0 0 "$@" || broken "exit status $?: $(cat err)"
    calls=$(cat count)
    for ((i = 0; i < (calls < most ? calls : most); i++)); do
      number=$((calls <= most ? i + 1 : 1 + i * (calls - 1) / (most > 1 ? most - 1 : 1)))
      for errno in 28 5; do try "$@"; done
    done
  done
  test $tried -gt 4 || fail "$name: only $tried faults"
  echo "$name: $tried faults"
}

anew () { rm -rf "$work"; mkdir "$work"; }

# extract: every call of a run with two parts and their merge.
prepare () { anew; }
extract=(env SLABFIT_NETWORK="$stub" slabfit extract photos -o "$work" --backbone stub.ts
         --preprocess resize=80x80,mean=128:128:128 --rows-per-part 64 --threads 2 -q)
every_call extract training.h5 1000 "${extract[@]}"

# A disk that stays full from some call on.
forever=yes
every_call extract training.h5 6 "${extract[@]}"
forever=

# merge, from parts that a run left which could not rename the merged file: the catalogue and two parts come before it.
anew
with_fault rename 4 28 "${extract[@]}"
test "$(ls "$work/training.parts" | wc -l)" = 2 || fail "parts: $(ls "$work/training.parts")"
cp -r "$work" parts
prepare () { rm -rf "$work"; cp -r parts "$work"; }
every_call merge training.h5 1000 slabfit merge "$work" -q

# The other commands that write.
cp "$work/training.h5" training.h5
prepare () { anew; }
every_call export rows.csv 8 slabfit export training.h5 -o "$work/rows.csv" -q
head -n 70 "$work/rows.csv" >few.csv
every_call import rows.h5 1000 slabfit import few.csv -o "$work/rows.h5" -q
mkdir features
cp "$work/rows.h5" features/training.h5
every_call train model.h5 1000 slabfit train features -o "$work/model.h5" --hidden 4 --epochs 1 --threads 2
cp "$work/model.h5" model.h5
cp features/training.h5 features/validation.h5
prepare () { anew; cp -r features "$work"; }
every_call train model.h5 8 slabfit train "$work/features" -o "$work/model.h5" --hidden 4 --epochs 3 --early-stop 2 \
  --engine gram --cache --threads 2

# backbone, whose file of 94 MB libtorch writes: few calls, and a disk that stays full.
name=backbone calls=many
backbone=(slabfit backbone resnet50 --random 1 -o "$work/model.ts" -q)
for fault in 'create 1' 'write 1' 'write 2' 'write 200' 'fsync 1' 'rename 1'; do
  read -r call number <<<"$fault"
  errno=$((number % 2 ? 28 : 5))
  anew
  forever=yes
  with_fault "$call" "$number" $errno "${backbone[@]}"
  status=$?
  forever=
  test $status = 1 || broken "exit status $status"
  test -z "$(ls -A "$work")" || broken "left behind: $(ls -A "$work")"
  grep -Eqx "slabfit backbone: cannot (create|write the backbone|write|rename a finished file to) '$work/model.ts[^']*': ${reasons[$errno]%%;*}; .+" err \
    || broken "it says '$(cat err)'"
done
"${backbone[@]}" >out 2>err || broken "$(cat err)"
echo 'backbone: 6 faults'
