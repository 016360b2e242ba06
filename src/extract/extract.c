#include <config.h>

#include "extract.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/workers.h"
#include "../store/parts.h"

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
  uint64_t worked; /* images decoded in this run */
};

int
extract_parse_limit (const char *text, struct extract_limit *limit)
{
  size_t length = strlen (text);
  char *number = text_new ("%s", text);
  if (!number)
    return -1;
  limit->percent = length > 0 && text[length - 1] == '%';
  if (limit->percent)
    number[length - 1] = '\0';
  int result = text_parse_number (number, "--max-failures", &limit->value);
  free (number);
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

/* Counts part NUMBER as reused where it is there, else adds it to what is to be done.  */
static int
plan_part (struct job *job, uint64_t number, struct extract_split *split)
{
  uint64_t each = rows_per_part (job), first = number * each, left = job->manifest.count - first;
  struct featinfo wanted = job->info;
  uint64_t rows, failed;
  bool reusable;
  wanted.rows = left < each ? left : each;
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
    job->todo[job->todo_count++] = (struct pipeline_part){ .number = number, .first = first, .count = wanted.rows };
  return 0;
}

/* Finds out what of this task's parts is to be done; nothing where SPLIT.h5 stands already.  */
static int
plan (struct job *job, struct extract_split *split)
{
  struct featinfo wanted = job->info;
  wanted.rows = job->manifest.count;
  wanted.origin.parts = 0;
  char *path = parts_merged_path (job->options->features, job->split);
  if (!path)
    return -1;
  int result = parts_check (path, &wanted, job->options->force, &job->merged, &split->rows, &split->failed);
  free (path);
  if (result)
    return -1;
  if (job->merged)
    {
      split->reused_rows = split->rows;
      return 0;
    }
  job->todo = memory_new (job->info.origin.parts, sizeof *job->todo);
  for (uint64_t i = (uint64_t) job->options->task; job->todo && i < job->info.origin.parts;
       i += (uint64_t) job->options->tasks)
    if (plan_part (job, i, split))
      return -1;
  return job->todo ? 0 : -1;
}

static int
make_parts (struct job *job, struct extract_split *split, struct pipeline_seconds *seconds)
{
  const struct extract_options *options = job->options;
  struct pipeline_options pipeline = { .extractor = job->extractor, .manifest = &job->manifest,
                                       .dataset = options->dataset, .features = options->features,
                                       .split = job->split, .info = &job->info, .batch = options->batch,
                                       .threads = options->threads, .memory_bytes = options->memory_bytes };
  if (job->todo_count == 0)
    return 0;
  char *directory = parts_directory (options->features, job->split);
  int result = directory ? file_make_directories (directory) : -1;
  free (directory);
  if (result || pipeline_run (&pipeline, job->todo, job->todo_count, seconds))
    return -1;
  for (size_t i = 0; i < job->todo_count; i++)
    {
      split->rows += job->todo[i].rows;
      split->failed += job->todo[i].failed;
      job->worked += job->todo[i].count;
    }
  return 0;
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
  if (result == 0 && *missing > 0 && !job->options->force && file_exists (merged))
    *missing = 0;
  free (merged);
  return result;
}

/* Merges the split where its parts are all there and few enough images failed; else *TOO_MANY is set.  */
static int
finish_split (struct job *job, struct extract_split *split, bool *too_many)
{
  const struct extract_options *options = job->options;
  uint64_t limit = limit_images (options->max_failures, job->manifest.count);
  if (split->failed > limit)
    {
      progress_say ("slabfit: %" PRIu64 " images of '%s' could not be read, more than the %" PRIu64
                    " allowed; the parts are kept",
                    split->failed, job->split, limit);
      *too_many = true;
      return 0;
    }
  if (split->failed > 0)
    progress_say ("slabfit: %" PRIu64 " images of '%s' could not be read; see /failed in its feature file",
                  split->failed, job->split);
  if (job->merged || count_missing (job, &split->missing))
    return job->merged ? 0 : -1;
  struct merge_report report;
  return split->missing ? 0 : parts_merge (options->features, job->split, options->force, job->workers, &report);
}

static int
extract_split (struct job *job, struct extract_split *split, struct extract_report *report, bool *too_many)
{
  const struct extract_options *options = job->options;
  if (manifest_read (&job->manifest, options->dataset, job->split, options->seed))
    return -1;
  describe_info (job);
  uint64_t each = rows_per_part (job);
  job->info.origin.parts = (job->manifest.count + each - 1) / each;
  if (plan (job, split) || make_parts (job, split, &report->seconds) || finish_split (job, split, too_many))
    return -1;
  return 0;
}

static int
extract_splits (const struct extract_options *options, const struct names *splits, const struct extractor *extractor,
                struct workers *workers, struct extract_report *report)
{
  bool too_many = false;
  double begin = clock_seconds ();
  uint64_t worked = 0;
  int result = 0;
  report->split = memory_new (splits->count, sizeof *report->split);
  if (!report->split)
    return -1;
  for (size_t i = 0; result == 0 && i < splits->count; i++)
    {
      struct job job = { .options = options, .extractor = extractor, .workers = workers, .split = splits->name[i] };
      struct extract_split *split = &report->split[report->count++];
      split->name = text_new ("%s", splits->name[i]);
      result = split->name ? extract_split (&job, split, report, &too_many) : -1;
      worked += job.worked;
      memory_free (job.todo);
      manifest_free (&job.manifest);
    }
  report->wall_seconds = clock_seconds () - begin;
  report->images_per_second = report->wall_seconds > 0 ? (double) worked / report->wall_seconds : 0;
  if (result == 0 && too_many)
    result = error_set ("too many images of '%s' could not be read; mend or remove them (each part's /failed names "
                        "them), or allow more with --max-failures, then run the same command again",
                        options->dataset);
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
        result = error_set ("'%s' has no split '%s'; check --split and the folder's name", options->dataset,
                            splits->name[i]);
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
  int result = workers ? extractor_open (&extractor, options->backbone, options->preprocess, options->pool,
                                         options->exif, 1)
                       : -1;
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
