#include <config.h>

#include "catalogue.h"

#include "../base/error.h"
#include "cataloguefile.h"
#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What changed so shortly before may change again within the same tick of the file system.  */
enum { RECENT_SECONDS = 2 };

struct catalogue {
  const struct source *source;
  const char *map; /* the file */
  size_t bytes;
  const struct footer *footer;
  struct names splits, classes;
};

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
  if (memcmp (footer->magic, CATALOGUEFILE_MAGIC, sizeof CATALOGUEFILE_MAGIC)
      || footer->version != CATALOGUEFILE_VERSION)
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
  uint64_t now = (uint64_t) time (NULL);
  if (listing_make (&listing, catalogue->source, path))
    return -1;
  struct draft *draft = cataloguefile_write (&listing, seed, now, path);
  int result = draft ? 0 : -1;
  if (draft && !map_fresh (catalogue, path, seed))
    result = draft_commit (draft);
  else
    draft_discard (draft);
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
