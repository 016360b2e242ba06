/* Images decoded ahead by several threads and handed out in order.  */
#ifndef SLABFIT_IMAGESTREAM_H
#define SLABFIT_IMAGESTREAM_H

#include "../image/source.h"
#include "extractor.h"

struct imagestream;

/* The images to decode, in order.  */
struct imagelist {
  uint64_t count;
  struct image (*get) (const void *context, uint64_t number); /* any thread, for as long as the stream lives */
  const void *context;
};

/* Begins to decode IMAGES of SOURCE, by THREADS threads into a window of SLOTS images.  EXTRACTOR and SOURCE are borrowed
   until imagestream_free.  NULL with the error set.  */
struct imagestream *imagestream_new (const struct extractor *extractor, const struct source *source,
                                     const struct imagelist *images, int threads, size_t slots);

/* The next image, waiting for it: its PIXELS (height, width, 3) and *REASON NULL, or, where it could not be decoded,
   *REASON to be freed by the caller.  1 where there was one, 0 after the last, -1 with the error set where
   decoding was stopped.  One thread at a time.  */
int imagestream_next (struct imagestream *stream, unsigned char *pixels, char **reason);

/* Ends decoding early: waiting and later calls of imagestream_next fail.  Any thread.  */
void imagestream_stop (struct imagestream *stream);

/* Seconds of work so far, summed over the threads.  */
double imagestream_seconds (struct imagestream *stream);
void imagestream_free (struct imagestream *stream); /* stops and waits; NULL is allowed */

#endif
