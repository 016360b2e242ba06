#include <config.h>

#include "form.h"

#include "../base/error.h"

#include <string.h>
#include <strings.h>

static bool
ends_with (const char *path, const char *end)
{
  size_t length = strlen (path), end_length = strlen (end);
  return length > end_length && strcasecmp (path + length - end_length, end) == 0;
}

int
form_of (const char *path, bool *npy)
{
  *npy = ends_with (path, ".npy");
  return *npy || ends_with (path, ".csv")
           ? 0
           : error_usage ("the form is told by the name's ending, .csv or .npy, which '%s' lacks", path);
}
