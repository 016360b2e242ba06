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

static const char *const synonyms[USUAL_SPLITS][SPLITNAME_SYNONYMS] = {
  { "training", "train" },
  { "validation", "val", "valid", "dev" },
  { "evaluation", "eval", "test", "testing" },
};

bool
splitname_is_known (const char *name)
{
  for (int i = 0; i < USUAL_SPLITS; i++)
    for (int j = 0; synonyms[i][j]; j++)
      if (!strcmp (name, synonyms[i][j]))
        return true;
  return false;
}

const char *const *
splitname_synonyms (const char *name)
{
  int place = find (name, usual_splits, USUAL_SPLITS);
  return place < USUAL_SPLITS ? synonyms[place] : NULL;
}

int
splitname_compare (const char *a, const char *b)
{
  int difference = find (a, usual_splits, USUAL_SPLITS) - find (b, usual_splits, USUAL_SPLITS);
  return difference ? difference : strcmp (a, b);
}
