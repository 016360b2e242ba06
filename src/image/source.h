/* Where the images of a dataset lie: a folder that their paths are relative to.  */
#ifndef SLABFIT_SOURCE_H
#define SLABFIT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* An image of a source.  */
struct image {
  const char *path; /* relative to the source; borrowed from who lists the images */
  uint64_t bytes;   /* size of the file; 0 where it is not known */
  uint64_t place;   /* where the source keeps it; 0 for a file of its own */
  int32_t label;    /* number of its class */
};

struct source;

/* Opens DATASET; "" is a source whose paths stand for themselves.  NULL with the error set.  */
struct source *source_open (const char *dataset);
void source_close (struct source *source); /* NULL is allowed */

/* The bytes of IMAGE, *LENGTH of them, to be freed by the caller.  On failure NULL, and the error is a reason without the
   path.  Any thread.  */
void *source_read (const struct source *source, const struct image *image, size_t *length);

#endif
