#include <config.h>

#include "history.h"

#include "../base/error.h"
#include "../base/hdf.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

int
history_add (struct history *history, const struct epoch *epoch)
{
  struct epoch *longer = realloc (history->epoch, (history->count + 1) * sizeof *longer);
  if (!longer)
    return error_set ("no memory for the history of %" PRIu64 " epochs; give the job more memory", epoch->number);
  history->epoch = longer;
  history->epoch[history->count++] = *epoch;
  return 0;
}

void
history_free (struct history *history)
{
  free (history->epoch);
  *history = (struct history){ 0 };
}

/* A description of struct epoch for HDF5; -1 where it fails.  */
static hid_t
epoch_type (void)
{
  hid_t type = H5Tcreate (H5T_COMPOUND, sizeof (struct epoch));
  H5Tinsert (type, "epoch", HOFFSET (struct epoch, number), H5T_NATIVE_UINT64);
  H5Tinsert (type, "loss", HOFFSET (struct epoch, loss), H5T_NATIVE_DOUBLE);
  H5Tinsert (type, "accuracy", HOFFSET (struct epoch, accuracy), H5T_NATIVE_DOUBLE);
  H5Tinsert (type, "val_loss", HOFFSET (struct epoch, val_loss), H5T_NATIVE_DOUBLE);
  H5Tinsert (type, "val_accuracy", HOFFSET (struct epoch, val_accuracy), H5T_NATIVE_DOUBLE);
  H5Tinsert (type, "auc", HOFFSET (struct epoch, auc), H5T_NATIVE_DOUBLE);
  H5Tinsert (type, "val_auc", HOFFSET (struct epoch, val_auc), H5T_NATIVE_DOUBLE);
  H5Tinsert (type, "seconds", HOFFSET (struct epoch, seconds), H5T_NATIVE_DOUBLE);
  return type;
}

int
history_write (const struct history *history, hid_t file, const char *path)
{
  hsize_t count = history->count;
  hid_t type = epoch_type ();
  int result = count ? hdf_write_dataset (file, "history", type, 1, &count, history->epoch, path) : 0;
  H5Tclose (type);
  return result;
}

int
history_read (struct history *history, hid_t file, const char *path)
{
  hsize_t count;
  if (H5Lexists (file, "history", H5P_DEFAULT) <= 0)
    return 0;
  if (hdf_read_shape (file, "history", 1, &count, path))
    return -1;
  history->epoch = calloc ((size_t) count, sizeof *history->epoch);
  if (!history->epoch)
    return error_set ("no memory for the history of '%s'; give the job more memory", path);
  history->count = (size_t) count;
  for (size_t i = 0; i < history->count; i++)
    history->epoch[i].auc = history->epoch[i].val_auc = NAN;
  hid_t type = epoch_type ();
  int result = hdf_read_dataset (file, "history", type, history->epoch, path);
  H5Tclose (type);
  return result;
}
