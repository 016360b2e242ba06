/* A feature file as two NumPy arrays: FILE.npy, the features (n, d), and FILE.labels.npy, the numbers of their classes
   (n).  */
#ifndef SLABFIT_NPY_H
#define SLABFIT_NPY_H

#include "importer.h"

struct featnames;

/* The name of the labels that belong to the features NPY: its ending .npy becomes .labels.npy.  To be freed by the
   caller; NULL with the error set.  */
char *npy_labels_path (const char *npy);

/* Writes the feature file FEATURES, its datasets being NAMES, as the arrays NPY, float32 or float16 as it is stored,
   and LABELS, int32, both in little-endian bytes and C order; whole or not at all, the features last.  Memory holds one
   block of rows.  */
int npy_export (const char *features, const struct featnames *names, const char *npy, const char *labels,
                struct workers *workers, uint64_t *rows);

/* Writes the feature file FEATURES from the arrays NPY (n, d) of float16, float32 or float64, and LABELS (n) of
   integers of any size, in either order of bytes, not in Fortran order.  A value that is no finite float32 and a label
   that is no class are errors that name row and column, counted from 0 as NumPy does.  Memory holds one row of
   tiles.  */
int npy_import (const char *npy, const char *labels, const char *features, const struct importer_options *options,
                struct workers *workers, uint64_t *rows);

#endif
