#!/bin/bash
# What damage, other jobs and clocks do: parts cut short, flipped bits, two jobs on one output, temporary files that dead jobs
# left, files from the future.
. "${srcdir:-.}"/tests/functions.sh

need h5dump hdf5-tools
"$helpers/make_photographs" photos 320 || exit 1
: >stub.ts
export SLABFIT_NETWORK=$helpers/stub_network.so
host=$(hostname)

# The command line is kept in the file, so all runs have the same one, in folders of their own.
extract=(slabfit extract ../photos -o features --backbone ../stub.ts --preprocess resize=80x80,mean=128:128:128
         --rows-per-part 64 --threads 2 --json -q)
extract () { (cd "$1" && exec "${extract[@]}" "${@:2}"); }

mkdir whole work
run 0 extract whole
whole=whole/features/training.h5

# Five parts that wait for their merge: a run that could be of two tasks, each of which does its own.
cp -r whole parts
rm parts/features/training.h5
(cd parts && "${extract[@]}" --task 1/2 >/dev/null && "${extract[@]}" --task 0/3 >/dev/null) || exit 1
left=parts/features/training.parts
mv "$left"/00004.h5 saved 2>/dev/null
run 0 extract parts --task 4/5
rm -f saved
