#include <config.h>

#include "failures.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

/* A compound {image, reason} of texts of these lengths, one after the other.  -1 with no error set.  */
static hid_t
new_type (size_t image_bytes, size_t reason_bytes, bool ended)
{
  hid_t image = hdf_text_type (image_bytes, ended), reason = hdf_text_type (reason_bytes, ended);
  hid_t type = image < 0 || reason < 0 ? -1 : H5Tcreate (H5T_COMPOUND, image_bytes + reason_bytes);
  if (type >= 0 && (H5Tinsert (type, "image", 0, image) < 0 || H5Tinsert (type, "reason", image_bytes, reason) < 0))
    {
      H5Tclose (type);
      type = -1;
    }
  if (image >= 0)
    H5Tclose (image);
  if (reason >= 0)
    H5Tclose (reason);
  return type;
}

static void
grow_to (size_t *longest, const char *text)
{
  size_t length = strlen (text);
  if (length > *longest)
    *longest = length;
}

int
failures_write (const struct failure *failures, size_t count, hid_t file, const char *path)
{
  size_t image_bytes = 1, reason_bytes = 1;
  for (size_t i = 0; i < count; i++)
    {
      grow_to (&image_bytes, failures[i].image);
      grow_to (&reason_bytes, failures[i].reason);
    }
  hsize_t size = count;
  size_t bytes = image_bytes + reason_bytes;
  hid_t type = -1, space = -1, creation = -1, dataset = -1;
  int result = -1;
  char *packed = memory_new (count, bytes); /* (count, bytes) */
  if (!packed)
    goto done;
  for (size_t i = 0; i < count; i++)
    {
      memcpy (packed + i * bytes, failures[i].image, strlen (failures[i].image));
      memcpy (packed + i * bytes + image_bytes, failures[i].reason, strlen (failures[i].reason));
    }
  if ((type = new_type (image_bytes, reason_bytes, false)) < 0 || (space = H5Screate_simple (1, &size, NULL)) < 0
      || (creation = H5Pcreate (H5P_DATASET_CREATE)) < 0 || H5Pset_obj_track_times (creation, false) < 0
      || (dataset = H5Dcreate2 (file, "failed", type, space, H5P_DEFAULT, creation, H5P_DEFAULT)) < 0
      || (count > 0 && H5Dwrite (dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed) < 0))
    hdf_write_failed ("write '/failed' of", path);
  else
    result = 0;
done:
  if (dataset >= 0 && H5Dclose (dataset) < 0 && result == 0)
    result = hdf_write_failed ("write '/failed' of", path);
  if (creation >= 0)
    H5Pclose (creation);
  if (space >= 0)
    H5Sclose (space);
  if (type >= 0)
    H5Tclose (type);
  memory_free (packed);
  return result;
}

/* The length of the text NAME of the compound TYPE, or 0.  */
static size_t
member_bytes (hid_t type, const char *name)
{
  int index = H5Tget_member_index (type, name);
  hid_t member = index < 0 ? -1 : H5Tget_member_type (type, (unsigned) index);
  size_t bytes = member < 0 ? 0 : H5Tget_size (member);
  if (member >= 0)
    H5Tclose (member);
  return bytes;
}

static int
unpack (struct failure *failures, size_t count, const char *packed, size_t image_bytes, size_t reason_bytes)
{
  for (size_t i = 0; i < count; i++)
    {
      const char *image = packed + i * (image_bytes + reason_bytes);
      if (!(failures[i].image = text_new ("%s", image)) || !(failures[i].reason = text_new ("%s", image + image_bytes)))
        return -1;
    }
  return 0;
}

int
failures_read (struct failure **failures, size_t count, hid_t file, const char *path)
{
  hid_t dataset = -1, stored = -1, memory = -1;
  char *packed = NULL;
  int result = -1;
  *failures = calloc (count ? count : 1, sizeof **failures);
  if (!*failures)
    return error_set ("no memory left for the %zu failures of '%s'; give the job more memory", count, path);
  if (count == 0)
    return 0;
  if ((dataset = dataset_open (file, "/failed", H5P_DEFAULT, path, "make the file again")) < 0)
    goto done;
  stored = H5Dget_type (dataset);
  size_t image_bytes = member_bytes (stored, "image") + 1, reason_bytes = member_bytes (stored, "reason") + 1;
  if (!(packed = memory_new (count, image_bytes + reason_bytes)))
    goto done;
  if (dataset_length (dataset) != (int64_t) count || (memory = new_type (image_bytes, reason_bytes, true)) < 0
      || H5Dread (dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed) < 0)
    hdf_read_failed ("read '/failed' of", path);
  else
    result = unpack (*failures, count, packed, image_bytes, reason_bytes);
done:
  memory_free (packed);
  if (memory >= 0)
    H5Tclose (memory);
  if (stored >= 0)
    H5Tclose (stored);
  if (dataset >= 0)
    H5Dclose (dataset);
  if (result)
    {
      failures_free (*failures, count);
      *failures = NULL;
    }
  return result;
}

void
failures_free (struct failure *failures, size_t count)
{
  for (size_t i = 0; failures && i < count; i++)
    {
      free (failures[i].image);
      free (failures[i].reason);
    }
  free (failures);
}
