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

int
folder_visit (const char *path, int (*visit) (void *context, const struct folder_entry *entry), void *context)
{
  const struct dirent *entry;
  DIR *stream = opendir (path);
  int result = stream ? 0 : error_system ("open", path);
  while (result == 0 && (errno = 0, (entry = readdir (stream))))
    {
      unsigned char kind = entry->d_name[0] == '.' ? DT_UNKNOWN : entry_kind (stream, entry);
      if (kind == DT_DIR || kind == DT_REG)
        result = visit (context, &(struct folder_entry){ entry->d_name, kind == DT_DIR, dirfd (stream) });
    }
  if (result == 0 && errno)
    result = error_system ("read the folder", path);
  if (stream)
    closedir (stream);
  return result;
}

struct lists {
  struct names *folders, *files;
};

static int
add_name (void *context, const struct folder_entry *entry)
{
  const struct lists *lists = context;
  return names_add (entry->folder ? lists->folders : lists->files, entry->name);
}

int
folder_list (const char *path, struct names *folders, struct names *files)
{
  struct lists lists = { folders, files };
  *folders = *files = (struct names){ 0 };
  int result = folder_visit (path, add_name, &lists);
  if (result)
    {
      names_free (folders);
      names_free (files);
    }
  names_sort (folders);
  names_sort (files);
  return result;
}
