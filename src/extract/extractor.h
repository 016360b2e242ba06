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
  struct network *network;
  struct preprocess preprocess;
  struct provenance provenance; /* of the rows */
  int64_t columns;              /* d, values in a row */
  size_t image_values;          /* height * width * 3: bytes of an image's pixels, floats of its planes */
};

/* Opens BACKBONE.  PREPROCESS is a specification, or NULL for the one that the file carries ("keras" where it carries
   none).  THREADS are those of one run of the network.  */
int extractor_open (struct extractor *extractor, const char *backbone, const char *preprocess, enum network_pool pool,
                    bool exif, int threads);
void extractor_close (struct extractor *extractor);

/* "none", "avg" or "max"; a usage error otherwise.  */
int extractor_parse_pool (const char *text, enum network_pool *pool);

/* Reads and decodes the image PATH into PIXELS (height, width, 3).  On failure the error is a reason without the path.
   Any thread.  */
int extractor_load (const struct extractor *extractor, const char *path, unsigned char *pixels);

/* FEATURES (count, d) of PLANES (count, 3, height, width), as preprocess_normalise gives them.  Any thread.  */
int extractor_run (const struct extractor *extractor, const float *planes, int count, float *features);

#endif
