/* Labels that are texts, of fixed or variable length: the classes are the texts that differ, sorted by their bytes, as
   scikit-learn's LabelEncoder has them.  */
#ifndef SLABFIT_LABELTEXT_H
#define SLABFIT_LABELTEXT_H

#include "../base/text.h"

#include <hdf5.h>

struct labeltext;

/* For the rows of DATASET, whose datatype is text; it is NAME of the file PATH (all borrowed).  NULL with the error
   set.  */
struct labeltext *labeltext_new (hid_t dataset, const char *name, const char *path);
void labeltext_free (struct labeltext *labels); /* NULL is allowed */

/* Makes CLASSES (empty before) those of all ROWS labels.  More than 65,536 are an error: they are no classes.  */
int labeltext_classes (struct labeltext *labels, uint64_t rows, struct names *classes);

/* Lets labeltext_read number the texts as CLASSES does, in any order.  */
int labeltext_number (struct labeltext *labels, const struct names *classes);

/* NUMBERS (rows) from ROW on; an error names the first that is no class.  */
int labeltext_read (const struct labeltext *labels, uint64_t row, uint64_t rows, int32_t *numbers);

#endif
