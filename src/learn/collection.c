#include <config.h>

#include "collection.h"

#include "../base/error.h"
#include "../base/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool
same_file (const char *a, const char *b)
{
  struct stat x, y;
  return stat (a, &x) == 0 && stat (b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Fails where FILE cannot be compared with the files before it.  */
static int
check_file (const struct collection *collection, struct featfile *file)
{
  static const char remedy[] = "check features that were extracted in the same way";
  const struct featinfo *info = featfile_info (file);
  const char *path = featfile_path (file);
  if (collection->files == SLAB_FILES)
    return error_usage ("at most %d feature files at once; '%s' is too many", SLAB_FILES, path);
  if (info->rows == 0)
    return error_set ("'%s' has no rows; leave it out", path);
  for (size_t i = 0; i < collection->files; i++)
    if (same_file (featfile_path (collection->file[i]), path))
      return error_usage ("'%s' is given twice", path);
  if (collection->files == 0)
    return 0;
  const struct featinfo *first = featfile_info (collection->file[0]);
  const char *first_path = featfile_path (collection->file[0]);
  if (first->columns != info->columns)
    return error_set ("'%s' has %" PRIu64 " features in a row and '%s' has %" PRIu64 "; %s", first_path, first->columns,
                      path, info->columns, remedy);
  return provenance_compare (&first->provenance, first_path, &info->provenance, path, remedy);
}

/* Files of the same split are called by their paths.  */
static int
add_name (struct collection *collection, const char *split, const char *path)
{
  int64_t other = names_find (&collection->names, split);
  if (other < 0)
    return names_add (&collection->names, split);
  char *renamed = text_new ("%s", featfile_path (collection->file[other]));
  if (!renamed)
    return -1;
  free (collection->names.name[other]);
  collection->names.name[other] = renamed;
  return names_add (&collection->names, path);
}

int
collection_add (struct collection *collection, struct featfile *file, const char *split)
{
  const struct featinfo *info = featfile_info (file);
  if (check_file (collection, file) || add_name (collection, split, featfile_path (file)))
    {
      featfile_close (file);
      return -1;
    }
  collection->file[collection->files++] = file;
  collection->rows += (size_t) info->rows;
  if (collection->rows > UINT32_MAX)
    return error_set ("the files have more than %" PRIu32 " rows in all; check fewer of them", UINT32_MAX);
  for (size_t i = 0; i < info->classes.count; i++)
    if (names_find (&collection->classes, info->classes.name[i]) < 0
        && names_add (&collection->classes, info->classes.name[i]))
      return -1;
  return 0;
}

static int
read_labels (struct collection *collection, size_t file, int32_t *label)
{
  const struct featinfo *info = featfile_info (collection->file[file]);
  int32_t *number = memory_new (info->classes.count, sizeof *number);
  int result = number ? featfile_read_labels (collection->file[file], 0, info->rows, label) : -1;
  for (size_t i = 0; number && i < info->classes.count; i++)
    number[i] = (int32_t) names_find (&collection->classes, info->classes.name[i]);
  for (uint64_t row = 0; result == 0 && row < info->rows; row++)
    label[row] = number[label[row]];
  memory_free (number);
  return result;
}

int
collection_read_labels (struct collection *collection)
{
  collection->label = memory_new (collection->rows, sizeof *collection->label);
  collection->origin = memory_new (collection->rows, sizeof *collection->origin);
  if (!collection->label || !collection->origin)
    return -1;
  for (size_t file = 0, first = 0; file < collection->files; file++)
    {
      size_t rows = (size_t) featfile_info (collection->file[file])->rows;
      if (read_labels (collection, file, collection->label + first))
        return -1;
      memset (collection->origin + first, (int) file, rows);
      first += rows;
    }
  return 0;
}

void
collection_free (struct collection *collection)
{
  for (size_t i = 0; i < collection->files; i++)
    featfile_close (collection->file[i]);
  names_free (&collection->names);
  names_free (&collection->classes);
  memory_free (collection->label);
  memory_free (collection->origin);
  *collection = (struct collection){ 0 };
}

int64_t
collection_find (const struct collection *collection, const char *split)
{
  return names_find (&collection->names, split);
}

size_t
collection_first (const struct collection *collection, size_t file)
{
  size_t first = 0;
  for (size_t i = 0; i < file; i++)
    first += (size_t) featfile_info (collection->file[i])->rows;
  return first;
}

char *
collection_describe (const struct collection *collection, size_t row)
{
  size_t file = collection->origin[row], number = row - collection_first (collection, file);
  size_t bytes = featfile_info (collection->file[file])->path_bytes;
  if (bytes == 0)
    return text_new ("%s row %zu", collection->names.name[file], number);
  char *path = calloc (1, bytes + 1);
  if (!path)
    error_set ("no memory left for the images' names; give the job more memory");
  else if (featfile_read_images (collection->file[file], number, 1, path))
    {
      free (path);
      return NULL;
    }
  return path;
}
