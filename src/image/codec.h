/* What decode.c asks of the decoder of one format.  Errors are reasons without the file's name.  */
#ifndef SLABFIT_CODEC_H
#define SLABFIT_CODEC_H

#include <stdbool.h>
#include <stddef.h>

struct codec_header {
  int height, width; /* as stored, at most 2^31 - 1 each */
  int orientation;   /* EXIF's, 1 to 8; 1 where there is none or none was asked for */
};

struct codec {
  const char *start; /* of a file's bytes */
  size_t start_bytes;

  /* An image of DATA, LENGTH bytes (borrowed), to be closed; NULL with the error set.  */
  void *(*open) (const void *data, size_t length, bool find_orientation, struct codec_header *header);

  /* As decode_shrink; NULL where the format cannot.  */
  void (*shrink) (void *image, int height, int width, struct codec_header *header);

  /* Row ROW, above those already read, into RGBX (width, 4).  */
  int (*read) (void *image, int row, unsigned char *rgbx);
  int (*finish) (void *image); /* as decode_finish */
  void (*close) (void *image);
};

extern const struct codec codec_jpeg, codec_png;

#endif
