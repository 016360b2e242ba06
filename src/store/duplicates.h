/* Images that are in a feature file, or in several, more than once: by their files' digests, /digests.  */
#ifndef SLABFIT_DUPLICATES_H
#define SLABFIT_DUPLICATES_H

#include "featfile.h"

enum { DUPLICATES_NAMED = 10 };

/* Two images whose files have the same contents.  */
struct duplicate {
  char *image, *other; /* owned; paths as in /images */
};

struct duplicates {
  uint64_t images;         /* whose digests are known */
  uint64_t within, across; /* images that repeat one before them of their own split, and of a split before theirs */
  size_t within_named, across_named;
  struct duplicate within_pair[DUPLICATES_NAMED], across_pair[DUPLICATES_NAMED]; /* the first ones, by their rows */
};

/* The first 8 bytes of the SHA-256 of DATA, LENGTH bytes, as a number: the first 16 digits of what sha256sum prints.
   0, which stands for none, where libcrypto cannot.  Any thread.  */
uint64_t duplicates_digest (const void *data, size_t length);

/* Looks through FILES (count), one for each split, in 16 bytes of memory for each image.  Files without digests have no
   duplicates.  DUPLICATES is to be freed by duplicates_free, also after a failure.  */
int duplicates_find (struct featfile *const *files, size_t count, struct duplicates *duplicates);

/* The same for the feature files of all splits that FEATURES has merged.  */
int duplicates_find_in (const char *features, struct duplicates *duplicates);
void duplicates_free (struct duplicates *duplicates);

#endif
