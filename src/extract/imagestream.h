/* Images decoded ahead by several threads and handed out in order.  */
#ifndef SLABFIT_IMAGESTREAM_H
#define SLABFIT_IMAGESTREAM_H

#include "extractor.h"

struct imagestream;

/* Begins to decode PATHS (count), each relative to FOLDER, by THREADS threads into a window of SLOTS images.  EXTRACTOR
   and PATHS are borrowed until imagestream_free.  NULL with the error set.  */
struct imagestream *imagestream_new (const struct extractor *extractor, const char *folder, const char *const *paths,
                                     uint64_t count, int threads, size_t slots);

/* The next image, waiting for it: its planes (3, height, width) into PLANES and *REASON NULL, or, where it could not be
   decoded, *REASON to be freed by the caller.  1 where there was one, 0 after the last, -1 with the error set where
   decoding was stopped.  One thread at a time.  */
int imagestream_next (struct imagestream *stream, float *planes, char **reason);

/* Ends decoding early: waiting and later calls of imagestream_next fail.  Any thread.  */
void imagestream_stop (struct imagestream *stream);

/* Seconds of work so far, summed over the threads.  */
double imagestream_seconds (struct imagestream *stream);
void imagestream_free (struct imagestream *stream); /* stops and waits; NULL is allowed */

#endif
