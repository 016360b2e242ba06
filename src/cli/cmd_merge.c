#include <config.h>

#include "../store/merge.h"
#include "../store/parts.h"

#include "../base/error.h"
#include "../base/workers.h"
#include "command.h"
#include "duplicatetable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
  struct common common;
  const char *features;
  struct names splits;
};

enum { KEY_SPLIT = 0x300 };

static const struct argp_option option_table[] = {
  { "split", KEY_SPLIT, "NAME,NAME...", 0, "Only these splits (all)", 0 },
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
    case KEY_SPLIT:
      names_free (&options->splits);
      if (options_split (argument, "--split", &options->splits))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one FEATURES folder, please; '%s' is too many", argument);
      options->features = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->features)
        argp_error (state, "give the FEATURES folder");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FEATURES",
  "Put the finished parts of each split, FEATURES/SPLIT.parts, together into FEATURES/SPLIT.h5. Compressed chunks are "
  "copied as they are."
  "\vExample: slabfit merge features",
  options_children,
  0,
  0
};

/* Merges each split.  Fails at the end where parts of one are missing.  */
static int
merge_splits (const struct options *options, struct workers *workers, json_t *splits)
{
  uint64_t missing = 0;
  for (size_t i = 0; i < options->splits.count; i++)
    {
      struct merge_report report = { 0 };
      const char *split = options->splits.name[i];
      if (merge_split (options->features, split, options->common.force, workers, &report))
        return -1;
      missing += report.missing;
      json_object_set_new (splits, split,
                           json_pack ("{s:I, s:I, s:I, s:I, s:b}", "rows", (json_int_t) report.rows, "failed",
                                      (json_int_t) report.failed, "parts", (json_int_t) report.parts, "missing",
                                      (json_int_t) report.missing, "kept", report.kept));
    }
  return missing ? error_set ("%" PRIu64 " part%s missing in '%s'; run 'slabfit extract' again, then merge", missing,
                              missing == 1 ? " is" : "s are", options->features)
                 : 0;
}

static void
print (const json_t *result)
{
  const char *name;
  json_t *split;
  json_object_foreach (json_object_get (result, "splits"), name, split)
  {
    json_int_t rows = json_integer_value (json_object_get (split, "rows"));
    json_int_t parts = json_integer_value (json_object_get (split, "parts"));
    json_int_t missing = json_integer_value (json_object_get (split, "missing"));
    if (missing > 0)
      printf ("%s: not merged, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " parts are missing\n", name, missing,
              parts);
    else if (json_is_true (json_object_get (split, "kept")))
      printf ("%s: %" JSON_INTEGER_FORMAT " rows, merged before\n", name, rows);
    else
      printf ("%s: %" JSON_INTEGER_FORMAT " rows from %" JSON_INTEGER_FORMAT " part%s\n", name, rows, parts,
              parts == 1 ? "" : "s");
  }
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  if (arguments_parse (&command_merge, argc, argv, &options))
    return -1;
  *common = options.common;
  if (options.splits.count == 0 && parts_splits (options.features, &options.splits))
    return -1;
  struct workers *workers = workers_new (common->threads);
  json_t *splits = json_object ();
  struct duplicates duplicates = { 0 };
  int status = workers ? merge_splits (&options, workers, splits) : -1;
  if (status == 0)
    status = duplicates_find_in (options.features, &duplicates);
  workers_free (workers);
  names_free (&options.splits);
  *result = json_pack ("{s:o, s:o}", "splits", splits, "duplicates", duplicatetable_json (&duplicates));
  if (!common->json)
    {
      print (*result);
      duplicatetable_print (&duplicates);
    }
  duplicates_free (&duplicates);
  return status;
}

const struct command command_merge = { "merge", "put the parts of each split together", &argp, run };
