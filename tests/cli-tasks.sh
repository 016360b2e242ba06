#!/bin/bash
# slabfit extract --task, as a job array runs it, and slabfit merge.
. "$(dirname "$0")"/functions.sh || exit 1
need h5dump hdf5-tools
need h5diff hdf5-tools

# 70 images and 2400 values for each: parts of 32 rows.
network wide
mkdir -p dataset/training/a dataset/training/b
for i in $(seq 35); do
  cp "$images"/photo.jpg dataset/training/a/$i.jpg
  cp "$images"/colour-420.jpg dataset/training/b/$i.jpg
  echo $i | tee -a dataset/training/{a,b}/$i.jpg >tee # no duplicates
done
extract () { slabfit extract dataset --backbone wide.ts --preprocess resize=160x160 --rows-per-part 32 "$@"; }
contents () { # of a feature file, sizes of its chunks as well, without the command that made it
  for options in '-H -p' ''; do h5dump -y $options "$1" | sed '1d; /ATTRIBUTE "command"/,/^   }/d'; done
}

run 0 extract -o whole -q

# Two tasks, one after the other.
run 0 extract -o f --task 0/2
head -n 2 out >said
compare 'first lines' said <<'END'
training: 38 rows, 0 of them kept from before, 0 failed
training: 1 part is still missing; the last task to end merges them
END
test "$(ls f/training.parts)" = $'00000.h5\n00002.h5' || fail "there are $(ls f/training.parts)"
absent f/training.h5
run 1 slabfit merge f
output <<'END'
training: not merged, 1 of 3 parts are missing
END
errors <<'END'
slabfit merge: 1 part is missing in 'f'; run 'slabfit extract' again, then merge
END
run 1 slabfit merge f --json
json "d == {'splits': {'training': {'rows': 0, 'failed': 0, 'parts': 3, 'missing': 1, 'kept': False}}, 'duplicates': {'within': 0, 'across': 0}}"
refuses 1 "slabfit train: 1 of the 3 parts in 'f/training.parts' is missing; run extract again, then train" \
  slabfit train f -o model.h5

# The same task again keeps its parts, but for one that was cut short.
run 0 extract -o f --task 0/2 --json -q
json "d['splits']['training'] == {'rows': 38, 'failed': 0, 'reused_rows': 38, 'missing_parts': 1}"
truncate -s 3000 f/training.parts/00002.h5
run 0 extract -o f --task 0/2 --json
json "d['splits']['training'] == {'rows': 38, 'failed': 0, 'reused_rows': 32, 'missing_parts': 1}"
sed -n 2p err >said
compare 'second message' said <<'END'
cannot open 'f/training.parts/00002.h5': it is cut short or damaged; copy it again or make it again: made again
END

cp -r f/training.parts saved

# The other task finds all parts there and merges them: as if one had made all.
run 0 extract -o f --task 1/2
head -n 1 out >said
compare 'first line' said <<'END'
training: 32 rows, 0 of them kept from before, 0 failed
END
absent f/training.parts
contents f/training.h5 >tasks
contents whole/training.h5 >whole.contents
same tasks whole.contents
run 0 h5diff f/training.h5 whole/training.h5 /features /features
run 0 slabfit merge f
output <<'END'
training: 70 rows, merged before
END
run 0 slabfit merge f --json
json "d == {'splits': {'training': {'rows': 70, 'failed': 0, 'parts': 0, 'missing': 0, 'kept': True}}, 'duplicates': {'within': 0, 'across': 0}}"

# All parts by tasks that could not know: merge by hand.
run 0 extract -o g --task 1/2 -q
cp saved/* g/training.parts
cp -r g h
run 0 slabfit merge g
output <<'END'
training: 70 rows from 3 parts
END
absent g/training.parts
contents g/training.h5 >merged
same merged whole.contents

# train merges them, too.
run 0 slabfit train h -o model.h5 --hidden 4 --epochs 1 -q
run 0 slabfit verify h/training.h5
like 'h/training.h5: good, 70 rows in 3 chunks, [0-9]+ MB/s' "$(cat out)"

# More tasks than parts.
run 0 extract -o i --task 3/4 -q
head -n 2 out >said
compare 'first lines' said <<'END'
training: 0 rows, 0 of them kept from before, 0 failed
training: 3 parts are still missing; the last task to end merges them
END

# A task that has nothing to do, or fails, leaves what others may be working with; who works alone leaves nothing.
test "$(ls -A i)" = images.catalogue || fail "there is $(ls -A i)"
refuses 1 "slabfit extract: 'dataset' has no split 'none'; check --split and the folder's name" \
  extract -o j -q --task 0/2 --split none
test "$(ls -A j)" = images.catalogue || fail "there is $(ls -A j)"
run 1 extract -o k -q --split none
absent k

# Nothing to merge.
mkdir nothing
refuses 1 "slabfit merge: 'nothing' has neither parts nor feature files; make them with 'slabfit extract'" \
  slabfit merge nothing
refuses 1 "slabfit merge: cannot open 'none': No such file or directory; check the path" slabfit merge none
