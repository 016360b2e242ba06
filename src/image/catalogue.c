#include <config.h>

#include "catalogue.h"

#include "../base/draft.h"
#include "../base/error.h"
#include "../base/random.h"
#include "layout.h"
#include "listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
  SHUFFLE_STREAM = 1,
  LAYOUT_VERSION = 1,
  BLOCK_BYTES = 64 << 10,
  RECENT_SECONDS = 2, /* what changed so shortly before may change again within the same tick of the file system */
};

/* A row of the table of splits.  */
struct split_row {
  uint64_t name, first, count, path_bytes;
  uint64_t labelled;
  char sha256[72]; /* FILE_SHA256_BYTES */
};

struct footer {
  char magic[24];
  uint64_t version, seed;
  uint64_t built; /* when the listing began: seconds since 1970 */
  uint64_t kind;  /* text: of the source */
  uint64_t stamps, stamp_count, splits, split_count, classes, class_count; /* offsets and counts; records are at 0 */
  char sha256[72];
};

static const char magic[24] = "slabfit's catalogue";

struct catalogue {
  const struct source *source;
  const char *map; /* the file */
  size_t bytes;
  const struct footer *footer;
  struct names splits, classes;
};

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
  memcpy (footer->magic, magic, sizeof magic);
  footer->version = LAYOUT_VERSION;
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

/* Maps PATH.  -1 with the error set.  */
static int
map_file (struct catalogue *catalogue, const char *path)
{
  struct stat status;
  int descriptor = open (path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 || fstat (descriptor, &status))
    error_system ("open", path);
  else if (status.st_size < (off_t) sizeof (struct footer) || status.st_size % (off_t) sizeof (uint64_t))
    error_set ("'%s' is not whole; remove it", path);
  else
    {
      void *map = mmap (NULL, (size_t) status.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
      if (map == MAP_FAILED)
        error_system ("map", path);
      else
        {
          catalogue->map = map;
          catalogue->bytes = (size_t) status.st_size;
          catalogue->footer = (const struct footer *) (catalogue->map + catalogue->bytes - sizeof (struct footer));
        }
    }
  if (descriptor >= 0)
    close (descriptor);
  return catalogue->map ? 0 : -1;
}

/* Whether the file is one of ours, and what it was when it was written.  */
static bool
is_whole (const struct catalogue *catalogue)
{
  enum { BLOCK = 1 << 20 };
  const struct footer *footer = catalogue->footer;
  char sha256[FILE_SHA256_BYTES];
  size_t length = catalogue->bytes - sizeof footer->sha256;
  if (memcmp (footer->magic, magic, sizeof magic) || footer->version != LAYOUT_VERSION)
    return false;
  struct digest digest = digest_begin ();
  for (size_t at = 0; at < length; at += BLOCK)
    digest_add (&digest, catalogue->map + at, length - at < BLOCK ? length - at : BLOCK);
  return digest_end (&digest, sha256) == 0 && !memcmp (sha256, footer->sha256, sizeof sha256);
}

/* Whether PATH of the source is as STAMP says, and has not been changed so lately that a further change might not
   show.  */
static bool
is_unchanged (const struct catalogue *catalogue, const struct stamp *stamp)
{
  struct stat status;
  const char *folder = source_folder (catalogue->source), *name = catalogue->map + stamp->path;
  char *path = *name ? file_path (folder, name) : text_new ("%s", folder);
  bool there = path && stat (path, &status) == 0;
  free (path);
  if (!there)
    return false;
  uint64_t seconds = (uint64_t) status.st_mtim.tv_sec;
  return seconds * 1000000000 + (uint64_t) status.st_mtim.tv_nsec == stamp->modified
         && (uint64_t) status.st_ino == stamp->inode && seconds + RECENT_SECONDS < catalogue->footer->built;
}

/* Whether it is of this source: another list or tar file in the same folder leaves the stamps as they are.  */
static bool
is_of_source (const struct catalogue *catalogue, const struct stamp *stamps)
{
  const struct source *source = catalogue->source;
  const char *kind = source_kind (source), *dataset = source_dataset (source), *slash = strrchr (dataset, '/');
  if (strcmp (catalogue->map + catalogue->footer->kind, kind))
    return false;
  if (strcmp (kind, "list") && strcmp (kind, "tar"))
    return true;
  return catalogue->footer->stamp_count == 1 && !strcmp (catalogue->map + stamps[0].path, slash ? slash + 1 : dataset);
}

static bool
is_fresh (const struct catalogue *catalogue, uint64_t seed)
{
  const struct footer *footer = catalogue->footer;
  if (!is_whole (catalogue) || footer->seed != seed)
    return false;
  const struct stamp *stamps = (const struct stamp *) (catalogue->map + footer->stamps);
  if (!is_of_source (catalogue, stamps))
    return false;
  for (uint64_t i = 0; i < footer->stamp_count; i++)
    if (!is_unchanged (catalogue, &stamps[i]))
      return false;
  return true;
}

static const struct split_row *
split_rows (const struct catalogue *catalogue)
{
  return (const struct split_row *) (catalogue->map + catalogue->footer->splits);
}

static int
read_names (struct catalogue *catalogue)
{
  const struct footer *footer = catalogue->footer;
  const char *name = catalogue->map + footer->classes;
  for (uint64_t i = 0; i < footer->split_count; i++)
    if (names_add (&catalogue->splits, catalogue->map + split_rows (catalogue)[i].name))
      return -1;
  for (uint64_t i = 0; i < footer->class_count; i++, name += strlen (name) + 1)
    if (names_add (&catalogue->classes, name))
      return -1;
  return 0;
}

static void
unmap_file (struct catalogue *catalogue)
{
  if (catalogue->map)
    munmap ((void *) catalogue->map, catalogue->bytes);
  catalogue->map = NULL;
}

/* Maps what stands as PATH where it may be used; false otherwise, with no error set.  */
static bool
map_fresh (struct catalogue *catalogue, const char *path, uint64_t seed)
{
  if (map_file (catalogue, path) == 0 && is_fresh (catalogue, seed))
    return true;
  error_clear ();
  unmap_file (catalogue);
  return false;
}

/* Lists the source and writes PATH, unless another task has made it meanwhile, which others may have mapped already: on
   a network's file system a file that is replaced is gone for the machines that have it mapped.  CATALOGUE then has
   it.  */
static int
build (struct catalogue *catalogue, const char *path, uint64_t seed)
{
  struct listing listing;
  struct writing writing = { .listing = &listing, .footer = { .seed = seed, .built = (uint64_t) time (NULL) } };
  if (listing_make (&listing, catalogue->source, path))
    return -1;
  int result = write_listing (&writing, path);
  if (result == 0 && !map_fresh (catalogue, path, seed))
    result = draft_commit (writing.draft);
  else
    {
      draft_discard (writing.draft);
      digest_discard (&writing.digest);
    }
  spool_free (writing.order);
  free (writing.split);
  listing_free (&listing);
  return result;
}

/* Whether the part REST of a path leads through no hidden folder, which sources leave out.  */
static bool
is_visible (const char *rest)
{
  return *rest != '.' && !strstr (rest, "/.");
}

/* A folder that the catalogue lies in, and later the features, would be listed as one of images.  */
static int
check_place (const struct source *source, const char *path)
{
  const char *slash = strrchr (path, '/');
  bool folder = !strcmp (source_kind (source), "folder") || !strcmp (source_kind (source), "tars");
  char *place = folder ? text_new ("%.*s", slash ? (int) (slash - path) : 1, slash ? path : ".") : NULL;
  char *inner = place ? realpath (place, NULL) : NULL, *outer = inner ? realpath (source_folder (source), NULL) : NULL;
  size_t length = outer ? strlen (outer) : 0;
  int result = 0;
  if (outer && !strncmp (inner, outer, length) && (inner[length] == '/' || inner[length] == '\0')
      && is_visible (inner + length + (inner[length] == '/')))
    result = error_set ("'%s' lies in the dataset '%s', which it would become a part of; choose a folder elsewhere",
                        place, source_dataset (source));
  free (outer);
  free (inner);
  free (place);
  return result;
}

/* Maps PATH, which is made first where what stands there may not be used.  */
static int
take_file (struct catalogue *catalogue, const char *path, uint64_t seed)
{
  if (map_fresh (catalogue, path, seed))
    return read_names (catalogue);
  if (check_place (catalogue->source, path) || build (catalogue, path, seed)
      || (!catalogue->map && map_file (catalogue, path)))
    return -1;
  if (!is_whole (catalogue) || catalogue->footer->seed != seed)
    return error_set ("'%s' was replaced by another job or is damaged; run the same command again", path);
  return read_names (catalogue);
}

struct catalogue *
catalogue_open (const struct source *source, const char *path, uint64_t seed)
{
  struct catalogue *catalogue = calloc (1, sizeof *catalogue);
  if (!catalogue)
    {
      error_set ("no memory left for the images of '%s'; give the job more memory", source_dataset (source));
      return NULL;
    }
  catalogue->source = source;
  if (take_file (catalogue, path, seed) == 0)
    return catalogue;
  catalogue_close (catalogue);
  return NULL;
}

void
catalogue_close (struct catalogue *catalogue)
{
  if (!catalogue)
    return;
  unmap_file (catalogue);
  names_free (&catalogue->splits);
  names_free (&catalogue->classes);
  free (catalogue);
}

const struct names *
catalogue_splits (const struct catalogue *catalogue)
{
  return &catalogue->splits;
}

static int
no_such_split (const struct catalogue *catalogue, const char *split)
{
  char *known = names_join (&catalogue->splits);
  if (known)
    error_set ("'%s' has no split '%s'; it has %s", source_dataset (catalogue->source), split, known);
  free (known);
  return -1;
}

int
catalogue_manifest (const struct catalogue *catalogue, const char *split, struct manifest *manifest)
{
  int64_t number = names_find (&catalogue->splits, split);
  *manifest = (struct manifest){ 0 };
  if (number < 0)
    return no_such_split (catalogue, split);
  const struct split_row *row = &split_rows (catalogue)[number];
  if (row->count == 0)
    return layout_no_images (catalogue->source, split);
  if (row->labelled && names_copy (&manifest->classes, &catalogue->classes))
    return -1;
  manifest->count = row->count;
  manifest->path_bytes = row->path_bytes;
  manifest->seed = catalogue->footer->seed;
  memcpy (manifest->sha256, row->sha256, sizeof manifest->sha256);
  manifest->record = (const struct record *) catalogue->map + row->first;
  manifest->text = catalogue->map;
  return 0;
}
