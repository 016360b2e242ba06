#include <config.h>

#include "networkbench.h"

#include "../base/machine.h"
#include "../base/memory.h"
#include "../extract/concurrency.h"

#include <stdio.h>

static const double seconds_most = 60;

static json_t *
way_new (const struct concurrency *way)
{
  return json_pack ("{s:i, s:i, s:i, s:f, s:f}", "callers", way->callers, "threads", way->threads, "batch", way->batch,
                    "images_per_second", 1 / way->image_seconds, "image_ms", 1e3 * way->image_seconds);
}

static void
keep (void *tried, const struct concurrency *measured)
{
  json_array_append_new (tried, way_new (measured));
}

static json_int_t
whole (const json_t *way, const char *key)
{
  return json_integer_value (json_object_get (way, key));
}

static double
number (const json_t *way, const char *key)
{
  return json_number_value (json_object_get (way, key));
}

static bool
is_same (const json_t *way, const struct concurrency *best)
{
  return whole (way, "callers") == best->callers && whole (way, "threads") == best->threads
         && whole (way, "batch") == best->batch;
}

static void
print (const struct extractor *extractor, int threads, const json_t *tried, const struct concurrency *best)
{
  char processor[128];
  size_t i;
  json_t *way;
  machine_processor (processor);
  printf ("%s, %d x %d, %s, on %s\n%s, %d thread%s\n\n", extractor->backbone, extractor->preprocess.height,
          extractor->preprocess.width, extractor->provenance.precision, processor, network_library (), threads,
          threads == 1 ? "" : "s");
  puts ("callers threads  batch images/s ms an image");
  json_array_foreach (tried, i, way)
  {
    printf ("%7d %7d %6d %8.1f %11.1f%s\n", (int) whole (way, "callers"), (int) whole (way, "threads"),
            (int) whole (way, "batch"), number (way, "images_per_second"), number (way, "image_ms"),
            is_same (way, best) ? " *" : "");
  }
  puts ("* taken by 'extract'; larger batches have to gain 2 %");
}

int
networkbench_run (const struct extractor_options *options, int threads, int batch, bool json, json_t **result)
{
  struct extractor extractor;
  struct concurrency best;
  if (extractor_open (&extractor, options, 1, 1))
    return -1;
  json_t *tried = json_array ();
  int status = concurrency_measure (&extractor, threads, batch, seconds_most, keep, tried, &best);
  if (status == 0 && !json)
    print (&extractor, threads, tried, &best);
  if (status == 0)
    *result = json_pack ("{s:{s:f}, s:{s:s, s:s, s:s, s:i, s:O, s:o}, s:I}", "rates", "network", 1 / best.image_seconds,
                         "network", "library", network_library (), "device", extractor.device, "precision",
                         extractor.provenance.precision, "threads", threads, "tried", tried, "best", way_new (&best),
                         "peak_bytes", (json_int_t) memory_peak_resident_bytes ());
  json_decref (tried);
  extractor_close (&extractor);
  return status;
}
