#include <config.h>

#include "trainbench.h"

#include "../base/error.h"
#include "../store/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Small, so that no loss leaves the numbers: made-up rows are far longer than features of a network.  */
static const double small_rate = 1e-6;

const struct trainbench_case trainbench_cases[] = {
  { 600, 100352, 0.86, 2, { 256, 16 }, 3 }, /* few long rows, as ResNet-50's */
  { 2000, 20000, 0.86, 2, { 256, 16 }, 5 },
  { 2000, 2048, 0.1, 2, { 64, 16 }, 25 }, /* pooled to a number a map */
  { 4000, 2048, 0, 2, { 256, 16 }, 10 },
  { 300, 100352, 0.86, 1, { 1000 }, 2 }, /* a first layer that no cache holds */
};
const size_t trainbench_count = sizeof trainbench_cases / sizeof *trainbench_cases;

struct bench {
  struct train_options train;
  uint64_t width[TRAINBENCH_HIDDEN + 2]; /* features, hidden layers, classes */
  size_t layers;
  struct featfile *file;
  struct workers *workers, *readers;
};

static void
describe (struct bench *bench, const struct trainbench_case *measured, const struct trainbench_options *options)
{
  bench->train = train_defaults ();
  bench->train.schedule.rate = small_rate;
  bench->train.hidden_count = measured->hidden_count;
  bench->train.epochs = measured->epochs;
  bench->train.seed = options->store.seed;
  bench->train.memory_bytes = options->memory_bytes;
  memcpy (bench->train.hidden, measured->hidden, sizeof measured->hidden);
  bench->layers = measured->hidden_count + 1;
  bench->width[0] = featfile_info (bench->file)->columns;
  memcpy (bench->width + 1, measured->hidden, sizeof measured->hidden);
  bench->width[bench->layers] = featfile_info (bench->file)->classes.count;
}

static int
look_ahead (struct bench *bench, struct trainbench_report *report)
{
  struct plan sweep, gram;
  struct prospect prospect;
  uint64_t units = bench->width[1], epochs = bench->train.epochs;
  int threads = workers_count (bench->workers);
  if (plan_training (&sweep, ENGINE_SWEEP, &bench->train, units, bench->file, NULL, threads)
      || plan_training (&gram, ENGINE_GRAM, &bench->train, units, bench->file, NULL, threads)
      || choose_forecast (&prospect, &sweep, &gram, epochs, bench->width, bench->layers, bench->file, bench->workers))
    return -1;
  rates_take_best (&report->rates, &prospect.rates);
  report->sweep.forecast = fmin (report->sweep.forecast, prospect.sweep.seconds);
  report->gram.forecast = fmin (report->gram.forecast, prospect.gram.seconds);
  report->gram_taken = choose_unmeasured (&gram, units, epochs) || report->gram.forecast < report->sweep.forecast;
  return 0;
}

static int
time_engine (struct bench *bench, enum engine_kind engine, struct trainbench_time *time)
{
  struct train_report report;
  bench->train.engine = engine;
  struct model *model = train (&bench->train, bench->file, NULL, bench->workers, &report);
  model_free (model);
  time->seconds = fmin (time->seconds, report.wall_seconds);
  return model ? 0 : -1;
}

/* All of it REPEATS times.  */
static int
measure (struct bench *bench, int repeats, struct trainbench_report *report)
{
  for (int i = 0; i < repeats; i++)
    if (look_ahead (bench, report) || time_engine (bench, ENGINE_SWEEP, &report->sweep)
        || time_engine (bench, ENGINE_GRAM, &report->gram))
      return -1;
  return 0;
}

static int
measure_file (const char *path, const struct trainbench_case *measured, const struct trainbench_options *options,
              struct trainbench_report *report)
{
  struct bench bench = { .workers = workers_new (options->threads),
                         .readers = workers_new (options->threads),
                         .file = featfile_open (path) };
  int result = bench.workers && bench.readers && bench.file ? featfile_use_workers (bench.file, bench.readers) : -1;
  if (result == 0)
    {
      describe (&bench, measured, options);
      report->columns = bench.width[0];
      result = measure (&bench, options->store.repeats, report);
    }
  featfile_close (bench.file);
  workers_free (bench.readers);
  workers_free (bench.workers);
  return result;
}

static int
make_file (const struct trainbench_case *measured, const struct trainbench_options *options)
{
  struct storebench_options store = options->store;
  store.rows = measured->rows;
  store.columns = measured->columns;
  store.zeros = measured->zeros;
  struct workers *workers = workers_new (options->threads);
  int result = workers ? storebench_make (&store, workers) : -1;
  workers_free (workers);
  return result;
}

int
trainbench_run (const struct trainbench_case *measured, const struct trainbench_options *options,
                struct trainbench_report *report)
{
  static const struct trainbench_time never = { INFINITY, INFINITY };
  char *path = parts_merged_path (options->store.folder, "bench");
  *report = (struct trainbench_report){ .sweep = never, .gram = never };
  int result = path && make_file (measured, options) == 0 ? measure_file (path, measured, options, report) : -1;
  if (path)
    unlink (path);
  free (path);
  return result && error_status () == ERROR_STOPPED
           ? error_stopped ("the benchmark was stopped; run the same command again")
           : result;
}
