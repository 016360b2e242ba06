/* The order in which an epoch takes the rows: a pure function of (seed, epoch).  doc/training.md says how good each
   kind is.

     window  tiles of consecutive rows (the file's chunks) in a uniform order, then the rows of each window of some
             tiles in a uniform order: the file is read in large pieces, and memory is bounded by the window
     full    one uniform permutation of all rows
     none    the order of the file  */
#ifndef SLABFIT_SHUFFLE_H
#define SLABFIT_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

enum shuffle_kind { SHUFFLE_WINDOW, SHUFFLE_FULL, SHUFFLE_NONE };

/* SHUFFLE_WINDOW mixes at least this many rows at a time, rounded up to whole tiles.  */
enum { SHUFFLE_WINDOW_ROWS = 512 };

struct shuffle {
  enum shuffle_kind kind;
  uint64_t rows;        /* n, at least 1 */
  uint64_t tile_rows;   /* of a tile, at least 1; the last tile may have fewer */
  uint64_t window_rows; /* to be read at once, at least 1; SHUFFLE_WINDOW rounds it up to whole tiles */
  uint64_t seed;
};

/* SHUFFLE_NONE over ROWS rows in chunks of CHUNK_ROWS (0 where there are none) for batches of BATCH rows: each chunk is
   read once.  */
struct shuffle shuffle_in_order (uint64_t rows, uint64_t chunk_rows, size_t batch);

/* The rows of a tile for chunks of CHUNK_ROWS: those, or a fixed number where there are none or too many.  */
uint64_t shuffle_tile_rows (uint64_t chunk_rows);

struct order {
  uint64_t *row;        /* (n) the permutation */
  size_t windows;       /* pieces of the order that are read at once */
  uint64_t *window_end; /* (windows) where each ends in ROW */
};

/* Room for an epoch's order; to be freed by order_free, which leaves it empty.  */
int order_new (struct order *order, const struct shuffle *shuffle);
void order_free (struct order *order);

/* The most rows that a window has.  */
uint64_t shuffle_largest_window (const struct shuffle *shuffle);

/* Sets ORDER, made for SHUFFLE, to that of epoch number EPOCH.  */
int shuffle_epoch (const struct shuffle *shuffle, uint64_t epoch, struct order *order);

#endif
