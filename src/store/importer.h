/* A feature file made of rows that another program wrote.  */
#ifndef SLABFIT_IMPORTER_H
#define SLABFIT_IMPORTER_H

#include "featinfo.h"

enum { IMPORTER_CLASSES_MOST = 1000000 };

struct workers;

struct importer_options {
  struct names classes; /* names[label]; empty where their names are to be the numbers from 0 to the largest label */
  bool half, single;    /* float16 or float32 in the file; neither: as in the source */
  int compress;         /* 0 to 12 */
  const char *command;  /* the command line, recorded in the file; may be NULL */
};

/* INFO of a file that OPTIONS asks for; rows and columns are left to the caller.  On failure INFO needs no freeing.  */
int importer_describe (struct featinfo *info, const struct importer_options *options);

/* Labels are to be below this.  */
uint64_t importer_label_limit (const struct featinfo *info);

/* Names the classes from 0 to LARGEST by their numbers, where they have no names yet.  */
int importer_name_classes (struct featinfo *info, uint64_t largest);

/* Gives VALUES (rows, columns) and LABELS (rows) of the ROWS rows from ROW on, which are asked for in order, each once.
   -1 with the error set.  */
typedef int importer_take (void *context, uint64_t row, uint64_t rows, float *values, int32_t *labels);

/* Writes the feature file FEATURES of INFO->rows rows and sets INFO's tile.  SOURCE names in messages where they come
   from.  Memory holds one row of tiles.  */
int importer_run (struct featinfo *info, const char *features, importer_take *take, void *context, const char *source,
                  struct workers *workers);

#endif
