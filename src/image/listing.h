/* All images of a source in their order before the shuffle: by split, class and path, these by bytes.  The list lies in
   files beside the one that it is for, so that memory grows with the classes and folders, never with the images.  */
#ifndef SLABFIT_LISTING_H
#define SLABFIT_LISTING_H

#include "../base/spool.h"
#include "nameset.h"
#include "source.h"

struct entry {
  uint64_t path; /* offset in the listing's text */
  uint64_t bytes, place;
  uint64_t target;      /* of a link: offset of what it leads to; offset of the class's name before it has a number */
  int32_t split, label; /* numbers; label is -1 where there are no classes, split -1 where it is left out */
  int64_t kind;         /* ITEM_IMAGE, ITEM_FOLDER, ITEM_LINK */
};

/* What the list depends on.  */
struct stamp {
  uint64_t path; /* offset in the listing's text */
  uint64_t modified, inode;
};

struct listing {
  const struct source *source;
  struct spool *entries, *sorted, *stamps, *texts;
  struct entry *entry; /* (count) */
  size_t count;
  char *text; /* the paths, each with a 0 at its end */
  struct nameset split_set, class_set;
  struct names splits; /* in the order of splitname_compare; the numbers in entry[] are places in both */
  struct names classes;
  size_t found; /* items so far */
  double told;  /* when people last heard of it */
};

/* Lists SOURCE (borrowed until listing_free) by way of files in the folder of PATH.  Duplicates are left out and told
   of.  Fails where it has no image, where it is asked to stop, where the folders fit no arrangement (layout.h), where a
   split has some images with and some without a class or a path two classes, and where a name is not UTF-8.  On failure
   LISTING needs no freeing.  */
int listing_make (struct listing *listing, const struct source *source, const char *path);
void listing_free (struct listing *listing);

#endif
