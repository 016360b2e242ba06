/* Writing rows of tiles by several threads: all compress, one at a time stores, in the order of the columns.  */
#ifndef SLABFIT_TILEWRITER_H
#define SLABFIT_TILEWRITER_H

#include "featinfo.h"
#include "tile.h"

struct workers;
struct tilewriter;

/* Stores CHUNK as the tile (TILE_ROW, TILE_COLUMN).  Called by one thread at a time, not always the same.  */
typedef int tilewriter_store (void *context, uint64_t tile_row, uint64_t tile_column, const struct chunk *chunk);

/* For tiles as INFO says, compressed by WORKERS (both borrowed) and given to STORE.  NULL with the error set.  */
struct tilewriter *tilewriter_new (const struct featinfo *info, struct workers *workers, tilewriter_store *store,
                                   void *context);
void tilewriter_free (struct tilewriter *tiles); /* NULL is allowed */

/* Compresses and stores a whole row of tiles: VALUES (rows, columns), of the tile's rows or fewer.  */
int tilewriter_put_row (struct tilewriter *tiles, uint64_t tile_row, const float *values, uint64_t rows);

#endif
