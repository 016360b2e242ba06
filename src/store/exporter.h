/* A feature file's rows on their way into a file of another form.  */
#ifndef SLABFIT_EXPORTER_H
#define SLABFIT_EXPORTER_H

#include "featfile.h"

/* Takes VALUES (rows, columns) and LABELS (rows), which may be changed, of the ROWS rows from ROW on.  -1 with the
   error set.  */
typedef int exporter_put (void *context, uint64_t row, uint64_t rows, float *values, int32_t *labels);

/* Hands all rows of FILE to PUT, in order and in blocks of at most exporter_block_rows.  OUTPUT names what is written
   in messages.  Memory holds one block, of some 16 MB or one row.  */
int exporter_run (struct featfile *file, exporter_put *put, void *context, const char *output);
uint64_t exporter_block_rows (const struct featfile *file);

#endif
