#include <config.h>

#include "../store/csv.h"
#include "../store/npy.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/workers.h"
#include "command.h"
#include "form.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct importer_options importer;
  const char *input, *labels, *output;
};

enum { KEY_CLASSES = 0x300, KEY_COMPRESS, KEY_DTYPE, KEY_LABELS };

static const struct argp_option option_table[] = {
  { "classes", KEY_CLASSES, "NAME,NAME...", 0, "Names of the labels 0, 1, ... (the numbers)", 0 },
  { "compress", KEY_COMPRESS, "LEVEL", 0, "Deflate level, 0 to 12 (1)", 0 },
  { "dtype", KEY_DTYPE, "TYPE", 0, "float32 or float16 in the file (as in FILE.npy; float32 of CSV)", 0 },
  { "labels", KEY_LABELS, "FILE.npy", 0, "The labels of FILE.npy (FILE.labels.npy)", 0 },
  { "output", 'o', "FILE.h5", 0, "The feature file to write", 0 },
  { 0 },
};

static int
parse_value (int key, const char *argument, struct importer_options *importer)
{
  int result;
  switch (key)
    {
    case KEY_CLASSES:
      names_free (&importer->classes);
      return options_split (argument, "--classes", &importer->classes);
    case KEY_COMPRESS:
      return options_parse_whole (argument, "--compress", 0, 12, &importer->compress);
    default:
      result = options_parse_dtype (argument, &importer->half);
      importer->single = !importer->half;
      return result;
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
      if (parse_value (key, argument, &options->importer))
        options_fail (state);
      return 0;
    case KEY_LABELS:
      options->labels = argument;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one FILE.csv or FILE.npy, please; '%s' is too many", argument);
      options->input = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->input || !options->output)
        argp_error (state, "give FILE.csv or FILE.npy and the feature file to write: -o FILE.h5");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FILE",
  "Make a feature file of FILE.csv, whose lines are the number of a class and then the values; or of FILE.npy, rows of "
  "float16, float32 or float64, and FILE.labels.npy, the numbers of their classes."
  "\vExample: slabfit import training.csv -o training.h5 --classes non_food,food",
  options_children,
  0,
  0
};

static int
import_npy (const struct options *options, struct workers *workers, uint64_t *rows)
{
  char *labels = options->labels ? text_new ("%s", options->labels) : npy_labels_path (options->input);
  int result = labels ? 0 : -1;
  if (result == 0 && !options->labels && file_exists (options->input) && !file_exists (labels))
    result = error_set ("'%s' is not there; name the labels of '%s' with --labels", labels, options->input);
  if (result == 0)
    result = npy_import (options->input, labels, options->output, &options->importer, workers, rows);
  free (labels);
  return result;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .importer = { .compress = 1 } };
  uint64_t rows;
  bool npy;
  if (arguments_parse (&command_import, argc, argv, &options))
    return -1;
  *common = options.common;
  options.importer.command = common->command_line;
  if (form_of (options.input, &npy))
    return -1;
  if (options.labels && !npy)
    return error_usage ("--labels is for FILE.npy; a line of '%s' begins with its label", options.input);
  if (output_check_new (options.output, common->force))
    return -1;
  struct workers *workers = workers_new (common->threads);
  int status = !workers ? -1
               : npy    ? import_npy (&options, workers, &rows)
                        : csv_import (options.input, options.output, &options.importer, workers, &rows);
  workers_free (workers);
  names_free (&options.importer.classes);
  if (status)
    return -1;
  *result = json_pack ("{s:s, s:I}", "file", options.output, "rows", (json_int_t) rows);
  if (!common->json)
    printf ("%s: %" PRIu64 " rows\n", options.output, rows);
  return 0;
}

const struct command command_import = { "import", "CSV or NumPy arrays to features", &argp, run };
