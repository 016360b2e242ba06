#include <config.h>

#include "../store/storebench.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/workers.h"
#include "command.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
  struct common common;
  struct storebench_options store;
  const char *output;
};

enum { KEY_COLUMNS = 0x300, KEY_COMPRESS, KEY_DTYPE, KEY_KEEP, KEY_LIKE, KEY_REPEAT, KEY_ROWS, KEY_ZEROS };

static const struct argp_option option_table[] = {
  { "columns", KEY_COLUMNS, "D", 0, "Features in a row (100352, ResNet-50's)", 0 },
  { "compress", KEY_COMPRESS, "LEVEL", 0, "Deflate level, 0 to 12 (1)", 0 },
  { "dtype", KEY_DTYPE, "TYPE", 0, "float32 or float16 in the file (float32)", 0 },
  { "keep", KEY_KEEP, 0, 0, "Leave the file, FOLDER/bench.h5, to measure other programs on it", 0 },
  { "like", KEY_LIKE, "FILE.h5", 0, "Take the rows of this feature file instead of made-up ones", 0 },
  { "output", 'o', "FOLDER", 0, "Where to write (the folder for temporary files); its file system is measured too", 0 },
  { "repeat", KEY_REPEAT, "N", 0, "Measure so often and give the best (3)", 0 },
  { "rows", KEY_ROWS, "N", 0, "Rows (2000)", 0 },
  { "zeros", KEY_ZEROS, "SHARE", 0, "Share of zeros among made-up values (0.88)", 0 },
  { 0 },
};

static int
parse_value (int key, const char *argument, struct storebench_options *store)
{
  int number = 0, result;
  switch (key)
    {
    case KEY_COLUMNS:
      result = options_parse_whole (argument, "--columns", 1, 1 << 30, &number);
      store->columns = (uint64_t) number;
      return result;
    case KEY_COMPRESS:
      return options_parse_whole (argument, "--compress", 0, 12, &store->compress);
    case KEY_DTYPE:
      return options_parse_dtype (argument, &store->half);
    case KEY_REPEAT:
      return options_parse_whole (argument, "--repeat", 1, 1000, &store->repeats);
    case KEY_ROWS:
      result = options_parse_whole (argument, "--rows", 1, 1 << 30, &number);
      store->rows = (uint64_t) number;
      return result;
    default:
      if (text_parse_number (argument, "--zeros", &store->zeros))
        return -1;
      return store->zeros >= 0 && store->zeros <= 1
               ? 0
               : error_usage ("--zeros takes a share from 0 to 1, not '%s'", argument);
    }
}

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &options->common;
      return 0;
    case 'o':
      options->output = argument;
      return 0;
    case KEY_KEEP:
      options->store.keep = true;
      return 0;
    case KEY_LIKE:
      options->store.like = argument;
      return 0;
    case ARGP_KEY_ARG:
      if (strcmp (argument, "store"))
        argp_error (state, "there is no benchmark '%s'; there is 'store'", argument);
      return 0;
    default:
      if (key < KEY_COLUMNS || key > KEY_ZEROS)
        return ARGP_ERR_UNKNOWN;
      if (parse_value (key, argument, &options->store))
        options_fail (state);
      return 0;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "[store]",
  "Measure this machine's rates. store: feature files are written in parts, merged and read, in bytes of float32 "
  "values a "
  "second; 'copy' moves the parts' compressed bytes with nothing done to them, the limit for 'merge'."
  "\vExample: slabfit bench store -o /scratch",
  options_children,
  0,
  0
};

static json_t *
result_new (const struct storebench_options *options, const struct storebench_report *report)
{
  json_t *rates = json_object ();
  for (size_t i = 0; i < STOREBENCH_STEPS; i++)
    json_object_set_new (rates, storebench_names[i], json_real (report->rate[i]));
  return json_pack ("{s:{s:o}, s:{s:I, s:I, s:I, s:I}, s:I}", "rates", "store", rates, "store", "rows",
                    (json_int_t) options->rows, "columns", (json_int_t) report->columns, "value_bytes",
                    (json_int_t) report->value_bytes, "file_bytes", (json_int_t) report->file_bytes, "peak_bytes",
                    (json_int_t) memory_peak_resident_bytes ());
}

static void
print (const struct storebench_options *options, const struct storebench_report *report, int threads)
{
  printf ("%" PRIu64 " rows x %" PRIu64 " features, %d thread%s: %.0f MB of values in %.0f MB, 1/%.2f\n", options->rows,
          report->columns, threads, threads == 1 ? "" : "s", (double) report->value_bytes / 1e6,
          (double) report->file_bytes / 1e6, (double) report->value_bytes / (double) report->file_bytes);
  for (size_t i = 0; i < STOREBENCH_STEPS; i++)
    printf ("%-8s %7.0f MB/s\n", storebench_names[i], report->rate[i] / 1e6);
}

static int
check_kept (const struct options *options, const char *folder)
{
  char *path = text_new ("%s/bench.h5", folder);
  int result = path ? output_check_new (path, options->common.force) : -1;
  free (path);
  return result;
}

/* Its files are in a folder of their own, or with --keep in FOLDER itself.  */
static int
bench_store (struct options *options, struct storebench_report *report)
{
  const char *base = options->output ? options->output : getenv ("TMPDIR");
  char *folder =
    text_new (options->store.keep ? "%s" : "%s/slabfit-bench.%ld", base && *base ? base : "/tmp", (long) getpid ());
  struct workers *workers = folder ? workers_new (options->common.threads) : NULL;
  options->store.folder = folder;
  int result = workers && file_make_directories (folder) == 0 && check_kept (options, folder) == 0
                 ? storebench_run (&options->store, workers, report)
                 : -1;
  if (folder && !options->store.keep)
    rmdir (folder);
  workers_free (workers);
  free (folder);
  return result;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .store = { .rows = 2000, .columns = 100352, .zeros = 0.88, .compress = 1, .repeats = 3 } };
  struct storebench_report report;
  if (arguments_parse (&command_bench, argc, argv, &options))
    return -1;
  *common = options.common;
  options.store.seed = common->seed;
  if (bench_store (&options, &report))
    return -1;
  *result = result_new (&options.store, &report);
  if (!common->json)
    print (&options.store, &report, common->threads);
  return 0;
}

const struct command command_bench = { "bench", "measure this machine's rates", &argp, run };
