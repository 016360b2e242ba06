#include <config.h>

#include "extractor.h"

#include "../base/error.h"
#include "../base/foreign.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const pool_names[] = { "none", "avg", "max" };
static const char *const precision_names[] = { "f32", "tf32", "bf16", "f16" };

static bool
is_device (const char *text)
{
  static const char prefix[] = "cuda:";
  size_t length = sizeof prefix - 1;
  if (!strcmp (text, "cpu") || !strcmp (text, "cuda"))
    return true;
  size_t digits = strncmp (text, prefix, length) ? 0 : strspn (text + length, "0123456789");
  return digits > 0 && digits < 3 && text[length + digits] == '\0';
}

int
extractor_parse_device (const char *text, const char **device)
{
  if (!is_device (text))
    return error_usage ("--device takes cpu, cuda or cuda:N, not '%s'", text);
  *device = text;
  return 0;
}

int
extractor_parse_precision (const char *text, enum network_precision *precision)
{
  for (size_t i = 0; i < sizeof precision_names / sizeof *precision_names; i++)
    if (!strcmp (text, precision_names[i]))
      {
        *precision = (enum network_precision) i;
        return 0;
      }
  return error_usage ("--precision takes f32, tf32, bf16 or f16, not '%s'", text);
}

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
static bool /* whether it is there */
copy_entry (const char *metadata, const char *key, char *value, size_t bytes)
{
  json_t *object = json_loads (metadata, 0, NULL);
  const char *text = json_string_value (json_object_get (object, key));
  if (text)
    snprintf (value, bytes, "%s", text);
  json_decref (object);
  return text != NULL;
}

/* The pool inside the backbone's network is that of the rows, if it has one.  */
static int
take_pool (struct provenance *provenance, const struct extractor_options *options, const char *metadata)
{
  const char *asked = pool_names[options->network.pool];
  snprintf (provenance->pool, sizeof provenance->pool, "none");
  copy_entry (metadata, "pool", provenance->pool, sizeof provenance->pool);
  if (!strcmp (provenance->pool, "none"))
    snprintf (provenance->pool, sizeof provenance->pool, "%s", asked);
  else if (options->network.pool != NETWORK_POOL_NONE && strcmp (provenance->pool, asked))
    return error_set ("the backbone '%s' pools by %s itself; leave --pool out, or make the backbone with --pool none",
                      options->backbone, provenance->pool);
  return 0;
}

int
extractor_prepare (struct extractor *extractor, int batch, int threads)
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
      extractor->backbone, preprocess->height, preprocess->width, reason);
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

/* Puts decode=scaled before SPEC (bytes), unless it is there.  */
static int
add_scaled (char *spec, size_t bytes)
{
  static const char scaled[] = "decode=scaled,";
  size_t length = strlen (spec), more = sizeof scaled - 1;
  if (!strncmp (spec, scaled, more))
    return 0;
  if (length + more >= bytes)
    return error_usage ("preprocessing '%s' is too long for --scaled-decode; leave out what is as usual", spec);
  memmove (spec + more, spec, length + 1);
  memcpy (spec, scaled, more);
  return 0;
}

int
extractor_open (struct extractor *extractor, const struct extractor_options *options, int batch, int threads)
{
  char reason[NETWORK_ERROR_BYTES];
  const char *backbone = options->backbone, *preprocess = options->preprocess;
  *extractor = (struct extractor){ .backbone = backbone,
                                   .device = options->network.device,
                                   .provenance = { .layer = "output", .preprocess = "keras" } };
  struct provenance *provenance = &extractor->provenance;
  if (preprocess && preprocess_parse (&extractor->preprocess, preprocess))
    return -1;
  if (file_sha256 (backbone, provenance->backbone_sha256))
    return -1;
  if (network_open (&extractor->network, backbone, &options->network, reason))
    return foreign_refuse (backbone, true) ? -1 : error_set ("cannot use the backbone '%s': %s", backbone, reason);
  provenance->exif = options->exif;
  snprintf (provenance->precision, sizeof provenance->precision, "%s", precision_names[options->network.precision]);
  const char *metadata = network_metadata (extractor->network);
  copy_entry (metadata, "layer", provenance->layer, sizeof provenance->layer);
  bool carried = copy_entry (metadata, "preprocess", provenance->preprocess, sizeof provenance->preprocess);
  extractor->assumed = !carried && !preprocess;
  if (preprocess)
    snprintf (provenance->preprocess, sizeof provenance->preprocess, "%s", preprocess);
  if ((options->scaled && add_scaled (provenance->preprocess, sizeof provenance->preprocess))
      || take_pool (provenance, options, metadata) || preprocess_parse (&extractor->preprocess, provenance->preprocess)
      || extractor_prepare (extractor, batch, threads))
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
  return preprocess_image (&extractor->preprocess, data, length, extractor->provenance.exif, pixels);
}

int
extractor_run (const struct extractor *extractor, const unsigned char *pixels, int count, float *features)
{
  char reason[NETWORK_ERROR_BYTES];
  if (network_run (extractor->network, pixels, count, features, reason))
    return error_set ("the network failed on a batch of %d images: %s; try a smaller --network-batch", count, reason);
  return 0;
}
