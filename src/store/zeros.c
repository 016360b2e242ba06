#include <config.h>

#include "zeros.h"

#include "../base/memory.h"

#include <math.h>

enum { PIECES = 64, ROWS_MOST = 256, COLUMNS_MOST = 4096 };

static uint64_t
least (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* A grid of pieces over /features.  */
struct grid {
  struct window size; /* of a whole piece */
  uint64_t down, across;
};

static struct grid
new_grid (const struct featinfo *info)
{
  struct window size = { .rows = least (info->chunk_rows ? info->chunk_rows : 32, ROWS_MOST),
                         .columns = least (info->chunk_columns ? info->chunk_columns : 1024, COLUMNS_MOST) };
  return (struct grid){ size, (info->rows + size.rows - 1) / size.rows,
                        (info->columns + size.columns - 1) / size.columns };
}

/* The piece INDEX of a sample: evenly down the rows, and across the columns by steps of the golden section, which fall
   in with no width of the grid.  */
static struct window
choose_piece (const struct grid *grid, const struct featinfo *info, uint64_t index)
{
  static const double golden = 0.6180339887498949;
  double turn = (double) index * golden;
  uint64_t row = (uint64_t) ((double) index * (double) grid->down / PIECES);
  uint64_t column = (uint64_t) ((turn - floor (turn)) * (double) grid->across);
  if (grid->down * grid->across <= PIECES)
    {
      row = index / grid->across;
      column = index % grid->across;
    }
  struct window piece = { .row = row * grid->size.rows, .column = column * grid->size.columns };
  piece.rows = least (grid->size.rows, info->rows - piece.row);
  piece.columns = least (grid->size.columns, info->columns - piece.column);
  return piece;
}

int
zeros_sample (struct featfile *file, struct zeros *zeros)
{
  const struct featinfo *info = featfile_info (file);
  struct grid grid = new_grid (info);
  float *values = memory_new (grid.size.rows * grid.size.columns, sizeof *values);
  uint64_t found = 0, pieces = least (grid.down * grid.across, PIECES);
  int result = values ? 0 : -1;
  *zeros = (struct zeros){ 0 };
  for (uint64_t i = 0; result == 0 && i < pieces; i++)
    {
      struct window piece = choose_piece (&grid, info, i);
      uint64_t count = piece.rows * piece.columns;
      result = featfile_read (file, piece.row, piece.rows, piece.column, piece.columns, values);
      for (uint64_t j = 0; result == 0 && j < count; j++)
        found += values[j] == 0;
      zeros->values += count;
    }
  zeros->share = zeros->values ? (double) found / (double) zeros->values : 0;
  memory_free (values);
  return result;
}
