/* Decoding photographs into RGB pixels: the same values as Pillow's Image.convert("RGB").  */
#ifndef SLABFIT_DECODE_H
#define SLABFIT_DECODE_H

#include <stdbool.h>
#include <stddef.h>

/* More pixels than this are refused, as Pillow refuses them (twice its MAX_IMAGE_PIXELS).  */
enum { DECODE_MAX_PIXELS = 178956970 };

struct pixels {
  int height, width;
  unsigned char *rgb; /* (height, width, 3), from memory_new */
};

/* Decodes DATA, a JPEG file's LENGTH bytes: gray, YCbCr, RGB, CMYK and YCCK, baseline and progressive.  HONOUR_EXIF
   turns it as its EXIF orientation says; without it the pixels are as stored, as in Keras.  What libjpeg only warns of
   is ignored, except data that end before the image does.  On failure PIXELS is empty and the error is a reason without
   the file's name: "an empty file", "a PNG file, not a JPEG", "truncated: the data end before the image does",
   "30000 x 30000 pixels, more than the 178956970 allowed", or what libjpeg says.  */
int decode_jpeg (const void *data, size_t length, bool honour_exif, struct pixels *pixels);
void pixels_free (struct pixels *pixels);

#endif
