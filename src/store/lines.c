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

enum {
  READ_BYTES = 256 << 10, /* what is searched for line ends while the processor's cache holds it */
  FIRST_ROOM = 4 * READ_BYTES,
  LINE_BYTES_MOST = 256 << 20,
};

struct place {
  size_t offset, length; /* offset from lines->start */
  uint64_t number;
};

struct lines {
  char *path;
  FILE *stream;
  char *text; /* (room + LINES_AFTER) */
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
  if (lines && (lines->path = text_new ("%s", path)) && (lines->text = memory_new (FIRST_ROOM + LINES_AFTER, 1)))
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

/* Moves what is in use to the front, or doubles the room where it is all in use.  */
static int
make_room (struct lines *lines)
{
  size_t used = lines->end - lines->start;
  char *text = lines->text;
  if (lines->start == 0)
    {
      if (!(text = memory_new (2 * lines->room + LINES_AFTER, 1)))
        return -1;
      lines->room *= 2;
    }
  memmove (text, lines->text + lines->start, used);
  if (text != lines->text)
    memory_free (lines->text);
  lines->text = text;
  lines->start = 0;
  lines->end = used;
  return 0;
}

/* Reads more text behind the line at OFFSET, which has no end yet.  *ENDED is set where there is none.  */
static int
read_more (struct lines *lines, size_t offset, bool *ended)
{
  if (lines->end - lines->start - offset > LINE_BYTES_MOST)
    return error_set ("line %" PRIu64 " of '%s' is longer than %d MB; check that it is a CSV file", lines->number + 1,
                      lines->path, LINE_BYTES_MOST >> 20);
  if (lines->end == lines->room && make_room (lines))
    return -1;
  size_t room = lines->room - lines->end;
  size_t length = fread (lines->text + lines->end, 1, room < READ_BYTES ? room : READ_BYTES, lines->stream);
  lines->end += length;
  lines->text[lines->end] = '\0';
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
  static const char mark[] = "\xef\xbb\xbf";
  const char *text = lines->text + lines->start + offset;
  lines->number++;
  if (lines->number == 1 && length >= strlen (mark) && memcmp (text, mark, strlen (mark)) == 0)
    {
      text += strlen (mark);
      offset += strlen (mark);
      length -= strlen (mark);
    }
  if (length > 0 && text[length - 1] == '\r')
    length--;
  if (length > 0)
    lines->place[(*count)++] = (struct place){ offset, length, lines->number };
}

int
lines_gather (struct lines *lines, size_t wanted, size_t *count)
{
  bool ended = false;
  size_t offset = 0, searched = 0; /* of the line to come; that far it has no end */
  lines->start += lines->gathered;
  lines->gathered = 0;
  *count = 0;
  if (make_places (lines, wanted))
    return -1;
  while (*count < wanted && !ended)
    {
      const char *text = lines->text + lines->start;
      size_t there = lines->end - lines->start;
      const char *newline = memchr (text + searched, '\n', there - searched);
      size_t end = newline ? (size_t) (newline - text) : there;
      if (!newline && read_more (lines, offset, &ended))
        return -1;
      searched = end;
      if (newline || (ended && end > offset))
        {
          add_line (lines, offset, end - offset, count);
          offset = searched = end + (newline != NULL);
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
