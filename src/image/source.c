#include <config.h>

#include "source.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A larger file is no photograph: a reason to fail, not to run out of memory.  */
static const size_t file_bytes_limit = (size_t) 1 << 30;

struct source {
  char *folder;
};

struct source *
source_open (const char *dataset)
{
  struct source *source = memory_new (1, sizeof *source);
  if (source && !(source->folder = text_new ("%s", dataset)))
    {
      memory_free (source);
      source = NULL;
    }
  return source;
}

void
source_close (struct source *source)
{
  if (source)
    free (source->folder);
  memory_free (source);
}

void *
source_read (const struct source *source, const struct image *image, size_t *length)
{
  char *path = file_path (source->folder, image->path);
  if (!path)
    return NULL;
  errno = 0;
  void *data = file_read (path, file_bytes_limit, length);
  if (!data && errno)
    error_set ("cannot be read: %s", strerror (errno));
  free (path);
  return data;
}
