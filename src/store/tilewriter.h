/* Writing rows of tiles by several threads: all compress, one at a time stores, in the order of the columns.  */
#ifndef SLABFIT_TILEWRITER_H
#define SLABFIT_TILEWRITER_H

#include "featwriter.h"

struct tilewriter;

/* For WRITER, whose tiles are as INFO says, and WORKERS (all borrowed).  NULL with the error set.  */
struct tilewriter *tilewriter_new (struct featwriter *writer, const struct featinfo *info, struct workers *workers);
void tilewriter_free (struct tilewriter *tiles); /* NULL is allowed */

/* As featwriter_put_tile_row.  */
int tilewriter_put_row (struct tilewriter *tiles, uint64_t tile_row, const float *values, uint64_t rows);

#endif
