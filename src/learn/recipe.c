#include <config.h>

#include "recipe.h"

#include "../base/error.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static json_t *
describe_hidden (const struct train_options *options)
{
  json_t *hidden = json_array ();
  size_t count = options->hidden_count ? options->hidden_count : options->from->layers - 1;
  for (size_t i = 0; i < count; i++)
    {
      uint64_t units = options->hidden_count ? options->hidden[i] : options->from->layer[i].outputs;
      json_array_append_new (hidden, json_integer ((json_int_t) units));
    }
  return hidden;
}

/* What identifies the contents of FILE; null where there is none.  */
static json_t *
describe_features (const struct featfile *file)
{
  struct stat status;
  if (!file)
    return json_null ();
  const struct featinfo *info = featfile_info (file);
  const struct provenance *made = &info->provenance;
  if (info->origin.manifest_sha256[0])
    return json_sprintf ("manifest %s, %" PRIu64 " rows, by backbone %s, layer %s, pool %s, preprocess %s, %s",
                         info->origin.manifest_sha256, info->rows, made->backbone_sha256, made->layer, made->pool,
                         made->preprocess, info->half ? "float16" : "float32");
  if (stat (featfile_path (file), &status))
    return json_null ();
  return json_sprintf ("%s, %s, %jd bytes of %jd, %" PRIu64 " rows", featfile_features_name (file),
                       featfile_labels_name (file), (intmax_t) status.st_size, (intmax_t) status.st_mtime, info->rows);
}

static const char *const engines[] = { "auto", "sweep", "gram" };

static json_t *
describe_schedule (const struct schedule *schedule)
{
  char *text = schedule_text (schedule);
  json_t *value = text ? json_string (text) : NULL;
  free (text);
  return value;
}

char *
recipe_new (const struct train_options *options, enum engine_kind engine, const struct featfile *training,
            const struct featfile *validation)
{
  static const char *const shuffles[] = { "window", "full", "none" };
  const struct schedule *schedule = &options->schedule;
  json_t *all =
    json_pack ("{s:o, s:I, s:I, s:f, s:o, s:f, s:f, s:b, s:f, s:f, s:s?, s:s, s:I, s:I, s:s, s:s?, s:o, s:o}", "hidden",
               describe_hidden (options), "epochs", (json_int_t) options->epochs, "batch", (json_int_t) options->batch,
               "lr", schedule->rate, "schedule", describe_schedule (schedule), "decay", schedule->decay, "momentum",
               options->momentum, "nesterov", options->nesterov, "l2", options->l2, "dropout", options->dropout,
               "class-weight", options->balanced ? "balanced" : NULL, "shuffle", shuffles[options->shuffle], "seed",
               (json_int_t) options->seed, "early-stop", (json_int_t) options->patience, "engine", engines[engine],
               "from", options->from ? options->from_name : NULL, "training", describe_features (training),
               "validation", describe_features (validation));
  char *text = all ? json_dumps (all, JSON_COMPACT | JSON_REAL_PRECISION (15)) : NULL;
  json_decref (all);
  if (!text)
    error_set ("the training options cannot be written as JSON; check that the paths are UTF-8");
  return text;
}

enum engine_kind
recipe_engine (const char *recipe, enum engine_kind otherwise)
{
  json_t *all = json_loads (recipe, 0, NULL);
  const char *name = json_string_value (json_object_get (all, "engine"));
  for (enum engine_kind engine = ENGINE_SWEEP; name && engine <= ENGINE_GRAM; engine++)
    if (!strcmp (name, engines[engine]))
      otherwise = engine;
  json_decref (all);
  return otherwise;
}

static char *
value_text (const json_t *value)
{
  return json_dumps (value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION (15));
}

/* Sets the error: KEY has one value in the model and another one in what is asked for.  Null is none.  */
static int
report_difference (const char *key, const char *model_name, const json_t *found, const json_t *wanted)
{
  char *has = found ? value_text (found) : NULL, *asked = value_text (wanted);
  const char *wants = json_is_null (wanted) ? "none" : asked ? asked : "another value";
  int result =
    json_is_null (found)
      ? error_set ("'%s' was trained without %s, and %s is asked for", model_name, key, wants)
      : error_set ("'%s' was trained with %s %s, and %s is asked for", model_name, key, has ? has : "unknown", wants);
  free (has);
  free (asked);
  return result;
}

int
recipe_compare (const char *recipe, const char *model_name, const char *wanted)
{
  json_t *found = recipe ? json_loads (recipe, 0, NULL) : NULL, *asked = json_loads (wanted, 0, NULL), *value;
  const char *key;
  int result = 0;
  json_object_foreach (asked, key, value)
  {
    const json_t *present = json_object_get (found, key);
    if (result == 0 && strcmp (key, "engine") && !(present && json_equal (present, value)))
      result = report_difference (key, model_name, present, value);
  }
  json_decref (found);
  json_decref (asked);
  return result;
}
