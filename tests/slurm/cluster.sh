# A SLURM of its own on this machine's loopback: one slurmctld, and a slurmd for each of several nodes.  To be sourced.
#
#   cluster_start FOLDER NODES CPUS   starts it with its state in FOLDER and the nodes n1, n2...; skips the test where
#                                     it cannot
#   cluster_stop                      ends its jobs and daemons
#   cluster_kill NODE                 the node's daemon and all its jobs' processes die at once, as by a power failure
#   cluster_revive NODE               starts its daemon again, and waits until it takes jobs
#
# Nothing outside of FOLDER is written, and no process is ended that does not have FOLDER's SLURM_CONF in its
# environment.  Munge, too, has a key and a socket of its own.  Works as root and, for jobs of the same user, as
# anybody else.
# shellcheck shell=bash

cluster=''

# A port of which the next NUMBER too are free.
cluster_port () {
  local port=$((20000 + $$ % 2000 * 10)) try next
  for try in $(seq 100); do
    for next in $(seq 0 "$1"); do
      if (: <>/dev/tcp/127.0.0.1/$((port + next))) 2>/dev/null; then continue 2; fi
      test "$next" != "$1" || { echo $port; return; }
    done
    port=$((20000 + (port + 10 * try) % 20000))
  done
}

cluster_configure () { # NODES CPUS
  local user name port number
  user=$(id -un) name=$(uname -n) port=$(cluster_port "$1")
  name=${name%%.*}
  cat <<END
ClusterName=slabfit
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
CredType=cred/munge
# cred_expire is also how long a requeued job is held: 120 seconds without it, and 5 at the least.
AuthInfo=cred_expire=5,socket=$cluster/munge.socket
StateSaveLocation=$cluster/state
SlurmdSpoolDir=$cluster/spool.%n
TmpFS=$cluster/tmp.%n
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmdPidFile=$cluster/slurmd.%n.pid
SlurmctldLogFile=$cluster/slurmctld.log
SlurmdLogFile=$cluster/slurmd.%n.log
PlugStackConfig=/dev/null
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
MpiDefault=none
JobRequeue=1
KillWait=5
ReturnToService=2
# The nodes need not have what they say.
SlurmdParameters=config_overrides
END
  for number in $(seq "$1"); do
    echo "NodeName=n$number NodeHostname=n$number NodeAddr=127.0.0.1 Port=$((port + number)) CPUs=$2 RealMemory=4096"
  done
  echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=60 State=UP"
}

# Whether process ID is one of the cluster's: a zombie has no environment any more.
cluster_owns () { cluster_environment "$1" | grep -qxF "SLURM_CONF=$SLURM_CONF"; }
cluster_environment () { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null; }

cluster_processes () { # [LINE]: those that have LINE in their environment too
  local id
  for id in /proc/[0-9]*; do
    id=${id#/proc/}
    if test "$id" != $$ && test "$id" != "$BASHPID" && cluster_owns "$id"; then
      test $# = 0 || cluster_environment "$id" | grep -qxF "$1" || continue
      echo "$id"
    fi
  done
}

# Waits until NUMBER nodes take jobs, for a minute at the most.
cluster_idle () {
  local end=$((SECONDS + 60)) idle
  while test $SECONDS -lt $end && cluster_owns "$(cat "$cluster"/slurmctld.pid)"; do
    idle=$(timeout 10 sinfo -h -N -o %T 2>/dev/null | grep -cx idle)
    test "$idle" != "$1" || return 0
    sleep 0.2
  done
  return 1
}

cluster_start () {
  local tool number
  for tool in munged slurmctld slurmd sbatch srun; do
    PATH=$PATH:/usr/sbin:/sbin command -v $tool >/dev/null \
      || skip "no $tool (Debian: munge, slurmctld, slurmd, slurm-client)"
  done
  PATH=$PATH:/usr/sbin:/sbin
  mkdir -p "$1"/state
  cluster=$(cd "$1" && pwd)
  export SLURM_CONF=$cluster/slurm.conf
  cluster_configure "$2" "$3" >"$SLURM_CONF"
  # No cgroups are used; version 2 would ask systemd for one all the same, and fail in a container.
  echo CgroupPlugin=cgroup/v1 >"$cluster"/cgroup.conf
  (umask 077 && head -c 128 /dev/urandom >"$cluster"/munge.key)
  munged --key-file="$cluster"/munge.key --socket="$cluster"/munge.socket --pid-file="$cluster"/munged.pid \
    --log-file="$cluster"/munged.log --seed-file="$cluster"/munge.seed >"$cluster"/start.log 2>&1 \
    || skip "munged does not start: $(tail -n 1 "$cluster"/start.log)"
  slurmctld -c >>"$cluster"/start.log 2>&1 || skip "slurmctld does not start: $(tail -n 1 "$cluster"/start.log)"
  for number in $(seq "$2"); do
    mkdir -p "$cluster/spool.n$number" "$cluster/tmp.n$number"
    slurmd -N "n$number" >>"$cluster"/start.log 2>&1 || skip "slurmd does not start: $(tail -n 1 "$cluster"/start.log)"
  done
  cluster_idle "$2" \
    || skip "SLURM's nodes do not come up: $(tail -q -n 1 "$cluster"/slurmctld.log "$cluster"/slurmd.n1.log)"
}

# Ends the processes ID... by SIGNAL.
cluster_end () {
  local signal=$1 id
  shift
  for id; do
    if cluster_owns "$id"; then kill -s "$signal" "$id" 2>/dev/null; fi
  done
}

# The jobs first: a job's processes outlive its slurmd.
cluster_stop () {
  test -n "$cluster" || return 0
  scancel -Q -u "$(id -un)" 2>/dev/null
  for _ in $(seq 50); do
    test -n "$(squeue -h 2>/dev/null)" || break
    sleep 0.2
  done
  # shellcheck disable=SC2046 # a list of numbers
  cluster_end TERM $(cat "$cluster"/slurmd.*.pid "$cluster"/slurmctld.pid "$cluster"/munged.pid 2>/dev/null)
  for _ in $(seq 50); do
    test -n "$(cluster_processes)" || break
    sleep 0.1
  done
  # shellcheck disable=SC2046
  cluster_end KILL $(cluster_processes)
  cluster=''
}

# A job's processes know their node; the one above them, slurmstepd, does not.  It goes first, or it would tell of their
# end.
cluster_kill () {
  local id above jobs steps
  jobs=$(cluster_processes "SLURMD_NODENAME=$1") steps=''
  for id in $jobs; do
    above=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$id/status" 2>/dev/null)
    case $(cat "/proc/$above/comm" 2>/dev/null) in slurmstepd) steps="$steps $above" ;; esac
  done
  # shellcheck disable=SC2086
  cluster_end KILL "$(cat "$cluster/slurmd.$1.pid")" $steps $jobs
  rm -f "$cluster/slurmd.$1.pid"
}

# A node that is up again may take jobs at once, or have to be told to.
cluster_revive () {
  slurmd -N "$1"
  for _ in $(seq 50); do
    test "$(sinfo -h -n "$1" -o %T)" != idle || return 0
    scontrol update nodename="$1" state=resume 2>/dev/null
    sleep 0.2
  done
  fail "node $1 does not come up again: $(tail -n 1 "$cluster/slurmd.$1.log")"
}
