#include <config.h>

#include "lines.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 1 << 20, LINE_BYTES_MOST = 1 << 30 };

struct place {
  size_t offset, length; /* offset from lines->start */
  uint64_t number;
};

struct lines {
  char *path;
  FILE *stream;
  char *text; /* (room + 1) */
  size_t room;
  size_t start, end;   /* what was read and is not gathered, or gathered last */
  size_t gathered;     /* bytes from start on that the last call gathered */
  uint64_t number;     /* of lines so far */
  struct place *place; /* (places) */
  size_t places;
};

struct lines *
lines_open (const char *path)
{
  struct lines *lines = calloc (1, sizeof *lines);
  if (lines && (lines->path = text_new ("%s", path)) && (lines->text = memory_new (FIRST_ROOM + 1, 1)))
    {
      lines->room = FIRST_ROOM;
      if ((lines->stream = fopen (path, "rbe")))
        return lines;
      error_system ("open", path);
    }
  else if (!lines)
    error_set ("no memory left to read '%s'; give the job more memory", path);
  lines_close (lines);
  return NULL;
}

void
lines_close (struct lines *lines)
{
  if (!lines)
    return;
  if (lines->stream)
    fclose (lines->stream);
  memory_free (lines->place);
  memory_free (lines->text);
  free (lines->path);
  free (lines);
}

void
lines_rewind (struct lines *lines)
{
  rewind (lines->stream);
  lines->start = lines->end = lines->gathered = 0;
  lines->number = 0;
}

static int
make_room (struct lines *lines)
{
  if (lines->start > 0)
    {
      memmove (lines->text, lines->text + lines->start, lines->end - lines->start);
      lines->end -= lines->start;
      lines->start = 0;
    }
  if (lines->end < lines->room)
    return 0;
  char *larger = memory_new (2 * lines->room + 1, 1);
  if (!larger)
    return -1;
  memcpy (larger, lines->text, lines->end);
  memory_free (lines->text);
  lines->text = larger;
  lines->room *= 2;
  return 0;
}

/* Reads more text.  *ENDED is set where there is none.  */
static int
read_more (struct lines *lines, size_t line_start, bool *ended)
{
  if (lines->end - lines->start - line_start > LINE_BYTES_MOST)
    return error_set ("line %" PRIu64 " of '%s' is longer than 1 GB; check that it is a CSV file", lines->number + 1,
                      lines->path);
  if (lines->end == lines->room && make_room (lines))
    return -1;
  size_t length = fread (lines->text + lines->end, 1, lines->room - lines->end, lines->stream);
  lines->end += length;
  *ended = length == 0;
  return ferror (lines->stream) ? error_system ("read", lines->path) : 0;
}

static int
make_places (struct lines *lines, size_t wanted)
{
  if (wanted <= lines->places)
    return 0;
  memory_free (lines->place);
  lines->place = memory_new (wanted, sizeof *lines->place);
  lines->places = lines->place ? wanted : 0;
  return lines->place ? 0 : -1;
}

/* Adds the line of LENGTH bytes at OFFSET unless it is empty.  */
static void
add_line (struct lines *lines, size_t offset, size_t length, size_t *count)
{
  lines->number++;
  if (length > 0 && lines->text[lines->start + offset + length - 1] == '\r')
    length--;
  if (length > 0)
    lines->place[(*count)++] = (struct place){ offset, length, lines->number };
}

int
lines_gather (struct lines *lines, size_t wanted, size_t *count)
{
  bool ended = false;
  size_t offset = 0;
  lines->start += lines->gathered;
  lines->gathered = 0;
  *count = 0;
  if (make_places (lines, wanted))
    return -1;
  while (*count < wanted && !ended)
    {
      const char *text = lines->text + lines->start + offset;
      size_t left = lines->end - lines->start - offset;
      const char *newline = left ? memchr (text, '\n', left) : NULL;
      size_t length = newline ? (size_t) (newline - text) : left;
      if (!newline && read_more (lines, offset, &ended))
        return -1;
      if (newline || (ended && length > 0))
        {
          add_line (lines, offset, length, count);
          offset += length + (newline != NULL);
        }
    }
  lines->gathered = offset;
  return 0;
}

struct line
lines_line (const struct lines *lines, size_t index)
{
  const struct place *place = &lines->place[index];
  return (struct line){ lines->text + lines->start + place->offset, place->length, place->number };
}
