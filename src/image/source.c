#include <config.h>

#include "sourcekind.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/folder.h"
#include "../base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void *
source_read_file (const struct source *source, const struct image *image, size_t *length)
{
  char *path = *image->path == '/' ? text_new ("%s", image->path) : file_path (source->folder, image->path);
  if (!path)
    return NULL;
  errno = 0;
  void *data = file_read (path, source_bytes_limit, length);
  if (!data && errno)
    error_set ("cannot be read: %s", strerror (errno));
  free (path);
  return data;
}

struct item
source_stamp (const char *path, const struct stat *status)
{
  uint64_t seconds = (uint64_t) status->st_mtim.tv_sec, rest = (uint64_t) status->st_mtim.tv_nsec;
  return (struct item){
    .kind = ITEM_STAMP, .path = path, .modified = seconds * 1000000000 + rest, .inode = (uint64_t) status->st_ino
  };
}

static bool
ends_with (const char *name, const char *end)
{
  size_t length = strlen (name), tail = strlen (end);
  return length > tail && !strcasecmp (name + length - tail, end);
}

bool
source_is_image_name (const char *path)
{
  static const char *const ends[] = { ".jpg", ".jpeg", ".jpe", ".jfif", ".png" };
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (ends_with (path, ends[i]))
      return true;
  return false;
}

/* The program that unpacks the compressed tar file NAME; NULL where it is not called as one.  */
static const char *
find_unpacker_of (const char *name)
{
  static const struct {
    const char *end, *program;
  } packed[] = { { ".tar.gz", "gzip" }, { ".tgz", "gzip" },      { ".tar.zst", "zstd" }, { ".tar.xz", "xz" },
                 { ".txz", "xz" },      { ".tar.bz2", "bzip2" }, { ".tbz2", "bzip2" } };
  for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
    if (ends_with (name, packed[i].end))
      return packed[i].program;
  return NULL;
}

static int
refuse_compressed (const char *path, const char *program)
{
  return error_set ("'%s' is compressed, so that no image in it can be read alone; unpack it with %s -d", path,
                    program);
}

/* What lies in a folder.  */
struct survey {
  struct names *tars;
  char *packed, *image; /* the first by name: a compressed tar file, an image; owned */
  bool folders;
};

static int
keep_first (char **first, const char *name)
{
  if (*first && strcmp (*first, name) <= 0)
    return 0;
  free (*first);
  *first = text_new ("%s", name);
  return *first ? 0 : -1;
}

static int
survey_entry (void *context, const struct folder_entry *entry)
{
  struct survey *survey = context;
  survey->folders |= entry->folder;
  if (entry->folder)
    return 0;
  if (ends_with (entry->name, ".tar"))
    return names_add (survey->tars, entry->name);
  if (find_unpacker_of (entry->name))
    return keep_first (&survey->packed, entry->name);
  return source_is_image_name (entry->name) ? keep_first (&survey->image, entry->name) : 0;
}

/* Nothing that a set of tar files could mean is left out: splits that are compressed, and images beside them.  */
static int
check_survey (const struct source *source, const struct survey *survey)
{
  if (survey->folders || (source->tars.count == 0 && survey->image))
    return 0;
  if (survey->image)
    return error_set ("'%s' has both images ('%s') and tar files ('%s'); move the ones or the others elsewhere",
                      source->dataset, survey->image, source->tars.name[0]);
  char *path = survey->packed ? file_path (source->dataset, survey->packed) : NULL;
  int result = path ? refuse_compressed (path, find_unpacker_of (survey->packed)) : survey->packed ? -1 : 0;
  free (path);
  return result;
}

static int
survey_folder (struct source *source, bool *folders)
{
  struct survey survey = { .tars = &source->tars };
  int result = folder_visit (source->dataset, survey_entry, &survey);
  names_sort (&source->tars);
  if (result == 0)
    result = check_survey (source, &survey);
  *folders = survey.folders;
  free (survey.packed);
  free (survey.image);
  return result;
}

/* A folder without folders that has tar files is a set of these.  */
static int
open_folder (struct source *source)
{
  bool folders;
  source->kind = &source_of_folder;
  if (!(source->folder = text_new ("%s", source->dataset)))
    return -1;
  if (!*source->dataset)
    return 0;
  if (survey_folder (source, &folders))
    return -1;
  if (folders || source->tars.count == 0)
    return 0;
  source->kind = &source_of_tars;
  return source_open_tars (source);
}

/* The program that unpacks what begins with HEAD; NULL where it is not compressed.  */
static const char *
find_unpacker (const unsigned char *head)
{
  static const struct {
    const char *magic, *program;
  } packed[] = { { "\x1f\x8b", "gzip" },
                 { "\x28\xb5\x2f\xfd", "zstd" },
                 { "\xfd"
                   "7zXZ",
                   "xz" },
                 { "BZh", "bzip2" } };
  for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
    if (!memcmp (head, packed[i].magic, strlen (packed[i].magic)))
      return packed[i].program;
  return NULL;
}

/* A tar file's header has a mark; older ones have zeros, as no text has.  */
static int
choose_kind (struct source *source, const unsigned char *head, size_t length)
{
  enum { MARK = 257 };
  const char *dataset = source->dataset, *unpacker = find_unpacker (head);
  if (unpacker)
    return refuse_compressed (dataset, unpacker);
  if (length == 0)
    return error_set ("'%s' is empty; give a folder of images, a list of their paths, or a tar file", dataset);
  if (ends_with (dataset, ".tar") || !memcmp (head + MARK, "ustar", 5))
    source->kind = &source_of_tar;
  else if (!memchr (head, '\0', length) || !memcmp (head, "\xff\xfe", 2) || !memcmp (head, "\xfe\xff", 2))
    source->kind = &source_of_list; /* or one in UTF-16, of which table.c says so */
  else
    return error_set ("'%s' is neither a list of paths nor a tar file; give one of these, or a folder of images",
                      dataset);
  return 0;
}

static int
open_file (struct source *source)
{
  unsigned char head[4096] = { 0 };
  const char *slash = strrchr (source->dataset, '/'), *name = slash ? slash + 1 : source->dataset;
  FILE *stream = fopen (source->dataset, "rbe");
  size_t length = stream ? fread (head, 1, sizeof head, stream) : 0;
  int result = !stream           ? error_system ("open", source->dataset)
               : ferror (stream) ? error_system ("read", source->dataset)
                                 : choose_kind (source, head, length);
  if (stream)
    fclose (stream);
  source->folder = text_new ("%.*s", (int) (name - source->dataset), source->dataset);
  if (result || !source->folder || names_add (&source->tars, name))
    return -1;
  return source->kind == &source_of_tar ? source_open_tars (source) : 0;
}

static int
open_any (struct source *source, const char *dataset)
{
  struct stat status;
  if (!(source->dataset = text_new ("%s", dataset)))
    return -1;
  if (*dataset && stat (dataset, &status))
    return error_system ("open", dataset);
  return *dataset && !S_ISDIR (status.st_mode) ? open_file (source) : open_folder (source);
}

struct source *
source_open (const char *dataset)
{
  struct source *source = memory_new (1, sizeof *source);
  if (!source || open_any (source, dataset) == 0)
    return source;
  source_close (source);
  return NULL;
}

void
source_close (struct source *source)
{
  if (!source)
    return;
  for (size_t i = 0; source->descriptor && i < source->tars.count; i++)
    if (source->descriptor[i] >= 0)
      close (source->descriptor[i]);
  free (source->descriptor);
  names_free (&source->tars);
  free (source->folder);
  free (source->dataset);
  memory_free (source);
}

void *
source_read (const struct source *source, const struct image *image, size_t *length)
{
  return source->kind->read (source, image, length);
}

const char *
source_dataset (const struct source *source)
{
  return source->dataset;
}

const char *
source_folder (const struct source *source)
{
  return source->folder;
}

const char *
source_kind (const struct source *source)
{
  return source->kind->name;
}

int
source_visit (const struct source *source, int (*visit) (void *context, const struct item *item), void *context)
{
  return source->kind->visit (source, visit, context);
}
