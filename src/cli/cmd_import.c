#include <config.h>

#include "../store/csv.h"

#include "../base/error.h"
#include "../base/workers.h"
#include "command.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct options {
  struct common common;
  struct csv_options csv;
  const char *input, *output;
};

enum { KEY_CLASSES = 0x300, KEY_COMPRESS, KEY_DTYPE };

static const struct argp_option option_table[] = {
  { "classes", KEY_CLASSES, "NAME,NAME...", 0, "Names of the labels 0, 1, ... (the numbers)", 0 },
  { "compress", KEY_COMPRESS, "LEVEL", 0, "Deflate level, 0 to 12 (1)", 0 },
  { "dtype", KEY_DTYPE, "TYPE", 0, "float32 or float16 in the file (float32)", 0 },
  { "output", 'o', "FILE.h5", 0, "The feature file to write", 0 },
  { 0 },
};

static int
parse_value (int key, const char *argument, struct csv_options *csv)
{
  int64_t number = 0;
  switch (key)
    {
    case KEY_CLASSES:
      names_free (&csv->classes);
      return options_split (argument, "--classes", &csv->classes);
    case KEY_COMPRESS:
      if (text_parse_integer (argument, "--compress", 0, 12, &number))
        return -1;
      csv->compress = (int) number;
      return 0;
    default:
      csv->half = !strcmp (argument, "float16");
      if (!csv->half && strcmp (argument, "float32"))
        return error_usage ("--dtype takes float32 or float16, not '%s'", argument);
      return 0;
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
    case KEY_CLASSES:
    case KEY_COMPRESS:
    case KEY_DTYPE:
      if (parse_value (key, argument, &options->csv))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one FILE.csv, please; '%s' is too many", argument);
      options->input = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->input || !options->output)
        argp_error (state, "give FILE.csv and the feature file to write: -o FILE.h5");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FILE.csv",
  "Make a feature file of a CSV file whose lines are the number of a class and then the values."
  "\vExample: slabfit import training.csv -o training.h5 --classes non_food,food",
  options_children,
  0,
  0
};

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .csv = { .compress = 1 } };
  uint64_t rows;
  if (options_parse (&command_import, argc, argv, &options))
    return -1;
  *common = options.common;
  options.csv.command = common->command_line;
  if (output_check_new (options.output, common->force))
    return -1;
  struct workers *workers = workers_new (common->threads);
  int status = workers ? csv_import (options.input, options.output, &options.csv, workers, &rows) : -1;
  workers_free (workers);
  names_free (&options.csv.classes);
  if (status)
    return -1;
  *result = json_pack ("{s:s, s:I}", "file", options.output, "rows", (json_int_t) rows);
  if (!common->json)
    printf ("%s: %" PRIu64 " rows\n", options.output, rows);
  return 0;
}

const struct command command_import = { "import", "CSV to features", &argp, run };
