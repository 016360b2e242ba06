/* make_photographs FOLDER COUNT: FOLDER/training/CLASS/NUMBER.jpg in two classes, small, no two alike.  */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <jpeglib.h>

enum { SIDE = 80 };

/* A slope of a colour of its own, with a square on it.  */
static void
draw (unsigned char *row, int number, int y)
{
  for (int x = 0; x < SIDE; x++)
    for (int i = 0; i < 3; i++)
      {
        int level = x * (1 + number % 7) / 3 + y * (1 + number / 7 % 5) / 3 + number * (37 + 31 * i);
        int inside = abs (x - number * 13 % SIDE) < 10 && abs (y - number * 29 % SIDE) < 10;
        row[3 * x + i] = (unsigned char) (inside ? 255 - level % 256 : level % 256);
      }
}

static int
write_photograph (const char *path, int number)
{
  struct jpeg_compress_struct jpeg = { 0 };
  struct jpeg_error_mgr errors;
  unsigned char row[3 * SIDE], *rows[] = { row };
  FILE *stream = fopen (path, "wb");
  if (!stream)
    return -1;
  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_stdio_dest (&jpeg, stream);
  jpeg.image_width = jpeg.image_height = SIDE;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults (&jpeg);
  jpeg_start_compress (&jpeg, TRUE);
  for (int y = 0; y < SIDE; y++)
    {
      draw (row, number, y);
      jpeg_write_scanlines (&jpeg, rows, 1);
    }
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  return fclose (stream);
}

int
main (int argc, char **argv)
{
  static const char *const classes[] = { "fruit", "other" };
  char path[4096];
  if (argc != 3)
    {
      fputs ("usage: make_photographs FOLDER COUNT\n", stderr);
      return 2;
    }
  mkdir (argv[1], 0777);
  snprintf (path, sizeof path, "%s/training", argv[1]);
  mkdir (path, 0777);
  for (int i = 0; i < 2; i++)
    {
      snprintf (path, sizeof path, "%s/training/%s", argv[1], classes[i]);
      mkdir (path, 0777);
    }
  for (int i = 0; i < atoi (argv[2]); i++)
    {
      snprintf (path, sizeof path, "%s/training/%s/%05d.jpg", argv[1], classes[i % 3 == 0], i);
      if (write_photograph (path, i))
        {
          perror (path);
          return 1;
        }
    }
  return 0;
}
