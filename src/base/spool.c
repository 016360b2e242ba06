#include <config.h>

#include "spool.h"

#include "error.h"
#include "file.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BUFFER_BYTES = 64 << 10 };

struct spool {
  char *path;
  int descriptor; /* -1 where there is none */
  uint64_t bytes; /* those that wait included */
  size_t waiting; /* in the buffer */
  void *map;
  unsigned char buffer[BUFFER_BYTES];
};

/* A file whose name is taken away at once: no end of the process leaves it behind.  -1 with the error set.  */
static int
open_nameless (const char *path)
{
  char *temporary = file_temporary (path);
  int descriptor = temporary ? open (temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
  if (temporary && descriptor < 0)
    error_system ("create", path);
  if (descriptor >= 0)
    unlink (temporary);
  free (temporary);
  return descriptor;
}

struct spool *
spool_new (const char *path)
{
  struct spool *spool = calloc (1, sizeof *spool);
  if (!spool)
    {
      error_set ("no memory left to write '%s'; give the job more memory", path);
      return NULL;
    }
  spool->descriptor = -1;
  if ((spool->path = text_new ("%s", path)) && (spool->descriptor = open_nameless (path)) >= 0)
    return spool;
  spool_free (spool);
  return NULL;
}

void
spool_free (struct spool *spool)
{
  if (!spool)
    return;
  if (spool->map)
    munmap (spool->map, spool->bytes);
  if (spool->descriptor >= 0)
    close (spool->descriptor);
  free (spool->path);
  free (spool);
}

static int
flush (struct spool *spool)
{
  for (size_t done = 0; done < spool->waiting;)
    {
      ssize_t written = write (spool->descriptor, spool->buffer + done, spool->waiting - done);
      if (written < 0 && errno != EINTR)
        return error_system ("write", spool->path);
      done += written > 0 ? (size_t) written : 0;
    }
  spool->waiting = 0;
  return 0;
}

int
spool_append (struct spool *spool, const void *data, size_t length)
{
  const unsigned char *from = data;
  spool->bytes += length;
  while (length > 0)
    {
      size_t room = BUFFER_BYTES - spool->waiting, taken = length < room ? length : room;
      memcpy (spool->buffer + spool->waiting, from, taken);
      spool->waiting += taken;
      from += taken;
      length -= taken;
      if (spool->waiting == BUFFER_BYTES && flush (spool))
        return -1;
    }
  return 0;
}

uint64_t
spool_bytes (const struct spool *spool)
{
  return spool->bytes;
}

/* Without room set aside, a full disk would end the process at its first touch of a page.  */
int
spool_reserve (struct spool *spool, uint64_t bytes)
{
  errno = bytes > 0 ? posix_fallocate (spool->descriptor, 0, (off_t) bytes) : 0;
  if (errno)
    return error_system ("write", spool->path);
  spool->bytes = bytes;
  return 0;
}

void *
spool_map (struct spool *spool)
{
  static char nothing[1];
  if (spool->map || spool->bytes == 0)
    return spool->map ? spool->map : nothing;
  if (flush (spool))
    return NULL;
  void *map = mmap (NULL, spool->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, spool->descriptor, 0);
  if (map == MAP_FAILED)
    {
      error_system ("map", spool->path);
      return NULL;
    }
  return spool->map = map;
}
