/* From decoded pixels to what a network takes, by a written specification.

   SPEC is "keras", "torchvision" or comma-separated key=value in the order in which they are applied:
     decode=scaled (JPEG photographs are decoded no larger than the resize needs, in less time and to other pixels) |
     decode=exact; resize=256 (shorter side, as torchvision: the longer is int (256 * longer / shorter)) |
     resize=224x224 (height x width, exact); crop=224 or crop=HxW (the centre; a smaller image is padded with zeros);
     interp=nearest|bilinear|bicubic (the last two antialiased, all as Pillow's resize);
     centre=round|floor (what becomes of half a pixel before the crop: to the even side, as torchvision rounds it, or
     down, as Transformers and Keras do); order=rgb|bgr;
     scale=0.00392157 or scale=1/255; mean=R:G:B; std=R:G:B (after scale; without it pixels are 0..255; in R:G:B order
     whatever the order of the planes).
   interp and centre may stand anywhere, and are nearest and round where they are left out; the other keys must be
   written in this order, each at most once.  Sizes are from 1 to 16384.  "decode=scaled," may stand before "keras" and
   "torchvision" as well.
   "keras" is resize=224x224,interp=nearest,order=bgr,mean=123.68:116.779:103.939 (caffe's means);
   "torchvision" is resize=256,crop=224,interp=bilinear,order=rgb,scale=1/255,mean=0.485:0.456:0.406,
     std=0.229:0.224:0.225.  */
#ifndef SLABFIT_PREPROCESS_H
#define SLABFIT_PREPROCESS_H

#include "decode.h"
#include "resize.h"

struct preprocess {
  bool scaled;                     /* decode=scaled */
  int resize_height, resize_width; /* exact size; 0, 0 where resize_shorter or no resize */
  int resize_shorter;              /* or 0 */
  int crop_height, crop_width;     /* or 0, 0 */
  enum interpolation interpolation;
  bool floored;                 /* centre=floor */
  bool bgr;                     /* plane order, else RGB */
  double scale;                 /* 1 where none */
  double mean[3], deviation[3]; /* R, G, B; 0 and 1 where none */
  int height, width;            /* of the result; both fixed by resize=HxW or crop */
};

/* Fails with a usage error that names the bad key or value; also where the result's size is not fixed.  */
int preprocess_parse (struct preprocess *preprocess, const char *spec);

/* Decodes DATA, a file's LENGTH bytes, and resizes and crops the image into PIXELS (height, width, 3), still RGB bytes:
   what Pillow gives before they become a tensor, unless decode=scaled.  HONOUR_EXIF and errors as decode_open.  */
int preprocess_image (const struct preprocess *preprocess, const void *data, size_t length, bool honour_exif,
                      unsigned char *pixels);

/* The same from an IMAGE that is decoded.  */
int preprocess_resize (const struct preprocess *preprocess, const struct raster *image, unsigned char *pixels);

/* TABLE[c][b] = (b * scale - mean) / deviation, what plane C of a network's input holds where a pixel has the byte b of
   the colour COLOUR[c], 0 for red: planes in the network's order.  */
void preprocess_tabulate (const struct preprocess *preprocess, int colour[3], float table[3][256]);

#endif
