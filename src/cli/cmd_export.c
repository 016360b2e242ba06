#include <config.h>

#include "../store/csv.h"
#include "../store/npy.h"

#include "../base/error.h"
#include "../base/workers.h"
#include "command.h"
#include "form.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
  struct common common;
  struct featnames names;
  const char *input, *output;
};

static const struct argp_option option_table[] = {
  OPTIONS_DATASETS,
  { "output", 'o', "FILE", 0, "The file to write, FILE.csv or FILE.npy", 0 },
  { 0 },
};

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
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one feature FILE.h5, please; '%s' is too many", argument);
      options->input = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->input || !options->output)
        argp_error (state, "give the feature FILE.h5 and the file to write: -o FILE.csv or FILE.npy");
      return 0;
    default:
      return options_parse_dataset (key, argument, state, &options->names);
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FILE.h5",
  "Write a feature file as CSV, a line for each row: the number of its class and then its values; or as NumPy arrays: "
  "the values as FILE.npy and the numbers of the classes as FILE.labels.npy."
  "\vExample: slabfit export features/evaluation.h5 -o evaluation.csv",
  options_children,
  0,
  0
};

static int
export_npy (const struct options *options, struct workers *workers, uint64_t *rows)
{
  char *labels = npy_labels_path (options->output);
  int result = labels ? output_check_new (labels, options->common.force) : -1;
  if (result == 0)
    result = npy_export (options->input, &options->names, options->output, labels, workers, rows);
  free (labels);
  return result;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  uint64_t rows;
  bool npy;
  if (arguments_parse (&command_export, argc, argv, &options))
    return -1;
  *common = options.common;
  if (output_check_new (options.output, common->force) || form_of (options.output, &npy))
    return -1;
  struct workers *workers = workers_new (common->threads);
  int status = !workers ? -1
               : npy    ? export_npy (&options, workers, &rows)
                        : csv_export (options.input, &options.names, options.output, workers, &rows);
  workers_free (workers);
  if (status)
    return -1;
  *result = json_pack ("{s:s, s:I}", "file", options.output, "rows", (json_int_t) rows);
  if (!common->json)
    printf ("%s: %" PRIu64 " rows\n", options.output, rows);
  return 0;
}

const struct command command_export = { "export", "features to CSV or NumPy arrays", &argp, run };
