/* /labels: class numbers, stored as an enum that carries the classes' names; other programs have integers or texts.  */
#ifndef SLABFIT_LABELS_H
#define SLABFIT_LABELS_H

#include "../base/text.h"

#include <hdf5.h>

/* How the values in a file become class numbers.  */
struct labels {
  hid_t dataset;           /* owned */
  const char *name, *path; /* borrowed */
  struct labeltext *text;  /* owned; NULL where the labels are numbers */
  int64_t *value; /* (classes) ascending: the label value[i] is class i; NULL where they are the numbers themselves */
  size_t classes;
};

/* An enum over BASE (H5T_STD_I32LE in the file, H5T_NATIVE_INT32 in memory) whose names are CLASSES; a copy of BASE
   where they are none, not all different, or too many for HDF5 (64 KB in all).  To be closed by H5Tclose; -1 with no
   error set.  */
hid_t labels_type (const struct names *classes, hid_t base);

/* How many labels the dataset NAME of FILE has: its first dimension, 0 with no error set where there is no such
   dataset.  */
uint64_t labels_count (hid_t file, const char *name);

/* Opens the dataset NAME of FILE, which PATH names (both borrowed until labels_close), and checks that it is ROWS
   integers or texts, (n) or (n, 1).  CLASSES that are empty are filled: from the enum's names in the order of their
   values, the texts that differ in the order of their bytes, else with the numbers from 0 to the largest label.
   CLASSES must live until labels_close.  */
int labels_open (struct labels *labels, hid_t file, const char *name, uint64_t rows, struct names *classes,
                 const char *path);
void labels_close (struct labels *labels);

/* NUMBERS (rows) from ROW on; an error names the first that is no class.  */
int labels_read (const struct labels *labels, uint64_t row, uint64_t rows, int32_t *numbers);

#endif
