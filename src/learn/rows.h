/* The batches that an order draws from a feature file.  Memory is bounded by the order's largest window.  */
#ifndef SLABFIT_ROWS_H
#define SLABFIT_ROWS_H

#include "../store/featfile.h"
#include "batch.h"
#include "shuffle.h"

#include <stdbool.h>

struct rows;

/* How to take the rows of a file.  */
struct rows_plan {
  size_t batch;                   /* rows of a batch */
  uint64_t window_rows;           /* the most that the order's windows have */
  bool ahead;                     /* whether the next window is read while one is in use, which takes room for both */
  uint64_t first_column, columns; /* the share of the features that is taken */
};

/* For batches from FILE (borrowed).  A file that one window holds is never read ahead.  Reads all labels.  NULL with
   the error set.  */
struct rows *rows_new (struct featfile *file, const struct rows_plan *plan);
void rows_free (struct rows *rows); /* NULL is allowed */

const int32_t *rows_labels (const struct rows *rows); /* (n) by row number, borrowed */

/* Asks whether to stop: ERROR_STOPPED, naming PATH.  */
int rows_check_stop (const char *path);

/* Sees BATCH; NEXT is the one after it, with no rows where there is none.  Both are borrowed.  -1 with the error set
   ends the walk.  */
typedef int rows_visit (void *context, const struct batch *batch, const struct batch *next);

/* Calls VISIT for each batch of ORDER, from the one that begins at POSITION on; the last one may have fewer rows.  The
   bits do not depend on reading ahead.  A window that holds the whole file is read only once.  Fails with ERROR_STOPPED
   where it is asked to stop.

   HDF5 is for one thread at a time, and reading ahead has a thread that calls it.  That thread lives only inside this
   function, however it ends; so one walk at a time in a process, and VISIT must not call HDF5.  */
int rows_walk (struct rows *rows, const struct order *order, uint64_t position, rows_visit *visit, void *context);

double rows_seconds (const struct rows *rows); /* waited for rows, so far */

/* Bytes that rows_new allocates, without the labels; in double, so that nothing overflows.  */
double rows_bytes (const struct rows_plan *plan);

#endif
