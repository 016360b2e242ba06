/* The result of a search as JSON; and a file of it, from which a stopped search goes on.

     trials   [{number, options, status, val_loss, val_loss_deviation, accuracy, ..., folds, seconds, outcomes}], best
              first; outcomes are one {val_loss, accuracy, auc, seconds} for each fold that was trained on
     best     the first of them, once the search is over
     search   what was searched, as a recipe  */
#ifndef SLABFIT_TUNEFILE_H
#define SLABFIT_TUNEFILE_H

#include "tune.h"

#include <jansson.h>

/* What OPTIONS ask for on TRAINING, as JSON text; to be freed by the caller; NULL with the error set.  */
char *tunefile_recipe (const struct tune_options *options, const struct featfile *training);

/* New; NULL with the error set.  Numbers that are none are null.  */
json_t *tunefile_json (const struct tune_report *report);

/* Writes REPORT with its RECIPE as PATH, whole or not at all.  */
int tunefile_write (const char *path, const struct tune_report *report, const char *recipe);

/* Where there is a file PATH, takes the outcomes of REPORT's trials, which are in the order of their numbers and have
   room for all folds, and the estimate of retraining from it.  Fails where it is of another recipe, naming what
   differs, or no such file.  */
int tunefile_read (const char *path, const char *recipe, struct tune_report *report);

#endif
