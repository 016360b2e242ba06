/* The stream of batches that an order draws from a feature file.  Memory is bounded by the order's largest window.  */
#ifndef SLABFIT_ROWS_H
#define SLABFIT_ROWS_H

#include "../store/featfile.h"
#include "batch.h"
#include "shuffle.h"

struct rows;

/* A stream of batches of BATCH rows from FILE (borrowed), in windows of at most WINDOW_ROWS rows.  Reads all labels.
   NULL with the error set.  */
struct rows *rows_new (struct featfile *file, size_t batch, uint64_t window_rows);
void rows_free (struct rows *rows); /* NULL is allowed */

const int32_t *rows_labels (const struct rows *rows); /* (n) by row number, borrowed */

/* Begins an epoch in ORDER, borrowed until it is over.  */
void rows_begin (struct rows *rows, const struct order *order);

/* The next BATCH, borrowed until the next call but one: the last one of an epoch may have fewer rows, and then come
   empty ones.  A window that holds the whole file is read only once.  */
int rows_next (struct rows *rows, struct batch *batch);

double rows_seconds (const struct rows *rows); /* spent reading, so far */

/* Bytes that such a stream allocates, without the labels; in double, so that nothing overflows.  */
double rows_bytes (uint64_t columns, size_t batch, uint64_t window_rows);

#endif
