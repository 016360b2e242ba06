#include <config.h>

#include "leftovers.h"

#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 24 * 60 * 60 };

/* Whether OWNER, the "HOST.PROCESS.NUMBER.tmp" that file_temporary adds, is a process of this host that is gone.  */
static bool
owner_is_gone (const char *owner)
{
  char host[256] = "host", *end;
  gethostname (host, sizeof host - 1);
  size_t length = strlen (host);
  if (strncmp (owner, host, length) || owner[length] != '.')
    return false;
  long process = strtol (owner + length + 1, &end, 10);
  return *end == '.' && process > 0 && kill ((pid_t) process, 0) && errno == ESRCH;
}

/* Of the others those are stale that were left alone for long: of other hosts, and of processes whose number another
   one has by now.  */
static bool
is_stale (const char *directory, const char *name, const char *owner)
{
  struct stat status;
  size_t length = strlen (owner);
  if (length < 4 || strcmp (owner + length - 4, ".tmp"))
    return false;
  if (owner_is_gone (owner))
    return true;
  char *path = file_path (directory, name);
  bool old = path && stat (path, &status) == 0 && time (NULL) - status.st_mtime > STALE_SECONDS;
  free (path);
  return old;
}

static void
remove_named (const char *directory, const char *name)
{
  char *path = file_path (directory, name);
  if (path)
    unlink (path);
  free (path);
}

/* What stands after the name of a part, NNNNN.h5 and a point; NULL where NAME does not begin so.  */
static const char *
after_part (const char *name)
{
  const char *end = name + strspn (name, "0123456789");
  return end >= name + 5 && !strncmp (end, ".h5.", 4) ? end + 4 : NULL;
}

/* Removes stale temporary files of parts, and where PARTS is set the parts.  */
static void
clean_directory (const char *directory, bool parts)
{
  DIR *stream = opendir (directory);
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    {
      const char *name = entry->d_name, *owner = after_part (name);
      if ((parts && parts_number (name) >= 0) || (owner && is_stale (directory, name, owner)))
        remove_named (directory, name);
    }
  if (stream)
    closedir (stream);
}

void
leftovers_remove_of (const char *path)
{
  const char *slash = strrchr (path, '/'), *base = slash ? slash + 1 : path;
  size_t length = strlen (base);
  char *directory = slash ? strndup (path, (size_t) (base - path)) : strdup (".");
  DIR *stream = directory ? opendir (directory) : NULL;
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    {
      const char *name = entry->d_name;
      if (!strncmp (name, base, length) && name[length] == '.' && is_stale (directory, name, name + length + 1))
        remove_named (directory, name);
    }
  if (stream)
    closedir (stream);
  free (directory);
}

static void
clean_merged (const char *features, const char *split)
{
  char *path = parts_merged_path (features, split);
  if (path)
    leftovers_remove_of (path);
  free (path);
}

/* Whether something lies in FEATURES/NAME, if that is a folder of parts.  */
static bool
has_parts (const char *features, const char *name)
{
  static const char end[] = ".parts";
  size_t length = strlen (name), entries = 0;
  char *path = length < sizeof end || strcmp (name + length - strlen (end), end) ? NULL : file_path (features, name);
  DIR *stream = path ? opendir (path) : NULL;
  while (stream && readdir (stream))
    entries++;
  if (stream)
    closedir (stream);
  free (path);
  return entries > 2; /* "." and ".." */
}

static bool
have_parts (const char *features)
{
  bool found = false;
  DIR *stream = opendir (features);
  for (struct dirent *entry; stream && !found && (entry = readdir (stream));)
    found = has_parts (features, entry->d_name);
  if (stream)
    closedir (stream);
  return found;
}

void
leftovers_remove_catalogue (const char *features)
{
  char *path = parts_catalogue_path (features);
  if (path && !have_parts (features))
    unlink (path);
  if (path)
    leftovers_remove_of (path);
  free (path);
}

void
leftovers_remove (const char *features, const char *split)
{
  char *directory = parts_directory (features, split);
  if (directory)
    clean_directory (directory, false);
  free (directory);
  clean_merged (features, split);
}

void
leftovers_remove_parts (const char *features, const char *split)
{
  char *directory = parts_directory (features, split);
  if (directory)
    {
      clean_directory (directory, true);
      rmdir (directory); /* what is not ours keeps it */
    }
  free (directory);
  clean_merged (features, split);
  leftovers_remove_catalogue (features);
}
