# Programs that run as several ranks, for tests of MPI.  To be sourced after functions.sh.
#
#   ranks_make          makes them; skips the test where MPI is not there.  Sets ranks_program and ranks_slabfit to their
#                       paths
#   ranks_have          whether MPI is there
#   ranks_features      makes the folder features
#   ranks_close MODEL MODEL   their weights differ by less than 1e-5 of the largest one of each kind
#   "${ranks[@]}" N COMMAND...  runs COMMAND by mpirun as N ranks, however few processors there are
# shellcheck shell=bash

ranks_build=with
grep -q '^#define HAVE_MPI 1' "$abs_top_builddir"/config.h || ranks_build=without

ranks_have () {
  command -v mpirun >/dev/null 2>&1 || return 1
  test $ranks_build = with || command -v mpicc >/dev/null 2>&1
}

# In a build without MPI the one file that differs is compiled for it, and linked with the others.
ranks_make () {
  ranks_have || skip 'no mpicc and mpirun (Debian: libopenmpi-dev, openmpi-bin)'
  local targets='tests/ranks_program' compiler=()
  if test $ranks_build = without; then targets='tests/ranks_program tests/ranks_slabfit' compiler=(CC=mpicc); fi
  # shellcheck disable=SC2086 # a list of words
  env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$abs_top_builddir" "${compiler[@]}" $targets >make.log 2>&1 \
    || { cat make.log; exit 1; }
  ranks_program=$helpers/ranks_program
  ranks_slabfit=$abs_top_builddir/slabfit
  test $ranks_build = with || ranks_slabfit=$helpers/ranks_slabfit
}

ranks=(mpirun -n)
if mpirun --version 2>/dev/null | grep -q 'Open MPI'; then ranks=(mpirun --allow-run-as-root --oversubscribe -n); fi

# Three classes that overlap.
ranks_features () {
  local split
  for split in training validation; do
    awk -v seed=${#split} 'BEGIN {
      srand (seed)
      for (i = 0; i < (seed > 8 ? 100 : 300); i++) {
        label = int (3 * rand ()); printf "%d", label
        for (j = 0; j < 200; j++) printf ",%.3f", (rand () > 0.5 ? rand () + (j % 3 == label ? 0.25 : 0) : 0)
        print ""
      }
    }' >$split.csv
  done
  mkdir features
  for split in training validation; do run 0 slabfit import $split.csv -o features/$split.h5; done
}

ranks_close () {
  local layer kind
  for layer in dense dense_1 dense_2; do
    for kind in kernel bias; do
      values "$1" /model_weights/$layer/$layer/$kind:0 >one
      values "$2" /model_weights/$layer/$layer/$kind:0 >two
      paste one two | awk '
        function size (x) { return x < 0 ? -x : x }
        { if (size($1) > largest) largest = size($1); if (size($1 - $2) > most) most = size($1 - $2) }
        END { exit !(NF == 2 && largest > 0 && most <= 1e-5 * largest) }' \
        || fail "$1 and $2 differ in $layer/$kind"
    done
  done
}
