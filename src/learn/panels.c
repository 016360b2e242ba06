#include <config.h>

#include "panels.h"

#include "../base/clock.h"
#include "../base/memory.h"

enum { PANEL_ROWS = 64 }; /* rows that are read at a time, and what widths are multiples of */

/* Rows of the features as columns of a kernel.  */
struct turning {
  const float *rows; /* (count, columns) */
  size_t count, columns, units, first;
  float *kernel; /* (columns, units) */
};

static size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

double
panels_bytes (const struct slabs *slabs, double width, int threads)
{
  double columns = (double) slabs->columns;
  return products_bytes (slabs, threads) + table_bytes ((double) slabs->rows, width)
         + columns * (width + PANEL_ROWS) * sizeof (float);
}

struct panels
panels_of (const struct slabs *slabs, double bytes, int threads)
{
  double fixed = panels_bytes (slabs, 0, threads), one = panels_bytes (slabs, PANEL_ROWS, threads) - fixed;
  struct panels panels = { .slabs = slabs };
  if (fixed + one > bytes)
    return panels;
  panels.width = (size_t) ((bytes - fixed) / one) * PANEL_ROWS;
  panels.width = smaller (panels.width, (slabs->rows + PANEL_ROWS - 1) / PANEL_ROWS * PANEL_ROWS);
  panels.count = (slabs->rows + panels.width - 1) / panels.width;
  return panels;
}

static int
turn_columns (void *context, size_t block, int worker)
{
  (void) worker;
  const struct turning *turning = context;
  size_t end = smaller ((block + 1) * SLAB_COLUMNS, turning->columns);
  for (size_t column = block * SLAB_COLUMNS; column < end; column++)
    for (size_t i = 0; i < turning->count; i++)
      turning->kernel[column * turning->units + turning->first + i] = turning->rows[i * turning->columns + column];
  return 0;
}

/* ROWS (count, d) from row FIRST of all files on.  */
static int
read_rows (const struct slabs *slabs, size_t first, size_t count, float *rows)
{
  size_t begin = 0;
  for (size_t i = 0; i < slabs->files && count > 0; i++)
    {
      size_t end = begin + (size_t) featfile_info (slabs->file[i])->rows;
      size_t taken = first < end ? smaller (count, end - first) : 0;
      if (taken && featfile_read (slabs->file[i], first - begin, taken, slabs->first, slabs->columns, rows))
        return -1;
      first += taken;
      count -= taken;
      rows += taken * slabs->columns;
      begin = end;
    }
  return 0;
}

/* KERNEL (d, units) = the rows from FIRST on, transposed.  */
static int
fill_kernel (const struct panels *panels, size_t first, size_t units, float *kernel, float *rows,
             struct workers *workers)
{
  size_t columns = (size_t) panels->slabs->columns;
  struct turning turning = { .rows = rows, .columns = columns, .units = units, .kernel = kernel };
  for (; turning.first < units; turning.first += turning.count)
    {
      turning.count = smaller (PANEL_ROWS, units - turning.first);
      if (read_rows (panels->slabs, first + turning.first, turning.count, rows)
          || workers_run (workers, (columns + SLAB_COLUMNS - 1) / SLAB_COLUMNS, turn_columns, &turning))
        return -1;
    }
  return 0;
}

static int
walk_panel (const struct panels *panels, size_t first, float *kernel, float *rows, panels_visit *visit, void *context,
            struct workers *workers, double *waited)
{
  size_t units = smaller (panels->width, panels->slabs->rows - first);
  struct projection projection = { .kernel = kernel };
  double started = clock_seconds ();
  int result = fill_kernel (panels, first, units, kernel, rows, workers);
  *waited += clock_seconds () - started;
  if (result == 0)
    result = table_new (&projection.table, panels->slabs->rows, units)
                 || products_compute (panels->slabs, NULL, &projection, 1, workers, waited)
                 || visit (context, &projection.table, first)
               ? -1
               : 0;
  table_free (&projection.table);
  return result;
}

int
panels_walk (const struct panels *panels, panels_visit *visit, void *context, struct workers *workers, double *waited)
{
  size_t cells, columns = (size_t) panels->slabs->columns;
  float *kernel = NULL, *rows = NULL;
  int result = memory_multiply (columns, panels->width, "a panel's size", &cells);
  if (result == 0)
    {
      kernel = memory_new (cells, sizeof *kernel);
      rows = memory_new (columns * PANEL_ROWS, sizeof *rows);
      result = kernel && rows ? 0 : -1;
    }
  for (size_t i = 0; result == 0 && i < panels->count; i++)
    result = walk_panel (panels, i * panels->width, kernel, rows, visit, context, workers, waited);
  memory_free (kernel);
  memory_free (rows);
  return result;
}
