/* A library to be preloaded: one call of the C library on the files of one folder fails.

     FAULTS_FOLDER PATH     the folder, as the program writes its paths; files in folders below count too
     FAULTS_CALL NAME       write (pwrite, writev, fwrite too), fsync, rename, close (fclose too), truncate, or create:
                            the opening of a new file
     FAULTS_NUMBER N        the call that fails, from 1
     FAULTS_ERRNO NUMBER    what it fails with
     FAULTS_FOREVER         where it is set, all later calls fail too, as on a disk that stays full
     FAULTS_COUNT FILE      the number of such calls is written to FILE as the program exits
     FAULTS_SLOW N          each opening of a file takes N milliseconds more

   A close that fails closes all the same, as Linux does.  */
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static void *
next (const char *name)
{
  void *address = dlsym (RTLD_NEXT, name);
  if (!address)
    abort ();
  return address;
}

/* The real function NAME.  */
#define REAL(name) ((__typeof__ (name) *) next (#name))

static bool
is_inside (const char *path)
{
  const char *folder = getenv ("FAULTS_FOLDER");
  size_t length = folder ? strlen (folder) : 0;
  return folder && !strncmp (path, folder, length) && (path[length] == '/' || path[length] == '\0');
}

static bool
is_inside_descriptor (int descriptor)
{
  char link[64], path[4096];
  snprintf (link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink (link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = '\0';
  return is_inside (path);
}

/* Whether this CALL on a file of the folder is to fail; then errno is set.  */
static bool
fails (const char *call, bool inside)
{
  const char *wanted = getenv ("FAULTS_CALL"), *number = getenv ("FAULTS_NUMBER"), *reason = getenv ("FAULTS_ERRNO");
  if (!inside || !wanted || strcmp (wanted, call))
    return false;
  long count = atomic_fetch_add (&calls, 1) + 1, chosen = number ? atol (number) : 0;
  if (chosen == 0 || count < chosen || (count > chosen && !getenv ("FAULTS_FOREVER")))
    return false;
  errno = reason ? atoi (reason) : EIO;
  return true;
}

__attribute__ ((destructor)) static void
tell_count (void)
{
  const char *path = getenv ("FAULTS_COUNT");
  FILE *stream = path ? fopen (path, "we") : NULL;
  if (!stream)
    return;
  fprintf (stream, "%ld\n", atomic_load (&calls));
  fclose (stream);
}

ssize_t
write (int descriptor, const void *data, size_t length)
{
  return fails ("write", is_inside_descriptor (descriptor)) ? -1 : REAL (write) (descriptor, data, length);
}

ssize_t
pwrite (int descriptor, const void *data, size_t length, off_t offset)
{
  return fails ("write", is_inside_descriptor (descriptor)) ? -1 : REAL (pwrite) (descriptor, data, length, offset);
}

ssize_t
pwrite64 (int descriptor, const void *data, size_t length, off64_t offset)
{
  return fails ("write", is_inside_descriptor (descriptor)) ? -1 : REAL (pwrite64) (descriptor, data, length, offset);
}

ssize_t
writev (int descriptor, const struct iovec *piece, int count)
{
  return fails ("write", is_inside_descriptor (descriptor)) ? -1 : REAL (writev) (descriptor, piece, count);
}

int
fsync (int descriptor)
{
  return fails ("fsync", is_inside_descriptor (descriptor)) ? -1 : REAL (fsync) (descriptor);
}

int
ftruncate (int descriptor, off_t length)
{
  return fails ("truncate", is_inside_descriptor (descriptor)) ? -1 : REAL (ftruncate) (descriptor, length);
}

int
ftruncate64 (int descriptor, off64_t length)
{
  return fails ("truncate", is_inside_descriptor (descriptor)) ? -1 : REAL (ftruncate64) (descriptor, length);
}

int
close (int descriptor)
{
  bool fail = fails ("close", is_inside_descriptor (descriptor));
  int number = errno, result = REAL (close) (descriptor);
  if (!fail)
    return result;
  errno = number;
  return -1;
}

/* The library's own streams do not pass through write and close above.  */
size_t
fwrite (const void *data, size_t size, size_t count, FILE *stream)
{
  return fails ("write", is_inside_descriptor (fileno (stream))) ? 0 : REAL (fwrite) (data, size, count, stream);
}

int
fclose (FILE *stream)
{
  bool fail = fails ("close", is_inside_descriptor (fileno (stream)));
  int number = errno, result = REAL (fclose) (stream);
  if (!fail)
    return result;
  errno = number;
  return EOF;
}

int
rename (const char *from, const char *to)
{
  return fails ("rename", is_inside (to)) ? -1 : REAL (rename) (from, to);
}

int
link (const char *from, const char *to)
{
  return fails ("create", is_inside (to)) ? -1 : REAL (link) (from, to);
}

/* Time in which another process takes a file away.  */
static int
slow (const char *path, int descriptor)
{
  const char *text = is_inside (path) ? getenv ("FAULTS_SLOW") : NULL;
  if (text && descriptor >= 0)
    usleep ((useconds_t) atoi (text) * 1000);
  return descriptor;
}

#define DEFINE_OPEN(name)                                                                                              \
  int name (const char *path, int flags, ...)                                                                          \
  {                                                                                                                    \
    va_list arguments;                                                                                                 \
    va_start (arguments, flags);                                                                                       \
    mode_t mode = flags & O_CREAT ? va_arg (arguments, mode_t) : 0;                                                    \
    va_end (arguments);                                                                                                \
    if (flags & O_CREAT && fails ("create", is_inside (path)))                                                         \
      return -1;                                                                                                       \
    return slow (path, REAL (name) (path, flags, mode));                                                               \
  }

DEFINE_OPEN (open)
DEFINE_OPEN (open64)

#define DEFINE_FOPEN(name)                                                                                             \
  FILE *name (const char *path, const char *mode)                                                                      \
  {                                                                                                                    \
    if (strpbrk (mode, "wa") && fails ("create", is_inside (path)))                                                    \
      return NULL;                                                                                                     \
    slow (path, 0);                                                                                                    \
    return REAL (name) (path, mode);                                                                                   \
  }

DEFINE_FOPEN (fopen)
DEFINE_FOPEN (fopen64)
