#include <config.h>

#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct error last;

static int
set (int status, const char *format, va_list arguments)
{
  char message[ERROR_MESSAGE_BYTES]; /* the arguments may point into last.message */
  vsnprintf (message, sizeof message, format, arguments);
  memcpy (last.message, message, sizeof message);
  last.status = status;
  return -1;
}

#define DEFINE_SETTER(name, status)                                                                                    \
  int name (const char *format, ...)                                                                                   \
  {                                                                                                                    \
    va_list arguments;                                                                                                 \
    va_start (arguments, format);                                                                                      \
    set (status, format, arguments);                                                                                   \
    va_end (arguments);                                                                                                \
    return -1;                                                                                                         \
  }

DEFINE_SETTER (error_set, ERROR_FAILED)
DEFINE_SETTER (error_usage, ERROR_USAGE)
DEFINE_SETTER (error_stopped, ERROR_STOPPED)

static const char *
remedy (int number)
{
  switch (number)
    {
    case ENOENT:
      return "check the path";
    case EACCES:
    case EPERM:
      return "check its permissions and its folder's";
    case EROFS:
      return "the file system is read-only: choose another place";
    case ENOSPC:
    case EDQUOT:
      return "free some space, then run the same command again";
    case EEXIST:
      return "remove it or choose another name";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case EIO:
      return "the device failed: check the disk, then run the same command again";
    default:
      return "check the path and the file system";
    }
}

int
error_system (const char *what, const char *file)
{
  int number = errno;
  return error_set ("cannot %s '%s': %s; %s", what, file, strerror (number), remedy (number));
}

int
error_remedy (const char *remedy)
{
  const char *end = last.message + strlen (last.message);
  for (const char *place = last.message; (place = strstr (place, "; ")); place++)
    end = place;
  return error_set ("%.*s; %s", (int) (end - last.message), last.message, remedy);
}

const char *
error_message (void)
{
  return last.message;
}

int
error_status (void)
{
  return last.status;
}

void
error_clear (void)
{
  last.status = 0;
  last.message[0] = '\0';
}

void
error_get (struct error *copy)
{
  *copy = last;
}

int
error_put (const struct error *copy)
{
  last = *copy;
  return -1;
}
