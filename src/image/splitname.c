#include <config.h>

#include "splitname.h"

#include <string.h>

const char *const usual_splits[USUAL_SPLITS] = { "training", "validation", "evaluation" };

static int
find (const char *name, const char *const *list, int count)
{
  int place = 0;
  while (place < count && strcmp (name, list[place]))
    place++;
  return place;
}

bool
splitname_is_known (const char *name)
{
  static const char *const others[] = { "train", "val", "valid", "dev", "eval", "test", "testing" };
  enum { OTHERS = sizeof others / sizeof *others };
  return find (name, usual_splits, USUAL_SPLITS) < USUAL_SPLITS || find (name, others, OTHERS) < OTHERS;
}

int
splitname_compare (const char *a, const char *b)
{
  int difference = find (a, usual_splits, USUAL_SPLITS) - find (b, usual_splits, USUAL_SPLITS);
  return difference ? difference : strcmp (a, b);
}
