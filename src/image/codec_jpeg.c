#include <config.h>

#include "codec.h"

#include "../base/error.h"
#include "exif.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

/* A progressive file may hold scans without end, each a pass over the whole image; real ones have about ten.  */
enum { MAX_SCANS = 500 };

enum { METADATA_MARKER = JPEG_APP0 + 1 };

struct image {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_source_mgr source;
  struct jpeg_progress_mgr progress;
  jmp_buf failed;
  bool started, complete; /* all rows were read */
  JSAMPARRAY unused;      /* one row, released with the decoder */
};

static void
fail (j_common_ptr jpeg)
{
  struct image *image = jpeg->client_data;
  char reason[JMSG_LENGTH_MAX];
  jpeg->err->format_message (jpeg, reason);
  error_set ("%s", reason);
  longjmp (image->failed, 1);
}

static void
ignore_message (j_common_ptr jpeg, int level)
{
  (void) jpeg, (void) level;
}

static void
limit_scans (j_common_ptr jpeg)
{
  struct image *image = jpeg->client_data;
  if (image->jpeg.input_scan_number <= MAX_SCANS)
    return;
  error_set ("more than %d scans in one image", MAX_SCANS);
  longjmp (image->failed, 1);
}

static void
do_nothing (j_decompress_ptr jpeg)
{
  (void) jpeg;
}

/* All data are in the buffer from the start, so that asking for more means that they ended too early.  Only the mark of
   the end may be missing, as in Pillow, where libjpeg has not asked for it before the last row.  */
static boolean
meet_end (j_decompress_ptr jpeg)
{
  static const JOCTET end[] = { 0xff, JPEG_EOI };
  struct image *image = jpeg->client_data;
  if (image->complete)
    {
      jpeg->src->next_input_byte = end;
      jpeg->src->bytes_in_buffer = sizeof end;
      return TRUE;
    }
  error_set ("truncated: the data end before the image does");
  longjmp (image->failed, 1);
}

static void
skip_data (j_decompress_ptr jpeg, long count)
{
  if (count <= 0)
    return;
  if ((size_t) count > jpeg->src->bytes_in_buffer)
    {
      meet_end (jpeg);
      return;
    }
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= (size_t) count;
}

static void
prepare (struct image *image, const void *data, size_t length)
{
  struct jpeg_decompress_struct *jpeg = &image->jpeg;
  image->source = (struct jpeg_source_mgr){
    .next_input_byte = data,
    .bytes_in_buffer = length,
    .init_source = do_nothing,
    .fill_input_buffer = meet_end,
    .skip_input_data = skip_data,
    .resync_to_restart = jpeg_resync_to_restart,
    .term_source = do_nothing,
  };
  image->progress.progress_monitor = limit_scans;
  jpeg->err = jpeg_std_error (&image->errors);
  image->errors.error_exit = fail;
  image->errors.emit_message = ignore_message;
  jpeg->client_data = image;
}

/* Sets the colours to be given out: red, green, blue and a byte, or the four inks as they are stored.  */
static int
choose_colours (struct jpeg_decompress_struct *jpeg)
{
  if (jpeg->num_components != 1 && jpeg->num_components != 3 && jpeg->num_components != 4)
    return error_set ("%d colour components, not 1, 3 or 4", jpeg->num_components);
  jpeg->out_color_space = jpeg->num_components == 4 ? JCS_CMYK : JCS_EXT_RGBX;
  return 0;
}

/* The Exif block's orientation, else the XMP packet's, as Pillow chooses; 1 where there is none.  */
static int
find_orientation (const struct jpeg_decompress_struct *jpeg)
{
  static const char exif[] = "Exif\0", xmp[] = "http://ns.adobe.com/xap/1.0/"; /* and a 0 each */
  int by_exif = 0, by_xmp = 0;
  for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
    if (by_exif == 0 && marker->data_length >= sizeof exif && !memcmp (marker->data, exif, sizeof exif))
      by_exif = exif_orientation (marker->data + sizeof exif, marker->data_length - sizeof exif);
    else if (by_xmp == 0 && marker->data_length >= sizeof xmp && !memcmp (marker->data, xmp, sizeof xmp))
      by_xmp = exif_orientation_xmp ((const char *) marker->data + sizeof xmp, marker->data_length - sizeof xmp);
  return by_exif ? by_exif : by_xmp ? by_xmp : 1;
}

static int
read_header (struct image *image, bool orientation, struct codec_header *header)
{
  struct jpeg_decompress_struct *jpeg = &image->jpeg;
  if (setjmp (image->failed))
    return -1;
  jpeg_create_decompress (jpeg);
  jpeg->src = &image->source;
  jpeg->progress = &image->progress;
  if (orientation)
    jpeg_save_markers (jpeg, METADATA_MARKER, 0xffff);
  jpeg_read_header (jpeg, TRUE);
  *header = (struct codec_header){ .height = (int) jpeg->image_height,
                                   .width = (int) jpeg->image_width,
                                   .orientation = orientation ? find_orientation (jpeg) : 1 };
  return choose_colours (jpeg);
}

static void
close_image (void *context)
{
  struct image *image = context;
  jpeg_destroy_decompress (&image->jpeg);
  free (image);
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
  prepare (image, data, length);
  if (read_header (image, orientation, header) == 0)
    return image;
  close_image (image);
  return NULL;
}

static void
shrink (void *context, int height, int width, struct codec_header *header)
{
  struct image *image = context;
  struct jpeg_decompress_struct *jpeg = &image->jpeg;
  for (jpeg->scale_num = 1, jpeg->scale_denom = 8; jpeg->scale_num <= 8; jpeg->scale_num++)
    {
      if (setjmp (image->failed))
        return; /* what is wrong shows again at the first row */
      jpeg_calc_output_dimensions (jpeg);
      if (jpeg->scale_num == 8 || ((int) jpeg->output_height >= height && (int) jpeg->output_width >= width))
        break;
    }
  header->height = (int) jpeg->output_height;
  header->width = (int) jpeg->output_width;
}

/* A * B / 255, rounded, for bytes, as Pillow's MULDIV255 computes it.  */
static unsigned
multiply_bytes (unsigned a, unsigned b)
{
  unsigned product = a * b + 128;
  return ((product >> 8) + product) >> 8;
}

/* Adobe's programs store inks inverted (255 is no ink), and Pillow takes every file with four components so.  In
   place.  */
static void
convert_inks (unsigned char *inks, JDIMENSION width)
{
  for (JDIMENSION x = 0; x < width; x++, inks += 4)
    for (int colour = 0; colour < 3; colour++)
      inks[colour] = (unsigned char) (inks[3] - multiply_bytes (255U - inks[colour], inks[3]));
}

static void
start (struct image *image)
{
  struct jpeg_decompress_struct *jpeg = &image->jpeg;
  jpeg_start_decompress (jpeg);
  image->unused = jpeg->mem->alloc_sarray ((j_common_ptr) jpeg, JPOOL_IMAGE, jpeg->output_width * 4, 1);
  image->started = true;
}

/* jpeg_skip_scanlines would save a little, but its pixels after a gap have not been the same in all releases.  */
static int
read_row (void *context, int row, unsigned char *rgbx)
{
  struct image *image = context;
  struct jpeg_decompress_struct *jpeg = &image->jpeg;
  if (setjmp (image->failed))
    return -1;
  if (!image->started)
    start (image);
  while ((int) jpeg->output_scanline < row)
    jpeg_read_scanlines (jpeg, image->unused, 1);
  jpeg_read_scanlines (jpeg, &rgbx, 1);
  if (jpeg->out_color_space == JCS_CMYK)
    convert_inks (rgbx, jpeg->output_width);
  return 0;
}

static int
finish (void *context)
{
  struct image *image = context;
  if (setjmp (image->failed))
    return -1;
  if (!image->started)
    start (image);
  while (image->jpeg.output_scanline < image->jpeg.output_height)
    jpeg_read_scanlines (&image->jpeg, image->unused, 1);
  image->complete = true;
  jpeg_finish_decompress (&image->jpeg); /* what stands behind the last row must be a JPEG file's too */
  return 0;
}

const struct codec codec_jpeg = { "\xff\xd8\xff", 3, open_image, shrink, read_row, finish, close_image };
