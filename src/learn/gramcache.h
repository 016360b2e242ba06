/* Inner products kept for the next training: an HDF5 file that belongs to the contents of the feature files.

     /products (N, n)   float32, K of products.h
     attributes of /    gram_format_version, and sha256: of each feature file's bytes, in the order of their rows  */
#ifndef SLABFIT_GRAMCACHE_H
#define SLABFIT_GRAMCACHE_H

#include "products.h"

enum { GRAMCACHE_VERSION = 1 };

struct gramcache {
  const char *path;    /* borrowed */
  struct names sha256; /* of the feature files of now */
};

/* For the file PATH and the feature files of SLABS, whose bytes are read.  -1 with the error set.  To be closed in any
   case.  */
int gramcache_open (struct gramcache *cache, const char *path, const struct slabs *slabs);
void gramcache_close (struct gramcache *cache);

/* INNER from the file; *FOUND becomes false where there is none, or one of other features.  A file of another kind
   under that name is an error.  Under MPI collective, as gramcache_write.  */
int gramcache_read (const struct gramcache *cache, struct table *inner, bool *found);

/* Writes INNER whole or not at all, in place of an older one.  */
int gramcache_write (const struct gramcache *cache, const struct table *inner);

#endif
