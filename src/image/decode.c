#include <config.h>

#include "decode.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "codec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct decode {
  const struct codec *codec;
  void *image;
  struct codec_header header;
  unsigned char *whole; /* (height, width, 4) as stored, of an image that is turned; read before its first row */
};

/* What DATA are instead of an image that can be decoded.  */
static int
refuse (const unsigned char *data, size_t length)
{
  static const struct {
    size_t offset, length;
    const char *bytes, *kind;
  } kinds[] = {
    { 0, 4, "GIF8", "a GIF file" },    { 8, 4, "WEBP", "a WebP file" },      { 0, 4, "II*\0", "a TIFF file" },
    { 0, 4, "MM\0*", "a TIFF file" },  { 4, 8, "ftypheic", "an HEIC file" }, { 4, 8, "ftypavif", "an AVIF file" },
    { 0, 2, "BM", "a BMP file" },      { 4, 4, "jP  ", "a JPEG 2000 file" }, { 0, 4, "%PDF", "a PDF file" },
    { 0, 2, "PK", "a ZIP file" },      { 0, 2, "\x1f\x8b", "a gzip file" },  { 0, 9, "<!DOCTYPE", "an HTML page" },
    { 0, 5, "<html", "an HTML page" },
  };
  if (length == 0)
    return error_set ("an empty file");
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (length >= kinds[i].offset + kinds[i].length
        && !memcmp (data + kinds[i].offset, kinds[i].bytes, kinds[i].length))
      return error_set ("%s, not a JPEG or PNG", kinds[i].kind);
  return error_set ("not a JPEG or PNG file");
}

/* NULL with the error set.  */
static const struct codec *
choose_codec (const void *data, size_t length)
{
  static const struct codec *const codecs[] = { &codec_jpeg, &codec_png };
  for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
    if (length >= codecs[i]->start_bytes && !memcmp (data, codecs[i]->start, codecs[i]->start_bytes))
      return codecs[i];
  refuse (data, length);
  return NULL;
}

static int
check_size (const struct codec_header *header)
{
  if ((int64_t) header->width * header->height <= DECODE_MAX_PIXELS)
    return 0;
  return error_set ("%d x %d pixels, more than the %d allowed", header->width, header->height, DECODE_MAX_PIXELS);
}

static int
read_whole (struct decode *decode)
{
  size_t height = (size_t) decode->header.height, width = (size_t) decode->header.width;
  if (!(decode->whole = memory_new (height * width, 4)))
    return -1;
  for (size_t row = 0; row < height; row++)
    if (decode->codec->read (decode->image, (int) row, decode->whole + row * width * 4))
      return -1;
  return 0;
}

/* Orientations 5 to 8 exchange rows and columns; some take the stored rows or columns from the last to the first.  */
static int
read_turned (void *context, int row, unsigned char *rgbx)
{
  struct decode *decode = context;
  if (!decode->whole && read_whole (decode))
    return -1;
  int orientation = decode->header.orientation;
  bool exchange = orientation >= 5;
  bool rows_reversed = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  bool columns_reversed = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  ptrdiff_t height = decode->header.height, width = decode->header.width;
  const unsigned char *origin = decode->whole;
  origin += (rows_reversed ? height - 1 : 0) * width * 4 + (columns_reversed ? width - 1 : 0) * 4;
  ptrdiff_t row_step = rows_reversed ? -width * 4 : width * 4, column_step = columns_reversed ? -4 : 4;
  ptrdiff_t outer_step = exchange ? column_step : row_step, inner_step = exchange ? row_step : column_step;
  for (ptrdiff_t x = 0, end = exchange ? height : width; x < end; x++, rgbx += 4)
    memcpy (rgbx, origin + row * outer_step + x * inner_step, 4);
  return 0;
}

static int
read_stored (void *context, int row, unsigned char *rgbx)
{
  struct decode *decode = context;
  return decode->codec->read (decode->image, row, rgbx);
}

static struct raster
make_raster (struct decode *decode)
{
  const struct codec_header *header = &decode->header;
  bool exchange = header->orientation >= 5;
  return (struct raster){ .height = exchange ? header->width : header->height,
                          .width = exchange ? header->height : header->width,
                          .read = header->orientation > 1 ? read_turned : read_stored,
                          .context = decode };
}

struct decode *
decode_open (const void *data, size_t length, bool honour_exif, struct raster *raster)
{
  const struct codec *codec = choose_codec (data, length);
  struct decode *decode = codec ? calloc (1, sizeof *decode) : NULL;
  if (codec && !decode)
    error_set ("no memory left to decode it");
  if (!decode)
    return NULL;
  decode->codec = codec;
  decode->image = codec->open (data, length, honour_exif, &decode->header);
  if (decode->image && check_size (&decode->header) == 0)
    {
      *raster = make_raster (decode);
      return decode;
    }
  decode_close (decode);
  return NULL;
}

void
decode_shrink (struct decode *decode, int height, int width, struct raster *raster)
{
  bool exchange = decode->header.orientation >= 5;
  if (decode->codec->shrink)
    decode->codec->shrink (decode->image, exchange ? width : height, exchange ? height : width, &decode->header);
  *raster = make_raster (decode);
}

int
decode_finish (struct decode *decode)
{
  return decode->codec->finish (decode->image);
}

void
decode_close (struct decode *decode)
{
  if (!decode)
    return;
  if (decode->image)
    decode->codec->close (decode->image);
  memory_free (decode->whole);
  free (decode);
}

/* ROW (width, 4) makes room for one.  */
static int
read_pixels (const struct raster *raster, unsigned char *row, struct pixels *pixels)
{
  unsigned char *to = pixels->rgb;
  for (int y = 0; y < raster->height; y++)
    {
      if (raster->read (raster->context, y, row))
        return -1;
      for (int x = 0; x < raster->width; x++, to += 3)
        memcpy (to, row + 4 * (size_t) x, 3);
    }
  return 0;
}

int
decode_image (const void *data, size_t length, bool honour_exif, struct pixels *pixels)
{
  struct raster raster;
  *pixels = (struct pixels){ 0 };
  struct decode *decode = decode_open (data, length, honour_exif, &raster);
  if (!decode)
    return -1;
  *pixels =
    (struct pixels){ raster.height, raster.width, memory_new ((size_t) raster.height * (size_t) raster.width, 3) };
  unsigned char *row = memory_new ((size_t) raster.width, 4);
  int result = pixels->rgb && row && read_pixels (&raster, row, pixels) == 0 ? decode_finish (decode) : -1;
  memory_free (row);
  decode_close (decode);
  if (result)
    pixels_free (pixels);
  return result;
}

void
pixels_free (struct pixels *pixels)
{
  memory_free (pixels->rgb);
  *pixels = (struct pixels){ 0 };
}

static int
read_held (void *context, int row, unsigned char *rgbx)
{
  const struct pixels *pixels = context;
  const unsigned char *from = pixels->rgb + (size_t) row * (size_t) pixels->width * 3;
  for (int x = 0; x < pixels->width; x++, from += 3, rgbx += 4)
    memcpy (rgbx, from, 3);
  return 0;
}

struct raster
pixels_raster (const struct pixels *pixels)
{
  return (struct raster){ pixels->height, pixels->width, read_held, (void *) pixels };
}
