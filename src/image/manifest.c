#include <config.h>

#include "manifest.h"

#include "../base/error.h"
#include "../base/folder.h"
#include "../base/memory.h"
#include "../base/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const usual_splits[USUAL_SPLITS] = { "training", "validation", "evaluation" };

enum { SHUFFLE_STREAM = 1 };

static int
list_folders (const char *path, struct names *folders)
{
  struct names files;
  int result = folder_list (path, folders, &files);
  names_free (&files);
  return result;
}

static bool
is_usual (const char *split)
{
  for (size_t i = 0; i < USUAL_SPLITS; i++)
    if (!strcmp (split, usual_splits[i]))
      return true;
  return false;
}

/* The usual splits among FOLDERS in their order, then the others.  */
static int
add_splits (struct names *splits, const struct names *folders)
{
  for (size_t i = 0; i < USUAL_SPLITS; i++)
    if (names_find (folders, usual_splits[i]) >= 0 && names_add (splits, usual_splits[i]))
      return -1;
  for (size_t i = 0; i < folders->count; i++)
    if (!is_usual (folders->name[i]) && names_add (splits, folders->name[i]))
      return -1;
  return 0;
}

static int
list_splits (const char *dataset, struct names *splits)
{
  struct names folders;
  *splits = (struct names){ 0 };
  if (list_folders (dataset, &folders))
    return -1;
  int result = 0;
  if (folders.count == 0)
    result = error_set ("'%s' has no folders of splits; put images into '%s/training/CLASS/' and so on, or make a "
                        "dataset with slabfit organize",
                        dataset, dataset);
  else
    result = add_splits (splits, &folders);
  names_free (&folders);
  return result;
}

static int
no_images (const char *dataset, const char *split)
{
  return error_set ("'%s/%s' holds no images; put some into '%s/%s/CLASS/' (slabfit organize does it), or remove the "
                    "folder",
                    dataset, split, dataset, split);
}

/* A and B are sorted and differ: names the first class that one of the two splits lacks.  */
static int
missing_class (const char *dataset, const struct names *a, const char *a_split, const struct names *b,
               const char *b_split)
{
  size_t i = 0;
  while (i < a->count && i < b->count && !strcmp (a->name[i], b->name[i]))
    i++;
  bool a_has = i == b->count || (i < a->count && strcmp (a->name[i], b->name[i]) < 0);
  const char *name = a_has ? a->name[i] : b->name[i], *with = a_has ? a_split : b_split;
  const char *without = a_has ? b_split : a_split;
  return error_set ("class '%s' is in '%s/%s' but not in '%s/%s'; add the folder '%s/%s/%s' (empty, if there are no "
                    "such images) or remove the class",
                    name, dataset, with, dataset, without, dataset, without, name);
}

/* The classes of SPLIT into FOUND.  */
static int
list_classes (const char *dataset, const char *split, struct names *found)
{
  *found = (struct names){ 0 };
  char *folder = file_path (dataset, split);
  int result = folder ? list_folders (folder, found) : -1;
  free (folder);
  return result == 0 && found->count == 0 ? no_images (dataset, split) : result;
}

/* The classes, which all splits share.  */
static int
read_classes (const char *dataset, const struct names *splits, struct names *classes)
{
  if (list_classes (dataset, splits->name[0], classes))
    return -1;
  int result = 0;
  for (size_t i = 1; i < splits->count && result == 0; i++)
    {
      struct names others;
      result = list_classes (dataset, splits->name[i], &others);
      if (result == 0 && !names_equal (classes, &others))
        result = missing_class (dataset, classes, splits->name[0], &others, splits->name[i]);
      names_free (&others);
    }
  if (result)
    names_free (classes);
  return result;
}

int
manifest_splits (const char *dataset, struct names *splits)
{
  struct names classes = { 0 };
  int result = list_splits (dataset, splits);
  if (result == 0)
    result = read_classes (dataset, splits, &classes);
  if (result)
    names_free (splits);
  names_free (&classes);
  return result;
}

struct found {
  char *path; /* owned */
  uint64_t bytes;
  int32_t label;
};

/* A growing list, in sorted order.  */
struct images {
  size_t count, room;
  struct found *image;
};

static void
images_free (struct images *images)
{
  for (size_t i = 0; i < images->count; i++)
    free (images->image[i].path);
  free (images->image);
}

static int
images_reserve (struct images *images, size_t more)
{
  size_t needed = images->count + more, room = images->room + images->room / 2;
  if (needed <= images->room)
    return 0;
  room = room < needed ? needed : room;
  struct found *larger = reallocarray (images->image, room, sizeof *larger);
  if (!larger)
    return error_set ("no memory for a list of %zu images; give the job more memory", room);
  images->image = larger;
  images->room = room;
  return 0;
}

static int
not_utf8 (const char *path)
{
  char shown[ERROR_MESSAGE_BYTES / 2], *end = shown;
  for (const char *byte = path; *byte && end < shown + sizeof shown - 5; byte++)
    end += sprintf (end, (unsigned char) *byte < 0x80 ? "%c" : "\\x%02x", (unsigned char) *byte);
  return error_set ("the name '%s' is not UTF-8; rename it (convmv converts whole folders)", shown);
}

/* Appends the image SPLIT/CLASS/NAME; there is room for it.  */
static int
add_image (struct images *images, const char *dataset, const char *folder, const char *name, int32_t label)
{
  char *path = file_path (folder, name), *full = path ? file_path (dataset, path) : NULL;
  struct stat status;
  if (!full || (!text_is_utf8 (path) && not_utf8 (path)))
    {
      free (path);
      free (full);
      return -1;
    }
  uint64_t bytes = stat (full, &status) ? 0 : (uint64_t) status.st_size;
  free (full);
  images->image[images->count++] = (struct found){ .path = path, .bytes = bytes, .label = label };
  return 0;
}

/* Appends the images of the class in DATASET/FOLDER.  */
static int
read_class (struct images *images, const char *dataset, const char *folder, int32_t label)
{
  struct names folders, files;
  if (!text_is_utf8 (folder))
    return not_utf8 (folder);
  char *path = file_path (dataset, folder);
  if (!path || folder_list (path, &folders, &files))
    {
      free (path);
      return -1;
    }
  int result = images_reserve (images, files.count);
  if (folders.count > 0)
    result = error_set ("'%s/%s' is a folder inside a class's folder, which may hold images only; move its images up, "
                        "or move it away",
                        path, folders.name[0]);
  for (size_t i = 0; i < files.count && result == 0; i++)
    result = add_image (images, dataset, folder, files.name[i], label);
  names_free (&folders);
  names_free (&files);
  free (path);
  return result;
}

static int
read_images (struct images *images, const char *dataset, const char *split, const struct names *classes)
{
  if (classes->count > INT32_MAX)
    return error_set ("'%s/%s' has %zu classes, more than labels can number", dataset, split, classes->count);
  for (size_t i = 0; i < classes->count; i++)
    {
      char *folder = file_path (split, classes->name[i]);
      int result = folder ? read_class (images, dataset, folder, (int32_t) i) : -1;
      free (folder);
      if (result)
        return -1;
    }
  return images->count > 0 ? 0 : no_images (dataset, split);
}

/* Moves IMAGES, in shuffled order, into MANIFEST.  */
static int
take_images (struct manifest *manifest, struct images *images)
{
  size_t count = images->count;
  uint64_t *order = memory_new (count, sizeof *order);
  manifest->path = memory_new (count, sizeof *manifest->path);
  manifest->label = memory_new (count, sizeof *manifest->label);
  manifest->bytes = memory_new (count, sizeof *manifest->bytes);
  bool good = order && manifest->path && manifest->label && manifest->bytes;
  if (good)
    {
      struct random random = random_new (manifest->seed, SHUFFLE_STREAM);
      for (size_t i = 0; i < count; i++)
        order[i] = i;
      random_shuffle (&random, order, count);
    }
  for (size_t i = 0; i < count && good; i++)
    {
      struct found *image = &images->image[order[i]];
      size_t length = strlen (image->path);
      manifest->path_bytes = length > manifest->path_bytes ? length : manifest->path_bytes;
      manifest->path[i] = image->path;
      manifest->label[i] = image->label;
      manifest->bytes[i] = image->bytes;
      image->path = NULL;
    }
  manifest->count = good ? count : 0;
  memory_free (order);
  return good ? 0 : -1;
}

/* Adds RECORD, with its final 0, and frees it.  NULL fails.  */
static int
digest_record (struct digest *digest, char *record)
{
  if (record)
    digest_add (digest, record, strlen (record) + 1);
  free (record);
  return record ? 0 : -1;
}

static int
digest_records (struct digest *digest, const struct manifest *manifest)
{
  if (digest_record (digest, text_new ("seed %" PRIu64, manifest->seed)))
    return -1;
  for (size_t i = 0; i < manifest->classes.count; i++)
    if (digest_record (digest, text_new ("class %s", manifest->classes.name[i])))
      return -1;
  for (size_t i = 0; i < manifest->count; i++)
    if (digest_record (digest, text_new ("image %" PRId32 " %" PRIu64 " %s", manifest->label[i], manifest->bytes[i],
                                         manifest->path[i])))
      return -1;
  return 0;
}

static int
compute_sha256 (struct manifest *manifest)
{
  struct digest digest = digest_begin ();
  if (digest_records (&digest, manifest) == 0)
    return digest_end (&digest, manifest->sha256);
  digest_discard (&digest);
  return -1;
}

static int
find_split (const char *dataset, const struct names *splits, const char *split)
{
  if (names_find (splits, split) >= 0)
    return 0;
  char *known = names_join (splits);
  if (known)
    error_set ("'%s' has no split '%s'; it has %s", dataset, split, known);
  free (known);
  return -1;
}

int
manifest_read (struct manifest *manifest, const char *dataset, const char *split, uint64_t seed)
{
  struct names splits;
  struct images images = { 0 };
  *manifest = (struct manifest){ .seed = seed };
  int result = list_splits (dataset, &splits);
  if (result == 0)
    result = find_split (dataset, &splits, split);
  if (result == 0)
    result = read_classes (dataset, &splits, &manifest->classes);
  if (result == 0)
    result = read_images (&images, dataset, split, &manifest->classes);
  if (result == 0)
    result = take_images (manifest, &images);
  if (result == 0)
    result = compute_sha256 (manifest);
  if (result)
    manifest_free (manifest);
  images_free (&images);
  names_free (&splits);
  return result;
}

struct image
manifest_image (const struct manifest *manifest, size_t number)
{
  return (
    struct image){ .path = manifest->path[number], .bytes = manifest->bytes[number], .label = manifest->label[number] };
}

void
manifest_free (struct manifest *manifest)
{
  for (size_t i = 0; i < manifest->count; i++)
    free (manifest->path[i]);
  memory_free (manifest->path);
  memory_free (manifest->label);
  memory_free (manifest->bytes);
  names_free (&manifest->classes);
  *manifest = (struct manifest){ 0 };
}
