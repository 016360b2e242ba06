#include <config.h>

#include "isolated.h"

#include "../base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_ALWAYS = 2, BYTES_PER_SECOND = 10 << 20, CONFIG_MOST = 64 << 20 };

/* What the child sends before all else.  */
struct report {
  size_t count;        /* of weights */
  size_t config_bytes; /* with the final 0; 0 where there is none */
  bool keras;
  struct error error; /* status 0 where there is none */
};

/* A weight's name (name_bytes, with the final 0) and values follow.  */
struct announcement {
  size_t name_bytes;
  int rank;
  int64_t size[WEIGHTS_RANK];
};

static bool
put (const void *data, size_t bytes, FILE *stream)
{
  return fwrite (data, 1, bytes, stream) == bytes;
}

static bool
get (void *data, size_t bytes, FILE *stream)
{
  return fread (data, 1, bytes, stream) == bytes;
}

static bool
put_weight (const struct weight *weight, FILE *stream)
{
  struct announcement announcement = { .name_bytes = strlen (weight->name) + 1, .rank = weight->rank };
  memcpy (announcement.size, weight->size, sizeof announcement.size);
  return put (&announcement, sizeof announcement, stream) && put (weight->name, announcement.name_bytes, stream)
         && put (weight->value, weight_values (weight) * sizeof *weight->value, stream);
}

static bool
put_weights (const struct weights *weights, const struct report *report, FILE *stream)
{
  bool good = put (report, sizeof *report, stream)
              && (!report->config_bytes || put (weights->config, report->config_bytes, stream));
  for (size_t i = 0; i < report->count && good; i++)
    good = put_weight (&weights->weight[i], stream);
  return good && fflush (stream) == 0;
}

static bool
get_weight (struct weights *weights, FILE *stream)
{
  struct announcement announcement;
  char name[WEIGHTS_NAME_BYTES + 1] = "";
  if (!get (&announcement, sizeof announcement, stream) || announcement.name_bytes > sizeof name
      || !get (name, announcement.name_bytes, stream))
    return false;
  struct weight *weight = weights_add (weights, name, announcement.rank, announcement.size);
  return weight && get (weight->value, weight_values (weight) * sizeof *weight->value, stream);
}

static bool
get_weights (struct weights *weights, struct report *report, FILE *stream)
{
  if (!get (report, sizeof *report, stream) || report->config_bytes > CONFIG_MOST)
    return false;
  if (report->config_bytes)
    weights->config = calloc (report->config_bytes, 1);
  weights->keras = report->keras;
  bool good = !report->config_bytes || (weights->config && get (weights->config, report->config_bytes, stream));
  for (size_t i = 0; i < report->count && good; i++)
    good = get_weight (weights, stream);
  return good;
}

/* The child may take BYTES of memory beside what it has from its parent: HDF5 inflates a chunk whatever its size.  */
static void
limit_memory (uint64_t bytes)
{
  unsigned long pages = 0;
  FILE *stream = fopen ("/proc/self/statm", "re");
  if (stream && fscanf (stream, "%*u %*u %*u %*u %*u %lu", &pages) == 1)
    {
      rlim_t most = pages * (rlim_t) sysconf (_SC_PAGESIZE) + bytes;
      setrlimit (RLIMIT_DATA, &(struct rlimit){ most, most });
    }
  if (stream)
    fclose (stream);
}

/* The child's whole life.  */
static void
run_child (struct weights *weights, int (*read) (struct weights *weights), int pipe_end)
{
  rlim_t seconds = SECONDS_ALWAYS + weights->file_bytes / BYTES_PER_SECOND;
  setrlimit (RLIMIT_CPU, &(struct rlimit){ seconds, seconds });
  setrlimit (RLIMIT_CORE, &(struct rlimit){ 0, 0 });
  limit_memory (2 * weights->bytes_limit);
  struct report report = { 0 };
  FILE *stream = fdopen (pipe_end, "wb");
  error_clear ();
  if (read (weights))
    error_get (&report.error);
  else
    report = (struct report){ .count = weights->count,
                              .config_bytes = weights->config ? strlen (weights->config) + 1 : 0,
                              .keras = weights->keras };
  bool sent = stream && put_weights (weights, &report, stream);
  weights_free (weights);
  _exit (sent ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* What the child CHILD sends through PIPE_END, which is closed.  */
static int
receive (struct weights *weights, pid_t child, int pipe_end)
{
  struct report report = { 0 };
  FILE *stream = fdopen (pipe_end, "rb");
  error_clear ();
  bool whole = stream && get_weights (weights, &report, stream);
  if (stream)
    fclose (stream);
  else
    close (pipe_end);
  while (waitpid (child, NULL, 0) < 0 && errno == EINTR)
    ;
  if (whole)
    return report.error.status ? error_put (&report.error) : 0;
  return error_status () ? -1 : weights_damaged (weights, "it cannot be read without a crash of the HDF5 library");
}

int
isolated_read (struct weights *weights, int (*read) (struct weights *weights))
{
  int ends[2];
  if (pipe (ends))
    return error_system ("read", weights->path);
  pid_t child = fork ();
  if (child == 0)
    {
      close (ends[0]);
      run_child (weights, read, ends[1]);
    }
  close (ends[1]);
  if (child > 0)
    return receive (weights, child, ends[0]);
  close (ends[0]);
  return error_system ("start a process to read", weights->path);
}
