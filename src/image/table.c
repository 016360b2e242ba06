#include <config.h>

#include "table.h"

#include "../base/error.h"
#include "../base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_BYTES_MOST = 1 << 20 };

struct table {
  char *path;
  FILE *stream;
  int separator;       /* -1 before the first line */
  uint64_t line, next; /* of the row, and of what is read next */
  char *text;          /* the row's fields, each with a 0 at its end */
  size_t length, room;
  size_t *field; /* (fields) offsets in text */
  size_t fields, fields_room;
};

/* Goes on behind a byte order mark.  */
static int
skip_mark (struct table *table)
{
  unsigned char head[3] = { 0 };
  size_t length = fread (head, 1, sizeof head, table->stream);
  if (length >= 2 && (!memcmp (head, "\xff\xfe", 2) || !memcmp (head, "\xfe\xff", 2)))
    return error_set ("'%s' is UTF-16; save it as UTF-8", table->path);
  if (length < 3 || memcmp (head, "\xef\xbb\xbf", 3))
    rewind (table->stream);
  return ferror (table->stream) ? error_system ("read", table->path) : 0;
}

struct table *
table_open (const char *path)
{
  struct table *table = calloc (1, sizeof *table);
  if (!table)
    {
      error_set ("no memory left to read '%s'; give the job more memory", path);
      return NULL;
    }
  table->separator = -1;
  table->next = 1;
  if ((table->path = text_new ("%s", path)))
    {
      table->stream = fopen (path, "rbe");
      if (table->stream ? skip_mark (table) == 0 : error_system ("open", path) == 0)
        return table;
    }
  table_close (table);
  return NULL;
}

void
table_close (struct table *table)
{
  if (!table)
    return;
  if (table->stream)
    fclose (table->stream);
  free (table->path);
  free (table->text);
  free (table->field);
  free (table);
}

/* The separator that the line to come has most of, outside quotes.  The stream stays where it is.  */
static void
find_separator (struct table *table)
{
  static const char separators[] = ",;\t";
  size_t count[3] = { 0 }, most = 0;
  bool quoted = false;
  off_t start = ftello (table->stream);
  for (int byte; (byte = getc (table->stream)) != EOF && (quoted || byte != '\n');)
    {
      const char *found = byte ? strchr (separators, byte) : NULL;
      quoted ^= byte == '"';
      if (found && !quoted)
        count[found - separators]++;
    }
  for (size_t i = 1; i < 3; i++)
    most = count[i] > count[most] ? i : most;
  table->separator = separators[most];
  clearerr (table->stream);
  fseeko (table->stream, start, SEEK_SET);
}

static int
no_memory (const struct table *table)
{
  return error_set ("no memory left for line %" PRIu64 " of '%s'; give the job more memory", table->line, table->path);
}

static int
add_byte (struct table *table, int byte)
{
  if (table->length == table->room)
    {
      size_t room = table->room ? 2 * table->room : 256;
      char *larger = room <= ROW_BYTES_MOST ? realloc (table->text, room) : NULL;
      if (!larger && room > ROW_BYTES_MOST)
        return error_set ("the row at line %" PRIu64 " of '%s' is longer than %d bytes; check its quotes", table->line,
                          table->path, ROW_BYTES_MOST);
      if (!larger)
        return no_memory (table);
      table->text = larger;
      table->room = room;
    }
  table->text[table->length++] = (char) byte;
  return 0;
}

static int
begin_field (struct table *table)
{
  if (table->fields == table->fields_room)
    {
      size_t room = table->fields_room ? 2 * table->fields_room : 16;
      size_t *larger = reallocarray (table->field, room, sizeof *larger);
      if (!larger)
        return no_memory (table);
      table->field = larger;
      table->fields_room = room;
    }
  table->field[table->fields++] = table->length;
  return 0;
}

/* The next byte; LF for CRLF too.  */
static int
next_byte (struct table *table)
{
  int byte = getc_unlocked (table->stream);
  if (byte == '\r')
    {
      int after = getc_unlocked (table->stream);
      if (after == '\n' || after == EOF)
        byte = after;
      else
        ungetc (after, table->stream);
    }
  table->next += byte == '\n';
  return byte;
}

/* The inside of quotes, to the second one.  */
static int
read_quoted (struct table *table)
{
  int byte;
  for (;;)
    {
      byte = getc_unlocked (table->stream);
      table->next += byte == '\n';
      if (byte == EOF)
        return error_set ("the quote at line %" PRIu64 " of '%s' is not closed; close it, or put the field into quotes "
                          "with its own quotes doubled",
                          table->line, table->path);
      if (byte == '"' && (byte = getc_unlocked (table->stream)) != '"')
        {
          ungetc (byte, table->stream);
          return 0;
        }
      if (add_byte (table, byte))
        return -1;
    }
}

static bool
is_blank (int byte)
{
  return byte == ' ' || byte == '\t';
}

/* The next field.  *END is what follows it: the separator, LF or EOF.  */
static int
read_field (struct table *table, int *end)
{
  bool quoted = false;
  size_t start = table->length;
  int byte = begin_field (table) ? EOF : next_byte (table);
  while (byte == ' ')
    byte = next_byte (table);
  if (byte == '"')
    {
      if (read_quoted (table))
        return -1;
      quoted = true;
      start = table->length;
      byte = next_byte (table);
    }
  for (; byte != EOF && byte != '\n' && byte != table->separator; byte = next_byte (table))
    if (byte == '\0')
      return error_set ("line %" PRIu64 " of '%s' has a byte 0; check that it is a text", table->next, table->path);
    else if (add_byte (table, byte))
      return -1;
  while (table->length > start && is_blank (table->text[table->length - 1]))
    table->length--;
  if (quoted && table->length > start)
    return error_set ("line %" PRIu64 " of '%s' has text after a quote; double the quotes that belong to a field",
                      table->line, table->path);
  *end = byte;
  return add_byte (table, '\0');
}

/* Whether the row is an empty line.  */
static bool
is_empty (const struct table *table)
{
  return table->fields == 1 && table->length == 1;
}

int
table_next (struct table *table)
{
  int end = EOF;
  if (table->separator < 0)
    find_separator (table);
  do
    {
      table->fields = table->length = 0;
      table->line = table->next;
      do
        if (read_field (table, &end))
          return -1;
      while (end == table->separator);
    }
  while (is_empty (table) && end != EOF);
  if (ferror (table->stream))
    return error_system ("read", table->path);
  return !is_empty (table);
}

size_t
table_fields (const struct table *table)
{
  return table->fields;
}

const char *
table_field (const struct table *table, size_t number)
{
  return table->text + table->field[number];
}

uint64_t
table_line (const struct table *table)
{
  return table->line;
}
