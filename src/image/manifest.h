/* The manifest: the images of one split with their labels, in the order in which they become rows.

   DATASET/SPLIT/CLASS/FILE: every folder in DATASET is a split, every folder in a split a class, every file in a class
   an image, whatever its extension.  Folders and files are what folder_list takes for them; other files in DATASET and
   its splits are left out.  */
#ifndef SLABFIT_MANIFEST_H
#define SLABFIT_MANIFEST_H

#include "../base/file.h"
#include "../base/text.h"
#include "source.h"

#include <stdint.h>

/* training, validation and evaluation: the splits that organize makes and that manifest_splits lists first.  */
enum { USUAL_SPLITS = 3 };
extern const char *const usual_splits[USUAL_SPLITS];

struct manifest {
  struct names classes; /* sorted by bytes: the label of a class is its place here, as Keras and scikit-learn do it */
  size_t count;         /* images */
  char **path;          /* (count) relative to DATASET: "training/food/1_7.jpg", UTF-8 */
  int32_t *label;       /* (count) */
  uint64_t *bytes;      /* (count) sizes of the files; 0 for one whose size cannot be read */
  size_t path_bytes;    /* the longest path's length */
  uint64_t seed;
  char sha256[FILE_SHA256_BYTES]; /* of "seed SEED", "class NAME" for each class and "image LABEL BYTES PATH" for each
                                     image, in order, numbers decimal, a 0 byte after each */
};

/* The names of the splits that DATASET has, training, validation and evaluation first and others after them by name.
   Fails where there is no such folder, where it has no split, where a split has no class, and where a class's folder is
   in some splits only.  */
int manifest_splits (const char *dataset, struct names *splits);

/* Reads one SPLIT and shuffles it: one uniform permutation, drawn from stream 1 of SEED, of the images sorted by class
   and then by name, both by bytes.  Fails as manifest_splits does, and where there is no such split, where it has no
   image, where a class holds a folder, and where a path is not UTF-8.  */
int manifest_read (struct manifest *manifest, const char *dataset, const char *split, uint64_t seed);

/* Image NUMBER, in the order of the rows.  Its path is borrowed until manifest_free.  */
struct image manifest_image (const struct manifest *manifest, size_t number);
void manifest_free (struct manifest *manifest);

#endif
