#include <config.h>

#include "stalltable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 80 };

static const char *const origins[] = {
  [CONCURRENCY_FIXED] = "fixed", [CONCURRENCY_MEASURED] = "measured", [CONCURRENCY_REMEMBERED] = "remembered"
};

static double
rate (const struct extract_report *report)
{
  return report->stalls.wall > 0 ? (double) report->images / report->stalls.wall : 0;
}

static void
print_stage (const struct stalls *stalls, const char *name, double seconds)
{
  printf ("  %-8s %9.1f %5.0f %%\n", name, seconds, 100 * seconds / (stalls->threads * stalls->wall));
}

/* Prints TEXT in lines of WIDTH columns at the most.  */
static void
print_wrapped (const char *text)
{
  size_t column = 0;
  for (const char *word = text; *word; word += strspn (word, " "))
    {
      size_t length = strcspn (word, " ");
      if (column > 0 && column + 1 + length > WIDTH)
        {
          putchar ('\n');
          column = 0;
        }
      column += (size_t) printf ("%s%.*s", column > 0 ? " " : "", (int) length, word);
      word += length;
    }
  putchar ('\n');
}

void
stalltable_print (const struct extract_report *report)
{
  const struct stalls *stalls = &report->stalls;
  const struct pipeline_seconds *seconds = &stalls->seconds;
  if (report->images == 0)
    return;
  printf ("%" PRIu64 " images in %.1f s, %.1f images/s; of the time of %d thread%s:\n", report->images, stalls->wall,
          rate (report), stalls->threads, stalls->threads == 1 ? "" : "s");
  print_stage (stalls, "read", seconds->read);
  print_stage (stalls, "decode", seconds->decode);
  print_stage (stalls, "network", seconds->network);
  print_stage (stalls, "compress", seconds->compress);
  print_stage (stalls, "write", seconds->write);
  printf ("The network waited %.1f s (%.0f %%) for images, %.1f s (%.0f %%) for room in the file.\n", seconds->images,
          100 * stalls_share (stalls, seconds->images), seconds->room, 100 * stalls_share (stalls, seconds->room));
  if (stalls->gpu)
    printf ("The GPU was busy for %.1f s (%.0f %%).\n", stalls->busy, 100 * stalls->busy / stalls->wall);
  print_wrapped (stalls_sentence (stalls_advise (stalls)));
}

void
stalltable_add (const struct extract_report *report, json_t *result)
{
  const struct stalls *stalls = &report->stalls;
  const struct pipeline_seconds *seconds = &stalls->seconds;
  const struct concurrency *concurrency = &report->concurrency;
  bool worked = report->images > 0;
  json_object_set_new (result, "images_per_second", json_real (rate (report)));
  json_object_set_new (result, "seconds",
                       json_pack ("{s:f, s:f, s:f, s:f, s:f, s:f}", "read", seconds->read, "decode", seconds->decode,
                                  "network", seconds->network, "compress", seconds->compress, "write", seconds->write,
                                  "wall", stalls->wall));
  json_object_set_new (
    result, "network",
    !worked
      ? json_null ()
      : json_pack ("{s:i, s:i, s:i, s:o, s:s}", "callers", concurrency->callers, "threads", concurrency->threads,
                   "batch", concurrency->batch, "image_seconds",
                   concurrency->origin == CONCURRENCY_FIXED ? json_null () : json_real (concurrency->image_seconds),
                   "origin", origins[concurrency->origin]));
  json_object_set_new (result, "stalls",
                       json_pack ("{s:f, s:f, s:f, s:f, s:f, s:f}", "images", seconds->images, "images_share",
                                  stalls_share (stalls, seconds->images), "room", seconds->room, "room_share",
                                  stalls_share (stalls, seconds->room), "disk", seconds->read + seconds->write,
                                  "gpu_busy", worked && stalls->gpu ? stalls->busy / stalls->wall : 0));
  json_object_set_new (result, "advice",
                       worked ? json_string (stalls_sentence (stalls_advise (stalls))) : json_null ());
}
