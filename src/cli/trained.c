#include <config.h>

#include "trained.h"

#include "../base/memory.h"
#include "../base/ranks.h"
#include "../learn/recipe.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void
trained_scores (const struct epoch *epoch, char text[TRAINED_SCORES_BYTES])
{
  const char *form =
    fmax (epoch->loss, epoch->val_loss) < 1e6 ? "loss %.4f, accuracy %.4f" : "loss %.3e, accuracy %.4f";
  int length = snprintf (text, TRAINED_SCORES_BYTES, form, epoch->loss, epoch->accuracy);
  form = fmax (epoch->loss, epoch->val_loss) < 1e6 ? ", val_loss %.4f, val_accuracy %.4f"
                                                   : ", val_loss %.3e, val_accuracy %.4f";
  if (!isnan (epoch->val_loss))
    snprintf (text + length, TRAINED_SCORES_BYTES - (size_t) length, form, epoch->val_loss, epoch->val_accuracy);
}

/* The epoch whose weights MODEL has: the last one, or with --early-stop the one with the smallest val_loss.  */
static const struct epoch *
chosen_epoch (const struct model *model, bool patience)
{
  size_t chosen = model->history.count - 1;
  for (size_t i = model->history.count; patience && i-- > 0;)
    if (model->history.epoch[i].val_loss <= model->history.epoch[chosen].val_loss)
      chosen = i;
  return &model->history.epoch[chosen];
}

void
trained_print (const struct model *model, const char *path, bool patience)
{
  const struct epoch *chosen = chosen_epoch (model, patience);
  char scores[TRAINED_SCORES_BYTES], which[64] = "";
  trained_scores (chosen, scores);
  if (patience)
    snprintf (which, sizeof which, ", the weights of epoch %" PRIu64, chosen->number);
  printf ("%s: %zu epoch%s%s: %s\n", path, model->history.count, model->history.count == 1 ? "" : "s", which, scores);
}

/* KEY where VALUE is a number.  */
static void
set_number (json_t *object, const char *key, double value)
{
  if (!isnan (value))
    json_object_set_new (object, key, json_real (value));
}

static json_t *
epochs_new (const struct model *model)
{
  json_t *epochs = json_array ();
  for (size_t i = 0; i < model->history.count; i++)
    {
      const struct epoch *epoch = &model->history.epoch[i];
      json_t *entry = json_pack ("{s:I, s:f, s:f}", "epoch", (json_int_t) epoch->number, "loss", epoch->loss,
                                 "accuracy", epoch->accuracy);
      set_number (entry, "val_loss", epoch->val_loss);
      set_number (entry, "val_accuracy", epoch->val_accuracy);
      set_number (entry, "auc", epoch->auc);
      set_number (entry, "val_auc", epoch->val_auc);
      set_number (entry, "seconds", epoch->seconds);
      json_array_append_new (epochs, entry);
    }
  return epochs;
}

/* The engine that trained MODEL.  */
static const char *
engine_of (const struct model *model)
{
  return recipe_engine (model->training, ENGINE_SWEEP) == ENGINE_GRAM ? "gram" : "sweep";
}

static json_t *
forecast_new (const struct forecast *forecast)
{
  return json_pack ("{s:f, s:I}", "seconds", forecast->seconds, "bytes", (json_int_t) forecast->bytes);
}

json_t *
trained_json (const struct model *model, const char *path, bool patience, const struct train_report *report, bool kept)
{
  json_t *seconds = json_pack ("{s:f, s:f, s:f, s:f}", "read", report->read_seconds, "gram", report->gram_seconds,
                               "epochs", report->epochs_seconds, "wall", report->wall_seconds);
  json_t *result = json_pack (
    "{s:s, s:s, s:b, s:o, s:I, s:o, s:I, s:I}", "model", path, "engine", engine_of (model), "kept", kept, "epochs",
    epochs_new (model), "epoch", (json_int_t) chosen_epoch (model, patience)->number, "seconds", seconds, "peak_bytes",
    (json_int_t) memory_peak_resident_bytes (), "buffer_bytes", (json_int_t) memory_peak_bytes ());
  if (ranks_count () > 1)
    json_object_set_new (result, "mpi",
                         json_pack ("{s:i, s:f}", "ranks", ranks_count (), "bytes_per_step", report->bytes_per_step));
  if (report->sweep.seconds > 0)
    json_object_set_new (
      result, "forecast",
      json_pack ("{s:o, s:o}", "sweep", forecast_new (&report->sweep), "gram", forecast_new (&report->gram)));
  return result;
}
