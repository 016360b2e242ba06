/* Resizing as Pillow does it, pixel for pixel, and cropping in the same pass.  */
#ifndef SLABFIT_RESIZE_H
#define SLABFIT_RESIZE_H

#include "decode.h"

#include <stddef.h>

/* How one axis of an image becomes one of the result.  Only the pixels that the crop keeps are ever computed, so that
   neither time nor memory grow with what it throws away.  */
struct resize_axis {
  int input, resized; /* lengths before and after the resize */
  int skipped;        /* resized pixels before the first that is kept */
  int kept;           /* resized pixels in the result */
  int padding;        /* zeros before them in the result */
};

/* Bilinear and bicubic are antialiased.  */
enum interpolation { INTERPOLATION_NEAREST, INTERPOLATION_BILINEAR, INTERPOLATION_BICUBIC };

/* Resizes IMAGE, whose rows are read once each at the most, into the kept pixels, RGB, row y at TO + y * STRIDE.  As
   many rows are held as one of the result takes.  Padding is left to the caller.  -1 with the error set where memory is
   out or a row cannot be read.  */
int resize_image (const struct raster *image, enum interpolation interpolation, const struct resize_axis *rows,
                  const struct resize_axis *columns, unsigned char *to, size_t stride);

#endif
