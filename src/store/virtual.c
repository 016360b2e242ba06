#include <config.h>

#include "virtual.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/hdf.h"
#include "../base/text.h"

#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 4096 };

/* The file of a SOURCE, which HDF5 looks for beside the virtual one PATH and where we stand; NULL with the error
   set.  */
static char *
find_source (const char *source, const char *name, const char *path)
{
  if (!strcmp (source, "."))
    return text_new ("%s", path);
  char *copy = text_new ("%s", path), *found = copy ? file_path (dirname (copy), source) : NULL;
  free (copy);
  if (!found || file_exists (found))
    return found;
  free (found);
  if (file_exists (source))
    return text_new ("%s", source);
  error_set ("'%s' of '%s' is virtual and its source '%s' is not there; put it back", name, path, source);
  return NULL;
}

static int
check_dataset (const char *source, const char *dataset, const char *name, const char *path)
{
  char *found = find_source (source, name, path);
  if (!found)
    return -1;
  hid_t access = hdf_file_access (false), file = access < 0 ? -1 : H5Fopen (found, H5F_ACC_RDONLY, access);
  hid_t opened = file < 0 ? -1 : H5Dopen2 (file, dataset, H5P_DEFAULT);
  int result = 0;
  if (opened < 0)
    result = error_set ("'%s' of '%s' is virtual and its source '%s' of '%s' cannot be opened; put it back", name, path,
                        dataset, source);
  else
    H5Dclose (opened);
  if (file >= 0)
    H5Fclose (file);
  if (access >= 0)
    H5Pclose (access);
  free (found);
  return result;
}

static int
check_mapping (hid_t creation, size_t index, const char *name, const char *path)
{
  char source[NAME_BYTES], dataset[NAME_BYTES];
  if (H5Pget_virtual_filename (creation, index, source, sizeof source) < 0
      || H5Pget_virtual_dsetname (creation, index, dataset, sizeof dataset) < 0)
    return hdf_read_failed ("read the layout of", path);
  if (strchr (source, '%') || strchr (dataset, '%')) /* a pattern of names, as many as there are */
    return 0;
  return check_dataset (source, dataset, name, path);
}

/* How many values the mapping has, INT64_MAX where it grows with its source.  */
static int64_t
count_mapped (hid_t creation, size_t index)
{
  hid_t space = H5Pget_virtual_vspace (creation, index);
  hssize_t count = space < 0 ? 0 : H5Sget_select_npoints (space);
  bool grows = space >= 0 && H5Sget_regular_hyperslab (space, NULL, NULL, NULL, NULL) >= 0 && count < 0;
  if (space >= 0)
    H5Sclose (space);
  return grows ? INT64_MAX : count;
}

static int
check_mappings (hid_t dataset, hid_t creation, const char *name, const char *path)
{
  size_t count = 0;
  int64_t mapped = 0, values;
  hid_t space = H5Dget_space (dataset);
  values = space < 0 ? -1 : H5Sget_simple_extent_npoints (space);
  if (space >= 0)
    H5Sclose (space);
  if (values < 0 || H5Pget_virtual_count (creation, &count) < 0)
    return hdf_read_failed ("read the layout of", path);
  for (size_t i = 0; i < count; i++)
    {
      if (check_mapping (creation, i, name, path))
        return -1;
      if (__builtin_add_overflow (mapped, count_mapped (creation, i), &mapped))
        mapped = INT64_MAX;
    }
  if (mapped < values)
    return error_set ("'%s' of '%s' is virtual and its sources have only %" PRId64 " of its %" PRId64
                      " values; map the others too",
                      name, path, mapped, values);
  return 0;
}

int
virtual_check (hid_t dataset, const char *name, const char *path)
{
  hid_t creation = H5Dget_create_plist (dataset);
  int result = 0;
  if (creation >= 0 && H5Pget_layout (creation) == H5D_VIRTUAL)
    result = check_mappings (dataset, creation, name, path);
  if (creation >= 0)
    H5Pclose (creation);
  return result;
}
