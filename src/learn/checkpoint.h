/* A checkpoint: the state of a training between two steps, from which it goes on to the same bits.  An HDF5 file beside
   the model that is to be, written whole or not at all, and removed when the model is there:

     /engine/NAME, /head/NAME, /pass/NAME, /training/NAME    the arrays of state.h
     /history                                                the epochs that are over
     attributes of /  checkpoint_format_version, training (the recipe), version  */
#ifndef SLABFIT_CHECKPOINT_H
#define SLABFIT_CHECKPOINT_H

#include "model.h"
#include "state.h"
#include "train.h"

#include <stdbool.h>

enum { CHECKPOINT_VERSION = 1 };

/* A list of arrays under one name.  */
struct state_list {
  const char *name;
  size_t count;
  struct state_part part[STATE_PARTS];
};

/* The checkpoint of the model MODEL_PATH; to be freed by the caller; NULL with the error set.  */
char *checkpoint_path (const char *model_path);

/* Writes LISTS (count), and the recipe and the history of MODEL.  Under MPI collective: the first rank writes the rows
   of all.  */
int checkpoint_write (const char *path, const struct state_list *lists, size_t count, const struct model *model);

/* Fills LISTS (count) and MODEL's history from PATH.  *FOUND becomes false where there is no such file, and nothing is
   changed.  Fails where it was made by another recipe than MODEL's, naming what differs, or by another version, or is
   damaged.  Under MPI collective; the number of ranks may be another one than that which wrote it.  */
int checkpoint_read (const char *path, const struct state_list *lists, size_t count, struct model *model, bool *found);

/* Where there is such a file, *ENGINE becomes the one that wrote it.  Under MPI collective.  */
int checkpoint_engine (const char *path, enum engine_kind *engine);

#endif
