#include <config.h>

#include "draft.h"

#include "error.h"
#include "file.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct draft {
  char *path, *temporary;
  FILE *stream;
};

static void
free_draft (struct draft *draft)
{
  free (draft->temporary);
  free (draft->path);
  free (draft);
}

struct draft *
draft_new (const char *path)
{
  struct draft *draft = calloc (1, sizeof *draft);
  if (!draft)
    {
      error_set ("no memory left to write '%s'; give the job more memory", path);
      return NULL;
    }
  if ((draft->path = text_new ("%s", path)) && (draft->temporary = file_temporary (path)))
    {
      if ((draft->stream = fopen (draft->temporary, "wbxe")))
        return draft;
      error_system ("create", path);
    }
  free_draft (draft);
  return NULL;
}

int
draft_write (struct draft *draft, const void *data, size_t length)
{
  return fwrite (data, 1, length, draft->stream) == length ? 0 : error_system ("write", draft->path);
}

int
draft_commit (struct draft *draft)
{
  int result = fclose (draft->stream) ? error_system ("write", draft->path) : 0;
  if (result == 0)
    result = file_commit (draft->temporary, draft->path);
  else
    unlink (draft->temporary);
  free_draft (draft);
  return result;
}

void
draft_discard (struct draft *draft)
{
  if (!draft)
    return;
  fclose (draft->stream);
  unlink (draft->temporary);
  free_draft (draft);
}
