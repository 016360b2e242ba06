/* Images decoded ahead by several threads and handed out in order, in batches.  */
#ifndef SLABFIT_IMAGESTREAM_H
#define SLABFIT_IMAGESTREAM_H

#include "../image/source.h"
#include "extractor.h"

struct imagestream;

/* The images to decode, in order.  Any thread calls the functions, for as long as the stream lives.  */
struct imagelist {
  uint64_t count;
  struct image (*get) (const void *context, uint64_t number);
  uint64_t (*end) (const void *context, uint64_t number); /* where the batch that NUMBER is in ends at the latest; NULL
                                                             where all may share one */
  const void *context;
};

/* Consecutive images of the list.  */
struct imagebatch {
  uint64_t number;       /* of the batch, from 0 */
  uint64_t first;        /* the first image's */
  int images;            /* of the list */
  int count;             /* of them that were decoded: those without a reason, in their order */
  unsigned char *pixels; /* (count, height, width, 3) */
  uint64_t *digest;      /* (count) of their files' contents, by duplicates_digest */
  char **reason;         /* (images) NULL, or why it could not be read */
};

struct imagestream_seconds {
  double read;   /* waiting for the disk included, summed over the threads */
  double decode; /* of a processor */
  double wait;   /* of those who took batches */
};

/* How many batches of BATCH images are enough for CALLERS who take them and THREADS threads that decode: those that are
   taken, as many that wait, and those that all threads work on.  */
size_t imagestream_batches (int callers, int threads, int batch);

/* Begins to decode IMAGES of SOURCE by THREADS threads into BATCHES batches of up to BATCH images, which wait or are
   taken.  EXTRACTOR and SOURCE are borrowed until imagestream_free.  NULL with the error set.  */
struct imagestream *imagestream_new (const struct extractor *extractor, const struct source *source,
                                     const struct imagelist *images, int threads, int batch, size_t batches);

/* The next batch, waiting for it; borrowed until imagestream_release.  1 where there was one, 0 after the last, -1 with
   the error set where decoding was stopped.  Any thread.  */
int imagestream_take (struct imagestream *stream, struct imagebatch **batch);

/* Gives BATCH's room to images to come.  Any thread.  */
void imagestream_release (struct imagestream *stream, struct imagebatch *batch);

/* Ends decoding early: waiting and later calls of imagestream_take fail.  Any thread.  */
void imagestream_stop (struct imagestream *stream);

/* Seconds so far.  */
struct imagestream_seconds imagestream_seconds (struct imagestream *stream);
void imagestream_free (struct imagestream *stream); /* stops and waits; NULL is allowed */

#endif
