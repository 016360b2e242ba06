#include <config.h>

#include "../store/verify.h"

#include "../base/error.h"
#include "../base/workers.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>

struct options {
  struct common common;
  struct featnames names;
  struct names files;
};

static const struct argp_option option_table[] = { OPTIONS_DATASETS, { 0 } };

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &options->common;
      return 0;
    case ARGP_KEY_ARG:
      if (names_add (&options->files, argument))
        argp_failure (state, ERROR_FAILED, 0, "%s", error_message ());
      return 0;
    case ARGP_KEY_END:
      if (options->files.count == 0)
        argp_error (state, "give at least one feature FILE.h5");
      return 0;
    default:
      return options_parse_dataset (key, argument, state, &options->names);
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FILE...",
  "Inflate every chunk of feature files and check counts, labels and values; the first bad chunk is named."
  "\vExample: slabfit verify features/training.h5",
  options_children,
  0,
  0
};

static json_t *
entry_new (const char *file, const struct verify_report *report)
{
  return json_pack ("{s:s, s:b, s:I, s:I, s:I, s:I, s:f}", "file", file, "ok", 1, "rows", (json_int_t) report->rows,
                    "failed", (json_int_t) report->failed, "chunks", (json_int_t) report->chunks, "bytes",
                    (json_int_t) report->bytes, "seconds", report->seconds);
}

static void
print (const char *file, const struct verify_report *report)
{
  double megabytes = (double) report->bytes / 1e6;
  printf ("%s: good, %" PRIu64 " rows in %" PRIu64 " chunk%s, %.0f MB/s\n", file, report->rows, report->chunks,
          report->chunks == 1 ? "" : "s", report->seconds > 0 ? megabytes / report->seconds : 0);
}

/* Verifies one file; 1 where it is bad.  What is wrong with the only one is left to main to tell.  */
static size_t
verify_one (const char *file, const struct options *options, struct workers *workers, json_t *entries)
{
  struct verify_report report;
  if (verify_named (file, &options->names, workers, &report))
    {
      if (options->files.count > 1 && error_status () != ERROR_STOPPED)
        fprintf (stderr, "slabfit verify: %s\n", error_message ());
      json_array_append_new (entries, json_pack ("{s:s, s:b, s:s}", "file", file, "ok", 0, "error", error_message ()));
      return 1;
    }
  if (!options->common.json)
    print (file, &report);
  json_array_append_new (entries, entry_new (file, &report));
  return 0;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  if (arguments_parse (&command_verify, argc, argv, &options))
    return -1;
  *common = options.common;
  struct workers *workers = workers_new (common->threads);
  if (!workers)
    return -1;
  json_t *entries = json_array ();
  size_t bad = 0, count = options.files.count;
  for (size_t i = 0; i < count && error_status () != ERROR_STOPPED; i++)
    bad += verify_one (options.files.name[i], &options, workers, entries);
  *result = json_pack ("{s:b, s:o}", "ok", bad == 0, "files", entries);
  workers_free (workers);
  names_free (&options.files);
  if (bad > 0 && count > 1 && error_status () != ERROR_STOPPED)
    error_set ("%zu of %zu files %s bad, as said above", bad, count, bad == 1 ? "is" : "are");
  return bad ? -1 : 0;
}

const struct command command_verify = { "verify", "check every chunk of feature files", &argp, run };
