#include <config.h>

#include "../src/base/machine.h"

#include "support.h"

#include <math.h>
#include <sched.h>

/* Removes what a job around the tests has set, and mpirun.  */
static void
clear_environment (void)
{
  static const char *const names[] = {
    "ARRAY_TASK_ID", "ARRAY_TASK_COUNT", "ARRAY_TASK_MIN", "ARRAY_TASK_MAX",     "ARRAY_TASK_STEP",
    "CPUS_ON_NODE",  "CPUS_PER_TASK",    "MEM_PER_CPU",    "MEM_PER_NODE",       "NODEID",
    "NTASKS",        "PROCID",           "STEP_NUM_TASKS", "STEP_TASKS_PER_NODE"
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    {
      char name[64];
      snprintf (name, sizeof name, "SLURM_%s", names[i]);
      unsetenv (name);
    }
  unsetenv ("OMPI_COMM_WORLD_LOCAL_SIZE");
  unsetenv ("MPI_LOCALNRANKS");
}

/* Sets "SLURM_NAME=VALUE" for each word of TEXT, "NAME=VALUE NAME=VALUE".  */
static void
set_environment (const char *text)
{
  char *copy = strdup (text), *rest, *word;
  clear_environment ();
  for (word = strtok_r (copy, " ", &rest); word; word = strtok_r (NULL, " ", &rest))
    {
      char name[64];
      snprintf (name, sizeof name, "SLURM_%.*s", (int) strcspn (word, "="), word);
      setenv (name, strchr (word, '=') + 1, 1);
    }
  free (copy);
}

#define STEP_OF_4 "STEP_NUM_TASKS=4 STEP_TASKS_PER_NODE=4 "

static const struct {
  const char *environment;
  int task, tasks;
} places[] = {
  { "", 0, 1 },
  /* As SLURM 22.05 sets them: in the batch script of a job with 4 tasks, and in its step.  */
  { "PROCID=0 NTASKS=4 NODEID=0", 0, 1 },
  { "PROCID=3 NTASKS=4 NODEID=0 " STEP_OF_4, 3, 4 },
  { "ARRAY_TASK_ID=0 ARRAY_TASK_COUNT=1 ARRAY_TASK_MIN=0 ARRAY_TASK_MAX=0 ARRAY_TASK_STEP=1 PROCID=0", 0, 1 },
  { "ARRAY_TASK_ID=2 ARRAY_TASK_COUNT=10 ARRAY_TASK_MIN=0 ARRAY_TASK_MAX=9 ARRAY_TASK_STEP=1 PROCID=0", 2, 10 },
  { "ARRAY_TASK_ID=5 ARRAY_TASK_COUNT=5 ARRAY_TASK_MIN=1 ARRAY_TASK_MAX=5 ARRAY_TASK_STEP=1", 4, 5 },
  { "ARRAY_TASK_ID=5 ARRAY_TASK_COUNT=4 ARRAY_TASK_MIN=1 ARRAY_TASK_MAX=7 ARRAY_TASK_STEP=2", 2, 4 },
  { "ARRAY_TASK_ID=5 ARRAY_TASK_COUNT=4 ARRAY_TASK_MIN=1 ARRAY_TASK_MAX=7 ARRAY_TASK_STEP=2 PROCID=2 STEP_NUM_TASKS=3",
    2 * 3 + 2, 4 * 3 },
  /* Two numbers have no hole between them.  */
  { "ARRAY_TASK_ID=3 ARRAY_TASK_COUNT=2 ARRAY_TASK_MIN=3 ARRAY_TASK_MAX=7 ARRAY_TASK_STEP=1", 0, 2 },
  { "ARRAY_TASK_ID=7 ARRAY_TASK_COUNT=2 ARRAY_TASK_MIN=3 ARRAY_TASK_MAX=7 ARRAY_TASK_STEP=1", 1, 2 },
};

START_TEST (tasks_come_from_the_array_and_the_step)
{
  int task = -1, tasks = -1;
  set_environment (places[_i].environment);
  ck_assert_msg (machine_task (&task, &tasks) == 0, "%s: %s", places[_i].environment, error_message ());
  ck_assert_int_eq (task, places[_i].task);
  ck_assert_int_eq (tasks, places[_i].tasks);
}
END_TEST

START_TEST (an_array_with_holes_is_refused)
{
  int task, tasks;
  set_environment ("ARRAY_TASK_ID=1 ARRAY_TASK_COUNT=3 ARRAY_TASK_MIN=0 ARRAY_TASK_MAX=4 ARRAY_TASK_STEP=1");
  ck_assert_int_eq (machine_task (&task, &tasks), -1);
  ck_assert_str_eq (
    error_message (),
    "SLURM_ARRAY_TASK_ID is 1, one of 3 numbers from 0 to 4, which leave some out; number the array without "
    "holes, as --array=0-2 (finished parts are kept), or give --task I/N");
  ck_assert_int_eq (error_status (), ERROR_USAGE);
}
END_TEST

START_TEST (tasks_beyond_an_integer_are_refused)
{
  int task, tasks;
  set_environment ("ARRAY_TASK_ID=1 ARRAY_TASK_COUNT=4000000 ARRAY_TASK_MIN=1 ARRAY_TASK_MAX=4000000 ARRAY_TASK_STEP=1 "
                   "PROCID=0 STEP_NUM_TASKS=1000");
  ck_assert_int_eq (machine_task (&task, &tasks), -1);
  ck_assert_str_eq (error_message (), "SLURM asks for 4000000000 tasks, more than 2147483647; ask for fewer");
}
END_TEST

static const struct {
  const char *environment;
  int most; /* threads, where the process may use more */
} processors[] = {
  { "CPUS_PER_TASK=1 CPUS_ON_NODE=16", 1 },
  { "CPUS_PER_TASK=2 CPUS_ON_NODE=1", 2 },
  { "CPUS_ON_NODE=1", 1 },
  { "CPUS_ON_NODE=6 NODEID=0 STEP_NUM_TASKS=7 STEP_TASKS_PER_NODE=3(x2),1", 2 },
  { "CPUS_ON_NODE=6 NODEID=1 STEP_NUM_TASKS=7 STEP_TASKS_PER_NODE=6,3(x2),1", 2 },
  { "CPUS_ON_NODE=6 NODEID=3 STEP_NUM_TASKS=7 STEP_TASKS_PER_NODE=1(x3),6", 1 },
  { "CPUS_ON_NODE=2 NODEID=0 STEP_NUM_TASKS=3 STEP_TASKS_PER_NODE=3", 1 },
  { "CPUS_PER_TASK=many CPUS_ON_NODE=1", 1 },
};

START_TEST (threads_come_from_the_job)
{
  int all = (clear_environment (), machine_threads ());
  set_environment (processors[_i].environment);
  ck_assert_int_eq (machine_threads (), all < processors[_i].most ? all : processors[_i].most);
}
END_TEST

START_TEST (threads_come_from_the_affinity)
{
  cpu_set_t before, one;
  clear_environment ();
  ck_assert_int_eq (sched_getaffinity (0, sizeof before, &before), 0);
  CPU_ZERO (&one);
  for (size_t i = 0; CPU_COUNT (&one) == 0; i++)
    if (CPU_ISSET (i, &before))
      CPU_SET (i, &one);
  ck_assert_int_eq (sched_setaffinity (0, sizeof one, &one), 0);
  ck_assert_int_eq (machine_threads (), 1);
  ck_assert_int_eq (sched_setaffinity (0, sizeof before, &before), 0);
}
END_TEST

START_TEST (memory_comes_from_the_job)
{
  const uint64_t mebi = 1 << 20;
  uint64_t all = (clear_environment (), machine_memory_bytes ());
  ck_assert_uint_gt (all, 64 * mebi);
  set_environment ("MEM_PER_NODE=60");
  ck_assert_uint_eq (machine_memory_bytes (), 60 * mebi);
  set_environment ("MEM_PER_CPU=20 CPUS_PER_TASK=1");
  ck_assert_uint_eq (machine_memory_bytes (), 20 * mebi);
  set_environment ("MEM_PER_NODE=60 PROCID=1 NODEID=0 " STEP_OF_4);
  ck_assert_uint_eq (machine_memory_bytes (), 15 * mebi);
  set_environment ("MEM_PER_NODE=0"); /* all that the node has */
  ck_assert_uint_eq (machine_memory_bytes (), all);
  set_environment ("MEM_PER_NODE=16G"); /* SLURM writes mebibytes; this is none of them */
  ck_assert_uint_eq (machine_memory_bytes (), all);
}
END_TEST

/* As Open MPI and MPICH say how many ranks they have started on a node.  */
static const char *const launchers[] = { "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS" };

START_TEST (ranks_share_a_node)
{
  long online = sysconf (_SC_NPROCESSORS_ONLN);
  clear_environment ();
  uint64_t all = machine_memory_bytes ();
  int threads = machine_threads ();
  setenv (launchers[_i], "1", 1);
  ck_assert_int_eq (machine_threads (), threads);
  ck_assert_uint_eq (machine_memory_bytes (), all);
  setenv (launchers[_i], "4", 1);
  ck_assert_int_le (machine_threads (), online < 4 ? 1 : online / 4);
  ck_assert_uint_eq (machine_memory_bytes (), all / 4);
  /* The step is that of mpirun's daemon.  */
  set_environment ("MEM_PER_NODE=60 NODEID=0 STEP_NUM_TASKS=2 STEP_TASKS_PER_NODE=1(x2)");
  setenv (launchers[_i], "3", 1);
  ck_assert_uint_eq (machine_memory_bytes (), 20 << 20);
  set_environment ("CPUS_ON_NODE=2 NODEID=0 STEP_NUM_TASKS=2 STEP_TASKS_PER_NODE=1(x2)");
  setenv (launchers[_i], "2", 1);
  ck_assert_int_eq (machine_threads (), 1);
  setenv (launchers[_i], "1000000", 1);
  ck_assert_int_eq (machine_threads (), 1);
}
END_TEST

/* Writes TEXT to the file PATH of the scratch folder.  */
static void
put (const char *path, const char *text)
{
  char *file = scratch_path (path);
  write_text (file, text);
  free (file);
}

/* A job's cgroup of version 2: the smallest limit on the way up counts, and "max" is none.  */
START_TEST (cgroup_2)
{
  ck_assert_double_eq (machine_cgroup_processors (scratch), INFINITY);
  ck_assert_double_eq (machine_cgroup_bytes (scratch), INFINITY);
  put ("proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_7/step_batch/user/task_0\n");
  put ("sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_batch/user/task_0/memory.max", "max\n");
  put ("sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_batch/memory.max", "2000000000\n");
  put ("sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/memory.max", "1000000000\n");
  put ("sys/fs/cgroup/system.slice/memory.max", "max\n");
  put ("sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/step_batch/cpu.max", "max 100000\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), INFINITY);
  put ("sys/fs/cgroup/system.slice/cpu.max", "250000 100000\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), 2.5);
  ck_assert_double_eq (machine_cgroup_bytes (scratch), 1e9);
}
END_TEST

/* With a cgroup namespace of its own a container is at the root of what it sees, and that has limits.  */
START_TEST (cgroup_2_in_a_container)
{
  put ("proc/self/cgroup", "0::/\n");
  put ("sys/fs/cgroup/memory.max", "300000000\n");
  put ("sys/fs/cgroup/cpu.max", "50000 100000\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), 0.5);
  ck_assert_double_eq (machine_cgroup_bytes (scratch), 3e8);
}
END_TEST

/* Version 1: "cpu" is in its own hierarchy, not in that of cpuset.  */
START_TEST (cgroup_1)
{
  put (
    "proc/self/cgroup",
    "9:cpuset:/slurm/uid_0/job_7\n8:memory:/slurm/uid_0/job_7/step_0\n7:cpuacct,cpu:/user/job_7\n1:name=systemd:/\n");
  put ("sys/fs/cgroup/memory/slurm/uid_0/job_7/step_0/memory.limit_in_bytes", "9223372036854771712\n");
  put ("sys/fs/cgroup/memory/slurm/uid_0/job_7/memory.limit_in_bytes", "500000000\n");
  put ("sys/fs/cgroup/cpu/slurm/uid_0/job_7/cpu.cfs_quota_us", "1000\n");
  put ("sys/fs/cgroup/cpu/slurm/uid_0/job_7/cpu.cfs_period_us", "1000\n");
  put ("sys/fs/cgroup/cpu/user/job_7/cpu.cfs_quota_us", "-1\n"); /* no limit */
  put ("sys/fs/cgroup/cpu/user/job_7/cpu.cfs_period_us", "100000\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), INFINITY);
  put ("sys/fs/cgroup/cpu/user/cpu.cfs_quota_us", "300000\n");
  put ("sys/fs/cgroup/cpu/user/cpu.cfs_period_us", "100000\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), 3);
  ck_assert_double_eq (machine_cgroup_bytes (scratch), 5e8);
}
END_TEST

/* A container sees the host's path, of which only the mount itself is there.  */
START_TEST (cgroup_1_in_a_container)
{
  put ("proc/self/cgroup", "5:memory:/docker/4a2f\n4:cpu,cpuacct:/docker/4a2f\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), INFINITY);
  put ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n");
  put ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  put ("sys/fs/cgroup/memory/memory.limit_in_bytes", "400000000\n");
  ck_assert_double_eq (machine_cgroup_processors (scratch), 1.5);
  ck_assert_double_eq (machine_cgroup_bytes (scratch), 4e8);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("machine");
  tcase_add_loop_test (cases, tasks_come_from_the_array_and_the_step, 0, sizeof places / sizeof *places);
  tcase_add_test (cases, an_array_with_holes_is_refused);
  tcase_add_test (cases, tasks_beyond_an_integer_are_refused);
  tcase_add_loop_test (cases, threads_come_from_the_job, 0, sizeof processors / sizeof *processors);
  tcase_add_test (cases, threads_come_from_the_affinity);
  tcase_add_test (cases, memory_comes_from_the_job);
  tcase_add_loop_test (cases, ranks_share_a_node, 0, sizeof launchers / sizeof *launchers);
  tcase_add_test (cases, cgroup_2);
  tcase_add_test (cases, cgroup_2_in_a_container);
  tcase_add_test (cases, cgroup_1);
  tcase_add_test (cases, cgroup_1_in_a_container);
  return run_cases (cases, "machine");
}
