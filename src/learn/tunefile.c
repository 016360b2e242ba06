#include <config.h>

#include "tunefile.h"

#include "../base/error.h"
#include "../base/file.h"
#include "recipe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_LIMIT = 1 << 28 };

static const char remedy[] = "choose another name or give --force";

static const char *const objectives[] = { "val_loss", "accuracy", "auc" };

static json_t *
number (double value)
{
  return isfinite (value) ? json_real (value) : json_null ();
}

static double
number_of (const json_t *object, const char *key)
{
  const json_t *value = json_object_get (object, key);
  return json_is_number (value) ? json_number_value (value) : NAN;
}

/* The values of AXIS as they were written.  */
static int
describe_axis (const struct axis *axis, const char *option, json_t *all)
{
  json_t *list =
    axis->range ? json_pack ("{s:s, s:s}", "low", axis->text.name[0], "high", axis->text.name[1]) : json_array ();
  for (size_t i = 0; !axis->range && i < axis->text.count; i++)
    json_array_append_new (list, json_string (axis->text.name[i]));
  return json_object_set_new (all, option, list);
}

char *
tunefile_recipe (const struct tune_options *options, const struct featfile *training)
{
  char *base = recipe_new (&options->space.base, ENGINE_AUTO, training, NULL), *text = NULL;
  json_t *all = base ? json_loads (base, 0, NULL) : NULL;
  for (enum axis_name i = 0; all && i < AXES; i++)
    if (axis_given (&options->space.axis[i]))
      describe_axis (&options->space.axis[i], axis_option (i), all);
  json_t *own =
    json_pack ("{s:I, s:I, s:s, s:b}", "trials", (json_int_t) options->trials, "folds", (json_int_t) options->folds,
               "objective", objectives[options->objective], "abandon", !options->whole);
  if (all && json_object_update (all, own) == 0)
    text = json_dumps (all, JSON_COMPACT | JSON_REAL_PRECISION (15));
  if (base && !text)
    error_set ("the options of the search cannot be written as JSON; check that the paths are UTF-8");
  json_decref (own);
  json_decref (all);
  free (base);
  return text;
}

/* The options that a search may vary, as train takes them.  */
static json_t *
options_json (const struct train_options *options)
{
  json_t *hidden = json_array ();
  char *schedule = axis_text (AXIS_SCHEDULE, options);
  for (size_t i = 0; i < options->hidden_count; i++)
    json_array_append_new (hidden, json_integer ((json_int_t) options->hidden[i]));
  json_t *all =
    json_pack ("{s:f, s:f, s:f, s:f, s:I, s:I, s:o, s:s?}", "lr", options->schedule.rate, "momentum", options->momentum,
               "l2", options->l2, "dropout", options->dropout, "epochs", (json_int_t) options->epochs, "batch",
               (json_int_t) options->batch, "hidden", hidden, "schedule", schedule);
  free (schedule);
  return all;
}

static json_t *
outcomes_json (const struct trial *trial)
{
  json_t *outcomes = json_array ();
  for (size_t i = 0; i < trial->known; i++)
    {
      const struct outcome *fold = &trial->fold[i];
      json_array_append_new (outcomes, json_pack ("{s:o, s:o, s:o, s:f, s:b}", "val_loss", number (fold->loss),
                                                  "accuracy", number (fold->accuracy), "auc", number (fold->auc),
                                                  "seconds", fold->seconds, "diverged", fold->diverged));
    }
  return outcomes;
}

static json_t *
trial_json (const struct trial *trial)
{
  static const char *const statuses[] = { "running", "finished", "abandoned", "diverged" };
  const struct outcome *mean = &trial->mean, *deviation = &trial->deviation;
  struct outcome none = { NAN, NAN, NAN, 0, false };
  if (trial->folds == 0)
    mean = deviation = &none;
  return json_pack ("{s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:f, s:o}", "number",
                    (json_int_t) trial->number + 1, "options", options_json (&trial->options), "status",
                    statuses[trial->status], "val_loss", number (mean->loss), "val_loss_deviation",
                    number (deviation->loss), "accuracy", number (mean->accuracy), "accuracy_deviation",
                    number (deviation->accuracy), "auc", number (mean->auc), "auc_deviation", number (deviation->auc),
                    "folds", (json_int_t) trial->folds, "seconds", mean->seconds, "outcomes", outcomes_json (trial));
}

json_t *
tunefile_json (const struct tune_report *report)
{
  json_t *trials = json_array ();
  for (size_t i = 0; i < report->trials; i++)
    json_array_append_new (trials, trial_json (&report->trial[i]));
  bool over = report->trials > 0 && report->trial[0].status == TRIAL_FINISHED;
  json_t *seconds = json_pack ("{s:f, s:f, s:f}", "products", report->products_seconds, "trials",
                               report->trials_seconds, "wall", report->wall_seconds);
  json_t *all = json_pack (
    "{s:o, s:o, s:I, s:I, s:I, s:o, s:o}", "best", over ? trial_json (&report->trial[0]) : json_null (), "trials",
    trials, "folds", (json_int_t) report->folds, "rows", (json_int_t) report->rows, "trainings",
    (json_int_t) report->trainings, "seconds", seconds, "retraining_seconds", number (report->retraining_seconds));
  if (!all)
    error_set ("no memory left for the result; give the job more memory");
  return all;
}

int
tunefile_write (const char *path, const struct tune_report *report, const char *recipe)
{
  json_t *all = tunefile_json (report);
  if (!all)
    return -1;
  json_object_set_new (all, "search", json_loads (recipe, 0, NULL));
  char *text = json_dumps (all, JSON_INDENT (2) | JSON_REAL_PRECISION (17));
  json_decref (all);
  int result = text ? file_write (path, text, strlen (text)) : error_set ("no memory left to write '%s'", path);
  free (text);
  return result;
}

/* The outcomes of one trial from ITEM.  */
static void
take_outcomes (const json_t *item, struct trial *trial, size_t folds)
{
  const json_t *outcomes = json_object_get (item, "outcomes"), *outcome;
  size_t fold;
  json_array_foreach (outcomes, fold, outcome)
  {
    if (fold >= folds)
      break;
    trial->fold[fold] =
      (struct outcome){ number_of (outcome, "val_loss"), number_of (outcome, "accuracy"), number_of (outcome, "auc"),
                        number_of (outcome, "seconds"), json_is_true (json_object_get (outcome, "diverged")) };
    trial->known = fold + 1;
  }
}

static int
take_file (const char *path, const json_t *all, const char *recipe, struct tune_report *report)
{
  const json_t *search = json_object_get (all, "search"), *trials = json_object_get (all, "trials"), *item;
  size_t index;
  if (!json_is_object (search) || !json_is_array (trials))
    return error_set ("'%s' is there already and is no result of tune; %s", path, remedy);
  char *found = json_dumps (search, JSON_COMPACT | JSON_REAL_PRECISION (15));
  int result = found ? recipe_compare (found, path, recipe) : error_set ("no memory left to read '%s'", path);
  free (found);
  if (result)
    return error_set ("%s; %s", error_message (), remedy);
  json_array_foreach (trials, index, item)
  {
    json_int_t place = json_integer_value (json_object_get (item, "number")) - 1;
    if (place >= 0 && (size_t) place < report->trials)
      take_outcomes (item, &report->trial[place], report->folds);
  }
  report->retraining_seconds = number_of (all, "retraining_seconds");
  return 0;
}

int
tunefile_read (const char *path, const char *recipe, struct tune_report *report)
{
  size_t length;
  if (!file_exists (path))
    return 0;
  char *text = file_read (path, FILE_BYTES_LIMIT, &length);
  json_t *all = text ? json_loadb (text, length, 0, NULL) : NULL;
  int result = text ? take_file (path, all, recipe, report) : -1;
  json_decref (all);
  free (text);
  return result;
}
