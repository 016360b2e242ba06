/* Decoding photographs into RGB pixels: the same values as Pillow's Image.convert ("RGB").

   JPEG: gray, YCbCr, RGB, CMYK and YCCK, baseline and progressive; what libjpeg only warns of is ignored.  PNG: all
   colour types and depths, interlaced or not; alpha is dropped, and grays of 16 bits are cut off at 255, as Pillow
   does both.  The contents choose, not the file's name.

   Where a file cannot be decoded, the error is a reason without the file's name: "an empty file", "a GIF file, not a
   JPEG or PNG", "truncated: the data end before the image does", "30000 x 30000 pixels, more than the 178956970
   allowed", "damaged: ...", or what libjpeg says.  */
#ifndef SLABFIT_DECODE_H
#define SLABFIT_DECODE_H

#include <stdbool.h>
#include <stddef.h>

/* More pixels than this are refused, as Pillow refuses them (twice its MAX_IMAGE_PIXELS).  */
enum { DECODE_MAX_PIXELS = 178956970 };

/* Rows of an image from the top down, made as they are asked for: READ writes row ROW into RGBX (width, 4), red, green,
   blue and a byte of no meaning.  ROW never falls; rows may be left out.  */
struct raster {
  int height, width;
  int (*read) (void *context, int row, unsigned char *rgbx); /* -1 with the error set */
  void *context;
};

struct decode;

/* Begins to decode DATA, a file's LENGTH bytes (borrowed), and sets RASTER, which is good until decode_close.
   HONOUR_EXIF turns the image as its EXIF orientation says; without it the pixels are as stored, as in Keras.  Few
   rows are held at a time, but for images that are turned, progressive or interlaced.  NULL with the error set.  */
struct decode *decode_open (const void *data, size_t length, bool honour_exif, struct raster *raster);

/* Lets libjpeg's inverse transform make a smaller image, of the least n/8 of the size that still has HEIGHT x WIDTH
   pixels, and sets RASTER anew.  Other pixels, in less time.  Before the first row; PNG files stay as they are.  */
void decode_shrink (struct decode *decode, int height, int width, struct raster *raster);

/* Looks at the rest of the file, so that truncated and damaged ones are refused whichever rows were read.  */
int decode_finish (struct decode *decode);
void decode_close (struct decode *decode); /* NULL is allowed */

struct pixels {
  int height, width;
  unsigned char *rgb; /* (height, width, 3), from memory_new */
};

/* The whole image; on failure PIXELS is empty.  */
int decode_image (const void *data, size_t length, bool honour_exif, struct pixels *pixels);
void pixels_free (struct pixels *pixels);

/* The rows of PIXELS, which is borrowed.  */
struct raster pixels_raster (const struct pixels *pixels);

#endif
