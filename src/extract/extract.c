#include <config.h>

#include "extract.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../store/leftovers.h"
#include "../store/merge.h"
#include "../store/parts.h"
#include "job.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Once the first part is there, it is known how large the others will be.  */
static int
check_first_part (void *context)
{
  struct space *space = context;
  return space->measured || space->force ? 0 : space_check (space);
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
                                       .memory_bytes = options->memory_bytes,
                                       .finished = check_first_part,
                                       .context = job->space };
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

/* Making parts failed.  Whether that is because another job on the same output has merged and removed them; else the
   error stays.  */
static bool
is_merged_meanwhile (struct job *job, struct extract_split *split)
{
  struct error error;
  error_get (&error);
  if (error.status == ERROR_STOPPED || job->replace || job_find_merged (job, split) || !job->merged)
    {
      error_put (&error);
      return false;
    }
  error_clear ();
  return true;
}

/* Merging copies chunks as they are and takes the parts away.  So those that other runs and tasks made are looked at
   before, and made again where a chunk is damaged.  */
static int
remake_damaged (struct job *job, struct extract_split *split, struct pipeline_seconds *seconds)
{
  size_t made = job->todo_count;
  if (job_recheck (job, split))
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
      if (merge_split (options->features, job->split, false, job->workers, &report))
        error_clear ();
      return 0;
    }
  if (job_count_missing (job, &split->missing))
    return -1;
  if (split->missing)
    return 0;
  return remake_damaged (job, split, seconds)
             || merge_split (options->features, job->split, job->replace, job->workers, &report)
           ? -1
           : 0;
}

static int
extract_split (struct job *job, struct extract_split *split, struct extract_report *report, bool *too_many)
{
  if (job_plan (job, split) || (make_parts (job, 0, split, &report->seconds) && !is_merged_meanwhile (job, split)))
    return -1;
  return finish_split (job, split, &report->seconds, too_many);
}

/* All splits are looked at before the first is worked on: an empty last one is found at once.  */
static int
read_manifests (struct job *jobs, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (manifest_read (&jobs[i].manifest, jobs[i].options->dataset, jobs[i].split, jobs[i].options->seed))
      return -1;
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

/* Checks that there is room for what the JOBS (SPACE->count), whose manifests are read, have still to make.  */
static int
check_space (struct job *jobs, struct space *space)
{
  const struct extract_options *options = jobs->options;
  space->features = options->features;
  space->columns = (uint64_t) jobs->extractor->columns;
  space->half = options->half;
  space->force = options->force;
  for (size_t i = 0; i < space->count; i++)
    {
      job_describe (&jobs[i]);
      jobs[i].space = space;
      space->split[i] = (struct space_split){ .name = jobs[i].split,
                                              .images = jobs[i].manifest.count,
                                              .each = job_part_images (&jobs[i]) };
      leftovers_remove (options->features, jobs[i].split);
    }
  return space_check (space);
}

static int
extract_splits (const struct extract_options *options, const struct names *splits, const struct extractor *extractor,
                struct workers *workers, struct extract_report *report)
{
  struct job *jobs = memory_new (splits->count, sizeof *jobs);
  struct space space = { .count = splits->count, .split = memory_new (splits->count, sizeof *space.split) };
  report->split = memory_new (splits->count, sizeof *report->split);
  for (size_t i = 0; jobs && i < splits->count; i++)
    jobs[i] = (struct job){ .options = options, .extractor = extractor, .workers = workers, .split = splits->name[i] };
  int result = jobs && space.split && report->split ? 0 : -1;
  if (result == 0)
    result =
      read_manifests (jobs, splits->count) || check_space (jobs, &space) || run_jobs (jobs, splits->count, report) ? -1
                                                                                                                   : 0;
  for (size_t i = 0; jobs && i < splits->count; i++)
    {
      memory_free (jobs[i].todo);
      manifest_free (&jobs[i].manifest);
    }
  memory_free (space.split);
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
  int result = workers ? extractor_open (&extractor, &options->extractor, options->batch, 1) : -1;
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
