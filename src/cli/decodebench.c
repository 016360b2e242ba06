#include <config.h>

#include "decodebench.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/file.h"
#include "../base/folder.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../base/workers.h"
#include "../image/preprocess.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

enum { IMAGES_MOST = 1000, MADE_UP = 32, MADE_UP_WIDTH = 500, MADE_UP_HEIGHT = 400, QUALITY = 90 };

static const size_t bytes_most = (size_t) 1 << 28; /* of all images; a single one may be as large */

static const char *const specs[] = { "keras", "torchvision", "decode=scaled,keras", "decode=scaled,torchvision" };

enum { SPECS = sizeof specs / sizeof *specs };

struct photograph {
  unsigned char *data; /* from malloc */
  size_t length;
};

struct bench {
  struct photograph photograph[IMAGES_MOST];
  size_t count, bytes;
  struct preprocess preprocess; /* of the specification that is measured */
  unsigned char **pixels;       /* (threads) */
};

static int
add_file (struct bench *bench, const char *path)
{
  struct photograph *photograph = &bench->photograph[bench->count];
  if (bench->count == IMAGES_MOST || bench->bytes >= bytes_most)
    return 0;
  photograph->data = file_read (path, bytes_most, &photograph->length);
  if (!photograph->data)
    return *error_message () ? -1 : error_system ("read", path);
  bench->bytes += photograph->length;
  bench->count++;
  return 0;
}

static int add_path (struct bench *bench, const char *path);

static int
add_names (struct bench *bench, const char *folder, const struct names *names)
{
  int result = 0;
  for (size_t i = 0; i < names->count && result == 0; i++)
    {
      char *path = file_path (folder, names->name[i]);
      result = path ? add_path (bench, path) : -1;
      free (path);
    }
  return result;
}

static int
add_path (struct bench *bench, const char *path)
{
  struct names folders, files;
  if (!file_is_directory (path))
    return add_file (bench, path);
  if (folder_list (path, &folders, &files))
    return -1;
  int result = add_names (bench, path, &files) || add_names (bench, path, &folders) ? -1 : 0;
  names_free (&folders);
  names_free (&files);
  return result;
}

/* Waves of three colours with noise: about as many bytes a pixel as a camera's photographs.  */
static void
draw_row (unsigned char *row, int y, size_t number, struct random *random)
{
  for (int x = 0; x < 3 * MADE_UP_WIDTH; x++)
    {
      double wave = sin (x / (90.0 + 20 * (x % 3)) + (double) number) * cos (y / (17.0 + (double) (number % 9)));
      double value = 128 + 80 * wave + 7 * random_normal (random);
      row[x] = (unsigned char) (value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

/* libjpeg's own error handler, which ends the program, is for a lack of memory only here.  */
static void
make_up (struct photograph *photograph, size_t number)
{
  struct jpeg_compress_struct jpeg = { 0 };
  struct jpeg_error_mgr errors;
  unsigned char row[3 * MADE_UP_WIDTH], *rows = row;
  unsigned long length = 0;
  struct random random = random_new (1, number);
  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_mem_dest (&jpeg, &photograph->data, &length);
  jpeg.image_width = MADE_UP_WIDTH;
  jpeg.image_height = MADE_UP_HEIGHT;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults (&jpeg);
  jpeg_set_quality (&jpeg, QUALITY, TRUE);
  jpeg_start_compress (&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height)
    {
      draw_row (row, (int) jpeg.next_scanline, number, &random);
      jpeg_write_scanlines (&jpeg, &rows, 1);
    }
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  photograph->length = length;
}

static int
collect (struct bench *bench, const struct names *paths)
{
  int result = 0;
  for (size_t i = 0; i < paths->count && result == 0; i++)
    result = add_path (bench, paths->name[i]);
  if (result == 0 && paths->count > 0 && bench->count == 0)
    return error_set ("there are no images in '%s'; name some, or none for made-up ones", paths->name[0]);
  for (; paths->count == 0 && bench->count < MADE_UP; bench->count++)
    {
      make_up (&bench->photograph[bench->count], bench->count);
      bench->bytes += bench->photograph[bench->count].length;
    }
  return result;
}

static int
decode_one (void *context, size_t index, int worker)
{
  const struct bench *bench = context;
  const struct photograph *photograph = &bench->photograph[index];
  if (preprocess_image (&bench->preprocess, photograph->data, photograph->length, false, bench->pixels[worker]) == 0)
    return 0;
  char *reason = text_new ("%s", error_message ());
  error_set ("image %zu cannot be decoded: %s; leave it out", index + 1, reason ? reason : "");
  free (reason);
  return -1;
}

/* Images a second, the best of REPEATS.  */
static int
measure (struct bench *bench, const char *spec, struct workers *workers, int repeats, double *rate)
{
  if (preprocess_parse (&bench->preprocess, spec))
    return -1;
  *rate = 0;
  for (int i = 0; i < repeats; i++)
    {
      double since = clock_seconds ();
      if (workers_run (workers, bench->count, decode_one, bench))
        return -1;
      double now = (double) bench->count / (clock_seconds () - since);
      *rate = now > *rate ? now : *rate;
    }
  return 0;
}

/* RATE (2, SPECS): on one thread, on all.  */
static int
measure_all (struct bench *bench, int threads, int repeats, double rate[2][SPECS])
{
  int team[2] = { 1, threads }, result = 0;
  bench->pixels = memory_new ((size_t) threads, sizeof *bench->pixels);
  for (int i = 0; bench->pixels && i < threads && result == 0; i++)
    result = (bench->pixels[i] = memory_new (224 * 224, 3)) ? 0 : -1;
  for (int i = 0; i < 2 && result == 0; i++)
    {
      struct workers *workers = workers_new (team[i]);
      result = workers && bench->pixels ? 0 : -1;
      for (int spec = 0; spec < SPECS && result == 0; spec++)
        result = measure (bench, specs[spec], workers, repeats, &rate[i][spec]);
      workers_free (workers);
    }
  for (int i = 0; bench->pixels && i < threads; i++)
    memory_free (bench->pixels[i]);
  memory_free (bench->pixels);
  return result;
}

static void
print (const struct bench *bench, int threads, double rate[2][SPECS])
{
  double megabytes = (double) bench->bytes / 1e6 / (double) bench->count;
  printf ("%zu images of %.0f KB on average\n\n%-26s %19s   %9d thread%s\n%-26s %11s %7s   %11s %7s\n", bench->count,
          megabytes * 1e3, "", "1 thread", threads, threads == 1 ? "" : "s", "", "images/s", "MB/s", "images/s",
          "MB/s");
  for (int spec = 0; spec < SPECS; spec++)
    printf ("%-26s %11.0f %7.1f   %11.0f %7.1f\n", specs[spec], rate[0][spec], rate[0][spec] * megabytes, rate[1][spec],
            rate[1][spec] * megabytes);
}

/* {"rates": {"decode": {SPEC: [images a second on one thread, on all]}}, ...}  */
static json_t *
result_new (const struct bench *bench, int threads, double rate[2][SPECS])
{
  json_t *rates = json_object ();
  for (int spec = 0; spec < SPECS; spec++)
    json_object_set_new (rates, specs[spec], json_pack ("[f, f]", rate[0][spec], rate[1][spec]));
  return json_pack ("{s:{s:o}, s:I, s:I, s:i}", "rates", "decode", rates, "images", (json_int_t) bench->count, "bytes",
                    (json_int_t) bench->bytes, "threads", threads);
}

int
decodebench_run (const struct names *paths, int threads, int repeats, bool json, json_t **result)
{
  double rate[2][SPECS];
  struct bench *bench = calloc (1, sizeof *bench);
  if (!bench)
    return error_set ("no memory left for the images; give the job more memory");
  int status = collect (bench, paths) || measure_all (bench, threads, repeats, rate) ? -1 : 0;
  if (status == 0)
    *result = result_new (bench, threads, rate);
  if (status == 0 && !json)
    print (bench, threads, rate);
  for (size_t i = 0; i < bench->count; i++)
    free (bench->photograph[i].data);
  free (bench);
  return status;
}
