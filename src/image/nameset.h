/* Names numbered in the order in which they come: classes and splits.  Memory grows with the different ones only.  */
#ifndef SLABFIT_NAMESET_H
#define SLABFIT_NAMESET_H

#include "../base/text.h"

struct nameset {
  void *tree; /* of tsearch, on the names below */
  struct nameset_name **name;
  int32_t count;
};

/* *NUMBER of NAME, which becomes a new one where it is not there yet.  Fails only where memory is out.  */
int nameset_number (struct nameset *set, const char *name, int32_t *number);
int32_t nameset_find (const struct nameset *set, const char *name); /* its number, or -1 */
const char *nameset_name (const struct nameset *set, int32_t number);
void nameset_free (struct nameset *set);

/* NAMES (overwritten) in the order of COMPARE, and *RANK[i], to be freed, the place of number i among them.  */
int nameset_sort (const struct nameset *set, int (*compare) (const char *a, const char *b), struct names *names,
                  int32_t **rank);

#endif
