/* Writes what slabfit makes of JPEG and PNG files to standard output, for pixels.py to compare with Pillow.

   check_pixels [--exif] pixels FILE...          decoded: "HEIGHT WIDTH\n" and the RGB bytes of each file
   check_pixels [--exif] resized SPEC FILE...    resized and cropped by SPEC: the same
   check_pixels [--exif] planes SPEC FILE...     made ready for the network: "HEIGHT WIDTH\n" and 3 planes of float32

   A file that cannot be decoded gives "0 0 REASON\n".  */
#include <config.h>

#include "../../src/base/error.h"
#include "../../src/base/file.h"
#include "../../src/base/memory.h"
#include "../../src/image/decode.h"
#include "../../src/image/preprocess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* VALUES (3, height, width) of PIXELS.  */
static void
normalise (const struct preprocess *preprocess, const unsigned char *pixels, float *values)
{
  int colour[3];
  float table[3][256];
  size_t area = (size_t) preprocess->height * (size_t) preprocess->width;
  preprocess_tabulate (preprocess, colour, table);
  for (int plane = 0; plane < 3; plane++)
    for (size_t i = 0; i < area; i++)
      *values++ = table[plane][pixels[3 * i + (size_t) colour[plane]]];
}

static void
write_pixels (int height, int width, const void *pixels)
{
  printf ("%d %d\n", height, width);
  fwrite (pixels, 3, (size_t) height * (size_t) width, stdout);
}

static int
write_decoded (const void *data, size_t length, bool exif)
{
  struct pixels image;
  int result = decode_image (data, length, exif, &image);
  if (result == 0)
    write_pixels (image.height, image.width, image.rgb);
  pixels_free (&image);
  return result;
}

static int
write_prepared (const struct preprocess *preprocess, const void *data, size_t length, bool exif, bool planes)
{
  size_t values = (size_t) preprocess->height * (size_t) preprocess->width * 3;
  unsigned char *pixels = memory_new (values, 1);
  float *normalised = memory_new (values, sizeof *normalised);
  int result = pixels && normalised ? preprocess_image (preprocess, data, length, exif, pixels) : -1;
  if (result == 0 && planes)
    {
      printf ("%d %d\n", preprocess->height, preprocess->width);
      normalise (preprocess, pixels, normalised);
      fwrite (normalised, sizeof *normalised, values, stdout);
    }
  else if (result == 0)
    write_pixels (preprocess->height, preprocess->width, pixels);
  memory_free (pixels);
  memory_free (normalised);
  return result;
}

static int
write_image (const char *path, bool exif, const struct preprocess *preprocess, bool planes)
{
  size_t length;
  void *data = file_read (path, (size_t) 1 << 30, &length);
  if (!data)
    return -1;
  if (preprocess ? write_prepared (preprocess, data, length, exif, planes) : write_decoded (data, length, exif))
    printf ("0 0 %s\n", error_message ());
  free (data);
  return 0;
}

int
main (int argc, char **argv)
{
  struct preprocess preprocess;
  bool exif = argc > 1 && !strcmp (argv[1], "--exif");
  int next = exif ? 2 : 1;
  const char *what = next < argc ? argv[next++] : "";
  bool prepared = !strcmp (what, "resized") || !strcmp (what, "planes");
  int result = prepared ? next < argc ? preprocess_parse (&preprocess, argv[next++]) : -1 : strcmp (what, "pixels");
  for (; next < argc && result == 0; next++)
    result = write_image (argv[next], exif, prepared ? &preprocess : NULL, !strcmp (what, "planes"));
  if (result)
    fprintf (stderr, "check_pixels: %s\n", *error_message () ? error_message () : "see the usage in check_pixels.c");
  return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
