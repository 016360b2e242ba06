/* Reading the tiles of /features by several threads: one at a time asks HDF5 for a chunk's bytes, all inflate.  */
#ifndef SLABFIT_TILEREADER_H
#define SLABFIT_TILEREADER_H

#include "featinfo.h"
#include "matrix.h"

/* The tile (TILE_ROW, TILE_COLUMN) of MATRIX, counted in tiles as INFO says, whose tiled is set: as it is in the file,
   into CHUNK, which tile_decode takes.  */
int tilereader_read_chunk (const struct matrix *matrix, const struct featinfo *info, uint64_t tile_row,
                           uint64_t tile_column, struct chunk *chunk);

struct workers;
struct tilereader;

/* For MATRIX, whose chunks are tiles as INFO says, and WORKERS (all borrowed).  NULL with the error set.  */
struct tilereader *tilereader_new (const struct matrix *matrix, const struct featinfo *info, struct workers *workers);
void tilereader_free (struct tilereader *reader); /* NULL is allowed */

/* VALUES (rows, columns) of the range, which lies inside the file: rows ROW to ROW + ROWS, columns COLUMN to COLUMN +
   COLUMNS.  Each tile that it meets is inflated once.  */
int tilereader_read (struct tilereader *reader, const struct window *range, float *values);

#endif
