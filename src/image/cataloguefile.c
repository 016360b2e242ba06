#include <config.h>

#include "cataloguefile.h"

#include "../base/error.h"
#include "../base/random.h"
#include "manifest.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SHUFFLE_STREAM = 1, BLOCK_BYTES = 64 << 10 };

/* Writing: what is written is counted and goes into the checksum, in blocks.  */
struct writing {
  const struct listing *listing;
  struct draft *draft;
  struct digest digest;
  uint64_t offset;
  uint64_t text; /* of the next path: paths follow the records, stamps and splits */
  struct spool *order;
  struct split_row *split; /* (splits) */
  struct footer footer;
  size_t waiting; /* in the block */
  unsigned char block[BLOCK_BYTES];
};

static int
flush (struct writing *writing)
{
  size_t length = writing->waiting;
  digest_add (&writing->digest, writing->block, length);
  writing->waiting = 0;
  return draft_write (writing->draft, writing->block, length);
}

static int
put (struct writing *writing, const void *data, size_t length)
{
  const unsigned char *from = data;
  writing->offset += length;
  while (length > 0)
    {
      size_t room = BLOCK_BYTES - writing->waiting, taken = length < room ? length : room;
      memcpy (writing->block + writing->waiting, from, taken);
      writing->waiting += taken;
      from += taken;
      length -= taken;
      if (writing->waiting == BLOCK_BYTES && flush (writing))
        return -1;
    }
  return 0;
}

static int
put_text (struct writing *writing, const char *text)
{
  return put (writing, text, strlen (text) + 1);
}

static struct image
entry_image (const struct listing *listing, const struct entry *entry)
{
  return (struct image){
    .path = listing->text + entry->path, .bytes = entry->bytes, .place = entry->place, .label = entry->label
  };
}

static void
count_images (struct writing *writing)
{
  const struct listing *listing = writing->listing;
  for (size_t i = 0; i < listing->count; i++)
    {
      struct split_row *split = &writing->split[listing->entry[i].split];
      if (split->count++ == 0)
        split->first = i;
      split->labelled = listing->entry[i].label >= 0;
    }
}

/* ORDER (all images) becomes the order of the rows: each split's part is shuffled.  */
static void
shuffle_splits (const struct writing *writing, uint64_t *order)
{
  for (size_t i = 0; i < writing->listing->splits.count; i++)
    {
      const struct split_row *split = &writing->split[i];
      struct random random = random_new (writing->footer.seed, SHUFFLE_STREAM);
      for (uint64_t j = 0; j < split->count; j++)
        order[split->first + j] = j;
      random_shuffle (&random, order + split->first, split->count);
      for (uint64_t j = 0; j < split->count; j++)
        order[split->first + j] += split->first;
    }
}

/* The records of SPLIT, and what its row has to say of them.  */
static int
put_records (struct writing *writing, const uint64_t *order, struct split_row *split)
{
  const struct listing *listing = writing->listing;
  const struct names none = { 0 };
  struct digest digest;
  if (manifest_digest_begin (&digest, writing->footer.seed, split->labelled ? &listing->classes : &none))
    return -1;
  for (uint64_t i = split->first; i < split->first + split->count; i++)
    {
      struct image image = entry_image (listing, &listing->entry[order[i]]);
      const struct record record = { writing->text, image.bytes, image.place, image.label };
      uint64_t length = strlen (image.path);
      writing->text += length + 1;
      split->path_bytes = length > split->path_bytes ? length : split->path_bytes;
      if (manifest_digest_image (&digest, &image) || put (writing, &record, sizeof record))
        {
          digest_discard (&digest);
          return -1;
        }
    }
  return digest_end (&digest, split->sha256);
}

static int
put_stamps (struct writing *writing)
{
  struct spool *spool = writing->listing->stamps;
  const struct stamp *stamps = spool_map (spool);
  writing->footer.stamps = writing->offset;
  writing->footer.stamp_count = spool_bytes (spool) / sizeof *stamps;
  for (uint64_t i = 0; stamps && i < writing->footer.stamp_count; i++)
    {
      struct stamp stamp = stamps[i];
      stamp.path = writing->text;
      writing->text += strlen (writing->listing->text + stamps[i].path) + 1;
      if (put (writing, &stamp, sizeof stamp))
        return -1;
    }
  return stamps ? 0 : -1;
}

static int
put_splits (struct writing *writing)
{
  const struct names *splits = &writing->listing->splits;
  writing->footer.splits = writing->offset;
  writing->footer.split_count = splits->count;
  for (size_t i = 0; i < splits->count; i++)
    {
      writing->split[i].name = writing->text;
      writing->text += strlen (splits->name[i]) + 1;
      if (put (writing, &writing->split[i], sizeof *writing->split))
        return -1;
    }
  return 0;
}

/* In the order in which their offsets were given.  */
static int
put_texts (struct writing *writing, const uint64_t *order)
{
  const struct listing *listing = writing->listing;
  const struct stamp *stamps = spool_map (listing->stamps);
  int result = 0;
  for (size_t i = 0; i < listing->count && result == 0; i++)
    result = put_text (writing, listing->text + listing->entry[order[i]].path);
  for (uint64_t i = 0; i < writing->footer.stamp_count && result == 0; i++)
    result = put_text (writing, listing->text + stamps[i].path);
  for (size_t i = 0; i < listing->splits.count && result == 0; i++)
    result = put_text (writing, listing->splits.name[i]);
  writing->footer.classes = writing->offset;
  writing->footer.class_count = listing->classes.count;
  for (size_t i = 0; i < listing->classes.count && result == 0; i++)
    result = put_text (writing, listing->classes.name[i]);
  writing->footer.kind = writing->offset;
  if (result == 0)
    result = put_text (writing, source_kind (listing->source));
  while (result == 0 && writing->offset % sizeof (uint64_t)) /* the footer's place */
    result = put (writing, "", 1);
  return result;
}

/* The footer's own checksum is the last that is written, and not in it.  */
static int
put_footer (struct writing *writing)
{
  struct footer *footer = &writing->footer;
  memcpy (footer->magic, CATALOGUEFILE_MAGIC, sizeof CATALOGUEFILE_MAGIC);
  footer->version = CATALOGUEFILE_VERSION;
  if (put (writing, footer, offsetof (struct footer, sha256)) || flush (writing)
      || digest_end (&writing->digest, footer->sha256))
    return -1;
  return draft_write (writing->draft, footer->sha256, sizeof footer->sha256);
}

static int
put_all (struct writing *writing, const uint64_t *order)
{
  const struct listing *listing = writing->listing;
  writing->text = listing->count * sizeof (struct record) + spool_bytes (listing->stamps)
                  + listing->splits.count * sizeof *writing->split;
  for (size_t i = 0; i < listing->splits.count; i++)
    if (put_records (writing, order, &writing->split[i]))
      return -1;
  return put_stamps (writing) || put_splits (writing) || put_texts (writing, order) || put_footer (writing) ? -1 : 0;
}

static int
write_listing (struct writing *writing, const char *path)
{
  const struct listing *listing = writing->listing;
  uint64_t *order = NULL;
  writing->split = calloc (listing->splits.count + 1, sizeof *writing->split);
  if (!writing->split)
    return error_set ("no memory left to write '%s'; give the job more memory", path);
  if (!(writing->order = spool_new (path)) || spool_reserve (writing->order, listing->count * sizeof *order)
      || !(order = spool_map (writing->order)) || !(writing->draft = draft_new (path)))
    return -1;
  count_images (writing);
  shuffle_splits (writing, order);
  writing->digest = digest_begin ();
  return put_all (writing, order);
}

struct draft *
cataloguefile_write (const struct listing *listing, uint64_t seed, uint64_t built, const char *path)
{
  struct writing writing = { .listing = listing, .footer = { .seed = seed, .built = built } };
  if (write_listing (&writing, path))
    {
      draft_discard (writing.draft);
      digest_discard (&writing.digest);
      writing.draft = NULL;
    }
  spool_free (writing.order);
  free (writing.split);
  return writing.draft;
}
