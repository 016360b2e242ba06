#include <config.h>

#include "safetensors.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "element.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  LENGTH_BYTES = 8,
  HEADER_MOST = 1 << 20, /* some hundred bytes for each array; hostile JSON takes 80 times its size */
  BLOCK_BYTES = 1 << 16,
};

struct reader {
  struct weights *weights;
  FILE *stream;
  uint64_t start, bytes; /* of the arrays' bytes in the file */
};

/* An array as the header describes it.  */
struct description {
  const char *name; /* borrowed */
  const struct element *element;
  int rank;
  int64_t size[WEIGHTS_RANK];
  uint64_t begin, end;
};

/* The header's length, and with it where the arrays lie.  */
static int
read_length (struct reader *reader, uint64_t *length)
{
  unsigned char start[LENGTH_BYTES] = { 0 };
  *length = 0;
  uint64_t bytes = reader->weights->file_bytes;
  if (fread (start, 1, sizeof start, reader->stream) != sizeof start)
    return weights_damaged (reader->weights, "it ends in the length of its header");
  for (int i = 0; i < LENGTH_BYTES; i++)
    *length |= (uint64_t) start[i] << 8 * i;
  if (*length > HEADER_MOST || *length + LENGTH_BYTES > bytes)
    return weights_damaged (reader->weights, "its header is said to have %" PRIu64 " bytes", *length);
  reader->start = *length + LENGTH_BYTES;
  reader->bytes = bytes - reader->start;
  return 0;
}

/* The header's JSON, a new reference; NULL with the error set.  */
static json_t *
read_header (struct reader *reader)
{
  uint64_t length;
  char *text = read_length (reader, &length) ? NULL : memory_new (length + 1, 1);
  json_t *header = NULL;
  if (!text)
    return NULL;
  if (fread (text, 1, length, reader->stream) != length)
    weights_damaged (reader->weights, "it ends in its header");
  else if (!(header = json_loadb (text, length, JSON_REJECT_DUPLICATES, NULL)))
    weights_damaged (reader->weights, "its header is no JSON");
  memory_free (text);
  return header;
}

/* The whole number in VALUE, or -1.  */
static int64_t
whole (const json_t *value)
{
  return json_is_integer (value) ? json_integer_value (value) : -1;
}

static int
parse_shape (struct description *description, const json_t *shape)
{
  size_t rank = json_array_size (shape);
  if (!json_is_array (shape) || rank > WEIGHTS_RANK)
    return -1;
  description->rank = (int) rank;
  for (size_t i = 0; i < rank; i++)
    if ((description->size[i] = whole (json_array_get (shape, i))) < 0)
      return -1;
  return 0;
}

/* What ENTRY says, checked against itself and the file's size.  */
static int
parse_entry (const struct reader *reader, const json_t *entry, struct description *description)
{
  const char *type = json_string_value (json_object_get (entry, "dtype")), *name = description->name;
  const json_t *offsets = json_object_get (entry, "data_offsets");
  int64_t begin = whole (json_array_get (offsets, 0)), end = whole (json_array_get (offsets, 1));
  if (!type || parse_shape (description, json_object_get (entry, "shape")) || begin < 0 || end < begin)
    return weights_damaged (reader->weights, "its header does not describe '%s'", name);
  description->element = element_of_safetensors (type, strlen (type));
  if (!description->element)
    return error_set ("'%s' in '%s' has the type %s, which slabfit does not read; save it as float32", name,
                      reader->weights->path, type);
  uint64_t bytes = description->element->bytes;
  bool overflow = false;
  for (int i = 0; i < description->rank; i++)
    overflow |= __builtin_mul_overflow (bytes, (uint64_t) description->size[i], &bytes);
  description->begin = (uint64_t) begin;
  description->end = (uint64_t) end;
  if (overflow || bytes != description->end - description->begin || description->end > reader->bytes)
    return weights_damaged (reader->weights, "'%s' does not lie where its header says", name);
  return 0;
}

/* The values of WEIGHT, block by block.  */
static int
read_values (const struct reader *reader, const struct description *description, struct weight *weight)
{
  unsigned char block[BLOCK_BYTES];
  const struct element *element = description->element;
  size_t count = weight_values (weight), most = BLOCK_BYTES / element->bytes;
  if (fseeko (reader->stream, (off_t) (reader->start + description->begin), SEEK_SET))
    return error_system ("read", reader->weights->path);
  for (size_t done = 0, now; done < count; done += now)
    {
      now = count - done < most ? count - done : most;
      if (fread (block, element->bytes, now, reader->stream) != now)
        return weights_damaged (reader->weights, "it ends in '%s'", weight->name);
      element_values (element, block, false, weight->value + done, now);
    }
  return 0;
}

static int
read_arrays (const struct reader *reader, json_t *header)
{
  const char *name;
  json_t *entry;
  json_object_foreach (header, name, entry)
  {
    struct description description = { .name = name };
    if (!strcmp (name, "__metadata__"))
      continue;
    if (parse_entry (reader, entry, &description))
      return -1;
    struct weight *weight = weights_add (reader->weights, name, description.rank, description.size);
    if (!weight || read_values (reader, &description, weight))
      return -1;
  }
  return 0;
}

int
safetensors_read (struct weights *weights)
{
  struct reader reader = { .weights = weights, .stream = fopen (weights->path, "rbe") };
  if (!reader.stream)
    return error_system ("open", weights->path);
  json_t *header = read_header (&reader);
  int result = header ? read_arrays (&reader, header) : -1;
  json_decref (header);
  fclose (reader.stream);
  return result;
}
