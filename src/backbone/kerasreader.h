/* What the readers of Keras's HDF5 files share: one array of the file as a weight.  */
#ifndef SLABFIT_KERASREADER_H
#define SLABFIT_KERASREADER_H

#include "weights.h"

#include <hdf5.h>

struct kerasreader {
  struct weights *weights;
  hid_t file;
};

/* The dataset PLACE of GROUP as the weight "LAYER/PART", or "PATH/LAYER/PART" where another one has that name and PATH
   is not "".  Refused where its values lie in another file or were never written.  */
int kerasreader_array (struct kerasreader *reader, hid_t group, const char *place, const char *path, const char *layer,
                       const char *part);

/* After a failed call of HDF5: "cannot read WHAT of 'FILE': ...".  Returns -1.  */
int kerasreader_failed (const struct kerasreader *reader, const char *what);

#endif
