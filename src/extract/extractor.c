#include <config.h>

#include "extractor.h"

#include "../base/error.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const pool_names[] = { "none", "avg", "max" };
static const char *const precision_names[] = { "f32", "tf32", "bf16", "f16" };

int
extractor_parse_pool (const char *text, enum network_pool *pool)
{
  for (size_t i = 0; i < sizeof pool_names / sizeof *pool_names; i++)
    if (!strcmp (text, pool_names[i]))
      {
        *pool = (enum network_pool) i;
        return 0;
      }
  return error_usage ("--pool takes none, avg or max, not '%s'", text);
}

/* Copies the string KEY of the backbone's METADATA into VALUE (BYTES); leaves VALUE where it is not there.  */
static void
copy_entry (const char *metadata, const char *key, char *value, size_t bytes)
{
  json_t *object = json_loads (metadata, 0, NULL);
  const char *text = json_string_value (json_object_get (object, key));
  if (text)
    snprintf (value, bytes, "%s", text);
  json_decref (object);
}

/* Makes the network ready to run, and takes the shape of a row from it.  */
static int
prepare (struct extractor *extractor, const char *backbone, int batch, int threads)
{
  char reason[NETWORK_ERROR_BYTES];
  const struct preprocess *preprocess = &extractor->preprocess;
  struct provenance *provenance = &extractor->provenance;
  struct network_plan plan = {
    .height = preprocess->height, .width = preprocess->width, .batch = batch, .threads = threads
  };
  struct network_shape shape;
  preprocess_tabulate (preprocess, plan.pixels.colour, plan.pixels.table);
  if (network_prepare (extractor->network, &plan, &shape, reason))
    return error_set (
      "cannot use the backbone '%s' for images of 3 x %d x %d: %s; give it the --preprocess that it was "
      "trained with, or another backbone",
      backbone, preprocess->height, preprocess->width, reason);
  extractor->columns = 1;
  provenance->rank = shape.rank;
  for (int i = 0; i < shape.rank; i++)
    {
      provenance->shape[i] = shape.size[i];
      extractor->columns *= shape.size[i];
    }
  extractor->image_bytes = (size_t) preprocess->height * (size_t) preprocess->width * 3;
  return 0;
}

int
extractor_open (struct extractor *extractor, const struct extractor_options *options, int batch, int threads)
{
  char reason[NETWORK_ERROR_BYTES];
  const char *backbone = options->backbone, *preprocess = options->preprocess;
  *extractor = (struct extractor){ .provenance = { .layer = "output", .preprocess = "keras" } };
  struct provenance *provenance = &extractor->provenance;
  if (preprocess && preprocess_parse (&extractor->preprocess, preprocess))
    return -1;
  if (file_sha256 (backbone, provenance->backbone_sha256))
    return -1;
  if (network_open (&extractor->network, backbone, &options->network, reason))
    return error_set ("cannot use the backbone '%s': %s", backbone, reason);
  provenance->exif = options->exif;
  snprintf (provenance->pool, sizeof provenance->pool, "%s", pool_names[options->network.pool]);
  snprintf (provenance->precision, sizeof provenance->precision, "%s", precision_names[options->network.precision]);
  const char *metadata = network_metadata (extractor->network);
  copy_entry (metadata, "layer", provenance->layer, sizeof provenance->layer);
  copy_entry (metadata, "preprocess", provenance->preprocess, sizeof provenance->preprocess);
  if (preprocess)
    snprintf (provenance->preprocess, sizeof provenance->preprocess, "%s", preprocess);
  if (preprocess_parse (&extractor->preprocess, provenance->preprocess)
      || prepare (extractor, backbone, batch, threads))
    {
      extractor_close (extractor);
      return -1;
    }
  return 0;
}

void
extractor_close (struct extractor *extractor)
{
  network_close (extractor->network);
  extractor->network = NULL;
}

int
extractor_decode (const struct extractor *extractor, const void *data, size_t length, unsigned char *pixels)
{
  struct pixels image;
  if (decode_jpeg (data, length, extractor->provenance.exif, &image))
    return -1;
  int result = preprocess_resize (&extractor->preprocess, &image, pixels);
  pixels_free (&image);
  return result;
}

int
extractor_run (const struct extractor *extractor, const unsigned char *pixels, int count, float *features)
{
  char reason[NETWORK_ERROR_BYTES];
  if (network_run (extractor->network, pixels, count, features, reason))
    return error_set ("the network failed on a batch of %d images: %s; try a smaller --network-batch", count, reason);
  return 0;
}
