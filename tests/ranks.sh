# Programs that run as several ranks, for tests of MPI.  To be sourced after functions.sh.
#
#   ranks_make          makes them; skips the test where MPI is not there.  Sets ranks_program and ranks_slabfit to their
#                       paths
#   ranks_have          whether MPI is there
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
