#include <config.h>

#include "file.h"

#include "error.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
file_path (const char *directory, const char *name)
{
  size_t length = strlen (directory);
  const char *slash = length == 0 || directory[length - 1] == '/' ? "" : "/";
  return text_new ("%s%s%s", directory, slash, name);
}

bool
file_exists (const char *path)
{
  struct stat status;
  return stat (path, &status) == 0;
}

bool
file_is_directory (const char *path)
{
  struct stat status;
  return stat (path, &status) == 0 && S_ISDIR (status.st_mode);
}

int
file_make_directories (const char *path)
{
  char *partial = text_new ("%s", path);
  if (!partial)
    return -1;
  int result = 0;
  for (char *end = partial; result == 0 && *end;)
    {
      end += strspn (end, "/");
      end += strcspn (end, "/");
      char kept = *end;
      *end = '\0';
      if (mkdir (partial, 0777))
        {
          int number = errno; /* of mkdir, not of looking at what is there */
          if (!file_is_directory (partial))
            {
              errno = number;
              result = error_system ("make the folder", partial);
            }
        }
      *end = kept;
    }
  free (partial);
  return result;
}

char *
file_temporary (const char *path)
{
  static atomic_uint counter;
  char host[256] = "host";
  gethostname (host, sizeof host - 1);
  for (;;) /* in a container the process before, which was killed, may have had the same number */
    {
      char *name = text_new ("%s.%s.%ld.%u.tmp", path, host, (long) getpid (), atomic_fetch_add (&counter, 1));
      if (!name || !file_exists (name))
        return name;
      free (name);
    }
}

static int
sync_path (const char *path, int flags)
{
  int descriptor = open (path, flags | O_CLOEXEC);
  if (descriptor < 0)
    return error_system ("open", path);
  int result = fsync (descriptor) && errno != EINVAL ? error_system ("write", path) : 0;
  close (descriptor);
  return result;
}

static int
sync_directory_of (const char *path)
{
  char *directory = text_new ("%s", path);
  if (!directory)
    return -1;
  char *slash = strrchr (directory, '/');
  if (slash)
    slash[slash == directory] = '\0'; /* "/name" lies in "/" */
  int result = sync_path (slash ? directory : ".", O_RDONLY | O_DIRECTORY);
  free (directory);
  return result;
}

int
file_commit (const char *temporary, const char *path)
{
  int result = sync_path (temporary, O_RDWR);
  if (result == 0 && rename (temporary, path))
    result = error_system ("rename a finished file to", path);
  if (result)
    unlink (temporary);
  return result ? result : sync_directory_of (path);
}

static int
write_all (int descriptor, const char *data, size_t length)
{
  while (length > 0)
    {
      ssize_t written = write (descriptor, data, length);
      if (written < 0 && errno != EINTR)
        return -1;
      if (written > 0)
        {
          data += written;
          length -= (size_t) written;
        }
    }
  return 0;
}

int
file_write (const char *path, const void *data, size_t length)
{
  char *temporary = file_temporary (path);
  if (!temporary)
    return -1;
  int result = 0, descriptor = open (temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    result = error_system ("create", path);
  else
    {
      if (write_all (descriptor, data, length))
        result = error_system ("write", path);
      if (close (descriptor) && result == 0)
        result = error_system ("write", path);
      if (result)
        unlink (temporary);
      else
        result = file_commit (temporary, path);
    }
  free (temporary);
  return result;
}

static void *
read_stream (FILE *stream, const char *path, size_t limit, size_t *length)
{
  struct stat status;
  if (fstat (fileno (stream), &status) || S_ISDIR (status.st_mode))
    {
      errno = errno ? errno : EISDIR;
      error_system ("read", path);
      return NULL;
    }
  if ((uintmax_t) status.st_size > limit)
    {
      error_set ("'%s' has %jd bytes, more than the %zu expected; check that it is the right file", path,
                 (intmax_t) status.st_size, limit);
      return NULL;
    }
  char *data = malloc ((size_t) status.st_size + 1);
  if (!data)
    {
      error_set ("no memory for the %jd bytes of '%s'; give the job more memory", (intmax_t) status.st_size, path);
      return NULL;
    }
  *length = fread (data, 1, (size_t) status.st_size, stream);
  data[*length] = '\0';
  if (!ferror (stream))
    return data;
  error_system ("read", path);
  free (data);
  return NULL;
}

void *
file_read (const char *path, size_t limit, size_t *length)
{
  errno = 0;
  FILE *stream = fopen (path, "rbe");
  if (!stream)
    {
      error_system ("open", path);
      return NULL;
    }
  errno = 0;
  void *data = read_stream (stream, path, limit, length);
  fclose (stream);
  return data;
}

struct digest
digest_begin (void)
{
  struct digest digest = { EVP_MD_CTX_new () };
  if (digest.context && !EVP_DigestInit_ex (digest.context, EVP_sha256 (), NULL))
    digest_discard (&digest);
  return digest;
}

void
digest_add (struct digest *digest, const void *data, size_t length)
{
  if (digest->context && !EVP_DigestUpdate (digest->context, data, length))
    digest_discard (digest);
}

int
digest_end (struct digest *digest, char sha256[FILE_SHA256_BYTES])
{
  unsigned char sum[EVP_MAX_MD_SIZE];
  int good = digest->context && EVP_DigestFinal_ex (digest->context, sum, NULL);
  digest_discard (digest);
  if (!good)
    return error_set ("a SHA-256 could not be computed; check memory and the OpenSSL installation");
  for (int i = 0; i < (FILE_SHA256_BYTES - 1) / 2; i++)
    sprintf (sha256 + 2 * i, "%02x", sum[i]);
  return 0;
}

void
digest_discard (struct digest *digest)
{
  EVP_MD_CTX_free (digest->context);
  digest->context = NULL;
}

int
file_sha256 (const char *path, char sha256[FILE_SHA256_BYTES])
{
  static _Thread_local unsigned char block[1 << 16];
  size_t length;
  int result = 0;
  FILE *stream = fopen (path, "rbe");
  if (!stream)
    return error_system ("open", path);
  struct digest digest = digest_begin ();
  while ((length = fread (block, 1, sizeof block, stream)) > 0)
    digest_add (&digest, block, length);
  if (ferror (stream))
    {
      result = error_system ("read", path);
      digest_discard (&digest);
    }
  else
    result = digest_end (&digest, sha256);
  fclose (stream);
  return result;
}
