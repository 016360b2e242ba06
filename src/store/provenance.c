#include <config.h>

#include "provenance.h"

#include "../base/error.h"
#include "../base/hdf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
provenance_write (const struct provenance *provenance, hid_t object, const char *file)
{
  if (provenance->rank == 0)
    return 0;
  if (hdf_write_integers (object, "feature_shape", provenance->shape, (size_t) provenance->rank, file)
      || hdf_write_text (object, "backbone_sha256", provenance->backbone_sha256, file)
      || hdf_write_text (object, "layer", provenance->layer, file)
      || hdf_write_text (object, "pool", provenance->pool, file)
      || hdf_write_text (object, "preprocess", provenance->preprocess, file)
      || hdf_write_integer (object, "exif", H5T_STD_I32LE, provenance->exif, file)
      || hdf_write_text (object, "precision", provenance->precision, file))
    return -1;
  return 0;
}

int
provenance_read (struct provenance *provenance, hid_t object, const char *file)
{
  size_t rank;
  int64_t exif;
  *provenance = (struct provenance){ 0 };
  if (hdf_read_integers (object, "feature_shape", provenance->shape, PROVENANCE_RANK, &rank, file)
      || hdf_read_text (object, "backbone_sha256", provenance->backbone_sha256, sizeof provenance->backbone_sha256,
                        file)
      || hdf_read_text (object, "layer", provenance->layer, sizeof provenance->layer, file)
      || hdf_read_text (object, "pool", provenance->pool, sizeof provenance->pool, file)
      || hdf_read_text (object, "preprocess", provenance->preprocess, sizeof provenance->preprocess, file)
      || hdf_read_integer (object, "exif", &exif, file)
      || hdf_read_text (object, "precision", provenance->precision, sizeof provenance->precision, file))
    return -1;
  provenance->rank = (int) rank;
  provenance->exif = exif != 0;
  return 0;
}

int
origin_write (const struct origin *origin, hid_t object, const char *file)
{
  if (hdf_write_integer (object, "seed", H5T_STD_U64LE, (int64_t) origin->seed, file)
      || hdf_write_text (object, "manifest_sha256", origin->manifest_sha256, file)
      || hdf_write_text (object, "version", origin->version, file)
      || hdf_write_text (object, "command", origin->command ? origin->command : "", file)
      || hdf_write_integer (object, "images", H5T_STD_U64LE, (int64_t) origin->images, file)
      || hdf_write_integer (object, "part", H5T_STD_U64LE, (int64_t) origin->part, file)
      || hdf_write_integer (object, "parts", H5T_STD_U64LE, (int64_t) origin->parts, file))
    return -1;
  return 0;
}

int
origin_read (struct origin *origin, hid_t object, const char *file)
{
  int64_t seed, images, part, parts;
  *origin = (struct origin){ 0 };
  if (hdf_read_integer (object, "seed", &seed, file)
      || hdf_read_text (object, "manifest_sha256", origin->manifest_sha256, sizeof origin->manifest_sha256, file)
      || hdf_read_text (object, "version", origin->version, sizeof origin->version, file)
      || hdf_read_integer (object, "images", &images, file) || hdf_read_integer (object, "part", &part, file)
      || hdf_read_integer (object, "parts", &parts, file)
      || hdf_read_text_new (object, "command", &origin->command, file))
    return -1;
  origin->seed = (uint64_t) seed;
  origin->images = (uint64_t) images;
  origin->part = (uint64_t) part;
  origin->parts = (uint64_t) parts;
  return 0;
}

void
origin_free (struct origin *origin)
{
  free (origin->command);
  origin->command = NULL;
}

enum { SHAPE_TEXT_BYTES = 24 * PROVENANCE_RANK };

static void
describe_shape (const struct provenance *provenance, char text[SHAPE_TEXT_BYTES])
{
  size_t used = 0;
  for (int i = 0; i < provenance->rank && i < PROVENANCE_RANK; i++)
    used += (size_t) snprintf (text + used, SHAPE_TEXT_BYTES - used, "%s%" PRId64, i ? "x" : "", provenance->shape[i]);
}

const char *
provenance_quote (const char *file, char text[PROVENANCE_NAME_BYTES])
{
  snprintf (text, PROVENANCE_NAME_BYTES, file ? "'%s'" : "this command", file);
  return text;
}

int
provenance_compare (const struct provenance *a, const char *file_a, const struct provenance *b, const char *file_b,
                    const char *remedy)
{
  if (a->rank == 0 || b->rank == 0)
    return 0;
  char shape_a[SHAPE_TEXT_BYTES] = "", shape_b[SHAPE_TEXT_BYTES] = "", name_b[PROVENANCE_NAME_BYTES];
  describe_shape (a, shape_a);
  describe_shape (b, shape_b);
  const struct {
    const char *name, *a, *b;
  } fields[] = {
    { "backbone_sha256", a->backbone_sha256, b->backbone_sha256 },
    { "layer", a->layer, b->layer },
    { "pool", a->pool, b->pool },
    { "preprocess", a->preprocess, b->preprocess },
    { "exif", a->exif ? "honoured" : "ignored", b->exif ? "honoured" : "ignored" },
    { "precision", a->precision, b->precision },
    { "feature_shape", shape_a, shape_b },
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (strcmp (fields[i].a, fields[i].b))
      return error_set ("%s is '%s' in '%s' and '%s' in %s; %s", fields[i].name, fields[i].a, file_a, fields[i].b,
                        provenance_quote (file_b, name_b), remedy);
  return 0;
}
