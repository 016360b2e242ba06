#!/bin/bash
# Several ranks over the nodes of a real SLURM, which the test brings up on this machine, by srun and PMIx.
. "$(dirname "$0")"/../functions.sh || exit 1
. "$tests"/ranks.sh || exit 1
. "$tests"/slurm/cluster.sh || exit 1
ranks_make
trap 'status=$?; cluster_stop; leave $status' EXIT
cluster_start "$folder"/cluster 4 2
chmod 755 "$folder"/cluster
srun --mpi=list 2>&1 | grep -qw pmix || skip 'SLURM has no PMIx'

step=(srun --mpi=pmix --kill-on-bad-exit=1 -N 4 -n 4)

# ends STATUS MESSAGE COMMAND...: within 20 seconds, with that one message on standard error; srun has more to say.
ends () {
  local begun=$SECONDS
  run "$1" "${@:3}"
  test $((SECONDS - begun)) -lt 20 || fail "'$command_line' takes $((SECONDS - begun)) seconds"
  grep '^ranks_program: ' err >said
  compare messages said <<<"ranks_program: $2"
}

for name in sums rows; do
  run 0 "${step[@]}" "$ranks_program" $name
  output <<<"$name holds on 4"
done
ends 75 'stopped after step 6' "${step[@]}" "$ranks_program" stop 2
ends 1 'rank 3 failed' "${step[@]}" "$ranks_program" fail_one 3
ends 1 'rank 0 failed' "${step[@]}" "$ranks_program" fail_all

# Killed: the step ends at once, with some failure.
begun=$SECONDS
"${step[@]}" "$ranks_program" die 2 >out 2>err </dev/null && fail 'a rank was killed, and srun knows of no failure'
test $((SECONDS - begun)) -lt 20 || fail "the other ranks live for $((SECONDS - begun)) seconds"

# A signal to the step, as SLURM sends it before a job's time is over.
cat >signalled.sh <<END
#!/bin/sh
${step[*]} $ranks_program wait 2>err
echo \$? >status
END
job=$(sbatch --parsable -N 4 -o log signalled.sh) || exit 1
for _ in $(seq 600); do
  if grep -q waiting err 2>/dev/null; then break; fi
  sleep 0.05
done
scancel --signal=USR1 "$job".0
for _ in $(seq 600); do
  if test -s status; then break; fi
  sleep 0.05
done
test "$(cat status)" = 75 || fail "the step that got USR1 ends with $(cat status)"
grep '^ranks_program: ' err >said
command_line='ranks_program wait, with SIGUSR1' compare messages said <<<'ranks_program: stopped as asked'

# Processes that know nothing of each other are no ranks.
run 0 srun --mpi=none -N 2 -n 2 "$ranks_program" stop_by_agree
output <<'END'
stop_by_agree holds on 1
stop_by_agree holds on 1
END

# The batch script: USR1 before its time is over sends the job back into the queue, from which it goes on, to the same model.
if command -v h5dump >/dev/null; then
  ranks_features
  options=(--engine sweep --hidden 16,8 --epochs 300 --lr 0.002)
  run 0 slabfit train features -o alone.h5 "${options[@]}" -q
  job=$(SLABFIT=$ranks_slabfit sbatch --parsable -N 4 -n 4 --cpus-per-task=1 -o train-log \
    "$abs_top_srcdir"/data/slurm/train.sbatch features -o model.h5 "${options[@]}") || exit 1
  for _ in $(seq 1200); do
    if grep -q '^epoch .*5/' train-log 2>/dev/null; then break; fi
    sleep 0.05
  done
  scancel --signal=USR1 "$job".0
  for _ in $(seq 1800); do
    if test -z "$(squeue -h -j "$job" 2>/dev/null)"; then break; fi
    sleep 0.1
  done
  command_line="train.sbatch"
  like '.*JobState=COMPLETED .*Restarts=1 .*' "$(scontrol show job "$job" -o)"
  grep -q 'goes back into the queue' train-log || fail "the job says $(cat train-log)"
  ranks_close alone.h5 model.h5
else
  left_out 'a training (no h5dump)'
fi
