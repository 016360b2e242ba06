#include <config.h>

#include "folder.h"

#include "error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* DT_DIR, DT_REG (also for a link that leads nowhere), or another kind.  */
static unsigned char
entry_kind (DIR *stream, const struct dirent *entry)
{
  struct stat status;
  if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
    return entry->d_type;
  if (fstatat (dirfd (stream), entry->d_name, &status, 0) || S_ISREG (status.st_mode))
    return DT_REG;
  return S_ISDIR (status.st_mode) ? DT_DIR : DT_UNKNOWN;
}

static int
list_stream (DIR *stream, const char *path, struct names *folders, struct names *files)
{
  const struct dirent *entry;
  while (errno = 0, (entry = readdir (stream)))
    {
      unsigned char kind = entry->d_name[0] == '.' ? DT_UNKNOWN : entry_kind (stream, entry);
      if (kind == DT_DIR && names_add (folders, entry->d_name))
        return -1;
      if (kind == DT_REG && names_add (files, entry->d_name))
        return -1;
    }
  return errno ? error_system ("read the folder", path) : 0;
}

int
folder_list (const char *path, struct names *folders, struct names *files)
{
  *folders = *files = (struct names){ 0 };
  DIR *stream = opendir (path);
  if (!stream)
    return error_system ("open", path);
  int result = list_stream (stream, path, folders, files);
  closedir (stream);
  if (result)
    {
      names_free (folders);
      names_free (files);
    }
  names_sort (folders);
  names_sort (files);
  return result;
}
