#include <config.h>

#include "npyheader.h"

#include "../base/error.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  TEXT_BYTES_MOST = 64 << 10, /* numpy.load itself takes 10,000 */
  ALIGNMENT = 64,
  DESCRIPTION_BYTES = 16, /* of '<f4' and the like */
  HOST_IS_LITTLE = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
};

static const unsigned char magic[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };

/* What the dictionary says.  */
struct dictionary {
  char description[DESCRIPTION_BYTES];
  bool records; /* described by a list */
  bool fortran;
  int rank;
  uint64_t shape[NPYHEADER_RANK_MOST];
  int keys; /* a bit for each of the three */
};

static const char *
skip_space (const char *at)
{
  return at + strspn (at, " \t\r\n");
}

/* Behind the character WANTED and the blanks around it; NULL where it does not stand at AT, or AT is NULL.  */
static const char *
pass (const char *at, char wanted)
{
  at = at ? skip_space (at) : NULL;
  return at && *at == wanted ? skip_space (at + 1) : NULL;
}

/* The text between quotes at AT into TEXT, as much as has room.  */
static const char *
parse_text (const char *at, char *text, size_t room)
{
  if (*at != '\'' && *at != '"')
    return NULL;
  const char *end = strchr (at + 1, *at);
  if (end)
    snprintf (text, room, "%.*s", (int) (end - at - 1), at + 1);
  return end ? end + 1 : NULL;
}

/* (3, 4), (3,), (), and Python 2's (3L, 4L).  */
static const char *
parse_shape (const char *at, struct dictionary *dictionary)
{
  dictionary->rank = 0; /* of a key that is there twice the last counts, as in Python */
  at = pass (at, '(');
  while (at && *at != ')')
    {
      char *end;
      if (*at < '0' || *at > '9' || dictionary->rank == NPYHEADER_RANK_MOST)
        return NULL;
      dictionary->shape[dictionary->rank++] = strtoumax (at, &end, 10);
      at = skip_space (end + (*end == 'L'));
      at = *at == ')' ? at : pass (at, ',');
    }
  return pass (at, ')');
}

static const char *
parse_entry (const char *at, struct dictionary *dictionary)
{
  char key[DESCRIPTION_BYTES];
  at = pass (parse_text (at, key, sizeof key), ':');
  if (!at)
    return NULL;
  if (!strcmp (key, "descr"))
    {
      dictionary->keys |= 1;
      dictionary->records = *at == '[';
      return parse_text (at, dictionary->description, DESCRIPTION_BYTES);
    }
  if (!strcmp (key, "shape"))
    {
      dictionary->keys |= 2;
      return parse_shape (at, dictionary);
    }
  dictionary->fortran = !strncmp (at, "True", 4);
  bool known = !strcmp (key, "fortran_order") && (dictionary->fortran || !strncmp (at, "False", 5));
  dictionary->keys |= known ? 4 : 0;
  return known ? at + (dictionary->fortran ? 4 : 5) : NULL;
}

static bool
parse (const char *text, struct dictionary *dictionary)
{
  const char *at = pass (text, '{');
  while (at && *at != '}')
    {
      at = parse_entry (at, dictionary);
      at = at ? skip_space (at) : NULL;
      if (at && *at != '}')
        at = pass (at, ',');
    }
  at = pass (at, '}');
  return at && *at == '\0' && dictionary->keys == 7;
}

/* A new string, to be freed; NULL with the error set.  */
static char *
read_text (FILE *stream, const char *path)
{
  unsigned char start[12] = { 0 };
  size_t found = fread (start, 1, 10, stream);
  if (ferror (stream))
    error_system ("read", path);
  else if (found < 10 || memcmp (start, magic, sizeof magic))
    error_set ("'%s' is not a NumPy array file; make it by numpy.save", path);
  else if (start[6] < 1 || start[6] > 3 || start[7] != 0)
    error_set ("'%s' has version %d.%d of NumPy's format, this slabfit reads 1.0 to 3.0; save it by numpy.save", path,
               start[6], start[7]);
  else if (start[6] > 1 && fread (start + 10, 1, 2, stream) != 2)
    error_set ("'%s' ends in its header; save the array again", path);
  else
    {
      size_t length = (size_t) start[8] | (size_t) start[9] << 8 | (size_t) start[10] << 16 | (size_t) start[11] << 24;
      char *text = length <= TEXT_BYTES_MOST ? calloc (length + 1, 1) : NULL;
      if (text && fread (text, 1, length, stream) == length)
        return text;
      error_set (text                        ? "'%s' ends in its header; save the array again"
                 : length <= TEXT_BYTES_MOST ? "no memory left to read '%s'; give the job more memory"
                                             : "the header of '%s' is longer than any of an array of numbers; "
                                               "save the array again",
                 path);
      free (text);
    }
  return NULL;
}

static int
take_description (struct npyheader *header, const char *description, bool whole, const char *path)
{
  static const char *const floats[] = { "f2", "f4", "f8", NULL };
  static const char *const integers[] = { "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", NULL };
  for (const char *const *known = whole ? integers : floats; *known; known++)
    if (*description && strchr ("<>|", *description) && !strcmp (description + 1, *known))
      {
        header->kind = (*known)[0];
        header->bytes = (*known)[1] - '0';
        header->swapped = header->bytes > 1 && *description == (HOST_IS_LITTLE ? '>' : '<');
        return 0;
      }
  return error_set ("'%s' holds elements of the type '%s', not %s; save it with astype ('%s')", path, description,
                    whole ? "whole numbers" : "floating-point numbers", whole ? "int32" : "float32");
}

/* All bytes from here to the file's end are to be the elements.  */
static int
check_size (struct npyheader *header, FILE *stream, const char *path)
{
  struct stat status;
  off_t start = ftello (stream);
  uint64_t bytes = (uint64_t) header->bytes;
  bool overflow = false;
  header->elements = 1;
  for (int i = 0; i < header->rank; i++)
    overflow |= __builtin_mul_overflow (header->elements, header->shape[i], &header->elements);
  overflow |= __builtin_mul_overflow (header->elements, bytes, &bytes);
  if (start < 0 || fstat (fileno (stream), &status))
    return error_system ("read", path);
  uint64_t there = status.st_size < start ? 0 : (uint64_t) (status.st_size - start);
  if (overflow || bytes > there)
    return error_set ("'%s' has %" PRIu64 " bytes of elements and its header tells of more; it is not whole: copy or "
                      "save it again",
                      path, there);
  if (bytes < there)
    return error_set ("'%s' has %" PRIu64 " byte%s behind its array; save one array alone", path, there - bytes,
                      there - bytes == 1 ? "" : "s");
  return 0;
}

int
npyheader_read (struct npyheader *header, FILE *stream, bool whole, const char *path)
{
  struct dictionary dictionary = { 0 };
  char *text = read_text (stream, path);
  if (!text)
    return -1;
  bool parsed = parse (text, &dictionary);
  free (text);
  *header = (struct npyheader){ .rank = dictionary.rank };
  memcpy (header->shape, dictionary.shape, sizeof header->shape);
  if (dictionary.records)
    return error_set ("'%s' holds records, not numbers; save one field alone", path);
  if (!parsed)
    return error_set ("the header of '%s' does not describe an array of numbers; save the array again", path);
  if (take_description (header, dictionary.description, whole, path))
    return -1;
  if (dictionary.fortran)
    return error_set ("'%s' is in Fortran order; save numpy.ascontiguousarray of the array", path);
  return check_size (header, stream, path);
}

size_t
npyheader_format (const struct npyheader *header, char text[NPYHEADER_BYTES_MOST])
{
  enum { START = sizeof magic + 4 };
  int length = START;
  length += sprintf (text + length, "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (",
                     header->bytes > 1 ? '<' : '|', header->kind, header->bytes);
  for (int i = 0; i < header->rank; i++)
    length += sprintf (text + length, "%s%" PRIu64, i ? ", " : "", header->shape[i]);
  length += sprintf (text + length, "%s), }", header->rank == 1 ? "," : "");
  int end = (length + ALIGNMENT) / ALIGNMENT * ALIGNMENT, rest = end - START;
  memset (text + length, ' ', (size_t) (end - length));
  text[end - 1] = '\n';
  memcpy (text, magic, sizeof magic);
  memcpy (text + sizeof magic, (char[]){ 1, 0, (char) rest, (char) (rest >> 8) }, 4);
  return (size_t) end;
}
