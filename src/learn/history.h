/* The history of a training: one entry an epoch, as models and checkpoints keep it.  */
#ifndef SLABFIT_HISTORY_H
#define SLABFIT_HISTORY_H

#include <hdf5.h>
#include <stddef.h>
#include <stdint.h>

struct epoch {
  uint64_t number;               /* from 1 */
  double loss, accuracy;         /* accuracy in [0, 1] */
  double val_loss, val_accuracy; /* NaN where nothing was validated */
  double auc, val_auc;           /* area under the ROC curve; NaN where there are not two classes */
  double seconds;
};

struct history {
  struct epoch *epoch; /* (count), from malloc */
  size_t count;
};

/* -1 with the error set where memory is out.  */
int history_add (struct history *history, const struct epoch *epoch);
void history_free (struct history *history); /* leaves it empty */

/* As /history of FILE: a compound of those names, "epoch" for the number.  None is written where there are no
   epochs.  */
int history_write (const struct history *history, hid_t file, const char *path);

/* HISTORY, empty before, from FILE; what an older file does not have becomes NaN.  */
int history_read (struct history *history, hid_t file, const char *path);

#endif
