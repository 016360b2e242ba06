# What the shell tests of the command line share.  A test sources this file first.  It then stands in a new folder,
# which is removed at its end, and whatever does not hold is printed and makes the test fail.
#
#   refuses STATUS MESSAGE COMMAND...  COMMAND exits with STATUS, prints nothing, and says exactly MESSAGE
#   run STATUS COMMAND...              COMMAND exits with STATUS; what it printed is in the files out and err
#   output, errors                     the files out and err hold exactly what comes on standard input
#   json TEXT                          the Python expression TEXT holds for d, the one JSON object in the file out
#   same FILE FILE                     both have the same bytes
#   network KIND [PREPROCESS]          makes the network KIND.ts (make_network.c lists the kinds)
#   unprivileged COMMAND...            without root's rights
set -u
LC_ALL=C
export LC_ALL
unset COLUMNS ARGP_HELP_FMT HDF5_PLUGIN_PATH HDF5_USE_FILE_LOCKING
# The tests may run in a job or as a rank, whose share of the work and whose limits are not theirs.
foreign='SLURM|SBATCH|SCANCEL|SQUEUE|SINFO|SALLOC|SLABFIT_STUB|OMPI_COMM|PMIX|PMI|MPI'
for name in $(compgen -v | grep -E "^($foreign)_"); do unset "$name"; done
unset SLABFIT SLABFIT_RESTARTS

# make check sets these; by hand, a test is run in the build folder: bash SOURCE/tests/cli-TOPIC.sh
: "${abs_top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")"/.. && pwd)}" "${abs_top_builddir:=$PWD}"
PATH=$abs_top_builddir:$PATH
export SLABFIT_NETWORK="${SLABFIT_NETWORK:-$abs_top_builddir/network.so}" PATH
test -x "$abs_top_builddir"/slabfit || { echo "no slabfit in $abs_top_builddir"; exit 1; }

tests=$abs_top_srcdir/tests
images=$tests/reference/images
helpers=$abs_top_builddir/tests

folder=$(mktemp -d) || exit 1
chmod 755 "$folder"
cd "$folder" || exit 1
export XDG_CACHE_HOME="$folder"/.cache # what is remembered of this machine's networks is not the tests'

# Whatever a test mounted or made unwritable.
leave () {
  status=$1
  cd / || exit 1
  if test -e "$folder"/.failed && test "$status" = 0; then status=1; fi
  if mountpoint -q "$folder/full" 2>/dev/null; then umount "$folder/full"; fi
  chmod -R u+rwX "$folder"
  rm -rf "$folder"
  exit "$status"
}
trap 'leave $?' EXIT
trap 'exit 1' HUP INT TERM

skip () { echo "skipped: $1"; exit 77; }

# left_out WHAT: a part of the test that this machine cannot do.
left_out () { echo "left out: $1"; }

# Kept in a file, since a part of a pipeline is a process of its own.
fail () { echo "not ok: $1"; touch "$folder"/.failed; }

# need TOOL PACKAGE: skips the test where TOOL is missing.
need () { command -v "$1" >/dev/null 2>&1 || skip "no $1 (Debian: $2)"; }

run () {
  expected=$1; shift
  command_line=$*
  "$@" >out 2>err </dev/null
  status=$?
  if test $status != "$expected"; then
    fail "'$command_line' exits with $status, not $expected"
    sed 's/^/  /' out err
  fi
}

# compare WHAT FILE: FILE has what comes on standard input.
compare () {
  cat >expected
  diff -u --label expected --label "$1" expected "$2" || fail "$1 of '$command_line'"
}
output () { compare output out; }

# argp's advice to try --help breaks its lines by the length of the command's name, and how the network is run depends
# on the machine; both are left aside.
errors () { sed -e '/^Try `slabfit/,$d' -e '/^network: [0-9]* caller/d' err >said; compare messages said; }

refuses () {
  run "$1" "${@:3}"
  test -s out && output </dev/null
  said=$(<err)
  if test "${said%%$'\n'"Try \`slabfit"*}" != "$2"; then echo "$2" | errors; fi
}

# like EXPRESSION TEXT: TEXT is as the extended regular expression says, for what times and rates stand in.
like () {
  [[ $2 =~ ^($1)$ ]] || fail "'$command_line' says '$2', which is not like '$1'"
}

for python in "${PYTHON:-python3}" python3 /usr/bin/python3 ""; do
  if test -z "$python" || "$python" -c 'import json' 2>/dev/null; then break; fi
done

json () {
  if test -z "$python"; then left_out "the JSON of '$command_line' (no python3)"; return; fi
  "$python" - "$1" <<'END' || fail "JSON of '$command_line'"
import json, sys
d = json.load(open("out"))
if not eval(sys.argv[1]):
    print(sys.argv[1], "does not hold in", json.dumps(d, indent=1), sep="\n")
    sys.exit(1)
END
}

same () { cmp "$1" "$2" || fail "$1 and $2 differ"; }

# absent PATH...: none of them is there.
absent () {
  for path; do
    if test -e "$path"; then fail "'$path' is there"; fi
  done
}

# no_temporary FOLDER: no unfinished file is left in it.
no_temporary () {
  left=$(find "$1" -name '*.tmp*')
  test -z "$left" || fail "left behind: $left"
}

network () { "$helpers/make_network" "$1.ts" "$@" || { echo "no network $1"; exit 1; }; }

# values FILE DATASET: its values, a line each.
values () {
  h5dump -y -w 1 -m %.9g -d "$2" "$1" \
    | sed -n '/DATA {/,/^ *}/p' | sed '1d; $d; s/^ *//; s/,$//; s/^"//; s/"$//; s/\(\\000\)*$//; /^$/d'
}

# failed FILE: "image: reason" for each of its failures, sorted.
failed () {
  h5dump -y -d /failed "$1" | sed -n 's/^ *"\(.*\)",\{0,1\}$/\1/p' | sed 's/\(\\000\)*$//' \
    | paste -d '|' - - | sed 's/|/: /' | sort
}

unprivileged () {
  if test "$(id -u)" = 0; then
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
  else
    "$@"
  fi
}

# Whether unprivileged works: it does not where the program lies in a folder that only root may enter.
can_drop_rights () { unprivileged slabfit --version >/dev/null 2>&1; }
