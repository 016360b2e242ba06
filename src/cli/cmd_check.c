#include <config.h>

#include "../learn/checkup.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../image/splitname.h"
#include "../store/parts.h"
#include "command.h"
#include "findings.h"
#include "hyperparameters.h"
#include "splits.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct checkup_options checkup;
  struct featnames names;
  struct names features;
  int limit;
  bool strict;
};

enum { KEY_CURVE = 0x300, KEY_LIMIT, KEY_SIMILARITY, KEY_STRICT };

static const struct argp_option option_table[] = {
  { "curve", KEY_CURVE, 0, 0, "Draw a learning curve: is more data worth collecting?", 0 },
  OPTIONS_DATASETS,
  { "limit", KEY_LIMIT, "N", 0, "Groups of near-duplicates to show (10); --json has all", 0 },
  { "similarity", KEY_SIMILARITY, "X", 0, "The cosine from which rows are near-duplicates (0.9)", 0 },
  { "strict", KEY_STRICT, 0, 0, "Fail where near-duplicates lie across splits", 0 },
  { 0, 0, 0, 0, "For --curve, as train has them:", 1 },
  OPTIONS_HYPERPARAMETERS (1),
  { 0 },
};

static int
parse_similarity (const char *text, double *similarity)
{
  if (text_parse_number (text, "--similarity", similarity))
    return -1;
  return *similarity > 0 && *similarity <= 1
           ? 0
           : error_usage ("--similarity takes a number above 0 and up to 1, not '%s'", text);
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
    case KEY_CURVE:
      options->checkup.curve = true;
      return 0;
    case KEY_STRICT:
      options->strict = true;
      return 0;
    case KEY_LIMIT:
      if (options_parse_whole (argument, "--limit", 0, INT_MAX, &options->limit))
        options_fail (state);
      return 0;
    case KEY_SIMILARITY:
      if (parse_similarity (argument, &options->checkup.similarity))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (names_add (&options->features, argument))
        argp_failure (state, ERROR_FAILED, 0, "%s", error_message ());
      return 0;
    case ARGP_KEY_END:
      if (options->features.count == 0)
        argp_error (state, "give the FEATURES folder, or feature files");
      if (train_check (&options->checkup.train))
        options_fail (state);
      return 0;
    default:
      if (hyperparameters_parse (key, argument, state, &options->checkup.train) == 0)
        return 0;
      return options_parse_dataset (key, argument, state, &options->names);
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "FEATURES...",
  "Look at features before they are trained on: near-duplicate images within and across splits, classes that cannot be "
  "told apart, columns and rows of zeros.  FEATURES is a folder with training.h5, validation.h5 and evaluation.h5 (or "
  "train.h5, test.h5 and the like), or any of them, or a feature file."
  "\vExample: slabfit check features --curve",
  options_children,
  0,
  0
};

/* Adds the file PATH, whose split is called SPLIT.  */
static int
add_file (struct collection *collection, const struct options *options, const char *path, const char *split,
          struct workers *readers)
{
  struct featfile *file = featfile_open_named (path, &options->names);
  if (!file)
    return -1;
  if (featfile_need_labels (file) == 0 && featfile_use_workers (file, readers) == 0)
    return collection_add (collection, file, split);
  featfile_close (file);
  return -1;
}

/* Adds the usual SPLIT by the name that it has in FOLDER, if it is there.  */
static int
add_split (struct collection *collection, const struct options *options, const char *folder, const char *split,
           struct workers *readers)
{
  const char *name;
  if (splits_find (folder, split, &name))
    return -1;
  if (!name)
    return 0;
  char *path = parts_merged_path (folder, name);
  int result = !path ? -1
               : file_exists (path)
                 ? add_file (collection, options, path, name, readers)
                 : error_set ("'%s/%s.parts' is not merged yet; run 'slabfit merge %s' first", folder, name, folder);
  free (path);
  return result;
}

static int
add_folder (struct collection *collection, const struct options *options, const char *folder, struct workers *readers)
{
  size_t before = collection->files;
  for (int i = 0; i < USUAL_SPLITS; i++)
    if (add_split (collection, options, folder, usual_splits[i], readers))
      return -1;
  return collection->files > before
           ? 0
           : error_set ("there is no training.h5, validation.h5 or evaluation.h5 in '%s'; make them with 'slabfit "
                        "extract', or give feature files by name",
                        folder);
}

/* The split of the feature file PATH: its name without folder and ending.  */
static char *
split_new (const char *path)
{
  const char *slash = strrchr (path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr (name, '.');
  return text_new ("%.*s", dot && dot > name ? (int) (dot - name) : (int) strlen (name), name);
}

static int
open_features (struct collection *collection, const struct options *options, struct workers *readers)
{
  for (size_t i = 0; i < options->features.count; i++)
    {
      const char *path = options->features.name[i];
      char *split = NULL;
      int result = file_is_directory (path)     ? add_folder (collection, options, path, readers)
                   : (split = split_new (path)) ? add_file (collection, options, path, split, readers)
                                                : -1;
      free (split);
      if (result)
        return -1;
    }
  return collection_read_labels (collection);
}

/* What COLLECTION calls the usual SPLIT; SPLIT where it has none.  */
static const char *
name_split (const struct collection *collection, const char *split)
{
  const char *const *name = splitname_synonyms (split);
  while (*name && collection_find (collection, *name) < 0)
    name++;
  return *name ? *name : split;
}

static int
check (struct options *options, struct workers *workers, struct workers *readers, json_t **result)
{
  struct collection collection = { 0 };
  struct checkup checkup = { 0 };
  struct findings findings = { &collection, &checkup, &options->checkup, (size_t) options->limit };
  int status = open_features (&collection, options, readers);
  options->checkup.training = name_split (&collection, "training");
  options->checkup.validation = name_split (&collection, "validation");
  if (status || checkup_run (&checkup, &collection, &options->checkup, workers)
      || !(*result = findings_json (&findings)) || (!options->common.json && findings_print (&findings)))
    status = -1;
  if (status == 0 && options->strict && checkup.groups.leaks)
    status = error_set ("%zu pair%s of near-duplicates across splits; take one row of each out, and extract again",
                        checkup.groups.leaks, checkup.groups.leaks == 1 ? "" : "s");
  checkup_free (&checkup);
  collection_free (&collection);
  return status;
}

/* READERS read and inflate while WORKERS compute.  */
static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .checkup = checkup_defaults (), .limit = 10 };
  if (arguments_parse (&command_check, argc, argv, &options))
    return -1;
  *common = options.common;
  if (!result)
    return 0;
  options.checkup.train.seed = common->seed;
  options.checkup.train.memory_bytes = common->memory_bytes;
  struct workers *workers = workers_new (common->threads);
  struct workers *readers = workers ? workers_new (common->threads) : NULL;
  int status = readers ? check (&options, workers, readers, result) : -1;
  workers_free (readers);
  workers_free (workers);
  names_free (&options.features);
  return status;
}

const struct command command_check = { "check", "near-duplicates, leaks and other flaws of features", &argp, run };
