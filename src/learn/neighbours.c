#include <config.h>

#include "neighbours.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TASK_ROWS = 64 };

int
neighbours_new (struct neighbours *neighbours, size_t rows, size_t classes, const int32_t *label, const double *squares,
                double least, size_t limit, int threads)
{
  size_t cells;
  *neighbours = (struct neighbours){
    .rows = rows, .classes = classes, .label = label, .least = least, .threads = threads, .limit = limit
  };
  if (memory_multiply (rows, classes, "the nearest neighbours' table", &cells))
    return -1;
  neighbours->scale = memory_new (rows, sizeof *neighbours->scale);
  neighbours->best = memory_new (cells, sizeof *neighbours->best);
  neighbours->found = memory_new ((size_t) threads, sizeof *neighbours->found);
  neighbours->room = memory_new ((size_t) threads, sizeof *neighbours->room);
  if (!neighbours->scale || !neighbours->best || !neighbours->found || !neighbours->room)
    return -1;
  for (size_t i = 0; i < rows; i++)
    neighbours->scale[i] = squares[i] > 0 ? 1 / sqrt (squares[i]) : NAN;
  for (size_t i = 0; i < cells; i++)
    neighbours->best[i] = -1;
  return 0;
}

void
neighbours_free (struct neighbours *neighbours)
{
  for (int i = 0; neighbours->found && i < neighbours->threads; i++)
    memory_free (neighbours->found[i].pair);
  memory_free (neighbours->found);
  memory_free (neighbours->room);
  memory_free (neighbours->scale);
  memory_free (neighbours->best);
  *neighbours = (struct neighbours){ 0 };
}

double
neighbours_bytes (double rows, double classes)
{
  return rows * (classes * sizeof (float) + sizeof (double));
}

static int
grow (struct neighbours *neighbours, int worker)
{
  struct pairs *found = &neighbours->found[worker];
  size_t room = neighbours->room[worker] ? 2 * neighbours->room[worker] : 1024;
  struct pair *grown = memory_new (room, sizeof *grown);
  if (!grown)
    return -1;
  if (found->count)
    memcpy (grown, found->pair, found->count * sizeof *grown);
  memory_free (found->pair);
  found->pair = grown;
  neighbours->room[worker] = room;
  return 0;
}

static int
add_pair (struct neighbours *neighbours, size_t row, size_t other, double cosine, int worker)
{
  struct pairs *found = &neighbours->found[worker];
  if (atomic_fetch_add (&neighbours->total, 1) >= neighbours->limit)
    return error_set ("more than %zu pairs of rows may be as similar as --similarity says; give a larger one",
                      neighbours->limit);
  if (found->count == neighbours->room[worker] && grow (neighbours, worker))
    return -1;
  found->pair[found->count++] = (struct pair){ { (uint32_t) row, (uint32_t) other }, cosine };
  return 0;
}

struct taking {
  struct neighbours *neighbours;
  const struct table *panel;
  size_t first;
};

static int
take_row (const struct taking *taking, size_t row, int worker)
{
  struct neighbours *neighbours = taking->neighbours;
  const float *product = taking->panel->values + row * taking->panel->stride;
  float *best = neighbours->best + row * neighbours->classes;
  for (size_t i = 0; i < taking->panel->columns; i++)
    {
      size_t other = taking->first + i;
      double cosine = (double) product[i] * neighbours->scale[row] * neighbours->scale[other];
      float *nearest = best + neighbours->label[other];
      if (other == row)
        continue;
      if (cosine >= neighbours->least)
        {
          if (row < other && add_pair (neighbours, row, other, cosine, worker))
            return -1;
        }
      else if (cosine > (double) *nearest)
        *nearest = (float) cosine;
    }
  return 0;
}

static int
take_rows (void *context, size_t task, int worker)
{
  const struct taking *taking = context;
  size_t end = (task + 1) * TASK_ROWS, rows = taking->neighbours->rows;
  if (stop_requested ())
    return error_stopped ("comparing the rows was stopped; run the same command again");
  for (size_t row = task * TASK_ROWS; row < end && row < rows; row++)
    if (take_row (taking, row, worker))
      return -1;
  return 0;
}

int
neighbours_take (struct neighbours *neighbours, const struct table *panel, size_t first, struct workers *workers)
{
  struct taking taking = { neighbours, panel, first };
  return workers_run (workers, (neighbours->rows + TASK_ROWS - 1) / TASK_ROWS, take_rows, &taking);
}

static int
compare_pairs (const void *a, const void *b)
{
  const struct pair *x = a, *y = b;
  int first = (x->row[0] > y->row[0]) - (x->row[0] < y->row[0]);
  return first ? first : (x->row[1] > y->row[1]) - (x->row[1] < y->row[1]);
}

int
neighbours_pairs (struct neighbours *neighbours, struct pairs *pairs)
{
  size_t count = 0;
  for (int i = 0; i < neighbours->threads; i++)
    count += neighbours->found[i].count;
  *pairs = (struct pairs){ memory_new (count, sizeof *pairs->pair), 0 };
  if (!pairs->pair)
    return -1;
  for (int i = 0; i < neighbours->threads; i++)
    for (size_t j = 0; j < neighbours->found[i].count; j++)
      pairs->pair[pairs->count++] = neighbours->found[i].pair[j];
  qsort (pairs->pair, count, sizeof *pairs->pair, compare_pairs);
  return 0;
}

void
neighbours_put (struct neighbours *neighbours, const uint32_t row[2], double cosine)
{
  for (int i = 0; i < 2; i++)
    {
      float *nearest = neighbours->best + (size_t) row[i] * neighbours->classes + neighbours->label[row[!i]];
      if (cosine > (double) *nearest)
        *nearest = (float) cosine;
    }
}
