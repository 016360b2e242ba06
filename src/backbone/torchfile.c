#include <config.h>

#include "torchfile.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "pickle.h"
#include "statedict.h"
#include "zipfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No state dict's pickle comes near it: some hundred bytes for each tensor.  */
enum { PICKLE_MOST = 32 << 20, ORDER_MOST = 64 };

/* What the members but the storages say.  */
struct contents {
  char *folder; /* "archive/", of all members; owned */
  unsigned char *pickle;
  size_t length;
  bool big;      /* the numbers' highest bytes stand first */
  bool compiled; /* there is a program */
};

/* Whether NAME is that of the member MEMBER in the folder of (*FOLDER) bytes.  */
static bool
is_member (const char *name, const char *member, size_t *folder)
{
  size_t length = strlen (name), end = strlen (member);
  *folder = length - end;
  return length >= end && !strcmp (name + length - end, member) && (length == end || name[length - end - 1] == '/');
}

static int
take_byteorder (struct contents *contents, struct zipfile *zip)
{
  size_t length;
  unsigned char *text = zipfile_read (zip, ORDER_MOST, &length);
  if (!text)
    return -1;
  contents->big = !strncmp ((char *) text, "big", strlen ("big"));
  memory_free (text);
  return 0;
}

static int
take_member (struct contents *contents, struct zipfile *zip, const char *name)
{
  size_t folder;
  if (is_member (name, "constants.pkl", &folder))
    contents->compiled = true;
  if (is_member (name, "byteorder", &folder))
    return take_byteorder (contents, zip);
  if (contents->pickle || !is_member (name, "data.pkl", &folder))
    return 0;
  contents->folder = text_new ("%.*s", (int) folder, name);
  return contents->folder && (contents->pickle = zipfile_read (zip, PICKLE_MOST, &contents->length)) ? 0 : -1;
}

static int
read_contents (const struct weights *weights, struct contents *contents)
{
  struct zipfile *zip = zipfile_open (weights->path);
  const char *name;
  int more = zip ? 1 : -1;
  while (more > 0 && (more = zipfile_next (zip, &name)) > 0)
    if (take_member (contents, zip, name))
      more = -1;
  zipfile_close (zip);
  if (more < 0)
    return -1;
  if (contents->compiled)
    return error_set ("'%s' is a whole network in TorchScript, no file of weights; it needs no building: give it to "
                      "slabfit backbone wrap",
                      weights->path);
  if (!contents->pickle)
    return error_set ("'%s' is a zip file without weights: neither of PyTorch (data.pkl) nor of Keras "
                      "(model.weights.h5); check that it is the right file",
                      weights->path);
  return 0;
}

/* The storage in the member NAME, which ZIP stands at, where it is one that is used.  */
static int
read_member (const struct statedict *statedict, const struct contents *contents, struct zipfile *zip, const char *name,
             uint64_t limit)
{
  static const char below[] = "data/";
  size_t folder = strlen (contents->folder), start = folder + sizeof below - 1, length;
  if (strncmp (name, contents->folder, folder) || strncmp (name + folder, below, sizeof below - 1))
    return 0;
  struct storage *storage = statedict_storage (statedict, name + start, strlen (name + start));
  if (!storage || !storage->used || storage->read)
    return 0;
  unsigned char *data = zipfile_read (zip, limit, &length);
  int result = data ? statedict_fill (statedict, storage, data, length, contents->big) : -1;
  memory_free (data);
  return result;
}

static int
read_members (const struct weights *weights, const struct statedict *statedict, const struct contents *contents)
{
  struct zipfile *zip = zipfile_open (weights->path);
  const char *name;
  int more = zip ? 1 : -1;
  while (more > 0 && (more = zipfile_next (zip, &name)) > 0)
    if (read_member (statedict, contents, zip, name, weights->bytes_limit))
      more = -1;
  zipfile_close (zip);
  return more < 0 ? -1 : statedict_check (statedict);
}

/* As much memory as the file's size allows beside a pickle of LENGTH bytes: a value takes two entries and some 128
   bytes.  */
static struct pyvalue_pool
new_pool (const struct weights *weights, size_t length)
{
  enum { BYTES_PER_ENTRY = 64 };
  struct pyvalue_pool pool = pyvalue_pool_new (weights->path);
  uint64_t most = (weights->bytes_limit - length) / BYTES_PER_ENTRY;
  pool.entries_left = pool.entries_left < most ? pool.entries_left : (size_t) most;
  return pool;
}

int
torchfile_read_zip (struct weights *weights)
{
  struct contents contents = { 0 };
  struct statedict *statedict = NULL;
  int result = read_contents (weights, &contents);
  struct pyvalue_pool pool = new_pool (weights, contents.length);
  if (result == 0)
    {
      struct pickle pickle = { contents.pickle, contents.pickle + contents.length, &pool, statedict_allows };
      const struct pyvalue *root = pickle_read (&pickle);
      statedict = root ? statedict_new (weights, root, &pool) : NULL;
      result = statedict ? read_members (weights, statedict, &contents) : -1;
    }
  statedict_free (statedict);
  pyvalue_pool_free (&pool);
  memory_free (contents.pickle);
  free (contents.folder);
  return result;
}

/* 0x1950a86a20f9469cfc6c, the lowest byte first.  */
static const unsigned char magic[] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };

static const int64_t version = 1001;

/* The dict and the list of keys after what stands before them.  */
static int
read_pickles (const struct weights *weights, struct pickle *pickle, const struct pyvalue **root,
              const struct pyvalue **keys)
{
  const struct pyvalue *first = pickle_read (pickle);
  if (!first)
    return -1;
  if (first->kind != PYVALUE_BYTES || first->length != sizeof magic || memcmp (first->text, magic, sizeof magic))
    return error_set ("'%s' is a pickle, and not one that torch.save wrote; save a state dict, in Python: torch.save "
                      "(network.state_dict (), 'weights.pth')",
                      weights->path);
  const struct pyvalue *second = pickle_read (pickle);
  if (second && (second->kind != PYVALUE_INTEGER || second->integer != version))
    return weights_damaged (weights, "its version is not that of torch.save");
  if (!second || !pickle_read (pickle) || !(*root = pickle_read (pickle)) || !(*keys = pickle_read (pickle)))
    return -1;
  return (*keys)->kind == PYVALUE_LIST ? 0 : weights_damaged (weights, "it has no list of storages");
}

/* The storage that STREAM stands at, which moves behind it.  */
static int
read_storage (const struct weights *weights, const struct statedict *statedict, struct storage *storage, FILE *stream)
{
  unsigned char start[8] = { 0 };
  uint64_t elements = 0, bytes;
  if (fread (start, 1, sizeof start, stream) != sizeof start)
    return weights_damaged (weights, "it ends in its storages");
  for (size_t i = 0; i < sizeof start; i++)
    elements |= (uint64_t) start[i] << 8 * i;
  if (__builtin_mul_overflow (elements, storage->element->bytes, &bytes) || bytes > weights->bytes_limit)
    return weights_damaged (weights, "the storage '%.*s' is larger than such a file can hold", (int) storage->length,
                            storage->key);
  if (!storage->used)
    return fseeko (stream, (off_t) bytes, SEEK_CUR) ? error_system ("read", weights->path) : 0;
  unsigned char *data = memory_new (bytes, 1);
  if (!data)
    return -1;
  int result = fread (data, 1, bytes, stream) == bytes ? statedict_fill (statedict, storage, data, bytes, false)
                                                       : weights_damaged (weights, "it ends in its storages");
  memory_free (data);
  return result;
}

/* The storages KEYS, one after the other from PLACE on.  */
static int
read_storages (const struct weights *weights, const struct statedict *statedict, const struct pyvalue *keys,
               FILE *stream, size_t place)
{
  if (fseeko (stream, (off_t) place, SEEK_SET))
    return error_system ("read", weights->path);
  for (size_t i = 0; i < keys->items.count; i++)
    {
      const struct pyvalue *key = pyvalue_item (keys, i);
      struct storage *storage =
        key->kind == PYVALUE_TEXT ? statedict_storage (statedict, key->text, key->length) : NULL;
      if (!storage || !storage->element || storage->read)
        return weights_damaged (weights, "its list of storages does not fit its tensors");
      if (read_storage (weights, statedict, storage, stream))
        return -1;
    }
  return statedict_check (statedict);
}

/* The file in STREAM, whose first LENGTH bytes are BEGINNING.  */
static int
read_sequence (struct weights *weights, const unsigned char *beginning, size_t length, FILE *stream)
{
  struct pyvalue_pool pool = new_pool (weights, length);
  struct pickle pickle = { beginning, beginning + length, &pool, statedict_allows };
  const struct pyvalue *root = NULL, *keys = NULL;
  int result = read_pickles (weights, &pickle, &root, &keys);
  struct statedict *statedict = result == 0 ? statedict_new (weights, root, &pool) : NULL;
  result = statedict ? read_storages (weights, statedict, keys, stream, (size_t) (pickle.at - beginning)) : -1;
  statedict_free (statedict);
  pyvalue_pool_free (&pool);
  return result;
}

int
torchfile_read_sequential (struct weights *weights)
{
  FILE *stream = fopen (weights->path, "rbe");
  if (!stream)
    return error_system ("open", weights->path);
  size_t most = weights->file_bytes < PICKLE_MOST ? (size_t) weights->file_bytes : PICKLE_MOST;
  unsigned char *beginning = memory_new (most, 1);
  size_t length = beginning ? fread (beginning, 1, most, stream) : 0;
  int result = beginning ? 0 : -1;
  if (result == 0 && ferror (stream))
    result = error_system ("read", weights->path);
  if (result == 0)
    result = read_sequence (weights, beginning, length, stream);
  memory_free (beginning);
  fclose (stream);
  return result;
}
