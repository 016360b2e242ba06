#include <config.h>

#include "machine.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
affinity_count (void)
{
  cpu_set_t set;
  if (sched_getaffinity (0, sizeof set, &set) == 0)
    return CPU_COUNT (&set);
  return (int) sysconf (_SC_NPROCESSORS_ONLN); /* more processors than cpu_set_t holds */
}

/* The first number in ROOT/PATH/FILE, and the second one where SECOND is not NULL; -1 where they are not there, as for
   "max", which means no limit.  */
static double
read_number (const char *root, const char *path, const char *file, double *second)
{
  char name[4096];
  double first = -1;
  snprintf (name, sizeof name, "%s%s/%s", root, path, file);
  FILE *stream = fopen (name, "re");
  if (!stream)
    return -1;
  int wanted = second ? 2 : 1;
  int found = second ? fscanf (stream, "%lf %lf", &first, second) : fscanf (stream, "%lf", &first);
  fclose (stream);
  return found == wanted ? first : -1;
}

/* This process's path in the cgroup hierarchy of CONTROLLER (version 1), or in the unified one where it is "".  */
static bool
cgroup_path (const char *controller, char path[4096])
{
  char line[4200];
  bool found = false;
  FILE *stream = fopen ("/proc/self/cgroup", "re");
  while (stream && !found && fgets (line, sizeof line, stream))
    {
      char *controllers = strchr (line, ':'), *start = controllers ? strchr (controllers + 1, ':') : NULL;
      if (!start)
        continue;
      *start++ = '\0';
      start[strcspn (start, "\n")] = '\0';
      found = *controller ? strstr (controllers, controller) != NULL : controllers[1] == '\0';
      if (found)
        snprintf (path, 4096, "%s", start);
    }
  if (stream)
    fclose (stream);
  return found;
}

typedef double limit_reader (const char *root, const char *path);

/* The smallest limit on the way from this process's cgroup up to ROOT, where its mount begins.  */
static double
smallest_limit (const char *root, const char *controller, limit_reader *read)
{
  char path[4096], *slash;
  double smallest = INFINITY;
  if (!cgroup_path (controller, path))
    return smallest;
  do
    {
      double limit = read (root, path);
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
processors_v2 (const char *root, const char *path)
{
  double period = 1, quota = read_number (root, path, "cpu.max", &period);
  return quota / period;
}

static double
processors_v1 (const char *root, const char *path)
{
  return read_number (root, path, "cpu.cfs_quota_us", NULL) / read_number (root, path, "cpu.cfs_period_us", NULL);
}

static double
memory_v2 (const char *root, const char *path)
{
  return read_number (root, path, "memory.max", NULL);
}

static double
memory_v1 (const char *root, const char *path)
{
  return read_number (root, path, "memory.limit_in_bytes", NULL);
}

static double
environment_number (const char *name)
{
  const char *text = getenv (name);
  double number = text ? strtod (text, NULL) : 0;
  return number > 0 ? number : INFINITY;
}

int
machine_threads (void)
{
  double threads = affinity_count ();
  threads = fmin (threads, environment_number ("SLURM_CPUS_PER_TASK"));
  threads = fmin (threads, ceil (smallest_limit ("/sys/fs/cgroup", "", processors_v2)));
  threads = fmin (threads, ceil (smallest_limit ("/sys/fs/cgroup/cpu", "cpu", processors_v1)));
  return threads < 1 ? 1 : (int) threads;
}

uint64_t
machine_memory_bytes (void)
{
  const double mebi = 1024 * 1024;
  double bytes = (double) sysconf (_SC_PHYS_PAGES) * (double) sysconf (_SC_PAGESIZE);
  bytes = fmin (bytes, environment_number ("SLURM_MEM_PER_NODE") * mebi);
  bytes = fmin (bytes, environment_number ("SLURM_MEM_PER_CPU") * mebi * machine_threads ());
  bytes = fmin (bytes, smallest_limit ("/sys/fs/cgroup", "", memory_v2));
  bytes = fmin (bytes, smallest_limit ("/sys/fs/cgroup/memory", "memory", memory_v1));
  return (uint64_t) bytes;
}
