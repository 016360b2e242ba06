#!/bin/bash
# Extraction under a real SLURM, which the test brings up on this machine: each time the file must have the bytes of a
# single process's.  SLABFIT_SLOW also waits for a time limit, which takes two minutes more.
. "$(dirname "$0")"/functions.sh || exit 1
. "$tests"/slurm/cluster.sh || exit 1
trap 'status=$?; cluster_stop; leave $status' EXIT
scripts=$abs_top_srcdir/data/slurm

cluster_start "$folder"/cluster 4 2
chmod 755 "$folder"/cluster

# 10 parts of 32 images, one of which cannot be read.
"$helpers"/make_photographs photos 320 || exit 1
truncate -s 300 photos/training/fruit/00007.jpg
: >stub.ts
options=(--preprocess 'resize=80x80,mean=128:128:128' --rows-per-part 32 -q)
export SLABFIT_NETWORK=$helpers/stub_network.so

# The command line is kept in the file, so all runs have the same one, in folders of their own.
arguments=(../photos -o features --backbone ../stub.ts "${options[@]}")
mkdir alone
(cd alone && slabfit extract "${arguments[@]}" && slabfit train features -o model.h5 --epochs 2 -q) >log \
  || { cat log; exit 1; }
test "$(failed alone/features/training.h5 | wc -l)" = 1 || fail "the photograph that was cut is not among the failed"

# begin NAME MILLISECONDS WHAT: a case, in a folder of its own; each run of the network takes so long.
begin () {
  case=$1
  echo "$3"
  mkdir "$folder/$1" && cd "$folder/$1" || exit 1
  export SLABFIT_STUB_MILLISECONDS=$2 SLABFIT_STUB_LOG=$PWD/images
}

# submit ARGUMENT...: sets job to the number of the new job.
submit () { job=$(sbatch --parsable -o 'log-%A_%a' "$@") || { fail "$case: sbatch $*"; exit 1; }; }

# field JOB NAME: what scontrol says of it.
field () { scontrol show job "$1" -o | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }

# until_true SECONDS COMMAND...
until_true () {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    if test $SECONDS -ge $end; then
      fail "$case: waited in vain for '$*'"
      squeue
      cat log-* slabfit-*.log 2>/dev/null
      exit 1
    fi
    sleep 0.1
  done
}

gone () { test -z "$(squeue -h -j "$1" 2>/dev/null)"; }
ended () { until_true 60 gone "$1"; }
has_parts () { test "$(find features -name '[0-9]*.h5' 2>/dev/null | wc -l)" -ge "$1"; }

runs_again () { test "$(field "$1" JobState) $(field "$1" Restarts)" = 'RUNNING 1'; }
is_empty () { test -z "$(cluster_processes "SLURMD_NODENAME=$1")"; }

# has_state JOB STATE, has_restarted JOB TIMES
has_state () { test "$(field "$1" JobState)" = "$2" || fail "$case: job $1 is $(field "$1" JobState), not $2"; }
has_restarted () {
  test "$(field "$1" Restarts)" = "$2" || fail "$case: job $1 restarted $(field "$1" Restarts) times, not $2"
}

# the_same: the file is that of the single process, and nothing else is left.
the_same () {
  same "$folder"/alone/features/training.h5 features/training.h5
  test "$(ls -A features)" = training.h5 || fail "$case: left behind: $(ls -A features)"
  if test -e "$folder/.failed"; then tail -n 20 log-*; fi
}

# once: no image was done twice.
once () { test "$(stat -c %s images)" = 319 || fail "$case: $(stat -c %s images) images were done, of 319"; }

array () { submit "${@:2}" --array="$1" --cpus-per-task=2 "$scripts"/extract.sbatch "${arguments[@]}"; }

begin array 100 'an array over four nodes, and a merge that depends on it'
array 0-3
extract=$job
submit --dependency=afterok:"$extract" "$scripts"/merge.sbatch features
ended "$job"
has_state "$job" COMPLETED
test "$(for i in 0 1 2 3; do field "${extract}_$i" NodeList; done | sort -u | wc -l)" = 4 \
  || fail "the tasks did not run on four nodes"
the_same
once

begin steps 0 'a task for each process of srun'
srun -N 4 -n 4 slabfit extract "${arguments[@]}" >log-srun 2>&1 || fail "srun exits with $?: $(cat log-srun)"
the_same
once

begin both 0 'an array of steps, numbered from 3 by 2'
printf '#!/bin/sh\nexec srun -n 2 slabfit extract "$@"\n' >steps.sh
submit --array=3-7:2 --ntasks=2 steps.sh "${arguments[@]}"
ended "$job"
the_same
once

begin many 0 'more tasks than parts'
submit --array=1-15 --cpus-per-task=1 "$scripts"/extract.sbatch "${arguments[@]}"
ended "$job"
the_same
once

begin holes 0 'an array with holes is refused'
submit --array=0,1,4 --cpus-per-task=1 "$scripts"/extract.sbatch "${arguments[@]}"
ended "$job"
for i in 0 1 4; do
  has_state "${job}_$i" FAILED
  grep -q "SLURM_ARRAY_TASK_ID is $i, one of 3 numbers from 0 to 4" log-"${job}_$i" \
    || fail "task $i says $(cat log-"${job}_$i")"
done
absent features

# A task has 5 parts with 4 batches each; two callers of the network take 2 seconds or more for them.
begin cancelled 200 'a task is cancelled; submitted again, the array goes on'
array 0-1
extract=$job
submit --dependency=afterok:"$extract" --kill-on-invalid-dep=yes "$scripts"/merge.sbatch features
until_true 30 has_parts 3
scancel "${extract}_1"
ended "$extract"
ended "$job"
has_state "${extract}_0" COMPLETED
has_state "${extract}_1" CANCELLED
has_restarted "${extract}_1" 0
has_state "$job" CANCELLED
absent features/training.h5
find features -name '[0-9]*.h5' -printf '%f %i\n' | sort >before
test "$(wc -l <before)" -lt 10 || fail 'all parts were made before the task was cancelled'
rm images
export SLABFIT_STUB_MILLISECONDS=0
array 0-1
ended "$job"
the_same
done=$(stat -c %s images || echo 0) most=$((320 - 32 * $(wc -l <before)))
test "$done" -le $most || fail "$done images were done again, of $most that were missing"

begin requeued 300 'one task is told by USR1, stops, and goes back into the queue'
array 0-1
until_true 30 has_parts 2
# The one that shares its number with the array.
for i in 0 1; do test "$(field "${job}_$i" JobId)" != "$job" || last=$i; done
scancel --signal=USR1 --batch "${job}_$last"
ended "$job"
for i in 0 1; do has_state "${job}_$i" COMPLETED; done
has_restarted "${job}_$last" 1
has_restarted "${job}_$((1 - last))" 0
grep -q 'goes back into the queue' log-"${job}_$last" || fail "task $last says $(cat log-"${job}_$last")"
the_same

begin often 300 'a task that may not go back into the queue'
SLABFIT_RESTARTS=0 array 0-0
until_true 30 has_parts 1
scancel --signal=USR1 --batch "${job}_0"
ended "$job"
has_state "${job}_0" FAILED
test "$(field "${job}_0" ExitCode)" = 75:0 || fail "the task's exit code is $(field "${job}_0" ExitCode)"
grep -q 'restarted 0 times' log-"${job}_0" || fail "the task says $(cat log-"${job}_0")"

begin down 300 'a node dies; its task goes on elsewhere'
array 0-1
until_true 30 has_parts 2
node=$(field "${job}_0" NodeList)
other=$(field "${job}_1" NodeList)
cluster_kill "$node"
scontrol update nodename="$node" state=down reason=power
ended "$job"
for i in 0 1; do has_state "${job}_$i" COMPLETED; done
has_restarted "${job}_0" 1
has_restarted "${job}_1" 0
test "$(field "${job}_0" NodeList)" != "$node" || fail "the task ran on $node again"
test "$(field "${job}_1" NodeList)" = "$other" || fail "the other task left $other"
the_same
cluster_revive "$node"

begin lost 1200 'a node is given up, but its task lives on beside the new one'
array 0-1
until_true 30 has_parts 2
node=$(field "${job}_0" NodeList)
old=$(cluster_processes "SLURMD_NODENAME=$node" | head -n 1)
cluster_end KILL "$(cat "$cluster/slurmd.$node.pid")"
scontrol update nodename="$node" state=down reason=network
until_true 60 runs_again "${job}_0"
cluster_owns "$old" || left_out 'the old task had ended before the new one began'
ended "$job"
until_true 60 is_empty "$node"
for i in 0 1; do has_state "${job}_$i" COMPLETED; done
has_restarted "${job}_0" 1
# A part that the old task made after the new one had merged all is taken away by the next merge.
slabfit merge features >log-merge 2>&1 || fail "$(cat log-merge)"
the_same
cluster_revive "$node"

begin chain 20 'the whole chain by one command, from a copy of the dataset on the nodes'
mkdir 'a disk'
mv "$folder"/photos "$folder/my photos" # the name goes through three shells
run 0 env SLURM_TMPDIR="$PWD/a disk" SLURM_ARRAY_TASK_ID=5 SLURM_STEP_NUM_TASKS=4 \
  "$scripts"/submit.sh --dataset "$folder/my photos" --features features --backbone ../stub.ts --model model.h5 \
  --array 3%2 --cpus 2 --memory 500M --time 10 --partition main --stage --sbatch --comment='x y' \
  "${options[@]/#/--extract=}" --train=--epochs --train=2 --train=-q
like 'extract: job [0-9]+ merge: job [0-9]+ train: job [0-9]+' "$(tr '\n' ' ' <out | sed 's/ $//')"
job=$(sed -n 's/^train: job //p' out)
ended "$job"
has_state "$job" COMPLETED
test "$(field "$job" Comment)" = x || fail "the comment is $(field "$job" Comment)"
grep -q 'SLURM_TMPDIR' slabfit-extract-*.log && fail 'the dataset was not copied'
test -z "$(ls -A 'a disk')" || fail 'the copy of the dataset stays'
# It was made by another command, of which nothing else can be seen.
for place in "$folder/alone" .; do
  h5dump -y "$place"/features/training.h5 | sed '1d; /ATTRIBUTE "command"/,/^   }/d' >"$place"/contents
done
same "$folder"/alone/contents contents
run 0 h5diff --exclude-path /history "$folder"/alone/model.h5 model.h5 # which has seconds in it
mv "$folder/my photos" "$folder"/photos

if test -n "${SLABFIT_SLOW-}"; then
  begin limit 3000 "a task's time is over"
  array 0-0 --time=2 --signal=B:USR1@100
  until_true 200 gone "$job"
  has_state "${job}_0" COMPLETED
  test "$(field "${job}_0" Restarts)" -gt 0 || fail 'the task was never told that its time was over'
  the_same
fi
