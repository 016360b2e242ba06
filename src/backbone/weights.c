#include <config.h>

#include "weights.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "isolated.h"
#include "kerasfile.h"
#include "safetensors.h"
#include "torchfile.h"
#include "zipfile.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
  BEGINNING_BYTES = 512,
  TAR_PLACE = 257,     /* of the word "ustar" */
  VALUES_PER_BYTE = 4, /* of a file: there are types of one byte, tied weights and compressed files */
};

static const uint64_t bytes_always = 64 << 20; /* whatever the file's size: a small file may be well compressed */

/* What a kind of file begins with.  */
struct kind {
  const char *magic;
  size_t bytes, place;
  int (*read) (struct weights *weights); /* NULL where it holds no weights */
  const char *what;                      /* it is then */
};

/* A zip file holds a state dict or a Keras model.  */
static int
read_zip (struct weights *weights)
{
  int keras = zipfile_has (weights->path, KERASFILE_MEMBER);
  return keras < 0 ? -1 : keras ? isolated_read (weights, kerasfile_read_zip) : torchfile_read_zip (weights);
}

static int
read_hdf5 (struct weights *weights)
{
  return isolated_read (weights, kerasfile_read);
}

static const struct kind kinds[] = {
  { "\x89HDF\r\n\x1a\n", 8, 0, read_hdf5, NULL },
  { "PK\3\4", 4, 0, read_zip, NULL },
  { "{", 1, 8, safetensors_read, NULL }, /* before the next: any byte may stand before it */
  { "\x80", 1, 0, torchfile_read_sequential, NULL },
  { "ustar", 5, TAR_PLACE, NULL, "a tar file, as PyTorch wrote before 2017; load it by PyTorch and save it again" },
  { "version https://git-lfs", 23, 0, NULL, "a pointer of Git LFS; fetch the file itself (git lfs pull)" },
  { "<", 1, 0, NULL, "a page of HTML or XML; download the file itself" },
};

static const struct kind *
find_kind (const char *beginning, size_t length)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    {
      const struct kind *kind = &kinds[i];
      if (length >= kind->place + kind->bytes && !memcmp (beginning + kind->place, kind->magic, kind->bytes))
        return kind;
    }
  return NULL;
}

/* Sets the limit by the file's size, and reads its first *LENGTH bytes.  */
static int
look (struct weights *weights, char beginning[BEGINNING_BYTES], size_t *length)
{
  struct stat status;
  FILE *stream = fopen (weights->path, "rbe");
  if (!stream)
    return error_system ("open", weights->path);
  *length = fread (beginning, 1, BEGINNING_BYTES, stream);
  int result = ferror (stream) || fstat (fileno (stream), &status) ? error_system ("read", weights->path) : 0;
  fclose (stream);
  if (result)
    return -1;
  weights->file_bytes = (uint64_t) status.st_size;
  weights->bytes_limit = weights->file_bytes * VALUES_PER_BYTE * sizeof (float) + bytes_always;
  return 0;
}

static int
read_kind (struct weights *weights)
{
  char beginning[BEGINNING_BYTES];
  size_t length = 0;
  if (look (weights, beginning, &length))
    return -1;
  const struct kind *kind = find_kind (beginning, length);
  if (!kind)
    return error_set ("'%s' is no file of weights that slabfit knows (Keras .h5, .weights.h5 and .keras, safetensors, "
                      "PyTorch .pth); check that it is the right file and whole",
                      weights->path);
  if (!kind->read)
    return error_set ("'%s' is %s", weights->path, kind->what);
  if (kind->read (weights))
    return -1;
  return weights->count ? 0 : error_set ("'%s' holds no weights; check that it is the right file", weights->path);
}

int
weights_read (struct weights *weights, const char *path)
{
  *weights = (struct weights){ .path = path };
  int result = read_kind (weights);
  if (result)
    weights_free (weights);
  weights->path = NULL;
  return result;
}

void
weights_free (struct weights *weights)
{
  for (size_t i = 0; i < weights->count; i++)
    {
      free (weights->weight[i].name);
      memory_free (weights->weight[i].value);
    }
  free (weights->weight);
  free (weights->config);
  *weights = (struct weights){ 0 };
}

const struct weight *
weights_find (const struct weights *weights, const char *name)
{
  for (size_t i = 0; i < weights->count; i++)
    if (!strcmp (weights->weight[i].name, name))
      return &weights->weight[i];
  return NULL;
}

size_t
weight_values (const struct weight *weight)
{
  size_t count = 1;
  for (int i = 0; i < weight->rank; i++)
    count *= (size_t) weight->size[i];
  return count;
}

int
weights_damaged (const struct weights *weights, const char *what, ...)
{
  char text[1024];
  va_list arguments;
  va_start (arguments, what);
  vsnprintf (text, sizeof text, what, arguments);
  va_end (arguments);
  return error_set ("'%s' is damaged or cut short: %s; copy or download it again", weights->path, text);
}

/* The bytes of an array of float32, or UINT64_MAX where there are more, or a size is negative.  */
static uint64_t
array_bytes (int rank, const int64_t *size)
{
  uint64_t bytes = sizeof (float);
  bool empty = false;
  for (int i = 0; i < rank; i++)
    {
      empty |= size[i] == 0;
      if (size[i] < 0 || (size[i] && __builtin_mul_overflow (bytes, (uint64_t) size[i], &bytes)))
        return UINT64_MAX;
    }
  return empty ? 0 : bytes;
}

static int
check_new (const struct weights *weights, const char *name, int rank, const int64_t *size)
{
  size_t length = strlen (name);
  if (length == 0 || length > WEIGHTS_NAME_BYTES)
    return weights_damaged (weights, "the name of array %zu has %zu bytes", weights->count + 1, length);
  if (rank < 0 || rank > WEIGHTS_RANK)
    return error_set ("'%s' in '%s' has %d dimensions, more than the %d there can be; check that it is the right file",
                      name, weights->path, rank, WEIGHTS_RANK);
  if (array_bytes (rank, size) > weights->bytes_limit - weights->bytes)
    return weights_damaged (weights, "'%s' is said to be larger than such a file can hold", name);
  if (weights->count == WEIGHTS_MOST)
    return error_set ("'%s' holds more than %d arrays; check that it is the right file", weights->path, WEIGHTS_MOST);
  if (weights_find (weights, name))
    return error_set ("'%s' holds '%s' twice; save the weights again", weights->path, name);
  return 0;
}

static int
make_room (struct weights *weights)
{
  if (weights->count < weights->room)
    return 0;
  size_t room = weights->room ? 2 * weights->room : 64;
  struct weight *larger = realloc (weights->weight, room * sizeof *larger);
  if (!larger)
    return error_set ("no memory for the arrays of '%s'; give the job more memory", weights->path);
  weights->weight = larger;
  weights->room = room;
  return 0;
}

struct weight *
weights_add (struct weights *weights, const char *name, int rank, const int64_t *size)
{
  if (check_new (weights, name, rank, size) || make_room (weights))
    return NULL;
  uint64_t bytes = array_bytes (rank, size);
  struct weight weight = { .rank = rank };
  memcpy (weight.size, size, (size_t) rank * sizeof *size);
  weight.name = text_new ("%s", name);
  weight.value = weight.name ? memory_new (bytes / sizeof (float), sizeof (float)) : NULL;
  if (!weight.value)
    {
      free (weight.name);
      return NULL;
    }
  weights->bytes += bytes;
  weights->weight[weights->count] = weight;
  return &weights->weight[weights->count++];
}
