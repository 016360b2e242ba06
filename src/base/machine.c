#include <config.h>

#include "machine.h"

#include "error.h"

#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static int
affinity_count (void)
{
  cpu_set_t set;
  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return CPU_COUNT (&set);
  return (int) sysconf (_SC_NPROCESSORS_ONLN); /* more processors than cpu_set_t holds */
}

/* The first number in FOLDER/FILE, and the second one where SECOND is not NULL; -1 where they are not there, as for
   "max", which means no limit.  */
static double
read_number (const char *folder, const char *file, double *second)
{
  char name[8192];
  double first = -1;
  snprintf (name, sizeof name, "%s/%s", folder, file);
  FILE *stream = fopen (name, "re");
  if (!stream)
    return -1;
  int wanted = second ? 2 : 1;
  int found = second ? fscanf (stream, "%lf %lf", &first, second) : fscanf (stream, "%lf", &first);
  fclose (stream);
  return found == wanted ? first : -1;
}

/* Whether WORD is one of LIST, which has commas between its words: "cpu" is not in "cpuset,cpuacct".  */
static bool
has_word (const char *list, const char *word)
{
  size_t length = strlen (word);
  for (; *list; list += strcspn (list, ","), list += *list == ',')
    if (strcspn (list, ",") == length && !strncmp (list, word, length))
      return true;
  return false;
}

/* This process's path in the cgroup hierarchy of CONTROLLER (version 1), or in the unified one where it is "".  */
static bool
cgroup_path (const char *root, const char *controller, char path[4096])
{
  char line[4200];
  bool found = false;
  snprintf (line, sizeof line, "%s/proc/self/cgroup", root);
  FILE *stream = fopen (line, "re");
  while (stream && !found && fgets (line, sizeof line, stream))
    {
      char *controllers = strchr (line, ':'), *start = controllers ? strchr (controllers + 1, ':') : NULL;
      if (!start)
        continue;
      *start++ = '\0';
      start[strcspn (start, "\n")] = '\0';
      found = *controller ? has_word (controllers + 1, controller) : controllers[1] == '\0';
      if (found)
        snprintf (path, 4096, "%s", start);
    }
  if (stream)
    fclose (stream);
  return found;
}

/* The limit of the cgroup in FOLDER; not above 0 where it has none.  */
typedef double limit_reader (const char *folder);

/* The smallest limit on the way from this process's cgroup up to MOUNT.  In a container the path may be the
   host's; then only MOUNT itself is there.  */
static double
smallest_limit (const char *root, const char *mount, const char *controller, limit_reader *read)
{
  char path[4096], folder[8192], *slash;
  double smallest = INFINITY;
  if (!cgroup_path (root, controller, path))
    return smallest;
  do
    {
      snprintf (folder, sizeof folder, "%s%s%s", root, mount, path);
      double limit = read (folder);
      if (limit > 0)
        smallest = fmin (smallest, limit);
      slash = strrchr (path, '/');
      if (slash)
        *slash = '\0';
    }
  while (slash);
  return smallest;
}

static double
quota_share (double quota, double period)
{
  return quota > 0 && period > 0 ? quota / period : -1;
}

static double
processors_v2 (const char *folder)
{
  double period = -1, quota = read_number (folder, "cpu.max", &period);
  return quota_share (quota, period);
}

static double
processors_v1 (const char *folder)
{
  return quota_share (read_number (folder, "cpu.cfs_quota_us", NULL), read_number (folder, "cpu.cfs_period_us", NULL));
}

static double
memory_v2 (const char *folder)
{
  return read_number (folder, "memory.max", NULL);
}

static double
memory_v1 (const char *folder)
{
  return read_number (folder, "memory.limit_in_bytes", NULL);
}

double
machine_cgroup_processors (const char *root)
{
  return fmin (smallest_limit (root, "/sys/fs/cgroup", "", processors_v2),
               smallest_limit (root, "/sys/fs/cgroup/cpu", "cpu", processors_v1));
}

double
machine_cgroup_bytes (const char *root)
{
  return fmin (smallest_limit (root, "/sys/fs/cgroup", "", memory_v2),
               smallest_limit (root, "/sys/fs/cgroup/memory", "memory", memory_v1));
}

enum { ENTRY_BYTES = 8192 };

/* VALUE (ENTRY_BYTES) = what /proc/cpuinfo says of the first processor behind LABEL; "" where it says nothing.  */
static void
read_entry (const char *label, char *value)
{
  char line[ENTRY_BYTES], *colon = NULL;
  FILE *stream = fopen ("/proc/cpuinfo", "re");
  while (stream && !colon && fgets (line, sizeof line, stream))
    if (!strncmp (line, label, strlen (label)) && (colon = strstr (line, ": ")))
      colon[strcspn (colon, "\n")] = '\0';
  if (stream)
    fclose (stream);
  strcpy (value, colon ? colon + 2 : "");
}

static bool
has_flag (const char *flag)
{
  char flags[ENTRY_BYTES];
  read_entry ("flags", flags);
  return strstr (flags, flag) != NULL;
}

bool
machine_has_bfloat16 (void)
{
  return has_flag (" avx512_bf16") || has_flag (" amx_bf16");
}

bool
machine_gains_by_bfloat16 (void)
{
  char vendor[ENTRY_BYTES];
  read_entry ("vendor_id", vendor);
  return has_flag (" amx_bf16") || (machine_has_bfloat16 () && !strcmp (vendor, "AuthenticAMD"));
}

void
machine_processor (char name[128])
{
  char model[ENTRY_BYTES];
  struct utsname system;
  read_entry ("model name", model);
  if (!*model)
    snprintf (model, sizeof model, "%s", uname (&system) == 0 ? system.machine : "unknown");
  snprintf (name, 128, "%.127s", model);
}

double
machine_variable (const char *name)
{
  char *end;
  const char *text = getenv (name);
  double number = text ? strtod (text, &end) : -1;
  return text && end != text && *end == '\0' && number >= 0 ? number : -1;
}

/* NUMBER as a limit: none where it is 0, as in SLURM_MEM_PER_NODE, or missing.  */
static double
limit_of (double number)
{
  return number > 0 ? number : INFINITY;
}

/* The processes of this job step on this node, by SLURM_STEP_TASKS_PER_NODE: "2(x3),1" is 2 on each of three nodes
   and 1 on the fourth.  1 outside of a step.  */
static double
step_processes_here (void)
{
  const char *text = getenv ("SLURM_STEP_TASKS_PER_NODE");
  double node = machine_variable ("SLURM_NODEID");
  char *end;
  while (text && *text && node >= 0)
    {
      long processes = strtol (text, &end, 10), nodes = 1;
      if (end == text || processes < 1)
        return 1;
      if (end[0] == '(' && end[1] == 'x')
        nodes = strtol (end + 2, &end, 10);
      node -= (double) nodes;
      if (node < 0)
        return (double) processes;
      text = strchr (end, ',');
      text = text ? text + 1 : NULL;
    }
  return 1;
}

/* The ranks on this node that mpirun started (Open MPI; MPICH, Intel MPI); -1 where it did not.  */
static double
ranks_here (void)
{
  double ranks = machine_variable ("OMPI_COMM_WORLD_LOCAL_SIZE");
  return ranks > 0 ? ranks : machine_variable ("MPI_LOCALNRANKS");
}

/* mpirun in a SLURM job has a step of its own, of one process on each node.  */
static double
processes_here (void)
{
  return ranks_here () > 0 ? ranks_here () : step_processes_here ();
}

/* The share of a rank in this node.  Where mpirun has bound it to processors, its affinity says more.  */
static double
rank_processors (void)
{
  return ranks_here () > 0 ? fmax (floor ((double) sysconf (_SC_NPROCESSORS_ONLN) / ranks_here ()), 1) : INFINITY;
}

static double
slurm_processors (void)
{
  double each = machine_variable ("SLURM_CPUS_PER_TASK"), here = machine_variable ("SLURM_CPUS_ON_NODE");
  return each > 0 ? each : limit_of (floor (fmax (here / processes_here (), here > 0)));
}

int
machine_threads (void)
{
  double threads = fmin (affinity_count (), slurm_processors ());
  threads = fmin (threads, ceil (machine_cgroup_processors ("")));
  threads = fmin (threads, rank_processors ());
  return threads < 1 ? 1 : (int) threads;
}

uint64_t
machine_memory_bytes (void)
{
  const double mebi = 1024 * 1024;
  double bytes = (double) sysconf (_SC_PHYS_PAGES) * (double) sysconf (_SC_PAGESIZE);
  bytes = fmin (bytes, machine_cgroup_bytes (""));
  bytes = fmin (bytes, limit_of (machine_variable ("SLURM_MEM_PER_NODE")) * mebi) / processes_here ();
  bytes = fmin (bytes, limit_of (machine_variable ("SLURM_MEM_PER_CPU")) * mebi * machine_threads ());
  return (uint64_t) bytes;
}

/* This process's place in its job array: *TASK of *TASKS; 0 of 1 where it is in none.  */
static int
array_task (double *task, double *tasks)
{
  double number = machine_variable ("SLURM_ARRAY_TASK_ID"), count = machine_variable ("SLURM_ARRAY_TASK_COUNT");
  double first = machine_variable ("SLURM_ARRAY_TASK_MIN"), last = machine_variable ("SLURM_ARRAY_TASK_MAX");
  double step = machine_variable ("SLURM_ARRAY_TASK_STEP");
  *task = 0;
  *tasks = 1;
  if (number < 0)
    return 0;
  step = count == 2 && last > first ? last - first : step > 0 ? step : 1; /* SLURM says 1 for the two of 3,7 */
  *tasks = (last - first) / step + 1;
  *task = (number - first) / step;
  if (first >= 0 && number >= first && number <= last && *tasks == count && *task == floor (*task))
    return 0;
  return error_usage (
    "SLURM_ARRAY_TASK_ID is %g, one of %g numbers from %g to %g, which leave some out; number the array "
    "without holes, as --array=0-%g (finished parts are kept), or give --task I/N",
    number, count, first, last, count - 1);
}

int
machine_task (int *task, int *tasks)
{
  double place, places, process = machine_variable ("SLURM_PROCID");
  double processes = machine_variable ("SLURM_STEP_NUM_TASKS"); /* unset in a batch script, other than SLURM_NTASKS */
  if (array_task (&place, &places))
    return -1;
  if (processes < 1 || process < 0 || process >= processes)
    {
      processes = 1;
      process = 0;
    }
  if (places * processes > INT_MAX)
    return error_usage ("SLURM asks for %.0f tasks, more than %d; ask for fewer", places * processes, INT_MAX);
  *task = (int) (place * processes + process);
  *tasks = (int) (places * processes);
  return 0;
}
