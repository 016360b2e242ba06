/* The catalogue: the manifests of all splits of a source in one file, which is made once and then mapped.  So memory
   does not grow with the images, and the tasks of a job share it.

   The file holds records of images (struct record) in the order of the rows, split after split, stamps of what they
   were listed from (struct stamp), a table of splits, and texts, each with a 0 at its end; then a footer that says
   where each begins, and the SHA-256 of all before it.  It is for the machines of one job: numbers are in their own
   byte order.  */
#ifndef SLABFIT_CATALOGUE_H
#define SLABFIT_CATALOGUE_H

#include "manifest.h"

struct catalogue;

/* The catalogue of SOURCE (borrowed until catalogue_close) with its splits shuffled by SEED, one uniform permutation of
   each from stream 1, of the images sorted by class and then by path, both by bytes.  The one that stands as PATH is
   taken where it is whole and nothing that it depends on has changed since (the modification times of all folders, of
   the list, of the tar files); else it is made, as PATH, by way of temporary files beside it.  Fails as listing_make
   does; NULL with the error set.  */
struct catalogue *catalogue_open (const struct source *source, const char *path, uint64_t seed);
void catalogue_close (struct catalogue *catalogue); /* NULL is allowed */

/* The splits, training, validation and evaluation first and others after them by name.  Borrowed.  */
const struct names *catalogue_splits (const struct catalogue *catalogue);

/* MANIFEST, to be freed before catalogue_close.  Fails where there is no such split and where it has no images.  */
int catalogue_manifest (const struct catalogue *catalogue, const char *split, struct manifest *manifest);

#endif
