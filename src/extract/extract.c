#include <config.h>

#include "extract.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/machine.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../image/catalogue.h"
#include "../store/leftovers.h"
#include "../store/merge.h"
#include "../store/parts.h"
#include "job.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Chooses how the network is run, before the first image; once for all splits.  */
static int
choose_concurrency (struct job *job, struct extract_report *report)
{
  const struct extract_options *options = job->options;
  uint64_t images = space_missing (job->space) / (uint64_t) options->tasks;
  double begin = clock_seconds ();
  if (report->concurrency.callers > 0)
    return 0;
  int result = concurrency_choose (job->extractor, options->threads, images, options->batch, &report->concurrency);
  report->choosing_seconds = clock_seconds () - begin;
  return result;
}

/* Makes what is to be done, from the place FIRST of it on.  */
static int
make_parts (struct job *job, size_t first, struct extract_split *split, struct extract_report *report)
{
  const struct extract_options *options = job->options;
  struct pipeline_options pipeline = { .extractor = job->extractor,
                                       .manifest = &job->manifest,
                                       .dataset = options->dataset,
                                       .features = options->features,
                                       .split = job->split,
                                       .info = &job->info,
                                       .concurrency = &report->concurrency,
                                       .threads = options->threads,
                                       .memory_bytes = options->memory_bytes,
                                       .finished = check_first_part,
                                       .context = job->space };
  if (job->todo_count == first)
    return 0;
  char *directory = parts_directory (options->features, job->split);
  int result = directory ? file_make_directories (directory) : -1;
  free (directory);
  if (result || choose_concurrency (job, report)
      || pipeline_run (&pipeline, job->todo + first, job->todo_count - first, &report->stalls.seconds))
    return -1;
  for (size_t i = first; i < job->todo_count; i++)
    {
      split->rows += job->todo[i].rows;
      split->failed += job->todo[i].failed;
      report->images += job->todo[i].count;
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
remake_damaged (struct job *job, struct extract_split *split, struct extract_report *report)
{
  size_t made = job->todo_count;
  if (job_recheck (job, split))
    return -1;
  return make_parts (job, made, split, report);
}

/* The first failure in PATH, "'IMAGE' (REASON)", to be freed; NULL where there is none.  */
static char *
read_first_failure (const char *path)
{
  struct failure *failures = NULL;
  size_t count = 0;
  struct featfile *file = file_exists (path) ? featfile_open (path) : NULL;
  bool found = file && featfile_read_failures (file, &failures, &count) == 0 && count > 0;
  char *text = found ? text_new ("'%s' (%s)", failures[0].image, failures[0].reason) : NULL;
  if (failures)
    failures_free (failures, count);
  featfile_close (file);
  return text;
}

/* The same for JOB's split, in the order of its rows.  */
static char *
find_first_failure (const struct job *job)
{
  const struct extract_options *options = job->options;
  char *path = job->merged ? parts_merged_path (options->features, job->split) : NULL;
  char *text = path ? read_first_failure (path) : NULL;
  free (path);
  for (uint64_t i = (uint64_t) options->task; !job->merged && !text && i < job->info.origin.parts;
       i += (uint64_t) options->tasks)
    {
      path = parts_path (options->features, job->split, i);
      text = path ? read_first_failure (path) : NULL;
      free (path);
    }
  return text;
}

/* Too many images of JOB's split failed: what the run fails with at its end, where no split before it is.  */
static void
note_too_many (const struct job *job, const struct extract_split *split, uint64_t limit, struct error *too_many)
{
  char *first = find_first_failure (job);
  error_set ("%" PRIu64 " of the %zu images of '%s' could not be read, more than the %" PRIu64
             " allowed%s%s; mend or remove them, which 'slabfit info' lists for each part, and give --force, or allow "
             "more with --max-failures",
             split->failed, job->manifest.count, job->split, limit, first ? ", the first " : "", first ? first : "");
  free (first);
  if (too_many->status)
    progress_say ("%s", error_message ());
  else
    error_get (too_many);
  error_clear ();
}

/* Merges the split where its parts are all there and few enough images failed; else TOO_MANY is set.  */
static int
finish_split (struct job *job, struct extract_split *split, struct extract_report *report, struct error *too_many)
{
  const struct extract_options *options = job->options;
  uint64_t limit = limit_images (options->max_failures, job->manifest.count);
  if (split->failed > limit)
    {
      note_too_many (job, split, limit, too_many);
      return 0;
    }
  if (split->failed > 0)
    progress_say ("%" PRIu64 " image%s of '%s' could not be read; 'slabfit info' of its feature file lists them",
                  split->failed, split->failed == 1 ? "" : "s", job->split);
  struct merge_report merged;
  if (job->merged)
    {
      /* A run that was killed after its merge left parts.  Those of another run stay.  */
      if (merge_split (options->features, job->split, false, job->workers, &merged))
        error_clear ();
      return 0;
    }
  if (job_count_missing (job, &split->missing))
    return -1;
  if (split->missing)
    return 0;
  if (remake_damaged (job, split, report))
    return -1;
  double begin = clock_seconds ();
  int result = merge_split (options->features, job->split, job->replace, job->workers, &merged);
  report->stalls.seconds.write += clock_seconds () - begin;
  return result;
}

static int
extract_split (struct job *job, struct extract_split *split, struct extract_report *report, struct error *too_many)
{
  if (job_plan (job, split) || (make_parts (job, 0, split, report) && !is_merged_meanwhile (job, split)))
    return -1;
  return finish_split (job, split, report, too_many);
}

/* All splits are looked at before the first is worked on: an empty last one is found at once.  */
static int
take_manifests (struct job *jobs, size_t count, const struct catalogue *catalogue)
{
  for (size_t i = 0; i < count; i++)
    if (catalogue_manifest (catalogue, jobs[i].split, &jobs[i].manifest))
      return -1;
  return 0;
}

/* What the run of JOBS had to work with.  */
static void
describe_run (const struct job *jobs, struct extract_report *report)
{
  const struct extract_options *options = jobs->options;
  const struct network_options *network = &options->extractor.network;
  struct stalls *stalls = &report->stalls;
  struct network_usage usage;
  network_use (jobs->extractor->network, &usage);
  stalls->threads = options->threads;
  stalls->network_threads = report->concurrency.callers * report->concurrency.threads;
  stalls->gpu = strcmp (network->device, "cpu") != 0;
  stalls->busy = usage.busy_seconds;
  stalls->shorter = network->precision == NETWORK_F32 && (stalls->gpu || machine_gains_by_bfloat16 ());
  stalls->compress = options->compress;
}

/* Works on JOBS (count) in their order.  */
static int
run_jobs (struct job *jobs, size_t count, struct extract_report *report)
{
  struct error too_many = { 0 };
  double begin = clock_seconds ();
  int result = 0;
  for (size_t i = 0; result == 0 && i < count; i++)
    {
      struct extract_split *split = &report->split[report->count++];
      split->name = text_new ("%s", jobs[i].split);
      result = split->name ? extract_split (&jobs[i], split, report, &too_many) : -1;
    }
  report->stalls.wall = clock_seconds () - begin - report->choosing_seconds;
  describe_run (jobs, report);
  return result == 0 && too_many.status ? error_put (&too_many) : result;
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

/* What cannot be looked through, such as another program's file beside ours, is no failure of this run.  */
static void
find_duplicates (const char *features, struct duplicates *duplicates)
{
  if (duplicates_find_in (features, duplicates) == 0)
    return;
  progress_say ("%s; duplicates are not known", error_message ());
  error_clear ();
  duplicates_free (duplicates);
}

static int
extract_splits (const struct extract_options *options, const struct catalogue *catalogue, const struct names *splits,
                struct extractor *extractor, struct workers *workers, struct extract_report *report)
{
  struct job *jobs = memory_new (splits->count, sizeof *jobs);
  struct space space = { .count = splits->count, .split = memory_new (splits->count, sizeof *space.split) };
  report->split = memory_new (splits->count, sizeof *report->split);
  for (size_t i = 0; jobs && i < splits->count; i++)
    jobs[i] = (struct job){ .options = options, .extractor = extractor, .workers = workers, .split = splits->name[i] };
  int result = jobs && space.split && report->split ? 0 : -1;
  if (result == 0)
    result = take_manifests (jobs, splits->count, catalogue) || check_space (jobs, &space)
                 || run_jobs (jobs, splits->count, report)
               ? -1
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
choose_splits (const struct extract_options *options, const struct catalogue *catalogue, struct names *splits)
{
  const struct names *present = catalogue_splits (catalogue);
  for (size_t i = 0; i < options->splits->count; i++)
    if (names_find (present, options->splits->name[i]) < 0)
      return error_set ("'%s' has no split '%s'; check --split and the folder's name", options->dataset,
                        options->splits->name[i]);
  return names_copy (splits, options->splits->count ? options->splits : present);
}

static int
extract_catalogue (const struct extract_options *options, const struct catalogue *catalogue,
                   struct extract_report *report)
{
  struct names splits = { 0 };
  struct extractor extractor;
  if (choose_splits (options, catalogue, &splits))
    return -1;
  struct workers *workers = workers_new (options->threads);
  int result = workers ? extractor_open (&extractor, &options->extractor, 1, 1) : -1;
  if (result == 0)
    {
      if (extractor.assumed)
        progress_say ("'%s' does not say how images are made ready for it: taking '%s'; --preprocess says it otherwise",
                      extractor.backbone, extractor.provenance.preprocess);
      result = extract_splits (options, catalogue, &splits, &extractor, workers, report);
      extractor_close (&extractor);
      if (result == 0)
        find_duplicates (options->features, &report->duplicates);
    }
  workers_free (workers);
  names_free (&splits);
  return result;
}

/* The dataset is listed before anything else, into a file in FEATURES.  */
static struct catalogue *
open_catalogue (const struct extract_options *options, const struct source *source)
{
  char *path = parts_catalogue_path (options->features);
  struct catalogue *catalogue = NULL;
  if (path && file_make_directories (options->features) == 0)
    catalogue = catalogue_open (source, path, options->seed);
  free (path);
  return catalogue;
}

/* Whether other tasks may be listing or working in FEATURES.  */
static bool
others_work (const struct extract_options *options, const struct extract_report *report, int result)
{
  bool done = result == 0;
  for (size_t i = 0; i < report->count; i++)
    done &= report->split[i].missing == 0;
  return options->tasks > 1 && !done;
}

int
extract (const struct extract_options *options, struct extract_report *report)
{
  bool fresh = !file_exists (options->features);
  *report = (struct extract_report){ 0 };
  struct source *source = source_open (options->dataset);
  struct catalogue *catalogue = source ? open_catalogue (options, source) : NULL;
  int result = catalogue ? extract_catalogue (options, catalogue, report) : -1;
  catalogue_close (catalogue);
  source_close (source);
  if (others_work (options, report, result))
    return result;
  leftovers_remove_catalogue (options->features);
  if (fresh)
    rmdir (options->features); /* where nothing came of it */
  return result;
}

void
extract_report_free (struct extract_report *report)
{
  duplicates_free (&report->duplicates);
  for (size_t i = 0; i < report->count; i++)
    free (report->split[i].name);
  memory_free (report->split);
  *report = (struct extract_report){ 0 };
}
