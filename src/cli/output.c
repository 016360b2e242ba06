#include <config.h>

#include "output.h"

#include "../base/error.h"
#include "../base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file is written under a temporary name and then renamed, which would put it in the place of a device.  */
int
output_check_kind (const char *path)
{
  struct stat status;
  if (stat (path, &status) || S_ISREG (status.st_mode))
    return 0;
  return error_set ("'%s' is a %s; give the name of a file", path,
                    S_ISDIR (status.st_mode) ? "folder" : "device or pipe");
}

int
output_check (const char *path)
{
  if (*path == '\0')
    return error_usage ("the output's name is empty; give the name of a file");
  char *temporary = output_check_kind (path) ? NULL : file_temporary (path);
  if (!temporary)
    return -1;
  int result = 0, descriptor = open (temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0)
    result = error_system ("create", path);
  else
    {
      close (descriptor);
      unlink (temporary);
    }
  free (temporary);
  return result;
}

int
output_check_new (const char *path, bool force)
{
  if (output_check (path))
    return -1;
  return file_exists (path) && !force ? error_set ("'%s' is there already; choose another name or give --force", path)
                                      : 0;
}
