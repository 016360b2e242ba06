/* An extractor: a backbone with its preprocessing, from an image's file to its row of features.  */
#ifndef SLABFIT_EXTRACTOR_H
#define SLABFIT_EXTRACTOR_H

#include "../../shim/network.h"
#include "../image/preprocess.h"
#include "../store/provenance.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct extractor {
  const char *backbone, *device; /* borrowed from the options */
  struct network *network;
  struct preprocess preprocess;
  struct provenance provenance; /* of the rows */
  int64_t columns;              /* d, values in a row */
  size_t image_bytes;           /* height * width * 3, of an image's pixels */
  bool assumed;                 /* neither the file nor the options say the preprocessing */
};

struct extractor_options {
  const char *backbone;
  const char
    *preprocess; /* a specification, or NULL for the one that the file carries ("keras" where it carries none) */
  struct network_options network;
  bool exif;   /* honours EXIF orientation */
  bool scaled; /* puts decode=scaled before the specification */
};

/* Opens a backbone, ready to run batches of up to BATCH images by THREADS threads each.  */
int extractor_open (struct extractor *extractor, const struct extractor_options *options, int batch, int threads);
void extractor_close (struct extractor *extractor);

/* Makes it ready for other batches and threads.  Not while another thread runs it.  */
int extractor_prepare (struct extractor *extractor, int batch, int threads);

/* "cpu", "cuda" or "cuda:N", which is borrowed; a usage error otherwise.  */
int extractor_parse_device (const char *text, const char **device);

/* "f32", "tf32", "bf16" or "f16"; a usage error otherwise.  */
int extractor_parse_precision (const char *text, enum network_precision *precision);

/* "none", "avg" or "max"; a usage error otherwise.  */
int extractor_parse_pool (const char *text, enum network_pool *pool);

/* Decodes DATA, LENGTH bytes of an image's file, into PIXELS (height, width, 3).  On failure the error is a reason
   without the path.  Any thread.  */
int extractor_decode (const struct extractor *extractor, const void *data, size_t length, unsigned char *pixels);

/* FEATURES (count, d) of PIXELS (count, height, width, 3), as extractor_decode gives them.  Any thread.  */
int extractor_run (const struct extractor *extractor, const unsigned char *pixels, int count, float *features);

#endif
