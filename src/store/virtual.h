/* Virtual datasets, which join datasets of other files.  */
#ifndef SLABFIT_VIRTUAL_H
#define SLABFIT_VIRTUAL_H

#include <hdf5.h>

/* Fails where DATASET, which is NAME of the file PATH, is virtual and some of its values are not there: a source is
   gone, or no source has them.  HDF5 would read zeros, without a word.  */
int virtual_check (hid_t dataset, const char *name, const char *path);

#endif
