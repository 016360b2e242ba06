/* Room for the features that are still to be made: how many bytes they need, and whether their folder has them.

   How well features compress is not known before the first part is there.  Until then a run is refused only where they
   would not fit even if they compressed better than any measured so far; later the size of those parts is the
   measure.  */
#ifndef SLABFIT_SPACE_H
#define SLABFIT_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct space_split {
  const char *name;      /* borrowed */
  uint64_t images, each; /* of the split, and of one of its parts */
  uint64_t missing;      /* result: images whose parts are not there */
  double found_bytes;    /* result: the files of those that are there */
};

struct space {
  const char *features; /* the folder, which need not be there yet; borrowed */
  uint64_t columns;
  bool half;                 /* float16, else float32 */
  bool force;                /* all is made anew, and nothing refused */
  struct space_split *split; /* (count) in the order in which they are made */
  size_t count;
  bool told;     /* result: people know how much it is */
  bool measured; /* result: parts are there */
};

/* Looks at what is there and says, the first time, on standard error how much is still to be written: the parts, and
   the merged file beside them.  Fails where it will not fit.  All is well where the file system does not say what is
   free.  What it says is free is no promise: a quota may be smaller, others may write.  */
int space_check (struct space *space);

/* Images whose parts were not there at the last look.  */
uint64_t space_missing (const struct space *space);

#endif
