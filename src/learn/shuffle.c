#include <config.h>

#include "shuffle.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"

/* Epoch e draws from stream first_stream + e of the seed, far from those of the initial weights.  */
static const uint64_t first_stream = (uint64_t) 1 << 32;

static uint64_t
divide_up (uint64_t a, uint64_t b)
{
  return a / b + (a % b != 0);
}

/* Rows of a window, before it is cut to those that there are.  */
static uint64_t
window_rows (const struct shuffle *shuffle)
{
  uint64_t rows = shuffle->window_rows < shuffle->rows ? shuffle->window_rows : shuffle->rows;
  return shuffle->kind == SHUFFLE_WINDOW ? divide_up (rows, shuffle->tile_rows) * shuffle->tile_rows : rows;
}

uint64_t
shuffle_largest_window (const struct shuffle *shuffle)
{
  uint64_t rows = window_rows (shuffle);
  return rows < shuffle->rows ? rows : shuffle->rows;
}

uint64_t
shuffle_tile_rows (uint64_t chunk_rows)
{
  enum { UNCHUNKED_ROWS = 32 };
  if (chunk_rows == 0)
    return UNCHUNKED_ROWS;
  return chunk_rows < SHUFFLE_WINDOW_ROWS ? chunk_rows : SHUFFLE_WINDOW_ROWS;
}

struct shuffle
shuffle_in_order (uint64_t rows, uint64_t chunk_rows, size_t batch)
{
  uint64_t tile_rows = shuffle_tile_rows (chunk_rows);
  return (struct shuffle){
    .kind = SHUFFLE_NONE, .rows = rows, .tile_rows = tile_rows, .window_rows = divide_up (batch, tile_rows) * tile_rows
  };
}

int
order_new (struct order *order, const struct shuffle *shuffle)
{
  size_t windows = (size_t) divide_up (shuffle->rows, window_rows (shuffle));
  *order = (struct order){ .row = memory_new ((size_t) shuffle->rows, sizeof *order->row),
                           .windows = windows,
                           .window_end = memory_new (windows, sizeof *order->window_end) };
  if (order->row && order->window_end)
    return 0;
  order_free (order);
  return -1;
}

void
order_free (struct order *order)
{
  memory_free (order->row);
  memory_free (order->window_end);
  *order = (struct order){ 0 };
}

/* The rows of each tile, tile after tile in their new order; a window ends after every so many tiles.  */
static void
lay_out_tiles (const struct shuffle *shuffle, const uint64_t *tile, uint64_t tiles, struct order *order)
{
  uint64_t tiles_per_window = window_rows (shuffle) / shuffle->tile_rows, filled = 0;
  for (uint64_t i = 0; i < tiles; i++)
    {
      uint64_t first = tile[i] * shuffle->tile_rows;
      for (uint64_t row = first; row < first + shuffle->tile_rows && row < shuffle->rows; row++)
        order->row[filled++] = row;
      order->window_end[i / tiles_per_window] = filled;
    }
}

static int
shuffle_windows (const struct shuffle *shuffle, struct random *generator, struct order *order)
{
  uint64_t tiles = divide_up (shuffle->rows, shuffle->tile_rows), begin = 0;
  uint64_t *tile = memory_new ((size_t) tiles, sizeof *tile);
  if (!tile)
    return -1;
  for (uint64_t i = 0; i < tiles; i++)
    tile[i] = i;
  random_shuffle (generator, tile, (size_t) tiles);
  lay_out_tiles (shuffle, tile, tiles, order);
  memory_free (tile);
  for (size_t i = 0; i < order->windows; begin = order->window_end[i++])
    random_shuffle (generator, order->row + begin, (size_t) (order->window_end[i] - begin));
  return 0;
}

int
shuffle_epoch (const struct shuffle *shuffle, uint64_t epoch, struct order *order)
{
  struct random generator = random_new (shuffle->seed, first_stream + epoch);
  if (shuffle->kind == SHUFFLE_WINDOW)
    return shuffle_windows (shuffle, &generator, order);
  for (uint64_t i = 0; i < shuffle->rows; i++)
    order->row[i] = i;
  uint64_t rows = window_rows (shuffle);
  for (size_t i = 0; i < order->windows; i++)
    order->window_end[i] = i + 1 < order->windows ? (i + 1) * rows : shuffle->rows;
  if (shuffle->kind == SHUFFLE_FULL)
    random_shuffle (&generator, order->row, (size_t) shuffle->rows);
  return 0;
}
