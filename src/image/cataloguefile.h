/* The file of a catalogue (catalogue.h), and how it is written.  */
#ifndef SLABFIT_CATALOGUEFILE_H
#define SLABFIT_CATALOGUEFILE_H

#include "../base/draft.h"
#include "listing.h"

#include <stdint.h>

#define CATALOGUEFILE_MAGIC "slabfit's catalogue"

enum { CATALOGUEFILE_VERSION = 1 };

/* A row of the table of splits.  */
struct split_row {
  uint64_t name, first, count, path_bytes;
  uint64_t labelled;
  char sha256[72]; /* FILE_SHA256_BYTES */
};

struct footer {
  char magic[24];
  uint64_t version, seed;
  uint64_t built; /* when the listing began: seconds since 1970 */
  uint64_t kind;  /* text: of the source */
  uint64_t stamps, stamp_count, splits, split_count, classes, class_count; /* offsets and counts; records are at 0 */
  char sha256[72];
};

/* A draft of PATH with all of LISTING, whose listing began at BUILT (seconds since 1970), each split's rows shuffled by
   SEED; to be committed or discarded.  NULL with the error set.  */
struct draft *cataloguefile_write (const struct listing *listing, uint64_t seed, uint64_t built, const char *path);

#endif
