#include <config.h>

#include "text.h"

#include "error.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
no_memory (void)
{
  return error_set ("no memory left for text; give the job more memory");
}

char *
text_new (const char *format, ...)
{
  char *text;
  va_list arguments;
  va_start (arguments, format);
  int length = vasprintf (&text, format, arguments);
  va_end (arguments);
  if (length >= 0)
    return text;
  no_memory ();
  return NULL;
}

int
text_parse_integer (const char *text, const char *what, int64_t lowest, int64_t highest, int64_t *value)
{
  char *end;
  errno = 0;
  intmax_t parsed = strtoimax (text, &end, 10);
  if (end == text || *end || errno || parsed < lowest || parsed > highest)
    return error_usage ("%s takes a whole number from %" PRId64 " to %" PRId64 ", not '%s'", what, lowest, highest,
                        text);
  *value = parsed;
  return 0;
}

int
text_parse_number (const char *text, const char *what, double *value)
{
  char *end;
  double parsed = strtod (text, &end);
  if (end == text || *end || !isfinite (parsed))
    return error_usage ("%s takes a number, not '%s'", what, text);
  *value = parsed;
  return 0;
}

int
text_parse_bytes (const char *text, const char *what, uint64_t *bytes)
{
  static const char suffixes[] = "KMGT";
  char *end;
  errno = 0;
  uintmax_t parsed = strtoumax (text, &end, 10);
  const char *suffix = isalpha ((unsigned char) *end) ? strchr (suffixes, toupper ((unsigned char) *end)) : NULL;
  unsigned shift = suffix ? 10 * (unsigned) (suffix - suffixes + 1) : 0;
  bool whole = *end == '\0' || (suffix && end[1] == '\0');
  if (!isdigit ((unsigned char) *text) || !whole || errno || parsed == 0 || parsed > UINT64_MAX >> shift)
    return error_usage ("%s takes a number of bytes such as 800M or 16G, not '%s'", what, text);
  *bytes = (uint64_t) parsed << shift;
  return 0;
}

bool
text_is_utf8 (const char *text)
{
  const unsigned char *byte = (const unsigned char *) text;
  while (*byte)
    {
      int more = *byte < 0x80 ? 0 : *byte < 0xc2 ? -1 : *byte < 0xe0 ? 1 : *byte < 0xf0 ? 2 : *byte < 0xf5 ? 3 : -1;
      unsigned char lowest = *byte == 0xe0 ? 0xa0 : *byte == 0xf0 ? 0x90 : 0x80;  /* overlong forms */
      unsigned char highest = *byte == 0xed ? 0x9f : *byte == 0xf4 ? 0x8f : 0xbf; /* surrogates, past U+10FFFF */
      if (more < 0 || (more > 0 && (byte[1] < lowest || byte[1] > highest)))
        return false;
      for (byte++; more > 0; more--)
        if ((*byte++ & 0xc0) != 0x80)
          return false;
    }
  return true;
}

int
names_add (struct names *names, const char *name)
{
  if ((names->count & (names->count - 1)) == 0) /* room doubles at each power of two */
    {
      size_t room = names->count ? 2 * names->count : 1;
      char **larger = realloc (names->name, room * sizeof *larger);
      if (!larger)
        return no_memory ();
      names->name = larger;
    }
  char *copy = strdup (name);
  if (!copy)
    return no_memory ();
  names->name[names->count++] = copy;
  return 0;
}

int
names_copy (struct names *to, const struct names *from)
{
  *to = (struct names){ 0 };
  for (size_t i = 0; i < from->count; i++)
    if (names_add (to, from->name[i]))
      {
        names_free (to);
        return -1;
      }
  return 0;
}

static int
compare (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

void
names_sort (struct names *names)
{
  if (names->count)
    qsort (names->name, names->count, sizeof *names->name, compare);
}

bool
names_equal (const struct names *a, const struct names *b)
{
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++)
    if (strcmp (a->name[i], b->name[i]))
      return false;
  return true;
}

int64_t
names_find (const struct names *names, const char *name)
{
  for (size_t i = 0; i < names->count; i++)
    if (!strcmp (names->name[i], name))
      return (int64_t) i;
  return -1;
}

char *
names_join (const struct names *names)
{
  size_t bytes = 1;
  for (size_t i = 0; i < names->count; i++)
    bytes += strlen (names->name[i]) + 2;
  char *joined = malloc (bytes), *end = joined;
  if (!joined)
    {
      no_memory ();
      return NULL;
    }
  *end = '\0';
  for (size_t i = 0; i < names->count; i++)
    end += sprintf (end, "%s%s", i ? ", " : "", names->name[i]);
  return joined;
}

void
names_free (struct names *names)
{
  for (size_t i = 0; i < names->count; i++)
    free (names->name[i]);
  free (names->name);
  *names = (struct names){ 0 };
}
