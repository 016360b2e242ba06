#include <config.h>

#include "extract.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/workers.h"
#include "../store/parts.h"
#include "../store/verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One split on its way.  */
struct job {
  const struct extract_options *options;
  const struct extractor *extractor;
  struct workers *workers;
  const char *split;
  struct manifest manifest;
  struct featinfo info; /* what its parts must be; borrows classes and command */
  struct pipeline_part *todo;
  size_t todo_count;
  bool merged;     /* SPLIT.h5 stands already */
  bool replace;    /* it is to be written again: it is damaged, or --force was given */
  uint64_t worked; /* images decoded in this run */
};

int
extract_parse_limit (const char *text, struct extract_limit *limit)
{
  size_t length = strlen (text);
  int64_t images = 0;
  limit->percent = length > 0 && text[length - 1] == '%';
  char *share = limit->percent ? text_new ("%.*s", (int) length - 1, text) : NULL;
  int result = share ? text_parse_number (share, "--max-failures", &limit->value)
                     : text_parse_integer (text, "--max-failures", 0, INT32_MAX, &images);
  free (share);
  if (!limit->percent)
    limit->value = (double) images;
  if (result == 0 && limit->value >= 0 && (!limit->percent || limit->value <= 100))
    return 0;
  return error_usage ("--max-failures takes a number of images or a share such as 1%%, not '%s'", text);
}

static uint64_t
limit_images (struct extract_limit limit, uint64_t images)
{
  return (uint64_t) (limit.percent ? ceil (limit.value / 100 * (double) images) : limit.value);
}

static void
describe_info (struct job *job)
{
  const struct extract_options *options = job->options;
  const struct manifest *manifest = &job->manifest;
  struct featinfo *info = &job->info;
  *info = (struct featinfo){ .columns = (uint64_t) job->extractor->columns,
                             .half = options->half,
                             .compress = options->compress,
                             .path_bytes = manifest->path_bytes,
                             .classes = manifest->classes,
                             .provenance = job->extractor->provenance,
                             .origin = { .seed = options->seed, .images = manifest->count } };
  featinfo_choose_tile (info);
  memcpy (info->origin.manifest_sha256, manifest->sha256, sizeof manifest->sha256);
  snprintf (info->origin.version, sizeof info->origin.version, "%s", PACKAGE_VERSION);
  info->origin.command = (char *) options->command;
}

static uint64_t
rows_per_part (const struct job *job)
{
  uint64_t tile = job->info.chunk_rows;
  return (job->options->rows_per_part + tile - 1) / tile * tile;
}

/* Part NUMBER before it is made.  */
static struct pipeline_part
new_part (const struct job *job, uint64_t number)
{
  uint64_t each = rows_per_part (job), first = number * each, left = job->manifest.count - first;
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
  progress_say ("%s: made again", error_message ());
  error_clear ();
  return 0;
}

/* Sets JOB->merged where SPLIT.h5 stands already and is what is asked for, and then SPLIT's counts.  */
static int
find_merged (struct job *job, struct extract_split *split)
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

/* Finds out what of this task's parts is to be done; nothing where SPLIT.h5 stands already.  */
static int
plan (struct job *job, struct extract_split *split)
{
  job->replace = job->options->force;
  if (find_merged (job, split))
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

/* Makes what is to be done, from the place FIRST of it on.  */
static int
make_parts (struct job *job, size_t first, struct extract_split *split, struct pipeline_seconds *seconds)
{
  const struct extract_options *options = job->options;
  struct pipeline_options pipeline = { .extractor = job->extractor,
                                       .manifest = &job->manifest,
                                       .dataset = options->dataset,
                                       .features = options->features,
                                       .split = job->split,
                                       .info = &job->info,
                                       .batch = options->batch,
                                       .threads = options->threads,
                                       .memory_bytes = options->memory_bytes };
  if (job->todo_count == first)
    return 0;
  char *directory = parts_directory (options->features, job->split);
  int result = directory ? file_make_directories (directory) : -1;
  free (directory);
  if (result || pipeline_run (&pipeline, job->todo + first, job->todo_count - first, seconds))
    return -1;
  for (size_t i = first; i < job->todo_count; i++)
    {
      split->rows += job->todo[i].rows;
      split->failed += job->todo[i].failed;
      job->worked += job->todo[i].count;
    }
  return 0;
}

/* Making parts failed.  Whether that is because another job on the same output has merged and removed them; else the error
   stays.  */
static bool
is_merged_meanwhile (struct job *job, struct extract_split *split)
{
  struct error error;
  error_get (&error);
  if (error.status == ERROR_STOPPED || job->replace || find_merged (job, split) || !job->merged)
    {
      error_put (&error);
      return false;
    }
  error_clear ();
  return true;
}

/* How many parts are not there yet; none where another task has merged them meanwhile.  */
static int
count_missing (const struct job *job, uint64_t *missing)
{
  char *merged = parts_merged_path (job->options->features, job->split);
  int result = merged ? 0 : -1;
  *missing = 0;
  for (uint64_t i = 0; result == 0 && i < job->info.origin.parts; i++)
    {
      char *path = parts_path (job->options->features, job->split, i);
      *missing += path && !file_exists (path);
      result = path ? 0 : -1;
      free (path);
    }
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
  if (path && file_exists (path)) /* another task may merge them just now */
    result = check_chunks (job, path, &whole, &report);
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

/* Merging copies chunks as they are and takes the parts away.  So those that other runs and tasks made are looked at
   before, and made again where a chunk is damaged.  */
static int
remake_damaged (struct job *job, struct extract_split *split, struct pipeline_seconds *seconds)
{
  size_t made = job->todo_count, next = 0;
  for (uint64_t i = 0; i < job->info.origin.parts; i++)
    if (next < made && job->todo[next].number == i)
      next++;
    else if (recheck_part (job, i, split))
      return -1;
  return make_parts (job, made, split, seconds);
}

/* Merges the split where its parts are all there and few enough images failed; else *TOO_MANY is set.  */
static int
finish_split (struct job *job, struct extract_split *split, struct pipeline_seconds *seconds, bool *too_many)
{
  const struct extract_options *options = job->options;
  uint64_t limit = limit_images (options->max_failures, job->manifest.count);
  if (split->failed > limit)
    {
      progress_say ("%" PRIu64 " image%s of '%s' could not be read, more than the %" PRIu64
                    " allowed; 'slabfit info' lists them for each part, and the parts are kept",
                    split->failed, split->failed == 1 ? "" : "s", job->split, limit);
      *too_many = true;
      return 0;
    }
  if (split->failed > 0)
    progress_say ("%" PRIu64 " image%s of '%s' could not be read; 'slabfit info' of its feature file lists them",
                  split->failed, split->failed == 1 ? "" : "s", job->split);
  struct merge_report report;
  if (job->merged)
    {
      /* A run that was killed after its merge left parts.  Those of another run stay.  */
      if (parts_merge (options->features, job->split, false, job->workers, &report))
        error_clear ();
      return 0;
    }
  if (count_missing (job, &split->missing))
    return -1;
  if (split->missing)
    return 0;
  return remake_damaged (job, split, seconds)
             || parts_merge (options->features, job->split, job->replace, job->workers, &report)
           ? -1
           : 0;
}

static int
extract_split (struct job *job, struct extract_split *split, struct extract_report *report, bool *too_many)
{
  describe_info (job);
  uint64_t each = rows_per_part (job);
  job->info.origin.parts = (job->manifest.count + each - 1) / each;
  parts_remove_stale (job->options->features, job->split);
  if (plan (job, split) || (make_parts (job, 0, split, &report->seconds) && !is_merged_meanwhile (job, split)))
    return -1;
  return finish_split (job, split, &report->seconds, too_many);
}

/* All splits are looked at before the first is worked on: an empty last one is found at once.  */
static int
read_manifests (struct job *jobs, const struct extract_options *options, const struct names *splits)
{
  for (size_t i = 0; i < splits->count; i++)
    {
      jobs[i].split = splits->name[i];
      if (manifest_read (&jobs[i].manifest, options->dataset, jobs[i].split, options->seed))
        return -1;
    }
  return 0;
}

/* Works on JOBS (count) in their order.  */
static int
run_jobs (struct job *jobs, size_t count, struct extract_report *report)
{
  bool too_many = false;
  uint64_t worked = 0;
  double begin = clock_seconds ();
  int result = 0;
  for (size_t i = 0; result == 0 && i < count; i++)
    {
      struct extract_split *split = &report->split[report->count++];
      split->name = text_new ("%s", jobs[i].split);
      result = split->name ? extract_split (&jobs[i], split, report, &too_many) : -1;
      worked += jobs[i].worked;
    }
  report->wall_seconds = clock_seconds () - begin;
  report->images_per_second = report->wall_seconds > 0 ? (double) worked / report->wall_seconds : 0;
  if (result == 0 && too_many)
    result = error_set ("too many images of '%s' could not be read; allow more with --max-failures, or mend or remove "
                        "them and give --force",
                        jobs->options->dataset);
  return result;
}

static int
extract_splits (const struct extract_options *options, const struct names *splits, const struct extractor *extractor,
                struct workers *workers, struct extract_report *report)
{
  struct job *jobs = memory_new (splits->count, sizeof *jobs);
  report->split = memory_new (splits->count, sizeof *report->split);
  int result = jobs && report->split ? read_manifests (jobs, options, splits) : -1;
  for (size_t i = 0; result == 0 && i < splits->count; i++)
    {
      jobs[i].options = options;
      jobs[i].extractor = extractor;
      jobs[i].workers = workers;
    }
  if (result == 0)
    result = run_jobs (jobs, splits->count, report);
  for (size_t i = 0; jobs && i < splits->count; i++)
    {
      memory_free (jobs[i].todo);
      manifest_free (&jobs[i].manifest);
    }
  memory_free (jobs);
  return result;
}

/* The splits asked for, checked, or all that the dataset has.  */
static int
choose_splits (const struct extract_options *options, struct names *splits)
{
  struct names present;
  if (manifest_splits (options->dataset, &present))
    return -1;
  *splits = present;
  if (options->splits->count == 0)
    return 0;
  int result = names_copy (splits, options->splits);
  for (size_t i = 0; result == 0 && i < splits->count; i++)
    if (names_find (&present, splits->name[i]) < 0)
      {
        result =
          error_set ("'%s' has no split '%s'; check --split and the folder's name", options->dataset, splits->name[i]);
        names_free (splits);
      }
  names_free (&present);
  return result;
}

int
extract (const struct extract_options *options, struct extract_report *report)
{
  struct names splits;
  struct extractor extractor;
  *report = (struct extract_report){ 0 };
  if (choose_splits (options, &splits))
    return -1;
  struct workers *workers = workers_new (options->threads);
  int result =
    workers ? extractor_open (&extractor, options->backbone, options->preprocess, options->pool, options->exif, 1) : -1;
  if (result == 0)
    {
      result = extract_splits (options, &splits, &extractor, workers, report);
      extractor_close (&extractor);
    }
  workers_free (workers);
  names_free (&splits);
  return result;
}

void
extract_report_free (struct extract_report *report)
{
  for (size_t i = 0; i < report->count; i++)
    free (report->split[i].name);
  memory_free (report->split);
  *report = (struct extract_report){ 0 };
}
