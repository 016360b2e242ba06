/* Writes what slabfit makes of JPEG files to standard output, for pixels.py to compare with Pillow.

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

static int
write_prepared (const struct preprocess *preprocess, const struct pixels *image, bool planes)
{
  size_t values = (size_t) preprocess->height * (size_t) preprocess->width * 3;
  unsigned char *pixels = memory_new (values, 1);
  float *normalised = memory_new (values, sizeof *normalised);
  int result = pixels && normalised ? preprocess_resize (preprocess, image, pixels) : -1;
  if (result == 0)
    {
      printf ("%d %d\n", preprocess->height, preprocess->width);
      if (planes)
        normalise (preprocess, pixels, normalised);
      fwrite (planes ? (void *) normalised : pixels, planes ? sizeof *normalised : 1, values, stdout);
    }
  memory_free (pixels);
  memory_free (normalised);
  return result;
}

static int
write_image (const char *path, bool exif, const struct preprocess *preprocess, bool planes)
{
  size_t length;
  struct pixels image;
  void *data = file_read (path, (size_t) 1 << 30, &length);
  if (!data)
    return -1;
  int result = 0;
  if (decode_jpeg (data, length, exif, &image))
    printf ("0 0 %s\n", error_message ());
  else if (preprocess)
    result = write_prepared (preprocess, &image, planes);
  else
    {
      printf ("%d %d\n", image.height, image.width);
      fwrite (image.rgb, 3, (size_t) image.height * (size_t) image.width, stdout);
    }
  pixels_free (&image);
  free (data);
  return result;
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
