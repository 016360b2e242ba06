#include <config.h>

#include "extractor.h"

#include "../base/error.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A larger file is no photograph: a reason to fail, not to run out of memory.  */
static const size_t file_bytes_limit = (size_t) 1 << 30;

static const char *const pool_names[] = { "none", "avg", "max" };

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

static int
describe (struct extractor *extractor, const char *backbone)
{
  char reason[NETWORK_ERROR_BYTES];
  const struct preprocess *preprocess = &extractor->preprocess;
  struct provenance *provenance = &extractor->provenance;
  struct network_shape shape;
  if (network_describe (extractor->network, preprocess->height, preprocess->width, &shape, reason))
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
  extractor->image_values = (size_t) preprocess->height * (size_t) preprocess->width * 3;
  return 0;
}

int
extractor_open (struct extractor *extractor, const char *backbone, const char *preprocess, enum network_pool pool,
                bool exif, int threads)
{
  char reason[NETWORK_ERROR_BYTES];
  *extractor = (struct extractor){ .provenance = { .layer = "output", .preprocess = "keras", .precision = "f32" } };
  struct provenance *provenance = &extractor->provenance;
  if (preprocess && preprocess_parse (&extractor->preprocess, preprocess))
    return -1;
  if (file_sha256 (backbone, provenance->backbone_sha256))
    return -1;
  const struct network_options options = { .threads = threads, .pool = pool };
  if (network_open (&extractor->network, backbone, &options, reason))
    return error_set ("cannot use the backbone '%s': %s", backbone, reason);
  provenance->exif = exif;
  snprintf (provenance->pool, sizeof provenance->pool, "%s", pool_names[pool]);
  const char *metadata = network_metadata (extractor->network);
  copy_entry (metadata, "layer", provenance->layer, sizeof provenance->layer);
  copy_entry (metadata, "preprocess", provenance->preprocess, sizeof provenance->preprocess);
  if (preprocess)
    snprintf (provenance->preprocess, sizeof provenance->preprocess, "%s", preprocess);
  if (preprocess_parse (&extractor->preprocess, provenance->preprocess) || describe (extractor, backbone))
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
extractor_load (const struct extractor *extractor, const char *path, unsigned char *pixels)
{
  size_t length;
  struct pixels image;
  errno = 0;
  void *data = file_read (path, file_bytes_limit, &length);
  if (!data)
    return errno ? error_set ("cannot be read: %s", strerror (errno)) : -1;
  int result = decode_jpeg (data, length, extractor->provenance.exif, &image);
  free (data);
  if (result)
    return -1;
  result = preprocess_resize (&extractor->preprocess, &image, pixels);
  pixels_free (&image);
  return result;
}

int
extractor_run (const struct extractor *extractor, const float *planes, int count, float *features)
{
  char reason[NETWORK_ERROR_BYTES];
  const struct preprocess *preprocess = &extractor->preprocess;
  if (network_run (extractor->network, planes, count, preprocess->height, preprocess->width, features,
                   extractor->columns, reason))
    return error_set ("the network failed on a batch of %d images: %s; try a smaller --network-batch", count, reason);
  return 0;
}
