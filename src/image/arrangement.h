/* The arrangement of a source's images: where organize puts each of them.  */
#ifndef SLABFIT_ARRANGEMENT_H
#define SLABFIT_ARRANGEMENT_H

#include "splitname.h"
#include "organize.h"

#include <stdbool.h>

/* One image: SOURCE/folder/name becomes DATASET/split/class/name.  */
struct placement {
  char *name;         /* owned */
  const char *folder; /* borrowed: a split's or a class's name */
  int split;          /* in usual_splits */
  size_t class_index;
  bool there; /* already; false until organize has looked */
};

struct arrangement {
  const char *source, *dataset; /* borrowed */
  struct names classes;
  bool used[USUAL_SPLITS]; /* the splits to be made */
  bool divided;            /* the splits were drawn, not given */
  size_t count, room;
  struct placement *placement; /* (count) */
};

/* Looks through ARRANGEMENT's source and fills in the rest, which is empty so far; writes nothing.  Fails by the rules
   that organize names.  To be freed by arrangement_free, also after a failure.  */
int arrangement_make (struct arrangement *arrangement, const struct organize_options *options);
void arrangement_free (struct arrangement *arrangement);

/* The path of PLACEMENT in the source, and in SPLIT of the dataset.  To be freed by the caller; NULL with the error
   set.  */
char *placement_source (const struct arrangement *arrangement, const struct placement *placement);
char *placement_destination (const struct arrangement *arrangement, const struct placement *placement, int split);

#endif
