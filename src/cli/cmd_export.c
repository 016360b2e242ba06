#include <config.h>

#include "../store/csv.h"

#include "../base/error.h"
#include "../base/workers.h"
#include "command.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>

struct options {
  struct common common;
  const char *input, *output;
};

static const struct argp_option option_table[] = {
  { "output", 'o', "FILE.csv", 0, "The file to write", 0 },
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
        argp_error (state, "give the feature FILE.h5 and the file to write: -o FILE.csv");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FILE.h5",
  "Write a feature file as CSV: a line for each row, the number of its class and then its values."
  "\vExample: slabfit export features/evaluation.h5 -o evaluation.csv",
  options_children,
  0,
  0
};

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  uint64_t rows;
  if (options_parse (&command_export, argc, argv, &options))
    return -1;
  *common = options.common;
  if (output_check_new (options.output, common->force))
    return -1;
  struct workers *workers = workers_new (common->threads);
  int status = workers ? csv_export (options.input, options.output, workers, &rows) : -1;
  workers_free (workers);
  if (status)
    return -1;
  *result = json_pack ("{s:s, s:I}", "file", options.output, "rows", (json_int_t) rows);
  if (!common->json)
    printf ("%s: %" PRIu64 " rows\n", options.output, rows);
  return 0;
}

const struct command command_export = { "export", "features to CSV", &argp, run };
