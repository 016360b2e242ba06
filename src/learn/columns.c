#include <config.h>

#include "columns.h"

#include "../base/memory.h"
#include "cosine.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TASK_ROWS = 64 };

struct look {
  struct columns *columns;
  const struct slab *slab; /* in hand */
  uint64_t first;          /* column of the walk */
  uint64_t *hash;          /* (d) of the values of a column */
  bool *varies;            /* (d) */
  bool *zero;              /* (d) whether the first row has a 0 there */
};

static size_t
smaller (size_t a, size_t b)
{
  return a < b ? a : b;
}

/* The hashes of COUNT columns take in the values of one row (0 and -0 are the same); each step is one to one.  */
static void
mix_row (uint64_t *restrict hash, bool *restrict varies, const float *restrict row, const float *restrict first,
         size_t count)
{
  for (size_t i = 0; i < count; i++)
    {
      float value = row[i] + 0.0f;
      uint32_t bits;
      memcpy (&bits, &value, sizeof bits);
      uint64_t mixed = (hash[i] ^ bits) * 0x9e3779b97f4a7c15U;
      hash[i] = mixed ^ mixed >> 32;
      varies[i] |= row[i] != first[i];
    }
}

static int
look_at_columns (void *context, size_t block, int worker)
{
  (void) worker;
  struct look *look = context;
  const struct slab *slab = look->slab;
  size_t begin = block * SLAB_COLUMNS, count = smaller (SLAB_COLUMNS, slab->columns - begin);
  size_t place = (size_t) (slab->first - look->first) + begin;
  const float *values = slab->values + begin;
  for (size_t row = 0; row < slab->rows; row++)
    mix_row (look->hash + place, look->varies + place, values + row * slab->columns, values, count);
  for (size_t i = 0; i < count; i++)
    look->zero[place + i] = values[i] == 0;
  return 0;
}

static int
look_at_rows (void *context, size_t task, int worker)
{
  (void) worker;
  struct look *look = context;
  const struct slab *slab = look->slab;
  size_t end = smaller ((task + 1) * TASK_ROWS, slab->rows);
  for (size_t row = task * TASK_ROWS; row < end; row++)
    {
      const float *values = slab->values + row * slab->columns;
      cosine_add (&look->columns->squares[row], values, values, slab->columns);
    }
  return 0;
}

struct looking {
  struct look look;
  struct workers *workers;
};

static int
look_at_slab (void *context, const struct slab *slab)
{
  struct looking *looking = context;
  looking->look.slab = slab;
  size_t blocks = (slab->columns + SLAB_COLUMNS - 1) / SLAB_COLUMNS, tasks = (slab->rows + TASK_ROWS - 1) / TASK_ROWS;
  return workers_run (looking->workers, blocks, look_at_columns, &looking->look)
             || workers_run (looking->workers, tasks, look_at_rows, &looking->look)
           ? -1
           : 0;
}

static int
compare_hashes (const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
  return (x > y) - (x < y);
}

static void
count_columns (struct look *look, size_t columns)
{
  struct columns *counts = look->columns;
  size_t varying = 0;
  for (size_t i = 0; i < columns; i++)
    if (look->varies[i])
      look->hash[varying++] = look->hash[i];
    else if (look->zero[i])
      counts->zero++;
    else
      counts->constant++;
  qsort (look->hash, varying, sizeof *look->hash, compare_hashes);
  for (size_t i = 1; i < varying; i++)
    counts->repeated += look->hash[i] == look->hash[i - 1];
}

int
columns_look (const struct slabs *slabs, struct columns *columns, struct workers *workers, double *waited)
{
  size_t count = (size_t) slabs->columns;
  struct looking looking = { { .columns = columns, .first = slabs->first }, workers };
  struct look *look = &looking.look;
  *columns = (struct columns){ .squares = memory_new (slabs->rows, sizeof *columns->squares) };
  look->hash = memory_new (count, sizeof *look->hash);
  look->varies = memory_new (count, sizeof *look->varies);
  look->zero = memory_new (count, sizeof *look->zero);
  int result = columns->squares && look->hash && look->varies && look->zero
                   && slabs_walk (slabs, look_at_slab, &looking, waited) == 0
                 ? 0
                 : -1;
  if (result == 0)
    count_columns (look, count);
  memory_free (look->hash);
  memory_free (look->varies);
  memory_free (look->zero);
  return result;
}

void
columns_free (struct columns *columns)
{
  memory_free (columns->squares);
  *columns = (struct columns){ 0 };
}

double
columns_bytes (double rows, double columns)
{
  return rows * sizeof (double) + columns * (sizeof (uint64_t) + 2 * sizeof (bool));
}
