/* The manifest: the images of one split with their labels, in the order in which they become rows.  What DATASET may be
   is in source.h and layout.h.  */
#ifndef SLABFIT_MANIFEST_H
#define SLABFIT_MANIFEST_H

#include "../base/file.h"
#include "../base/text.h"
#include "source.h"
#include "splitname.h"

/* An image of a manifest in a catalogue's file.  */
struct record {
  uint64_t path; /* offset in that file */
  uint64_t bytes, place;
  int64_t label;
};

struct manifest {
  struct names
    classes;         /* sorted by bytes: the label of a class is its place here, as Keras and scikit-learn do it; empty
                           where the images have none */
  size_t count;      /* images */
  size_t path_bytes; /* the longest path's length */
  uint64_t seed;
  char sha256[FILE_SHA256_BYTES]; /* of "seed SEED", "class NAME" for each class and "image LABEL BYTES PATH" for each
                                     image, in order, numbers decimal, a 0 byte after each */
  const struct record *record;    /* (count) borrowed from the catalogue */
  const char *text;               /* what their paths are offsets in */
};

/* Image NUMBER, in the order of the rows.  Its path is borrowed from the catalogue.  */
struct image manifest_image (const struct manifest *manifest, size_t number);
void manifest_free (struct manifest *manifest);

struct digest;

/* The records of a manifest's SHA-256 in their order: begin, each image, and the end (digest_end).  -1 with the error
   set.  */
int manifest_digest_begin (struct digest *digest, uint64_t seed, const struct names *classes);
int manifest_digest_image (struct digest *digest, const struct image *image);

#endif
