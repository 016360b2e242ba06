#include <config.h>

#include "codec.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "exif.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <spng.h>

/* The most of texts and profiles, which libspng keeps and slabfit does not use; a file that has more is refused.  */
enum { METADATA_BYTES = 64 << 20, METADATA_CHUNKS = 1 << 20 };

enum { SIGNATURE_BYTES = 8, CHUNK_HEAD_BYTES = 8, CHUNK_BYTES = 12 /* with its checksum */ };

struct image {
  spng_ctx *png;
  int height, width;
  bool gray16, interlaced, too_short, started;
  int next;             /* the row that the file gives next */
  unsigned char *whole; /* (height, width, 4), or 2 for gray16, of an interlaced image */
  unsigned char *wide;  /* (width, 2) gray16 of a row */
  unsigned char *unused;
};

static int
fail (int error)
{
  if (error == SPNG_EOF || error == SPNG_IO_EOF || error == SPNG_EIDAT_TOO_SHORT)
    return error_set ("truncated: the data end before the image does");
  return error_set ("damaged: %s", spng_strerror (error));
}

static uint32_t
read_32 (const unsigned char *bytes)
{
  return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
}

/* The eXIf chunk's orientation, else that of the XMP packet, an uncompressed iTXt chunk; wherever they stand in the
   file.  1 where there is none.  */
static int
find_orientation (const unsigned char *data, size_t length)
{
  static const char xmp[] = "XML:com.adobe.xmp";
  int by_exif = 0, by_xmp = 0;
  size_t place = SIGNATURE_BYTES;
  while (length - place >= CHUNK_BYTES && read_32 (data + place) <= length - place - CHUNK_BYTES)
    {
      size_t bytes = read_32 (data + place);
      const unsigned char *type = data + place + 4, *body = data + place + CHUNK_HEAD_BYTES;
      if (!memcmp (type, "eXIf", 4) && by_exif == 0)
        by_exif = exif_orientation (body, bytes);
      else if (!memcmp (type, "iTXt", 4) && by_xmp == 0 && bytes > sizeof xmp && !memcmp (body, xmp, sizeof xmp)
               && body[sizeof xmp] == 0)
        by_xmp = exif_orientation_xmp ((const char *) body + sizeof xmp, bytes - sizeof xmp);
      place += CHUNK_BYTES + bytes;
    }
  return by_exif ? by_exif : by_xmp ? by_xmp : 1;
}

static void
close_image (void *context)
{
  struct image *image = context;
  spng_ctx_free (image->png);
  memory_free (image->whole);
  memory_free (image->wide);
  memory_free (image->unused);
  free (image);
}

/* Deflate packs 1032 bytes into one at the most: a file that is shorter ends before its image does.  */
static bool
is_too_short (const struct spng_ihdr *header, size_t length)
{
  static const uint64_t channels[] = { 1, 1, 3, 1, 2, 1, 4 }; /* by colour type */
  uint64_t row_bits = header->width * channels[header->color_type] * header->bit_depth;
  return header->height * (row_bits / 8) / 1032 > length;
}

static int
read_header (struct image *image, const void *data, size_t length)
{
  struct spng_ihdr header;
  if (!(image->png = spng_ctx_new (0)))
    return error_set ("no memory left to decode it");
  spng_set_chunk_limits (image->png, METADATA_BYTES, METADATA_BYTES);
  spng_set_option (image->png, SPNG_CHUNK_COUNT_LIMIT, METADATA_CHUNKS);
  int error = spng_set_png_buffer (image->png, data, length);
  if (error == 0)
    error = spng_get_ihdr (image->png, &header);
  if (error)
    return fail (error);
  image->height = (int) header.height;
  image->width = (int) header.width;
  image->gray16 = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && header.bit_depth == 16;
  image->too_short = is_too_short (&header, length);
  image->interlaced = header.interlace_method != SPNG_INTERLACE_NONE;
  return 0;
}

static void *
open_image (const void *data, size_t length, bool orientation, struct codec_header *header)
{
  struct image *image = calloc (1, sizeof *image);
  if (!image)
    {
      error_set ("no memory left to decode it");
      return NULL;
    }
  if (read_header (image, data, length) == 0)
    {
      *header = (struct codec_header){ image->height, image->width, orientation ? find_orientation (data, length) : 1 };
      if (header->orientation == 1 || !image->too_short)
        return image;
      fail (SPNG_EOF); /* before decode.c asks for memory for the whole of it */
    }
  close_image (image);
  return NULL;
}

static int
start (struct image *image)
{
  size_t height = (size_t) image->height, width = (size_t) image->width, bytes = image->gray16 ? 2 : 4;
  int format = image->gray16 ? SPNG_FMT_PNG : SPNG_FMT_RGBA8;
  image->started = true;
  if (image->interlaced && image->too_short) /* before so much memory is asked for */
    return fail (SPNG_EOF);
  if ((image->gray16 && !(image->wide = memory_new (width, 2))) || !(image->unused = memory_new (width, 4))
      || (image->interlaced && !(image->whole = memory_new (height * width, bytes))))
    return -1;
  int error = image->interlaced ? spng_decode_image (image->png, image->whole, height * width * bytes, format, 0)
                                : spng_decode_image (image->png, NULL, 0, format, SPNG_DECODE_PROGRESSIVE);
  return error ? fail (error) : 0;
}

/* Pillow takes 16 bits of gray as numbers from 0 to 255, and cuts off what is beyond.  */
static void
convert_gray16 (const unsigned char *wide, int width, unsigned char *rgbx)
{
  for (int x = 0; x < width; x++, rgbx += 4)
    {
      uint16_t value;
      memcpy (&value, wide + 2 * (size_t) x, sizeof value);
      rgbx[0] = rgbx[1] = rgbx[2] = (unsigned char) (value > 255 ? 255 : value);
    }
}

static int
read_next (struct image *image, unsigned char *rgbx)
{
  size_t width = (size_t) image->width, bytes = width * (image->gray16 ? 2 : 4);
  unsigned char *to = image->gray16 ? image->wide : rgbx;
  int error = 0;
  if (image->interlaced)
    memcpy (to, image->whole + (size_t) image->next * bytes, bytes);
  else
    error = spng_decode_row (image->png, to, bytes);
  if (error && error != SPNG_EOI)
    return fail (error);
  if (image->gray16)
    convert_gray16 (image->wide, image->width, rgbx);
  image->next++;
  return 0;
}

static int
read_row (void *context, int row, unsigned char *rgbx)
{
  struct image *image = context;
  if (!image->started && start (image))
    return -1;
  if (image->interlaced)
    image->next = row;
  while (image->next < row)
    if (read_next (image, image->unused))
      return -1;
  return read_next (image, rgbx);
}

static int
finish (void *context)
{
  struct image *image = context;
  if (image->next < image->height && read_row (image, image->height - 1, image->unused))
    return -1;
  int error = spng_decode_chunks (image->png); /* the last checksum of the pixels, and what stands behind them */
  return error ? fail (error) : 0;
}

const struct codec codec_png = {
  "\x89PNG\r\n\x1a\n", SIGNATURE_BYTES, open_image, NULL, read_row, finish, close_image
};
