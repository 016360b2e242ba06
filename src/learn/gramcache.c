#include <config.h>

#include "gramcache.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/hdf.h"
#include "../base/ranks.h"

#include <stdlib.h>
#include <string.h>

static const char remedy[] = "remove it, or leave --cache out";

int
gramcache_open (struct gramcache *cache, const char *path, const struct slabs *slabs)
{
  *cache = (struct gramcache){ .path = path };
  for (size_t i = 0; i < slabs->files; i++)
    {
      char sha256[FILE_SHA256_BYTES];
      if (file_sha256 (featfile_path (slabs->file[i]), sha256) || names_add (&cache->sha256, sha256))
        return -1;
    }
  return 0;
}

void
gramcache_close (struct gramcache *cache)
{
  names_free (&cache->sha256);
}

static bool
same_names (const struct names *a, const struct names *b)
{
  bool same = a->count == b->count;
  for (size_t i = 0; same && i < a->count; i++)
    same = !strcmp (a->name[i], b->name[i]);
  return same;
}

/* Whether FILE is of the features of now; fails where it is something else altogether.  */
static int
check_file (const struct gramcache *cache, hid_t file, bool *same)
{
  struct names sha256 = { 0 };
  int64_t version;
  if (hdf_read_integer (file, "gram_format_version", &version, cache->path))
    return -1;
  if (version != GRAMCACHE_VERSION)
    return error_set ("'%s' does not hold inner products that this slabfit reads; %s", cache->path, remedy);
  int result = hdf_read_names (file, "sha256", &sha256, cache->path);
  *same = result == 0 && same_names (&sha256, &cache->sha256);
  names_free (&sha256);
  return result;
}

/* Moves INNER, without what fills up its rows, between memory and /products of FILE.  */
static int
move_products (hid_t file, bool write, const struct table *inner, const char *path)
{
  const hsize_t size[2] = { inner->rows, inner->columns }, room[2] = { inner->rows, inner->stride };
  const hsize_t start[2] = { 0, 0 };
  hid_t memory = H5Screate_simple (2, room, NULL);
  H5Sselect_hyperslab (memory, H5S_SELECT_SET, start, NULL, size, NULL);
  hid_t dataset =
    write ? hdf_create_dataset (file, "products", H5T_IEEE_F32LE, 2, size) : H5Dopen2 (file, "products", H5P_DEFAULT);
  herr_t failed = -1;
  if (dataset >= 0 && write)
    failed = H5Dwrite (dataset, H5T_NATIVE_FLOAT, memory, H5S_ALL, H5P_DEFAULT, inner->values);
  else if (dataset >= 0)
    failed = H5Dread (dataset, H5T_NATIVE_FLOAT, memory, H5S_ALL, H5P_DEFAULT, inner->values);
  int result = failed >= 0 ? 0 : write ? hdf_write_failed ("write to", path) : hdf_read_failed ("read", path);
  if (dataset >= 0)
    H5Dclose (dataset);
  H5Sclose (memory);
  return result;
}

static int
read_products (const struct gramcache *cache, hid_t file, struct table *inner, bool *found)
{
  hsize_t size[2];
  if (check_file (cache, file, found) || (*found && hdf_read_shape (file, "products", 2, size, cache->path)))
    return -1;
  *found = *found && size[0] == inner->rows && size[1] == inner->columns;
  return *found ? move_products (file, false, inner, cache->path) : 0;
}

int
gramcache_read (const struct gramcache *cache, struct table *inner, bool *found)
{
  int result = 0;
  *found = false;
  if (ranks_index () == 0 && file_exists (cache->path))
    {
      hid_t access = hdf_file_access (false), file = H5Fopen (cache->path, H5F_ACC_RDONLY, access);
      result = file >= 0 ? read_products (cache, file, inner, found) : hdf_read_failed ("open", cache->path);
      if (file >= 0)
        H5Fclose (file);
      H5Pclose (access);
    }
  if (result)
    return error_remedy (remedy);
  if (ranks_from_first (found, sizeof *found))
    return -1;
  return *found ? ranks_from_first (inner->values, inner->rows * inner->stride * sizeof *inner->values) : 0;
}

/* What is written.  */
struct written {
  const struct gramcache *cache;
  const struct table *inner;
};

static int
write_all (hid_t file, const void *context, const char *path)
{
  const struct written *written = context;
  return hdf_write_integer (file, "gram_format_version", H5T_STD_I32LE, GRAMCACHE_VERSION, path)
             || hdf_write_names (file, "sha256", &written->cache->sha256, path)
             || move_products (file, true, written->inner, path)
           ? -1
           : 0;
}

int
gramcache_write (const struct gramcache *cache, const struct table *inner)
{
  return ranks_index () == 0 ? hdf_write_whole (cache->path, write_all, &(struct written){ cache, inner }) : 0;
}
