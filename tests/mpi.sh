#!/bin/bash
# Several ranks on this machine, by mpirun: what they do together, and how a job ends where one of them stops, fails or
# dies.
. "$(dirname "$0")"/functions.sh || exit 1
. "$tests"/ranks.sh || exit 1
ranks_make

# holds CASE N: as N ranks.
holds () {
  run 0 "${ranks[@]}" "$2" "$ranks_program" "$1"
  output <<<"$1 holds on $2"
}
for name in sums traffic rows few_rows stop_by_agree; do
  for n in 1 3; do holds $name $n; done
done
holds sums 4
run 0 "${ranks[@]}" 4 "$ranks_program" agree 1
run 0 "${ranks[@]}" 4 "$ranks_program" agree 3

# ends STATUS MESSAGE N CASE [RANK]: within 20 seconds, with that one message on standard error and nothing on standard
# output; the launcher has more to say.
ends () {
  local begun=$SECONDS
  run "$1" "${ranks[@]}" "$3" timeout -s KILL 60 "$ranks_program" "${@:4}"
  test $((SECONDS - begun)) -lt 20 || fail "'$command_line' takes $((SECONDS - begun)) seconds"
  output </dev/null
  grep '^ranks_program: ' err >said
  compare "messages" said <<<"ranks_program: $2"
}
# All stop at the same step, whoever is asked.
for n in 1 2; do ends 75 'stopped after step 6' $n stop; done
ends 75 'stopped after step 6' 4 stop 0
ends 75 'stopped at last' 3 stop_late 0
ends 75 'stopped at last' 3 stop_late 2

# One fails, while the others wait for it or are at their end.
ends 1 'rank 0 failed' 1 fail_one
ends 1 'rank 0 failed' 4 fail_one 0
ends 1 'rank 3 failed' 4 fail_one 3
ends 1 'rank 2 failed' 4 fail_two
ends 1 'rank 0 failed' 4 fail_all
ends 1 'rank 0 failed' 4 fail_last 0
ends 1 'rank 2 failed' 4 fail_last 2

# One ends by itself or is killed: the others do not wait for it.
# dies EXPRESSION N CASE [RANK]: the same, with a status like EXPRESSION, and without a message.
dies () {
  local begun=$SECONDS
  "${ranks[@]}" "$2" timeout -s KILL 60 "$ranks_program" "${@:3}" >out 2>err </dev/null
  status=$? command_line="ranks ${*:2}"
  test $((SECONDS - begun)) -lt 20 || fail "'$command_line' takes $((SECONDS - begun)) seconds"
  like "$1" $status
  output </dev/null
  if grep '^ranks_program: ' err; then fail "'$command_line' has a message"; fi
}
dies 2 4 leave 0
dies 2 4 leave 3
dies '137|9' 4 die 0
dies '137|9' 4 die 3

# A signal to mpirun, which passes it on.
"${ranks[@]}" 3 "$ranks_program" wait >out 2>err </dev/null &
process=$!
for _ in $(seq 1000); do
  if grep -q waiting err; then break; fi
  sleep 0.01
done
kill -USR1 $process
wait $process
status=$? command_line='ranks_program wait, with SIGUSR1'
like 75 $status
grep '^ranks_program: ' err >said
compare messages said <<<'ranks_program: stopped as asked'
