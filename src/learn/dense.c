#include <config.h>

#include "dense.h"

#include "../base/vectorised.h"

#include <stdbool.h>
#include <string.h>

enum { TILE_ROWS = 4 };

/* TILE (TILE_ROWS, DENSE_PANEL), whose rows are TILE_STRIDE apart, = the rows that begin at LEFT, whose numbers are
   STRIDE apart, times PANEL (depth, DENSE_PANEL).  The four sums are written out so that the compiler keeps them in
   registers.  */
VECTORISED static void
compute_tile (double *restrict tile, size_t tile_stride, const double *const *left, size_t stride,
              const double *restrict panel, size_t depth)
{
  const double *left0 = left[0], *left1 = left[1], *left2 = left[2], *left3 = left[3];
  double sum0[DENSE_PANEL] = { 0 }, sum1[DENSE_PANEL] = { 0 };
  double sum2[DENSE_PANEL] = { 0 }, sum3[DENSE_PANEL] = { 0 };
  for (size_t i = 0; i < depth; i++, panel += DENSE_PANEL)
    for (int j = 0; j < DENSE_PANEL; j++)
      {
        sum0[j] += left0[i * stride] * panel[j];
        sum1[j] += left1[i * stride] * panel[j];
        sum2[j] += left2[i * stride] * panel[j];
        sum3[j] += left3[i * stride] * panel[j];
      }
  memcpy (tile, sum0, sizeof sum0);
  memcpy (tile + tile_stride, sum1, sizeof sum1);
  memcpy (tile + 2 * tile_stride, sum2, sizeof sum2);
  memcpy (tile + 3 * tile_stride, sum3, sizeof sum3);
}

/* PANEL (depth, DENSE_PANEL) = the COLUMNS columns of RIGHT, and zeros beside them.  */
static void
fill_panel (double *panel, struct operand right, size_t depth, size_t columns)
{
  if (columns < DENSE_PANEL)
    memset (panel, 0, depth * DENSE_PANEL * sizeof *panel);
  if (right.column_stride == 1)
    for (size_t i = 0; i < depth; i++)
      memcpy (panel + i * DENSE_PANEL, right.values + i * right.row_stride, columns * sizeof *panel);
  else
    for (size_t i = 0; i < depth; i++)
      for (size_t j = 0; j < columns; j++)
        panel[i * DENSE_PANEL + j] = right.values[i * right.row_stride + j * right.column_stride];
}

void
dense_multiply (double *product, size_t rows, size_t columns, size_t depth, struct operand left, struct operand right,
                double *panel)
{
  double tile[TILE_ROWS * DENSE_PANEL];
  for (size_t column = 0; column < columns; column += DENSE_PANEL, right.values += DENSE_PANEL * right.column_stride)
    {
      size_t width = columns - column < DENSE_PANEL ? columns - column : DENSE_PANEL;
      fill_panel (panel, right, depth, width);
      for (size_t row = 0; row < rows; row += TILE_ROWS)
        {
          const double *from[TILE_ROWS];
          size_t height = rows - row < TILE_ROWS ? rows - row : TILE_ROWS;
          bool whole = height == TILE_ROWS && width == DENSE_PANEL;
          double *out = product + row * columns + column;
          for (size_t i = 0; i < TILE_ROWS; i++) /* a row too many is the last one again */
            from[i] = left.values + (row + (i < height ? i : height - 1)) * left.row_stride;
          compute_tile (whole ? out : tile, whole ? columns : DENSE_PANEL, from, left.column_stride, panel, depth);
          for (size_t i = 0; i < height && !whole; i++)
            memcpy (out + i * columns, tile + i * DENSE_PANEL, width * sizeof *out);
        }
    }
}
