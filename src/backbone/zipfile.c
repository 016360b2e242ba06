#include <config.h>

#include "zipfile.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 18 };

struct zipfile {
  struct archive *archive;
  struct archive_entry *entry; /* the present one, borrowed */
  char *path;
};

static int
damaged (const struct zipfile *zip)
{
  const char *reason = zip->archive ? archive_error_string (zip->archive) : NULL;
  return error_set ("cannot read '%s': it is cut short or damaged (%s); copy or download it again", zip->path,
                    reason ? reason : "no reason is known");
}

static int
open_archive (struct zipfile *zip)
{
  zip->archive = archive_read_new ();
  if (!zip->archive)
    return error_set ("no memory to read '%s'; give the job more memory", zip->path);
  /* By the table at the end: local headers do not tell sizes.  */
  if (archive_read_support_format_zip_seekable (zip->archive) != ARCHIVE_OK
      || archive_read_open_filename (zip->archive, zip->path, BLOCK_BYTES) != ARCHIVE_OK)
    return damaged (zip);
  return 0;
}

struct zipfile *
zipfile_open (const char *path)
{
  struct zipfile *zip = calloc (1, sizeof *zip);
  if (!zip)
    {
      error_set ("no memory to read '%s'; give the job more memory", path);
      return NULL;
    }
  zip->path = text_new ("%s", path);
  if (zip->path && open_archive (zip) == 0)
    return zip;
  zipfile_close (zip);
  return NULL;
}

void
zipfile_close (struct zipfile *zip)
{
  if (!zip)
    return;
  archive_read_free (zip->archive); /* NULL is allowed */
  free (zip->path);
  free (zip);
}

int
zipfile_next (struct zipfile *zip, const char **name)
{
  int status = archive_read_next_header (zip->archive, &zip->entry);
  if (status == ARCHIVE_EOF)
    return 0;
  if (status < ARCHIVE_WARN)
    return damaged (zip);
  *name = archive_entry_pathname (zip->entry);
  return *name ? 1 : damaged (zip);
}

static int
read_all (struct zipfile *zip, unsigned char *data, size_t length)
{
  size_t done = 0;
  la_ssize_t read;
  do /* once more behind the last byte, where the checksum is compared */
    {
      unsigned char beyond;
      read = archive_read_data (zip->archive, done < length ? data + done : &beyond, done < length ? length - done : 1);
      done += read > 0 ? (size_t) read : 0;
    }
  while (read > 0 && done <= length);
  return read == 0 && done == length ? 0 : damaged (zip);
}

unsigned char *
zipfile_read (struct zipfile *zip, size_t limit, size_t *length)
{
  int64_t size = archive_entry_size (zip->entry);
  if (!archive_entry_size_is_set (zip->entry) || size < 0 || (uint64_t) size > limit)
    {
      error_set ("'%s' in '%s' is said to have %jd bytes, more than the %zu there can be; it is damaged: copy or "
                 "download it again",
                 archive_entry_pathname (zip->entry), zip->path, (intmax_t) size, limit);
      return NULL;
    }
  unsigned char *data = memory_new ((size_t) size + 1, 1);
  if (data && read_all (zip, data, (size_t) size) == 0)
    {
      *length = (size_t) size;
      return data;
    }
  memory_free (data);
  return NULL;
}

int
zipfile_has (const char *path, const char *name)
{
  struct zipfile *zip = zipfile_open (path);
  const char *member = "";
  int found = zip ? 1 : -1;
  while (found > 0 && (found = zipfile_next (zip, &member)) > 0 && strcmp (member, name))
    ;
  zipfile_close (zip);
  return found;
}
