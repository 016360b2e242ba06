/* /labels: class numbers, stored as an enum that carries the classes' names.  */
#ifndef SLABFIT_LABELS_H
#define SLABFIT_LABELS_H

#include "../base/text.h"

#include <hdf5.h>

/* How the values in a file become class numbers.  */
struct labels {
  hid_t dataset;    /* owned */
  const char *path; /* borrowed */
  int64_t *value;   /* (classes) ascending: the label value[i] is class i; NULL where they are the numbers themselves */
  size_t classes;
};

/* An enum over BASE (H5T_STD_I32LE in the file, H5T_NATIVE_INT32 in memory) whose names are CLASSES; a copy of BASE
   where they are none, not all different, or too many for HDF5 (64 KB in all).  To be closed by H5Tclose; -1 with no
   error set.  */
hid_t labels_type (const struct names *classes, hid_t base);

/* Opens /labels of FILE, which PATH (borrowed until labels_close) names, and checks that it is ROWS integers.  CLASSES
   that are empty are filled: from the enum's names in the order of their values, else with the numbers from 0 to the
   largest label.  */
int labels_open (struct labels *labels, hid_t file, uint64_t rows, struct names *classes, const char *path);
void labels_close (struct labels *labels);

/* NUMBERS (rows) from ROW on; an error names the first that is no class.  */
int labels_read (const struct labels *labels, uint64_t row, uint64_t rows, int32_t *numbers);

#endif
