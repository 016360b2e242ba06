/* Tar files, read where they lie.  libarchive reads the headers once; an image is then one read at its place.

   A place is the number of the tar file above PLACE_BITS and the offset of the image in it below.  */
#include <config.h>

#include "sourcekind.h"

#include "../base/error.h"
#include "../base/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLACE_BITS = 48, BLOCK_BYTES = 10240 };

int
source_open_tars (struct source *source)
{
  source->descriptor = malloc (source->tars.count * sizeof *source->descriptor);
  if (!source->descriptor)
    return error_set ("no memory left to open '%s'; give the job more memory", source->dataset);
  for (size_t i = 0; i < source->tars.count; i++)
    source->descriptor[i] = -1;
  for (size_t i = 0; i < source->tars.count; i++)
    {
      char *path = file_path (source->folder, source->tars.name[i]);
      source->descriptor[i] = path ? open (path, O_RDONLY | O_CLOEXEC) : -1;
      int result = !path ? -1 : source->descriptor[i] < 0 ? error_system ("open", path) : 0;
      free (path);
      if (result)
        return -1;
    }
  return 0;
}

static void *
read_image (const struct source *source, const struct image *image, size_t *length)
{
  if (image->place == source_nowhere)
    {
      error_set ("cannot be read: it is a link to something that the tar file does not hold");
      return NULL;
    }
  size_t number = image->place >> PLACE_BITS;
  off_t start = (off_t) (image->place & (((uint64_t) 1 << PLACE_BITS) - 1));
  unsigned char *data = image->bytes <= source_bytes_limit ? malloc (image->bytes + 1) : NULL;
  size_t have = 0;
  ssize_t more = 1;
  while (data && have < image->bytes && more > 0)
    if ((more = pread (source->descriptor[number], data + have, image->bytes - have, start + (off_t) have)) > 0)
      have += (size_t) more;
    else if (more < 0 && errno == EINTR)
      more = 1;
  if (data && have == image->bytes)
    {
      *length = have;
      data[have] = '\0';
      return data;
    }
  if (!data)
    error_set ("no memory for its %" PRIu64 " bytes", image->bytes);
  else
    error_set ("cannot be read: %s", more < 0 ? strerror (errno) : "the tar file ends before it");
  free (data);
  return NULL;
}

/* A tar file that is being listed.  */
struct reading {
  const struct source *source;
  source_visitor *visit;
  void *context;
  struct archive *archive;
  char *tar, *prefix; /* its path; "training/" in a set, "" alone; owned */
  size_t number;
  uint64_t bytes; /* of the tar file */
};

/* PATH without "./" and doubled or outer slashes, and without what stands before its last "..", as tar unpacks it;
   behind PREFIX unless it begins with it; to be freed.  *HIDDEN where a part of it begins with a point.  */
static char *
clean_path (const char *prefix, const char *path, bool *hidden)
{
  size_t before = strlen (prefix);
  char *clean = malloc (before + strlen (path) + 1), *end = clean ? clean + before : NULL;
  *hidden = false;
  if (!clean)
    {
      error_set ("no memory left for the path '%s'; give the job more memory", path);
      return NULL;
    }
  for (size_t length; *(path += strspn (path, "/")); path += length)
    {
      length = strcspn (path, "/");
      if (length == 1 && *path == '.')
        continue;
      if (length == 2 && !strncmp (path, "..", 2))
        {
          end = clean + before;
          *hidden = false;
          continue;
        }
      *hidden |= *path == '.';
      if (end > clean + before)
        *end++ = '/';
      end = mempcpy (end, path, length);
    }
  *end = '\0';
  if (before
      && (!strncmp (clean + before, prefix, before)
          || (!strncmp (clean + before, prefix, before - 1) && clean[2 * before - 1] == '\0')))
    memmove (clean, clean + before, strlen (clean + before) + 1);
  else
    memcpy (clean, prefix, before);
  return clean;
}

/* What the symbolic link PATH to TARGET leads to in the tar file, to be freed.  */
static char *
resolve_target (const char *path, const char *target)
{
  const char *slash = *target == '/' ? NULL : strrchr (path, '/');
  char *full = text_new ("%.*s/%s", slash ? (int) (slash - path) : 0, path, target), *end = full;
  for (const char *part = full; full && *part;)
    {
      part += strspn (part, "/");
      size_t length = strcspn (part, "/");
      if (length == 2 && part[0] == '.' && part[1] == '.')
        {
          while (end > full && *--end != '/')
            ;
        }
      else if (length && !(length == 1 && *part == '.'))
        {
          if (end > full)
            *end++ = '/';
          memmove (end, part, length);
          end += length;
        }
      part += length;
    }
  if (full)
    *end = '\0';
  return full;
}

static int
visit_link (const struct reading *reading, const char *path, const char *target, bool symbolic)
{
  bool hidden;
  char *full = symbolic ? resolve_target (path, target) : text_new ("%s", target);
  char *clean = full ? clean_path (reading->prefix, full, &hidden) : NULL;
  int result =
    clean ? reading->visit (reading->context, &(struct item){ .kind = ITEM_LINK, .path = path, .target = clean }) : -1;
  free (full);
  free (clean);
  return result;
}

static int
visit_image (const struct reading *reading, const char *path, struct archive_entry *entry)
{
  uint64_t start = (uint64_t) archive_filter_bytes (reading->archive, 0), bytes = (uint64_t) archive_entry_size (entry);
  if (archive_entry_sparse_count (entry) > 0) /* before its size, which is not that of what is stored */
    return error_set ("'%s' in '%s' was stored with holes; make the tar file without --sparse", path, reading->tar);
  if (start > reading->bytes || bytes > reading->bytes - start)
    return error_set ("'%s' ends in the middle of '%s'; copy it again", reading->tar, path);
  return reading->visit (reading->context, &(struct item){ .kind = ITEM_IMAGE,
                                                           .path = path,
                                                           .bytes = bytes,
                                                           .place = (uint64_t) reading->number << PLACE_BITS | start });
}

static int
visit_member (const struct reading *reading, struct archive_entry *entry)
{
  bool hidden;
  const char *name = archive_entry_pathname (entry), *hard = archive_entry_hardlink (entry);
  const char *target = hard ? hard : archive_entry_symlink (entry);
  if (!name)
    return error_set ("'%s' has a member without a readable name; make it again", reading->tar);
  char *path = clean_path (reading->prefix, name, &hidden);
  int result = path ? 0 : -1;
  if (!path || hidden || !*path)
    ;
  else if (target)
    result = visit_link (reading, path, target, !hard);
  else if (archive_entry_filetype (entry) == AE_IFDIR)
    result = reading->visit (reading->context, &(struct item){ .kind = ITEM_FOLDER, .path = path });
  else if (archive_entry_filetype (entry) == AE_IFREG)
    result = visit_image (reading, path, entry);
  free (path);
  return result;
}

static int
cannot_read (const struct reading *reading)
{
  const char *reason = archive_error_string (reading->archive);
  return error_set ("'%s' cannot be read as a tar file: %s; copy or make it again", reading->tar,
                    reason ? reason : "no reason is known");
}

static int
visit_members (const struct reading *reading)
{
  struct archive_entry *entry;
  int status, result = 0;
  if (archive_read_support_format_tar (reading->archive) != ARCHIVE_OK
      || archive_read_open_filename (reading->archive, reading->tar, BLOCK_BYTES) != ARCHIVE_OK)
    return cannot_read (reading);
  while (result == 0 && (status = archive_read_next_header (reading->archive, &entry)) != ARCHIVE_EOF)
    result = status == ARCHIVE_OK || status == ARCHIVE_WARN ? visit_member (reading, entry) : cannot_read (reading);
  return result;
}

static int
visit_stamp (struct reading *reading)
{
  struct stat status;
  if (stat (reading->tar, &status))
    return error_system ("open", reading->tar);
  reading->bytes = (uint64_t) status.st_size;
  struct item stamp = source_stamp (reading->source->tars.name[reading->number], &status);
  return reading->visit (reading->context, &stamp);
}

/* Tar file NUMBER, whose members lie in PREFIX.  */
static int
visit_tar (const struct source *source, size_t number, char *prefix, source_visitor *visit, void *context)
{
  struct reading reading = { .source = source, .visit = visit, .context = context, .number = number, .prefix = prefix };
  reading.tar = file_path (source->folder, source->tars.name[number]);
  reading.archive = archive_read_new ();
  int result = !prefix || !reading.tar ? -1 : 0;
  if (result == 0 && !reading.archive)
    result = error_set ("no memory left to read '%s'; give the job more memory", reading.tar);
  if (result == 0)
    result = visit_stamp (&reading) || visit_members (&reading) ? -1 : 0;
  archive_read_free (reading.archive);
  free (reading.tar);
  free (prefix);
  return result;
}

/* libarchive gives names in the characters of the locale: UTF-8, so that they come as they are.  */
static locale_t
use_utf8 (locale_t *before)
{
  locale_t utf8 = newlocale (LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
  *before = uselocale (utf8);
  return utf8;
}

static void
leave_utf8 (locale_t utf8, locale_t before)
{
  uselocale (before);
  if (utf8)
    freelocale (utf8);
}

static int
visit_one (const struct source *source, source_visitor *visit, void *context)
{
  locale_t before, utf8 = use_utf8 (&before);
  int result = visit_tar (source, 0, text_new ("%s", ""), visit, context);
  leave_utf8 (utf8, before);
  return result;
}

static int
visit_set (const struct source *source, source_visitor *visit, void *context)
{
  struct stat status;
  locale_t before, utf8 = use_utf8 (&before);
  int result = stat (source->folder, &status) ? error_system ("open", source->folder) : 0;
  if (result == 0)
    {
      struct item stamp = source_stamp ("", &status);
      result = visit (context, &stamp);
    }
  for (size_t i = 0; i < source->tars.count && result == 0; i++)
    {
      const char *name = source->tars.name[i];
      char *split = text_new ("%.*s", (int) (strlen (name) - strlen (".tar")), name);
      result = split ? visit (context, &(struct item){ .kind = ITEM_FOLDER, .path = split }) : -1;
      if (result == 0)
        result = visit_tar (source, i, text_new ("%s/", split), visit, context);
      free (split);
    }
  leave_utf8 (utf8, before);
  return result;
}

const struct source_kind source_of_tar = { "tar", visit_one, read_image };
const struct source_kind source_of_tars = { "tars", visit_set, read_image };
