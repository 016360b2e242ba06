#include <config.h>

#include "decode.h"

#include "../base/error.h"
#include "../base/memory.h"

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* A progressive file may hold scans without end, each a pass over the whole image; real ones have about ten.  */
enum { MAX_SCANS = 500 };

enum { EXIF_MARKER = JPEG_APP0 + 1, EXIF_HEADER_BYTES = 6 };

struct decoder {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
};

static void
fail (j_common_ptr jpeg)
{
  struct decoder *decoder = jpeg->client_data;
  char reason[JMSG_LENGTH_MAX];
  jpeg->err->format_message (jpeg, reason);
  error_set ("%s", reason);
  longjmp (decoder->failed, 1);
}

static void
ignore_message (j_common_ptr jpeg, int level)
{
  (void) jpeg, (void) level;
}

static void
limit_scans (j_common_ptr jpeg)
{
  struct decoder *decoder = jpeg->client_data;
  if (decoder->jpeg.input_scan_number <= MAX_SCANS)
    return;
  error_set ("more than %d scans in one image", MAX_SCANS);
  longjmp (decoder->failed, 1);
}

static void
do_nothing (j_decompress_ptr jpeg)
{
  (void) jpeg;
}

/* All data are in the buffer from the start, so that asking for more means that they ended too early.  */
static boolean
fail_truncated (j_decompress_ptr jpeg)
{
  struct decoder *decoder = jpeg->client_data;
  error_set ("truncated: the data end before the image does");
  longjmp (decoder->failed, 1);
}

static void
skip_data (j_decompress_ptr jpeg, long count)
{
  if (count <= 0)
    return;
  if ((size_t) count > jpeg->src->bytes_in_buffer)
    fail_truncated (jpeg);
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= (size_t) count;
}

static void
prepare (struct decoder *decoder, const void *data, size_t length)
{
  struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
  decoder->source = (struct jpeg_source_mgr){
    .next_input_byte = data,
    .bytes_in_buffer = length,
    .init_source = do_nothing,
    .fill_input_buffer = fail_truncated,
    .skip_input_data = skip_data,
    .resync_to_restart = jpeg_resync_to_restart,
    .term_source = do_nothing,
  };
  decoder->progress.progress_monitor = limit_scans;
  jpeg->err = jpeg_std_error (&decoder->errors);
  decoder->errors.error_exit = fail;
  decoder->errors.emit_message = ignore_message;
  jpeg->client_data = decoder;
}

/* Sets the colours to be given out: RGB, or the four inks as they are stored.  */
static int
choose_colours (struct jpeg_decompress_struct *jpeg)
{
  if (jpeg->num_components != 1 && jpeg->num_components != 3 && jpeg->num_components != 4)
    return error_set ("%d colour components, not 1, 3 or 4", jpeg->num_components);
  jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_RGB;
  return 0;
}

static int
allocate (const struct jpeg_decompress_struct *jpeg, struct pixels *pixels)
{
  if ((uint64_t) jpeg->image_width * jpeg->image_height > DECODE_MAX_PIXELS)
    return error_set ("%u x %u pixels, more than the %d allowed", jpeg->image_width, jpeg->image_height,
                      DECODE_MAX_PIXELS);
  pixels->width = (int) jpeg->image_width;
  pixels->height = (int) jpeg->image_height;
  pixels->rgb = memory_new ((size_t) jpeg->image_width * jpeg->image_height, 3);
  return pixels->rgb ? 0 : -1;
}

/* A * B / 255, rounded, for bytes, as Pillow's MULDIV255 computes it.  */
static unsigned
multiply_bytes (unsigned a, unsigned b)
{
  unsigned product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/* Adobe's programs store inks inverted (255 is no ink), and Pillow takes every file with four components so.  */
static void
convert_inks (const JSAMPLE *inks, int width, unsigned char *rgb)
{
  for (int x = 0; x < width; x++, inks += 4, rgb += 3)
    for (int colour = 0; colour < 3; colour++)
      rgb[colour] = (unsigned char) (inks[3] - multiply_bytes (255U - inks[colour], inks[3]));
}

static void
read_rows (struct jpeg_decompress_struct *jpeg, struct pixels *pixels)
{
  size_t row_bytes = (size_t) pixels->width * 3;
  JSAMPARRAY inks = NULL; /* one row, released with the decoder */
  if (jpeg->out_color_space == JCS_CMYK)
    inks = jpeg->mem->alloc_sarray ((j_common_ptr) jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
  while (jpeg->output_scanline < jpeg->output_height)
    {
      unsigned char *row = pixels->rgb + jpeg->output_scanline * row_bytes;
      jpeg_read_scanlines (jpeg, inks ? inks : &row, 1);
      if (inks)
        convert_inks (inks[0], pixels->width, row);
    }
}

static unsigned
read_16 (const unsigned char *bytes, bool big_endian)
{
  return big_endian ? (unsigned) bytes[0] << 8 | bytes[1] : (unsigned) bytes[1] << 8 | bytes[0];
}

static uint32_t
read_32 (const unsigned char *bytes, bool big_endian)
{
  uint32_t first = read_16 (bytes, big_endian), second = read_16 (bytes + 2, big_endian);
  return big_endian ? first << 16 | second : second << 16 | first;
}

/* The orientation in an Exif block, 1 to 8; 1 where it has none or is damaged.  The block is a TIFF file: byte order,
   offset of a directory, and there 12 bytes for each entry: tag, type, count, value (TIFF 6.0, section 2).  */
static int
read_orientation (const unsigned char *tiff, size_t length)
{
  enum { HEADER = 8, ENTRY = 12, ORIENTATION = 0x0112, TYPE_SHORT = 3, TYPE_LONG = 4 };
  if (length < HEADER || (memcmp (tiff, "II*\0", 4) && memcmp (tiff, "MM\0*", 4)))
    return 1;
  bool big_endian = tiff[0] == 'M';
  size_t place = read_32 (tiff + 4, big_endian);
  if (place > length - 2)
    return 1;
  unsigned entries = read_16 (tiff + place, big_endian);
  uint32_t value = 1;
  for (place += 2; entries > 0 && length - place >= ENTRY; entries--, place += ENTRY)
    if (read_16 (tiff + place, big_endian) == ORIENTATION && read_32 (tiff + place + 4, big_endian) == 1)
      {
        unsigned type = read_16 (tiff + place + 2, big_endian);
        if (type == TYPE_SHORT)
          value = read_16 (tiff + place + 8, big_endian);
        else if (type == TYPE_LONG)
          value = read_32 (tiff + place + 8, big_endian);
      }
  return value >= 1 && value <= 8 ? (int) value : 1;
}

static int
find_orientation (const struct jpeg_decompress_struct *jpeg)
{
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
    if (marker->data_length >= EXIF_HEADER_BYTES && !memcmp (marker->data, "Exif\0\0", EXIF_HEADER_BYTES))
      return read_orientation (marker->data + EXIF_HEADER_BYTES, marker->data_length - EXIF_HEADER_BYTES);
  return 1;
}

/* Fills PIXELS, whose buffer the caller frees on failure too.  *ORIENTATION is set where it is not NULL.  */
static int
read_image (struct decoder *decoder, struct pixels *pixels, int *orientation)
{
  struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
  if (setjmp (decoder->failed))
    return -1;
  jpeg_create_decompress (jpeg);
  jpeg->src = &decoder->source;
  jpeg->progress = &decoder->progress;
  if (orientation)
    jpeg_save_markers (jpeg, EXIF_MARKER, 0xffff);
  jpeg_read_header (jpeg, TRUE);
  if (orientation)
    *orientation = find_orientation (jpeg);
  if (choose_colours (jpeg) || allocate (jpeg, pixels))
    return -1;
  jpeg_start_decompress (jpeg);
  read_rows (jpeg, pixels);
  return 0;
}

/* Orientations 5 to 8 exchange rows and columns; some take the stored rows or columns from the last to the first.  */
static int
turn (struct pixels *pixels, int orientation)
{
  bool exchange = orientation >= 5;
  bool rows_reversed = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  bool columns_reversed = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  ptrdiff_t height = pixels->height, width = pixels->width;
  unsigned char *turned = memory_new ((size_t) height * (size_t) width, 3), *to = turned;
  if (!turned)
    return -1;
  const unsigned char *origin = pixels->rgb;
  origin += (rows_reversed ? height - 1 : 0) * width * 3 + (columns_reversed ? width - 1 : 0) * 3;
  ptrdiff_t row_step = rows_reversed ? -width * 3 : width * 3, column_step = columns_reversed ? -3 : 3;
  ptrdiff_t outer_step = exchange ? column_step : row_step, inner_step = exchange ? row_step : column_step;
  pixels->height = (int) (exchange ? width : height);
  pixels->width = (int) (exchange ? height : width);
  for (ptrdiff_t y = 0; y < pixels->height; y++)
    for (ptrdiff_t x = 0; x < pixels->width; x++, to += 3)
      memcpy (to, origin + y * outer_step + x * inner_step, 3);
  memory_free (pixels->rgb);
  pixels->rgb = turned;
  return 0;
}

/* 0 where DATA begin as a JPEG file does; else an error that says what they are instead.  */
static int
check_kind (const unsigned char *data, size_t length)
{
  static const struct {
    size_t offset, length;
    const char *bytes, *kind;
  } kinds[] = {
    { 0, 4, "\x89PNG", "a PNG file" },     { 0, 4, "GIF8", "a GIF file" },    { 8, 4, "WEBP", "a WebP file" },
    { 0, 4, "II*\0", "a TIFF file" },      { 0, 4, "MM\0*", "a TIFF file" },  { 4, 8, "ftypheic", "an HEIC file" },
    { 4, 8, "ftypavif", "an AVIF file" },  { 0, 2, "BM", "a BMP file" },      { 4, 4, "jP  ", "a JPEG 2000 file" },
    { 0, 4, "%PDF", "a PDF file" },        { 0, 2, "PK", "a ZIP file" },      { 0, 2, "\x1f\x8b", "a gzip file" },
    { 0, 9, "<!DOCTYPE", "an HTML page" }, { 0, 5, "<html", "an HTML page" },
  };
  if (length == 0)
    return error_set ("an empty file");
  if (length >= 3 && !memcmp (data, "\xff\xd8\xff", 3))
    return 0;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (length >= kinds[i].offset + kinds[i].length
        && !memcmp (data + kinds[i].offset, kinds[i].bytes, kinds[i].length))
      return error_set ("%s, not a JPEG", kinds[i].kind);
  return error_set ("not a JPEG file");
}

int
decode_jpeg (const void *data, size_t length, bool honour_exif, struct pixels *pixels)
{
  *pixels = (struct pixels){ 0 };
  if (check_kind (data, length))
    return -1;
  struct decoder decoder = { 0 };
  int orientation = 1;
  prepare (&decoder, data, length);
  int result = read_image (&decoder, pixels, honour_exif ? &orientation : NULL);
  jpeg_destroy_decompress (&decoder.jpeg);
  if (result == 0 && orientation > 1)
    result = turn (pixels, orientation);
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
