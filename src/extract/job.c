#include <config.h>

#include "job.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../store/parts.h"
#include "../store/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t
job_part_images (const struct job *job)
{
  uint64_t tile = job->info.chunk_rows;
  return (job->options->rows_per_part + tile - 1) / tile * tile;
}

void
job_describe (struct job *job)
{
  const struct extract_options *options = job->options;
  const struct manifest *manifest = &job->manifest;
  struct featinfo *info = &job->info;
  *info = (struct featinfo){ .columns = (uint64_t) job->extractor->columns,
                             .half = options->half,
                             .compress = options->compress,
                             .path_bytes = manifest->path_bytes,
                             .digests = true,
                             .classes = manifest->classes,
                             .unlabelled = manifest->classes.count == 0,
                             .provenance = job->extractor->provenance,
                             .origin = { .seed = options->seed, .images = manifest->count } };
  featinfo_choose_tile (info);
  memcpy (info->origin.manifest_sha256, manifest->sha256, sizeof manifest->sha256);
  snprintf (info->origin.version, sizeof info->origin.version, "%s", PACKAGE_VERSION);
  info->origin.command = (char *) options->command;
  uint64_t each = job_part_images (job);
  info->origin.parts = (manifest->count + each - 1) / each;
}

/* Part NUMBER before it is made.  */
static struct pipeline_part
new_part (const struct job *job, uint64_t number)
{
  uint64_t each = job_part_images (job), first = number * each, left = job->manifest.count - first;
  return (struct pipeline_part){ .number = number, .first = first, .count = left < each ? left : each };
}

/* Counts part NUMBER as reused where it is there, else adds it to what is to be done.  */
static int
plan_part (struct job *job, uint64_t number, struct extract_split *split)
{
  struct pipeline_part part = new_part (job, number);
  struct featinfo wanted = job->info;
  uint64_t rows, failed;
  bool reusable;
  wanted.rows = part.count;
  wanted.origin.part = number;
  char *path = parts_path (job->options->features, job->split, number);
  if (!path)
    return -1;
  int result = parts_check (path, &wanted, job->options->force, &reusable, &rows, &failed);
  free (path);
  if (result)
    return -1;
  if (reusable)
    {
      split->rows += rows;
      split->reused_rows += rows;
      split->failed += failed;
    }
  else
    job->todo[job->todo_count++] = part;
  return 0;
}

/* Whether every chunk of PATH, whose description is as it should be, is whole; a word on standard error where not.  */
static int
check_chunks (const struct job *job, const char *path, bool *whole, struct verify_report *report)
{
  *whole = verify_file (path, job->workers, report) == 0;
  if (*whole)
    return 0;
  if (error_status () == ERROR_STOPPED)
    return -1;
  if (file_exists (path))
    progress_say ("%s: made again", error_message ());
  error_clear ();
  return 0;
}

int
job_find_merged (struct job *job, struct extract_split *split)
{
  struct featinfo wanted = job->info;
  struct verify_report report;
  uint64_t rows, failed;
  wanted.rows = job->manifest.count;
  wanted.origin.parts = 0;
  char *path = parts_merged_path (job->options->features, job->split);
  if (!path)
    return -1;
  int result = parts_check (path, &wanted, job->options->force, &job->merged, &rows, &failed);
  if (result == 0 && job->merged)
    {
      result = check_chunks (job, path, &job->merged, &report);
      job->replace |= !job->merged;
    }
  free (path);
  if (result == 0 && job->merged)
    {
      split->rows = split->reused_rows = rows;
      split->failed = failed;
    }
  return result;
}

int
job_plan (struct job *job, struct extract_split *split)
{
  job->replace = job->options->force;
  if (job_find_merged (job, split))
    return -1;
  if (job->merged)
    return 0;
  job->todo = memory_new (job->info.origin.parts, sizeof *job->todo);
  for (uint64_t i = (uint64_t) job->options->task; job->todo && i < job->info.origin.parts;
       i += (uint64_t) job->options->tasks)
    if (plan_part (job, i, split))
      return -1;
  return job->todo ? 0 : -1;
}

int
job_count_missing (const struct job *job, uint64_t *missing)
{
  const struct extract_options *options = job->options;
  char *merged = parts_merged_path (options->features, job->split);
  int result = merged ? parts_count_missing (options->features, job->split, job->info.origin.parts, missing) : -1;
  if (result == 0 && *missing > 0 && !job->replace && file_exists (merged))
    *missing = 0;
  free (merged);
  return result;
}

/* Adds part NUMBER to what is to be done where it is damaged.  */
static int
recheck_part (struct job *job, uint64_t number, struct extract_split *split)
{
  struct verify_report report;
  bool whole = true;
  char *path = parts_path (job->options->features, job->split, number);
  int result = path ? 0 : -1;
  if (path && file_exists (path))
    result = check_chunks (job, path, &whole, &report);
  if (path && !file_exists (path))
    whole = true; /* another task merges them just now */
  free (path);
  if (result || whole)
    return result;
  job->todo[job->todo_count++] = new_part (job, number);
  if (number % (uint64_t) job->options->tasks == (uint64_t) job->options->task)
    {
      split->rows -= report.rows;
      split->reused_rows -= report.rows;
      split->failed -= report.failed;
    }
  return 0;
}

int
job_recheck (struct job *job, struct extract_split *split)
{
  size_t made = job->todo_count, next = 0;
  for (uint64_t i = 0; i < job->info.origin.parts; i++)
    if (next < made && job->todo[next].number == i)
      next++;
    else if (recheck_part (job, i, split))
      return -1;
  return 0;
}
