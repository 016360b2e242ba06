#!/bin/bash
# A stop by a signal or --stop-after: status 75, nothing half-written, and the same command goes on to the same bytes.
. "$(dirname "$0")"/functions.sh || exit 1

# 1000 images and 2400 values for each: 32 parts of up to 32 rows.
network wide
mkdir -p dataset/training/a dataset/training/b undisturbed disturbed
cp "$images"/photo.jpg dataset/training/a/0.jpg
cp "$images"/rgb.jpg dataset/training/b/0.jpg
for i in $(seq 499); do
  ln dataset/training/a/0.jpg dataset/training/a/$i.jpg
  ln dataset/training/b/0.jpg dataset/training/b/$i.jpg
done
extract='slabfit extract ../dataset -o f --backbone ../wide.ts --preprocess resize=160x160 --rows-per-part 32 -q'
# Sets parts to the number of finished ones.  Without a new process, so that a busy machine does not miss the moment.
count_parts () {
  local part
  parts=0
  for part in f/training.parts/[0-9]*.h5; do
    if test -e "$part"; then parts=$((parts + 1)); fi
  done
}
# A stop at the very end comes while the parts are merged.
said_so () {
  output </dev/null
  like "slabfit extract: (stopped as asked; nothing is lost:|stopped while merging 'f/training.h5';) run the same command \
again" "$(cat err)"
}

cd undisturbed || exit 1
run 0 $extract
cd ../disturbed || exit 1

# stopped SIGNAL: the command ends with 75 when it comes after a further part.
stopped () {
  count_parts
  before=$parts
  $extract >out 2>err &
  process=$!
  while test $parts -le "$before" && kill -0 $process 2>/dev/null; do
    sleep 0.005
    count_parts
  done
  kill -"$1" $process
  wait $process
  status=$?
  command_line="$extract, with SIG$1"
  test $status = 75 || fail "'$command_line' exits with $status, not 75"
  said_so
  no_temporary f
  absent f/training.h5
  count_parts
  test $parts -gt "$before" || fail "'$command_line' keeps no part"
}
stopped TERM
stopped INT
stopped USR1

before=$parts
run 75 $extract --stop-after 0.001
said_so
count_parts
test $parts -ge "$before" || fail 'parts are lost'

run 0 $extract
kept=$((32 * parts < 1000 ? 32 * parts : 1000))
like "training: 1000 rows, $kept of them kept from before, 0 failed" "$(head -n 1 out)"
no_temporary f
same f/training.h5 ../undisturbed/f/training.h5

# Training begins anew: no model until it is whole.
cd ..
train='slabfit train undisturbed/f -o model.h5 --epochs 100000 --hidden 4'
$train >out 2>err &
process=$!
while ! grep -q '^epoch 2/' err && kill -0 $process 2>/dev/null; do sleep 0.01; done
kill -TERM $process
wait $process
status=$?
command_line=$train
test $status = 75 || fail "'$train' exits with $status, not 75"
output </dev/null
like "slabfit train: training on 'undisturbed/f/training.h5' was stopped (in epoch [0-9]+|before its first epoch); run the same command again" \
  "$(tail -n 1 err)"
absent model.h5
no_temporary .

# organize, evaluate, verify and merge, too; and run, whose stages have one time between them.
run 75 slabfit organize dataset/training divided --splits 1,1,1 --stop-after 0.000001 -q
errors <<'END'
slabfit organize: stopped with 1 of 1000 images in 'divided'; run the same command again
END
run 0 slabfit organize dataset/training divided --splits 1,1,1 -q
run 75 slabfit verify undisturbed/f/training.h5 undisturbed/f/training.h5 --stop-after 0.000001
errors <<'END'
slabfit verify: stopped while verifying 'undisturbed/f/training.h5'; run the same command again
END
run 75 slabfit run dataset/training -o work --splits 1,1,1 --backbone wide.ts --stop-after 0.000001 -q
errors <<'END'
slabfit run: stopped with 1 of 1000 images in 'work/dataset'; run the same command again
END
