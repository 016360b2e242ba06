#include <config.h>

#include "nameset.h"

#include "../base/error.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct nameset_name {
  int32_t number;
  int (*compare) (const char *a, const char *b); /* set for the time of nameset_sort */
  const char *text;
};

static int
no_memory (void)
{
  return error_set ("no memory left for the names of classes; give the job more memory");
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (((const struct nameset_name *) a)->text, ((const struct nameset_name *) b)->text);
}

/* Adds a copy of NAME to the list, not to the tree.  */
static struct nameset_name *
append (struct nameset *set, const char *name)
{
  size_t count = (size_t) set->count, length = strlen (name) + 1;
  if ((count & (count - 1)) == 0) /* room doubles */
    {
      struct nameset_name **larger = reallocarray (set->name, count ? 2 * count : 1, sizeof *larger);
      if (!larger)
        return NULL;
      set->name = larger;
    }
  struct nameset_name *added = set->count < INT32_MAX ? malloc (sizeof *added + length) : NULL;
  if (!added)
    return NULL;
  *added = (struct nameset_name){ .number = set->count, .text = memcpy (added + 1, name, length) };
  return set->name[set->count++] = added;
}

int
nameset_number (struct nameset *set, const char *name, int32_t *number)
{
  const struct nameset_name wanted = { .text = name };
  void *found = tfind (&wanted, &set->tree, compare_names);
  if (!found)
    {
      struct nameset_name *added = append (set, name);
      if (!added || !(found = tsearch (added, &set->tree, compare_names)))
        return no_memory ();
    }
  *number = (*(struct nameset_name **) found)->number;
  return 0;
}

int32_t
nameset_find (const struct nameset *set, const char *name)
{
  const struct nameset_name wanted = { .text = name };
  void *found = tfind (&wanted, &set->tree, compare_names);
  return found ? (*(struct nameset_name **) found)->number : -1;
}

const char *
nameset_name (const struct nameset *set, int32_t number)
{
  return set->name[number]->text;
}

static void
keep (void *name)
{
  (void) name; /* the list has it too */
}

void
nameset_free (struct nameset *set)
{
  tdestroy (set->tree, keep);
  for (int32_t i = 0; i < set->count; i++)
    free (set->name[i]);
  free (set->name);
  *set = (struct nameset){ 0 };
}

static int
compare_sorted (const void *a, const void *b)
{
  const struct nameset_name *first = *(struct nameset_name *const *) a, *second = *(struct nameset_name *const *) b;
  return first->compare (first->text, second->text);
}

/* Fills NAMES and RANK from the names in SORTED.  */
static int
take_sorted (struct nameset_name *const *sorted, size_t count, struct names *names, int32_t *rank)
{
  for (size_t i = 0; i < count; i++)
    {
      rank[sorted[i]->number] = (int32_t) i;
      if (names_add (names, sorted[i]->text))
        return -1;
    }
  return 0;
}

int
nameset_sort (const struct nameset *set, int (*compare) (const char *a, const char *b), struct names *names,
              int32_t **rank)
{
  size_t count = (size_t) set->count;
  struct nameset_name **sorted = calloc (count + 1, sizeof *sorted);
  *names = (struct names){ 0 };
  *rank = calloc (count + 1, sizeof **rank);
  int result = sorted && *rank ? 0 : no_memory ();
  for (size_t i = 0; i < count && result == 0; i++)
    {
      sorted[i] = set->name[i];
      sorted[i]->compare = compare;
    }
  if (result == 0)
    {
      qsort (sorted, count, sizeof *sorted, compare_sorted);
      result = take_sorted (sorted, count, names, *rank);
    }
  free (sorted);
  if (result)
    names_free (names);
  return result;
}
