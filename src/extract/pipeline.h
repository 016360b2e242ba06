/* The extraction pipeline: images of a split to finished part files, all stages side by side.

      decoders ─► batches of images ─► callers (network) ─► tiles ─► compressors ─► writer (the caller's thread: all
                                                                                                    HDF5 calls)
   Each stage waits for room in the next, so memory depends on the threads, the batch and the tile, never on the number
   of images.  A batch holds consecutive images of one part, so rows and their bits depend on no thread's timing.  */
#ifndef SLABFIT_PIPELINE_H
#define SLABFIT_PIPELINE_H

#include "../image/manifest.h"
#include "../store/featfile.h"
#include "concurrency.h"

/* One part to make: COUNT images of the manifest from FIRST on.  */
struct pipeline_part {
  uint64_t number, first, count;
  uint64_t rows, failed; /* results */
};

struct pipeline_options {
  const struct extractor *extractor;
  const struct manifest *manifest;
  const char *dataset;  /* the folder that the manifest's paths lie in */
  const char *features; /* the folder for SPLIT.parts */
  const char *split;
  const struct featinfo *info;           /* of the parts, except rows and number */
  const struct concurrency *concurrency; /* what the extractor is prepared for */
  int threads;                           /* that decode, and that compress */
  uint64_t memory_bytes;                 /* for buffers */
  int (*finished) (void *context);       /* called when a part has its final name; fails to stop the run */
  void *context;
};

/* Seconds, summed over the threads.  */
struct pipeline_seconds {
  double read, write;      /* on the disk, waiting for it included */
  double decode, compress; /* of processors */
  double network;          /* of the threads that run it */
  double images, room;     /* that these waited: for images, and for a tile to be compressed and written */
};

/* Makes PARTS (count), each written whole, and adds to SECONDS.  Stops early with an error, or with error_stopped when
   asked to; finished parts stay.  */
int pipeline_run (const struct pipeline_options *options, struct pipeline_part *parts, size_t count,
                  struct pipeline_seconds *seconds);

#endif
