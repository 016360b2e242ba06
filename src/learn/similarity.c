#include <config.h>

#include "similarity.h"

#include "../base/memory.h"
#include "cosine.h"

#include <stdlib.h>

enum { TASK_PAIRS = 64 };

double
similarity_margin (uint64_t columns)
{
  return (double) columns / (1 << 24);
}

struct refining {
  struct pairs *pairs;
  struct workers *workers;
  const struct slab *slab; /* in hand */
};

static int
add_products (void *context, size_t task, int worker)
{
  (void) worker;
  struct refining *refining = context;
  const struct slab *slab = refining->slab;
  size_t end = (task + 1) * TASK_PAIRS;
  for (size_t i = task * TASK_PAIRS; i < end && i < refining->pairs->count; i++)
    {
      struct pair *pair = &refining->pairs->pair[i];
      cosine_add (&pair->cosine, slab->values + pair->row[0] * slab->columns,
                  slab->values + pair->row[1] * slab->columns, slab->columns);
    }
  return 0;
}

static int
add_slab (void *context, const struct slab *slab)
{
  struct refining *refining = context;
  refining->slab = slab;
  return workers_run (refining->workers, (refining->pairs->count + TASK_PAIRS - 1) / TASK_PAIRS, add_products,
                      refining);
}

int
similarity_refine (struct pairs *pairs, const struct slabs *slabs, const double *squares, struct workers *workers,
                   double *waited)
{
  struct refining refining = { pairs, workers, NULL };
  if (pairs->count == 0)
    return 0;
  for (size_t i = 0; i < pairs->count; i++)
    pairs->pair[i].cosine = 0;
  if (slabs_walk (slabs, add_slab, &refining, waited))
    return -1;
  for (size_t i = 0; i < pairs->count; i++)
    {
      struct pair *pair = &pairs->pair[i];
      pair->cosine = cosine_of (pair->cosine, squares[pair->row[0]], squares[pair->row[1]]);
    }
  return 0;
}

/* How rows are joined.  */
struct joining {
  uint32_t *parent; /* (N) an earlier row of the same group; the first one is its own */
  uint32_t *group;  /* (N) of the first rows: the number of their group, from 1; 0 elsewhere */
  size_t rows;
};

static uint32_t
root_of (struct joining *joining, uint32_t row)
{
  uint32_t *parent = joining->parent;
  while (parent[row] != row)
    row = parent[row] = parent[parent[row]];
  return row;
}

static void
join_pairs (struct joining *joining, const struct pairs *pairs, double threshold)
{
  for (size_t i = 0; i < joining->rows; i++)
    joining->parent[i] = (uint32_t) i;
  for (size_t i = 0; i < pairs->count; i++)
    if (pairs->pair[i].cosine >= threshold)
      {
        uint32_t a = root_of (joining, pairs->pair[i].row[0]), b = root_of (joining, pairs->pair[i].row[1]);
        joining->parent[a > b ? a : b] = a < b ? a : b;
      }
}

/* The groups in the order of their first rows, with room for their rows.  */
static int
find_groups (struct joining *joining, struct groups *groups)
{
  for (uint32_t i = 0; i < joining->rows; i++)
    {
      uint32_t root = root_of (joining, i);
      if (root == i)
        continue;
      if (joining->group[root] == 0)
        {
          joining->group[root] = (uint32_t) ++groups->count;
          groups->rows++;
        }
      groups->rows++;
    }
  groups->group = memory_new (groups->count, sizeof *groups->group);
  groups->row = memory_new (groups->rows, sizeof *groups->row);
  return groups->group && groups->row ? 0 : -1;
}

static struct group *
group_of (struct joining *joining, struct groups *groups, uint32_t row)
{
  uint32_t number = joining->group[root_of (joining, row)];
  return number ? &groups->group[number - 1] : NULL;
}

static void
fill_groups (struct joining *joining, struct groups *groups, const int32_t *label)
{
  struct group *group;
  uint32_t *next = groups->row;
  for (uint32_t i = 0; i < joining->rows; i++)
    if ((group = group_of (joining, groups, i)))
      group->rows++;
  for (size_t i = 0; i < groups->count; i++)
    {
      size_t rows = groups->group[i].rows;
      groups->group[i] = (struct group){ .row = next, .least = 1, .most = -1 };
      next += rows;
    }
  for (uint32_t i = 0; i < joining->rows; i++)
    if ((group = group_of (joining, groups, i)))
      {
        groups->row[(size_t) (group->row - groups->row) + group->rows++] = i;
        group->mixed |= label[i] != label[group->row[0]];
      }
}

static void
count_pair (struct groups *groups, struct group *group, const struct pair *pair, const uint8_t *file)
{
  group->pairs++;
  groups->pairs++;
  group->least = pair->cosine < group->least ? pair->cosine : group->least;
  group->most = pair->cosine > group->most ? pair->cosine : group->most;
  if (file[pair->row[0]] != file[pair->row[1]])
    {
      group->leaks++;
      groups->leaks++;
    }
}

static int
compare_groups (const void *a, const void *b)
{
  const struct group *x = a, *y = b;
  int leaks = (y->leaks > 0) - (x->leaks > 0), mixed = (int) y->mixed - (int) x->mixed;
  int most = (y->most > x->most) - (y->most < x->most);
  return leaks ? leaks : mixed ? mixed : most ? most : (x->row[0] > y->row[0]) - (x->row[0] < y->row[0]);
}

int
similarity_group (const struct pairs *pairs, double threshold, size_t rows, const int32_t *label, const uint8_t *file,
                  struct groups *groups)
{
  struct joining joining = { memory_new (rows, sizeof (uint32_t)), memory_new (rows, sizeof (uint32_t)), rows };
  int result = joining.parent && joining.group ? 0 : -1;
  *groups = (struct groups){ 0 };
  if (result == 0)
    {
      join_pairs (&joining, pairs, threshold);
      result = find_groups (&joining, groups);
    }
  if (result == 0)
    {
      fill_groups (&joining, groups, label);
      for (size_t i = 0; i < pairs->count; i++)
        if (pairs->pair[i].cosine >= threshold)
          count_pair (groups, group_of (&joining, groups, pairs->pair[i].row[0]), &pairs->pair[i], file);
      qsort (groups->group, groups->count, sizeof *groups->group, compare_groups);
    }
  memory_free (joining.parent);
  memory_free (joining.group);
  return result;
}

void
groups_free (struct groups *groups)
{
  memory_free (groups->group);
  memory_free (groups->row);
  *groups = (struct groups){ 0 };
}
