/* Reading the tiles of /features by several threads: one at a time asks HDF5 for a chunk's bytes, all inflate.  */
#ifndef SLABFIT_TILEREADER_H
#define SLABFIT_TILEREADER_H

#include "featfile.h"

struct workers;
struct tilereader;

/* For FILE, whose featinfo.tiled is set, and WORKERS (both borrowed).  NULL with the error set.  */
struct tilereader *tilereader_new (struct featfile *file, struct workers *workers);
void tilereader_free (struct tilereader *reader); /* NULL is allowed */

/* VALUES (rows, columns) of the range, which lies inside the file: rows ROW to ROW + ROWS, columns COLUMN to COLUMN +
   COLUMNS.  Each tile that it meets is inflated once.  */
int tilereader_read (struct tilereader *reader, const struct window *range, float *values);

#endif
