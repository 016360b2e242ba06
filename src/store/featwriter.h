/* Writing a feature file: under a temporary name until it is whole.

   Compressing a tile (tile_encode) may run in any thread; storing it is for the one thread that calls HDF5.  */
#ifndef SLABFIT_FEATWRITER_H
#define SLABFIT_FEATWRITER_H

#include "featfile.h"
#include "tile.h"

struct featwriter;
struct workers;

/* Begins PATH with room for INFO->rows rows; columns, half, tile, compress (0 to 12, as tile.h), path_bytes (0 for no
   /images), digests, classes, unlabelled, provenance and origin are taken from INFO (copied).  NULL with the error
   set.  */
struct featwriter *featwriter_new (const char *path, const struct featinfo *info);

/* Stores the tile (TILE_ROW, TILE_COLUMN), counted in tiles, as CHUNK, which tile_encode or another feature file of the
   same tiles gave.  Each tile once, in any order.  */
int featwriter_put_tile (struct featwriter *writer, uint64_t tile_row, uint64_t tile_column, const struct chunk *chunk);

/* Compresses and stores a whole row of tiles, shared out among WORKERS, the same ones each time: VALUES (rows,
   columns), where rows below the tile's are for the last one only.  */
int featwriter_put_tile_row (struct featwriter *writer, uint64_t tile_row, const float *values, uint64_t rows,
                             struct workers *workers);

/* Stores LABELS (rows; any where the file is to have none) and PATHS (rows, path_bytes + 1; NULL where path_bytes is 0)
   from ROW on.  */
int featwriter_put_rows (struct featwriter *writer, uint64_t row, uint64_t rows, const int32_t *labels,
                         const char *paths);

/* Stores DIGESTS (rows) from ROW on, for a file that is to have them; all its rows'.  */
int featwriter_put_digests (struct featwriter *writer, uint64_t row, uint64_t rows, const uint64_t *digests);

/* Finishes with ROWS rows (at most the room asked for) and the failures: closes, fsyncs and renames into place.
   Releases WRITER whatever happens; on failure, such as tiles that were never put, nothing stands under the final
   name.  */
int featwriter_commit (struct featwriter *writer, uint64_t rows, const struct failure *failures, size_t failure_count);

/* Gives up: removes the temporary file and releases WRITER.  NULL is allowed.  */
void featwriter_discard (struct featwriter *writer);

#endif
