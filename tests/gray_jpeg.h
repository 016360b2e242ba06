/* Photographs for tests: gray all over.  */
#ifndef SLABFIT_TESTS_GRAY_JPEG_H
#define SLABFIT_TESTS_GRAY_JPEG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

/* Writes PATH, a JPEG of HEIGHT x WIDTH pixels that are all GRAY: at quality 100 they decode to GRAY exactly.  */
static inline void
write_gray_jpeg (const char *path, int height, int width, int gray)
{
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  FILE *stream = fopen (path, "wb");
  ck_assert_msg (stream != NULL, "%s", path);
  unsigned char *row = malloc ((size_t) width);
  memset (row, gray, (size_t) width);
  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_stdio_dest (&jpeg, stream);
  jpeg.image_width = (JDIMENSION) width;
  jpeg.image_height = (JDIMENSION) height;
  jpeg.input_components = 1;
  jpeg.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults (&jpeg);
  jpeg_set_quality (&jpeg, 100, TRUE);
  jpeg_start_compress (&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height)
    jpeg_write_scanlines (&jpeg, &row, 1);
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  free (row);
  fclose (stream);
}

#endif
