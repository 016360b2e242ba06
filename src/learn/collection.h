/* The rows of several feature files, one file after another, with labels of one list of classes.  */
#ifndef SLABFIT_COLLECTION_H
#define SLABFIT_COLLECTION_H

#include "../store/featfile.h"
#include "slab.h"

struct collection {
  struct featfile *file[SLAB_FILES]; /* owned */
  struct names names;                /* (files) what to call each: its split, or its path where two have the same */
  size_t files;
  size_t rows;          /* N */
  struct names classes; /* of all files, by name */
  int32_t *label;       /* (N) */
  uint8_t *origin;      /* (N) the number of each row's file */
};

/* Adds FILE, whose split is called SPLIT; owns FILE from now on, also where it fails: features of other columns, or
   made otherwise, the same file again, or too many files.  */
int collection_add (struct collection *collection, struct featfile *file, const char *split);

/* Reads the labels, once all files are there.  */
int collection_read_labels (struct collection *collection);
void collection_free (struct collection *collection);

/* The number of the file called SPLIT; -1 where there is none (no error is set).  */
int64_t collection_find (const struct collection *collection, const char *split);

/* Where file number FILE begins among all rows.  */
size_t collection_first (const struct collection *collection, size_t file);

/* What to call row ROW: its path in /images, or "SPLIT row I".  To be freed by the caller; NULL with the error set.  */
char *collection_describe (const struct collection *collection, size_t row);

#endif
