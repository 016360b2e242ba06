#include <config.h>

#include "dataset.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "virtual.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
  LINKS_MOST = 64, /* looked at to tell what a file has */
  LISTED_MOST = 8,
  LINK_BYTES = 1024,
  FILTER_LZF = 32000,
  CHUNK_ROOM = 4 << 10, /* a chunk may be larger than its values by this, and twice as large, whatever its filters */
};

static void
write_shape (const hsize_t *size, int rank, char *text, size_t room)
{
  size_t used = (size_t) snprintf (text, room, "(");
  for (int i = 0; i < rank && used < room; i++)
    used += (size_t) snprintf (text + used, room - used, "%s%" PRIu64, i ? ", " : "", (uint64_t) size[i]);
  if (used < room)
    snprintf (text + used, room - used, ")");
}

void
dataset_describe_shape (hid_t dataset, char *text, size_t room)
{
  hsize_t size[H5S_MAX_RANK];
  hid_t space = H5Dget_space (dataset);
  write_shape (size, space < 0 ? 0 : H5Sget_simple_extent_dims (space, size, NULL), text, room);
  if (space >= 0)
    H5Sclose (space);
}

/* What a file has, in words.  */
struct listing {
  char text[1024];
  char leaf[64]; /* the last part of the first dataset's name */
  size_t used;
  int links, datasets, alike; /* looked at; datasets among them; those with the same last part */
};

static void
list_dataset (struct listing *listing, hid_t dataset, const char *name)
{
  char shape[128];
  const char *leaf = strrchr (name, '/') ? strrchr (name, '/') + 1 : name;
  size_t room = sizeof listing->text - listing->used;
  dataset_describe_shape (dataset, shape, sizeof shape);
  if (listing->datasets == 0)
    snprintf (listing->leaf, sizeof listing->leaf, "%s", leaf);
  listing->alike += !strncmp (leaf, listing->leaf, sizeof listing->leaf - 1);
  if (listing->datasets < LISTED_MOST)
    listing->used += (size_t) snprintf (listing->text + listing->used, room, "%s'/%.64s' %s",
                                        listing->datasets ? ", " : "", name, shape);
  else if (listing->datasets == LISTED_MOST)
    listing->used += (size_t) snprintf (listing->text + listing->used, room, ", and more");
  if (listing->used >= sizeof listing->text)
    listing->used = sizeof listing->text - 1;
  listing->datasets++;
}

static herr_t
list_link (hid_t root, const char *name, const H5L_info_t *info, void *context)
{
  struct listing *listing = context;
  hid_t object = H5Oopen (root, name, H5P_DEFAULT);
  (void) info;
  if (object >= 0 && H5Iget_type (object) == H5I_DATASET)
    list_dataset (listing, object, name);
  if (object >= 0)
    H5Oclose (object);
  return ++listing->links >= LINKS_MOST;
}

static hid_t
explain_absent (hid_t file, const char *name, const char *path, const char *remedy)
{
  struct listing listing = { .used = 0 };
  H5Lvisit (file, H5_INDEX_NAME, H5_ITER_INC, list_link, &listing);
  if (listing.datasets == 0)
    error_set ("'%s' has no dataset '%s', nor any other; %s", path, name, remedy);
  else if (listing.alike > LISTED_MOST)
    error_set ("'%s' has no dataset '%s' but one for each image (%s); stack them into one, a row for each image", path,
               name, listing.text);
  else
    error_set ("'%s' has no dataset '%s' (it has %s); %s", path, name, listing.text, remedy);
  return -1;
}

/* Whether each group on the way and NAME itself are there, as links; HDF5 says nothing of a way with a gap.  */
static bool
is_there (hid_t file, const char *name)
{
  char way[LINK_BYTES];
  size_t length = strlen (name);
  if (length >= sizeof way)
    return false;
  for (size_t end = 1; end <= length; end++)
    if (name[end] == '/' || name[end] == '\0')
      {
        snprintf (way, sizeof way, "%.*s", (int) end, name);
        if (H5Lexists (file, way, H5P_DEFAULT) <= 0)
          return false;
      }
  return length > 1;
}

/* For what is there but does not open.  */
static void
explain_unopened (hid_t file, const char *name, const char *path)
{
  H5L_info_t info;
  char value[LINK_BYTES] = "";
  const char *other = path, *target = value;
  bool link = H5Lget_info (file, name, &info, H5P_DEFAULT) >= 0
              && (info.type == H5L_TYPE_SOFT || info.type == H5L_TYPE_EXTERNAL) && info.u.val_size < sizeof value
              && H5Lget_val (file, name, value, sizeof value - 1, H5P_DEFAULT) >= 0;
  if (link && info.type == H5L_TYPE_EXTERNAL)
    link = H5Lunpack_elink_val (value, info.u.val_size, NULL, &other, &target) >= 0;
  if (link)
    error_set ("'%s' of '%s' is a link to '%s' of '%s', which is not there; put it back", name, path, target, other);
  else
    error_set ("'%s' of '%s' is damaged; make the file again", name, path);
}

/* What a filter is called that HDF5 can do without.  */
static const char *
filter_name (H5Z_filter_t filter)
{
  static const struct {
    H5Z_filter_t filter;
    const char *name;
  } known[] = { { H5Z_FILTER_DEFLATE, "deflate" },
                { H5Z_FILTER_SZIP, "szip" },
                { 307, "bzip2" },
                { FILTER_LZF, "lzf" },
                { 32001, "blosc" },
                { 32004, "lz4" },
                { 32008, "bitshuffle" },
                { 32013, "zfp" },
                { 32015, "zstd" },
                { 32026, "blosc2" } };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].filter == filter)
      return known[i].name;
  return "of unknown name";
}

/* Every filter must be there, or HDF5 fails only when it comes to a chunk, without saying why.  */
static int
check_filters (hid_t dataset, const char *name, const char *path)
{
  hid_t creation = H5Dget_create_plist (dataset);
  int count = creation < 0 ? 0 : H5Pget_nfilters (creation), result = 0;
  for (int i = 0; i < count && result == 0; i++)
    {
      unsigned flags, config;
      size_t values = 0;
      H5Z_filter_t filter = H5Pget_filter2 (creation, (unsigned) i, &flags, &values, NULL, 0, NULL, &config);
      if (filter >= 0 && H5Zfilter_avail (filter) <= 0)
        result = error_set ("'%s' of '%s' needs the HDF5 filter %d (%s), which is not installed; %s", name, path,
                            (int) filter, filter_name (filter),
                            filter == FILTER_LZF ? "only h5py has it: write the file anew with compression='gzip'"
                                                 : "install its plugin (HDF5_PLUGIN_PATH), or where it is installed "
                                                   "run 'h5repack -f GZIP=1 OLD NEW'");
    }
  if (creation >= 0)
    H5Pclose (creation);
  return result;
}

hid_t
dataset_open (hid_t file, const char *name, hid_t access, const char *path, const char *remedy)
{
  if (!is_there (file, name))
    return explain_absent (file, name, path, remedy);
  hid_t object = H5Oopen (file, name, H5P_DEFAULT), dataset = -1;
  H5I_type_t type = object < 0 ? H5I_BADID : H5Iget_type (object);
  if (object >= 0)
    H5Oclose (object); /* a dataset that is open already would keep its chunk cache */
  if (type == H5I_DATASET)
    dataset = H5Dopen2 (file, name, access);
  if (object >= 0 && type != H5I_DATASET)
    error_set ("'%s' of '%s' is a group, not a dataset; %s", name, path, remedy);
  else if (dataset < 0)
    explain_unopened (file, name, path);
  else if (check_filters (dataset, name, path) || virtual_check (dataset, name, path))
    {
      H5Dclose (dataset);
      dataset = -1;
    }
  return dataset;
}

int64_t
dataset_length (hid_t dataset)
{
  hsize_t size = 0;
  hid_t space = H5Dget_space (dataset);
  bool simple = space >= 0 && H5Sget_simple_extent_ndims (space) == 1
                && H5Sget_simple_extent_dims (space, &size, NULL) == 1 && size <= INT64_MAX;
  if (space >= 0)
    H5Sclose (space);
  return simple ? (int64_t) size : -1;
}

/* The chunk at OFFSET, where ROOM bytes are the most that it may have.  */
static int
check_chunk (hid_t dataset, const hsize_t *offset, int rank, hsize_t room, const char *name, const char *path)
{
  char place[256];
  hsize_t bytes = 0;
  if (H5Dget_chunk_storage_size (dataset, offset, &bytes) < 0)
    bytes = 0; /* so HDF5 1.10 answers where there is none */
  if (bytes > 0 && bytes <= room)
    return 0;
  write_shape (offset, rank, place, sizeof place);
  if (bytes == 0)
    return error_set ("the chunk of '%s' of '%s' from %s on was never written; write it, or make the file again", name,
                      path, place);
  return error_set ("the chunk of '%s' of '%s' from %s on has %" PRIu64
                    " bytes, more than its values need; make the file again",
                    name, path, place, (uint64_t) bytes);
}

/* To the next chunk of those between FIRST and LAST; false where there is none.  */
static bool
advance (hsize_t *offset, const hsize_t *first, const hsize_t *last, const hsize_t *chunk, int rank)
{
  for (int i = rank; i-- > 0;)
    {
      if (last[i] - offset[i] >= chunk[i])
        {
          offset[i] += chunk[i];
          return true;
        }
      offset[i] = first[i];
    }
  return false;
}

static int
check_chunks (hid_t dataset, const hsize_t *chunk, int rank, const hsize_t *start, const hsize_t *count,
              const char *name, const char *path)
{
  hsize_t first[H5S_MAX_RANK], last[H5S_MAX_RANK], offset[H5S_MAX_RANK];
  hid_t type = H5Dget_type (dataset);
  hsize_t room = type < 0 ? 0 : 2 * H5Tget_size (type);
  for (int i = 0; i < rank; i++)
    {
      offset[i] = first[i] = start[i] - start[i] % chunk[i];
      last[i] = start[i] + count[i] - 1;
      room *= chunk[i]; /* HDF5 refuses chunks of 4 GB */
    }
  if (type >= 0)
    H5Tclose (type);
  int result;
  do
    result = check_chunk (dataset, offset, rank, room + CHUNK_ROOM, name, path);
  while (result == 0 && advance (offset, first, last, chunk, rank));
  return result;
}

static int
check_stored (hid_t dataset, int rank, const hsize_t *start, const hsize_t *count, const char *name, const char *path)
{
  hsize_t chunk[H5S_MAX_RANK];
  hid_t creation = H5Dget_create_plist (dataset);
  H5D_layout_t layout = creation < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout (creation);
  int result = 0;
  if (layout == H5D_CHUNKED && H5Pget_chunk (creation, rank, chunk) == rank)
    result = check_chunks (dataset, chunk, rank, start, count, name, path);
  else if (layout == H5D_CONTIGUOUS && H5Pget_external_count (creation) == 0 && H5Dget_storage_size (dataset) == 0)
    result = error_set ("'%s' of '%s' was never written; write it, or make the file again", name, path);
  if (creation >= 0)
    H5Pclose (creation);
  return result;
}

hid_t
dataset_select (hid_t dataset, const hsize_t *start, const hsize_t *count, const char *name, const char *path)
{
  hid_t space = H5Dget_space (dataset);
  int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims (space);
  if (rank < 1 || H5Sselect_hyperslab (space, H5S_SELECT_SET, start, NULL, count, NULL) < 0)
    error_set ("'%s' of '%s' is damaged; make the file again", name, path);
  else if (check_stored (dataset, rank, start, count, name, path) == 0)
    return space;
  if (space >= 0)
    H5Sclose (space);
  return -1;
}
