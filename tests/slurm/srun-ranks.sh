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
