/* Makes photographs for the demo: landscapes (class 0) and still lifes (class 1), named as Food-5K names its own.  */
#include <config.h>

#include "canvas.h"
#include "landscape.h"
#include "lens.h"
#include "still_life.h"

#include "../src/base/error.h"
#include "../src/base/file.h"
#include "../src/base/machine.h"
#include "../src/base/text.h"
#include "../src/base/workers.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "usage: demo_images FOLDER [--count N] [--seed S]\n"
                            "Writes N (600) photographs FOLDER/SPLIT/CLASS_NUMBER.jpg, the same for the same seed.\n";

enum { SPLITS = 3 };

static const char *const split_name[SPLITS] = { "training", "validation", "evaluation" };

struct demo {
  const char *folder;
  int64_t count, seed;
};

/* Of every five photographs of a class three are for training, one for validation, one for evaluation.  */
static int
split_of (size_t number)
{
  return number % 5 < 3 ? 0 : (int) (number % 5) - 2;
}

static struct canvas *
draw_photograph (struct random *random, int class)
{
  static const float aspects[] = { 4 / 3.0f, 4 / 3.0f, 3 / 2.0f, 1, 3 / 4.0f };
  float aspect = aspects[below (random, 5)];
  float side = between (random, 210, 310); /* of a square with the picture's area */
  int width = (int) (side * sqrtf (aspect)), height = (int) (side / sqrtf (aspect));
  float roll = 0.05f * random_normal (random), zoom = between (random, 1.0f, 1.3f);
  struct canvas *canvas = canvas_new (width, height, clamp (roll, -0.15f, 0.15f), zoom);
  if (!canvas)
    return NULL;
  if (class)
    still_life_paint (canvas, random);
  else
    landscape_paint (canvas, random);
  return canvas;
}

static int
make_photograph (void *context, size_t index, int worker)
{
  const struct demo *demo = context;
  int class = (int) (index % 2);
  size_t number = index / 2;
  struct random random = random_new ((uint64_t) demo->seed, index);
  struct canvas *canvas = draw_photograph (&random, class);
  char *path = text_new ("%s/%s/%d_%zu.jpg", demo->folder, split_name[split_of (number)], class, number);
  int result = canvas && path ? 0 : -1;
  (void) worker;
  if (result == 0)
    {
      lens_apply (canvas, &random);
      result = lens_write (canvas, path, 70 + below (&random, 26));
    }
  canvas_free (canvas);
  free (path);
  return result;
}

static int
make_all (const struct demo *demo)
{
  for (int i = 0; i < SPLITS; i++)
    {
      char *path = file_path (demo->folder, split_name[i]);
      int made = path ? file_make_directories (path) : -1;
      free (path);
      if (made)
        return -1;
    }
  struct workers *workers = workers_new (machine_threads ());
  int result = workers ? workers_run (workers, (size_t) demo->count, make_photograph, (void *) demo) : -1;
  workers_free (workers);
  return result;
}

static int
parse (int argc, char **argv, struct demo *demo)
{
  static const struct option options[] = { { "count", required_argument, NULL, 'c' },
                                           { "seed", required_argument, NULL, 's' },
                                           { 0 } };
  int option, result = 0;
  while (result == 0 && (option = getopt_long (argc, argv, "", options, NULL)) >= 0)
    if (option == 'c')
      result = text_parse_integer (optarg, "--count", 10, 1000000, &demo->count);
    else if (option == 's')
      result = text_parse_integer (optarg, "--seed", 0, INT64_MAX, &demo->seed);
    else
      result = error_usage ("%s", usage);
  if (result == 0 && optind + 1 != argc)
    result = error_usage ("%s", usage);
  demo->folder = argv[optind];
  return result;
}

int
main (int argc, char **argv)
{
  struct demo demo = { .count = 600, .seed = 42 };
  if (parse (argc, argv, &demo) == 0 && make_all (&demo) == 0)
    return 0;
  fprintf (stderr, "demo_images: %s\n", error_message ());
  return error_status ();
}
