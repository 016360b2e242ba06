#include <config.h>

#include "manifest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct image
manifest_image (const struct manifest *manifest, size_t number)
{
  const struct record *record = &manifest->record[number];
  return (struct image){ .path = manifest->text + record->path,
                         .bytes = record->bytes,
                         .place = record->place,
                         .label = (int32_t) record->label };
}

void
manifest_free (struct manifest *manifest)
{
  names_free (&manifest->classes);
  *manifest = (struct manifest){ 0 };
}

/* Adds RECORD, with its final 0, and frees it.  NULL fails.  */
static int
digest_record (struct digest *digest, char *record)
{
  if (record)
    digest_add (digest, record, strlen (record) + 1);
  free (record);
  return record ? 0 : -1;
}

int
manifest_digest_begin (struct digest *digest, uint64_t seed, const struct names *classes)
{
  *digest = digest_begin ();
  int result = digest_record (digest, text_new ("seed %" PRIu64, seed));
  for (size_t i = 0; i < classes->count && result == 0; i++)
    result = digest_record (digest, text_new ("class %s", classes->name[i]));
  if (result)
    digest_discard (digest);
  return result;
}

int
manifest_digest_image (struct digest *digest, const struct image *image)
{
  return digest_record (digest, text_new ("image %" PRId32 " %" PRIu64 " %s", image->label, image->bytes, image->path));
}
