#include <config.h>

#include "lens.h"

#include "../src/base/error.h"
#include "../src/base/memory.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h> /* needs the two before it */

static size_t
pixels (const struct canvas *canvas)
{
  return (size_t) canvas->width * (size_t) canvas->height;
}

static float
luminance (struct colour a)
{
  return 0.30f * a.r + 0.59f * a.g + 0.11f * a.b;
}

/* Brings the mean luminance near a value drawn from RANDOM by a gamma curve, as automatic exposure does, and the mean
   colour halfway to a drawn cast, as automatic white balance does.  */
static void
expose (struct canvas *canvas, struct random *random)
{
  struct colour mean = { 1e-3f, 1e-3f, 1e-3f };
  size_t n = pixels (canvas);
  for (size_t i = 0; i < n; i++)
    {
      mean.r += canvas->colour[i].r / (float) n;
      mean.g += canvas->colour[i].g / (float) n;
      mean.b += canvas->colour[i].b / (float) n;
    }
  float light = luminance (mean), warmth = between (random, -0.13f, 0.16f), green = between (random, -0.04f, 0.04f);
  float balance = between (random, 0.55f, 0.8f);
  struct colour gain = { powf (light / mean.r, balance) * (1 + warmth), powf (light / mean.g, balance) * (1 + green),
                         powf (light / mean.b, balance) * (1 - warmth) };
  float wanted = between (random, 0.32f, 0.62f);
  float gamma = clamp (logf (wanted) / logf (clamp (light, 0.05f, 0.9f)), 0.55f, 1.7f);
  for (size_t i = 0; i < n; i++)
    {
      struct colour a = tint (canvas->colour[i], gain);
      float old = clamp (luminance (a), 1e-3f, 1), factor = powf (old, gamma - 1);
      canvas->colour[i] = shade (a, factor);
    }
}

/* One pass of a three-pixel binomial filter, blended in by WEIGHT, along rows (STEP 1) or columns (STEP width).  */
static void
blur_line (struct colour *line, size_t count, size_t step, float weight)
{
  struct colour previous = line[0];
  for (size_t i = 0; i < count; i++)
    {
      struct colour here = line[i * step], next = line[(i + 1 < count ? i + 1 : i) * step];
      struct colour around = mix (previous, next, 0.5f);
      line[i * step] = mix (here, around, weight / 2);
      previous = here;
    }
}

static void
blur (struct canvas *canvas, float weight)
{
  size_t width = (size_t) canvas->width, height = (size_t) canvas->height;
  for (size_t i = 0; i < height; i++)
    blur_line (canvas->colour + i * width, width, 1, weight);
  for (size_t j = 0; j < width; j++)
    blur_line (canvas->colour + j, height, width, weight);
}

static void
vignette (struct canvas *canvas, float strength)
{
  float reach = hypotf ((float) canvas->width, (float) canvas->height) / 2;
  for (int i = 0; i < canvas->height; i++)
    for (int j = 0; j < canvas->width; j++)
      {
        float x = ((float) j - (float) canvas->width / 2) / reach, y = ((float) i - (float) canvas->height / 2) / reach;
        struct colour *a = &canvas->colour[(size_t) i * (size_t) canvas->width + (size_t) j];
        *a = shade (*a, 1 - strength * (x * x + y * y));
      }
}

/* A cheap draw near the standard normal: the sum of the four 16-bit parts of one number (Irwin and Hall).  */
static float
grain (struct random *random)
{
  uint64_t bits = random_bits (random);
  uint64_t sum = (bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48);
  return ((float) sum * 0x1p-16f - 2) * 1.7320508f;
}

static void
sensor_noise (struct canvas *canvas, struct random *random, float strength)
{
  for (size_t i = 0; i < pixels (canvas); i++)
    {
      struct colour *a = &canvas->colour[i];
      float common = strength * grain (random), chroma = strength * 0.6f * grain (random);
      a->r += common + chroma;
      a->g += common;
      a->b += common - chroma;
    }
}

void
lens_apply (struct canvas *canvas, struct random *random)
{
  expose (canvas, random);
  int blurs = below (random, 4);
  float weight = between (random, 0.4f, 1);
  for (int i = 0; i < blurs; i++)
    blur (canvas, weight);
  vignette (canvas, between (random, 0, 0.45f));
  float noisy = random_uniform (random);
  sensor_noise (canvas, random, 0.004f + 0.03f * noisy * noisy);
}

static JSAMPLE
sample (float value)
{
  return (JSAMPLE) (clamp (value, 0, 1) * 255 + 0.5f);
}

static void
write_rows (j_compress_ptr jpeg, const struct canvas *canvas, JSAMPLE *row)
{
  while (jpeg->next_scanline < jpeg->image_height)
    {
      const struct colour *colour = canvas->colour + (size_t) jpeg->next_scanline * (size_t) canvas->width;
      for (int j = 0; j < canvas->width; j++)
        {
          row[3 * j] = sample (colour[j].r);
          row[3 * j + 1] = sample (colour[j].g);
          row[3 * j + 2] = sample (colour[j].b);
        }
      jpeg_write_scanlines (jpeg, &row, 1);
    }
}

/* libjpeg's own error handler, which ends the program with a message, serves here.  */
static void
write_stream (const struct canvas *canvas, FILE *stream, int quality, JSAMPLE *row)
{
  struct jpeg_error_mgr errors;
  struct jpeg_compress_struct jpeg;
  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_stdio_dest (&jpeg, stream);
  jpeg.image_width = (JDIMENSION) canvas->width;
  jpeg.image_height = (JDIMENSION) canvas->height;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults (&jpeg);
  jpeg_set_quality (&jpeg, quality, TRUE);
  jpeg_start_compress (&jpeg, TRUE);
  write_rows (&jpeg, canvas, row);
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
}

int
lens_write (const struct canvas *canvas, const char *path, int quality)
{
  JSAMPLE *row = memory_new ((size_t) canvas->width, 3);
  if (!row)
    return -1;
  FILE *stream = fopen (path, "wbe");
  int result = stream ? 0 : error_system ("create", path);
  if (stream)
    {
      write_stream (canvas, stream, quality, row);
      if (fclose (stream))
        result = error_system ("write", path);
    }
  memory_free (row);
  return result;
}
