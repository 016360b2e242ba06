#include <config.h>

#include "hdf.h"

#include "error.h"
#include "file.h"
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* More than any attribute of ours needs; a damaged size is stopped here.  */
enum { ATTRIBUTE_LIMIT_BYTES = 64 << 20 };

/* Where a full disk makes H5Fclose fail, HDF5 1.10 keeps the file's id and crashes on it as the process exits.  All
   files are closed by then, so there is nothing to do at exit; HDF5 must be told before its first call.  */
__attribute__ ((constructor)) static void
skip_exit_handler (void)
{
  H5dont_atexit ();
}

/* What HDF5's error stack tells.  */
struct cause {
  int number; /* errno, or 0 */
  bool foreign, locked;
  char text[256]; /* of the innermost failure */
};

static herr_t
collect (unsigned depth, const H5E_error2_t *entry, void *context)
{
  struct cause *cause = context;
  const char *text = entry->desc ? entry->desc : "";
  const char *number = strstr (text, "errno = ");
  if (depth == 0)
    snprintf (cause->text, sizeof cause->text, "%s", text);
  if (number && !cause->number)
    cause->number = (int) strtol (number + strlen ("errno = "), NULL, 10);
  cause->foreign |= entry->min_num == H5E_NOTHDF5;
  cause->locked |= strstr (text, "lock") && !strstr (text, "block");
  return 0;
}

static struct cause
find_cause (void)
{
  struct cause cause = { 0 };
  H5Ewalk2 (H5E_DEFAULT, H5E_WALK_UPWARD, collect, &cause);
  return cause;
}

bool
hdf_failed_as_foreign (void)
{
  return find_cause ().foreign;
}

bool
hdf_failed_as_locked (void)
{
  return find_cause ().locked;
}

int
hdf_read_failed (const char *what, const char *file)
{
  struct cause cause = find_cause ();
  errno = cause.number;
  if (cause.number)
    return error_system (what, file);
  return error_set ("cannot %s '%s': it is cut short or damaged; copy it again or make it again", what, file);
}

int
hdf_write_failed (const char *what, const char *file)
{
  struct cause cause = find_cause ();
  errno = cause.number;
  if (cause.number)
    return error_system (what, file);
  return error_set ("cannot %s '%s': HDF5 says '%s'; check the file system, then run the same command again", what,
                    file, *cause.text ? cause.text : "no reason");
}

hid_t
hdf_file_access (bool writing)
{
  hid_t access = H5Pcreate (H5P_FILE_ACCESS);
  if (access < 0)
    return -1;
  herr_t status = writing ? H5Pset_libver_bounds (access, H5F_LIBVER_V110, H5F_LIBVER_V110) : 0;
#if H5_VERSION_GE(1, 12, 1) || (H5_VERSION_GE(1, 10, 7) && !H5_VERSION_GE(1, 12, 0))
  /* Lustre and NFS are often mounted without locks; our files are written under names of their own and never
     changed.  */
  if (status >= 0)
    status = H5Pset_file_locking (access, false, true);
#endif
  if (status >= 0)
    status = H5Pset_fclose_degree (access, H5F_CLOSE_STRONG);
  if (status >= 0)
    return access;
  H5Pclose (access);
  return -1;
}

hid_t
hdf_text_type (size_t bytes, bool ended)
{
  hid_t type = H5Tcopy (H5T_C_S1);
  if (type < 0)
    return -1;
  if (H5Tset_size (type, bytes ? bytes : 1) >= 0 && H5Tset_cset (type, H5T_CSET_UTF8) >= 0
      && H5Tset_strpad (type, ended ? H5T_STR_NULLTERM : H5T_STR_NULLPAD) >= 0)
    return type;
  H5Tclose (type);
  return -1;
}

/* Writes DATA of MEMORY type as the attribute NAME of type STORED and of COUNT values, or a scalar where COUNT is
   0.  */
static int
write_attribute (hid_t object, const char *name, hid_t stored, hid_t memory, size_t count, const void *data,
                 const char *file)
{
  hsize_t size = count;
  hid_t space = count ? H5Screate_simple (1, &size, NULL) : H5Screate (H5S_SCALAR);
  hid_t attribute = -1;
  int result = 0;
  if (space >= 0 && stored >= 0 && memory >= 0)
    attribute = H5Acreate2 (object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute < 0 || H5Awrite (attribute, memory, data) < 0)
    result = hdf_write_failed ("write the attributes of", file);
  if (attribute >= 0 && H5Aclose (attribute) < 0 && result == 0)
    result = hdf_write_failed ("write the attributes of", file);
  if (space >= 0)
    H5Sclose (space);
  return result;
}

int
hdf_write_text (hid_t object, const char *name, const char *text, const char *file)
{
  hid_t type = hdf_text_type (strlen (text), false);
  int result = write_attribute (object, name, type, type, 0, text, file);
  if (type >= 0)
    H5Tclose (type);
  return result;
}

int
hdf_write_names (hid_t object, const char *name, const struct names *names, const char *file)
{
  size_t longest = 1;
  if (names->count == 0)
    return 0;
  for (size_t i = 0; i < names->count; i++)
    longest = strlen (names->name[i]) > longest ? strlen (names->name[i]) : longest;
  char *packed = memory_new (names->count, longest); /* (count, longest) */
  if (!packed)
    return -1;
  for (size_t i = 0; i < names->count; i++)
    memcpy (packed + i * longest, names->name[i], strlen (names->name[i]));
  hid_t type = hdf_text_type (longest, false);
  int result = write_attribute (object, name, type, type, names->count, packed, file);
  if (type >= 0)
    H5Tclose (type);
  memory_free (packed);
  return result;
}

int
hdf_write_integer (hid_t object, const char *name, hid_t type, int64_t value, const char *file)
{
  bool is_signed = H5Tget_sign (type) != H5T_SGN_NONE;
  return write_attribute (object, name, type, is_signed ? H5T_NATIVE_INT64 : H5T_NATIVE_UINT64, 0, &value, file);
}

int
hdf_write_integers (hid_t object, const char *name, const int64_t *values, size_t count, const char *file)
{
  return write_attribute (object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, count, values, file);
}

/* An attribute as it is met in a file.  */
struct attribute {
  hid_t id, type, space;
  H5T_class_t class;
  size_t count, bytes; /* values; bytes of one */
  bool variable;       /* text of variable length */
};

static void
attribute_close (struct attribute *attribute)
{
  if (attribute->space >= 0)
    H5Sclose (attribute->space);
  if (attribute->type >= 0)
    H5Tclose (attribute->type);
  if (attribute->id >= 0)
    H5Aclose (attribute->id);
}

static int
open_present (struct attribute *attribute, hid_t object, const char *name, const char *file)
{
  if ((attribute->id = H5Aopen (object, name, H5P_DEFAULT)) < 0 || (attribute->type = H5Aget_type (attribute->id)) < 0
      || (attribute->space = H5Aget_space (attribute->id)) < 0)
    return hdf_read_failed ("read the attributes of", file);
  hssize_t count = H5Sget_simple_extent_npoints (attribute->space);
  attribute->class = H5Tget_class (attribute->type);
  attribute->bytes = H5Tget_size (attribute->type);
  attribute->variable = attribute->class == H5T_STRING && H5Tis_variable_str (attribute->type) > 0;
  size_t bytes;
  if (count < 0 || attribute->bytes == 0 || __builtin_mul_overflow ((size_t) count, attribute->bytes, &bytes)
      || bytes > ATTRIBUTE_LIMIT_BYTES)
    return error_set ("the attribute '%s' of '%s' is damaged or too large; make the file again", name, file);
  attribute->count = (size_t) count;
  return 0;
}

/* 1 where it is there and open, 0 where it is absent, -1 with the error set; not open but for 1.  */
static int
attribute_open (struct attribute *attribute, hid_t object, const char *name, const char *file)
{
  *attribute = (struct attribute){ .id = -1, .type = -1, .space = -1 };
  htri_t present = H5Aexists (object, name);
  if (present == 0)
    return 0;
  if (present > 0 && open_present (attribute, object, name, file) == 0)
    return 1;
  if (present < 0)
    hdf_read_failed ("read the attributes of", file);
  attribute_close (attribute);
  return -1;
}

static int
read_variable (const struct attribute *attribute, const char *name, struct names *names, const char *file)
{
  int result = 0;
  char **texts = calloc (attribute->count ? attribute->count : 1, sizeof *texts);
  hid_t memory = H5Tcopy (attribute->type);
  if (!texts || memory < 0 || H5Aread (attribute->id, memory, texts) < 0)
    result = error_set ("the attribute '%s' of '%s' cannot be read; make the file again", name, file);
  else
    {
      for (size_t i = 0; i < attribute->count && result == 0; i++)
        result = names_add (names, texts[i] ? texts[i] : "");
      H5Dvlen_reclaim (memory, attribute->space, H5P_DEFAULT, texts);
    }
  if (memory >= 0)
    H5Tclose (memory);
  free (texts);
  return result;
}

static int
read_fixed (const struct attribute *attribute, const char *name, struct names *names, const char *file)
{
  int result = 0;
  size_t bytes = attribute->bytes + 1;
  hid_t memory = H5Tcopy (attribute->type); /* keeps the character set, which HDF5 does not convert */
  char *packed = memory_new (attribute->count, bytes);
  if (!packed)
    result = -1;
  else if (memory < 0 || H5Tset_size (memory, bytes) < 0 || H5Tset_strpad (memory, H5T_STR_NULLTERM) < 0
           || H5Aread (attribute->id, memory, packed) < 0)
    result = error_set ("the attribute '%s' of '%s' cannot be read; make the file again", name, file);
  for (size_t i = 0; i < attribute->count && result == 0; i++)
    result = names_add (names, packed + i * bytes);
  if (memory >= 0)
    H5Tclose (memory);
  memory_free (packed);
  return result;
}

int
hdf_read_names (hid_t object, const char *name, struct names *names, const char *file)
{
  struct attribute attribute;
  *names = (struct names){ 0 };
  int result = attribute_open (&attribute, object, name, file);
  if (result <= 0)
    return result;
  result = 0;
  if (attribute.count > 0 && attribute.class != H5T_STRING) /* of an empty list h5py does not know the type */
    result = error_set ("the attribute '%s' of '%s' is not text; make the file again", name, file);
  else if (attribute.count > 0)
    result =
      attribute.variable ? read_variable (&attribute, name, names, file) : read_fixed (&attribute, name, names, file);
  if (result)
    names_free (names);
  attribute_close (&attribute);
  return result;
}

int
hdf_read_text_new (hid_t object, const char *name, char **text, const char *file)
{
  struct names names;
  *text = NULL;
  if (hdf_read_names (object, name, &names, file))
    return -1;
  int result = 0;
  if (names.count > 0)
    result = (*text = text_new ("%s", names.name[0])) ? 0 : -1;
  names_free (&names);
  return result;
}

int
hdf_read_text (hid_t object, const char *name, char *text, size_t room, const char *file)
{
  char *found;
  *text = '\0';
  if (hdf_read_text_new (object, name, &found, file))
    return -1;
  size_t length = found ? strlen (found) : 0;
  if (found && length < room)
    memcpy (text, found, length + 1);
  free (found);
  if (length >= room)
    return error_set ("the attribute '%s' of '%s' has %zu bytes, more than the %zu there can be; make the file again",
                      name, file, length, room - 1);
  return 0;
}

int
hdf_read_integers (hid_t object, const char *name, int64_t *values, size_t room, size_t *count, const char *file)
{
  struct attribute attribute;
  *count = 0;
  int result = attribute_open (&attribute, object, name, file);
  if (result <= 0)
    return result;
  result = 0;
  if (attribute.class != H5T_INTEGER)
    result = error_set ("the attribute '%s' of '%s' is not a whole number; make the file again", name, file);
  else if (attribute.count > room)
    result =
      error_set ("the attribute '%s' of '%s' has %zu values, more than the %zu there can be; make the file again", name,
                 file, attribute.count, room);
  else if (H5Aread (attribute.id, H5Tget_sign (attribute.type) == H5T_SGN_NONE ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64,
                    values)
           < 0)
    result = hdf_read_failed ("read the attributes of", file);
  else
    *count = attribute.count;
  attribute_close (&attribute);
  return result;
}

int
hdf_read_integer (hid_t object, const char *name, int64_t *value, const char *file)
{
  size_t count;
  *value = 0;
  return hdf_read_integers (object, name, value, 1, &count, file);
}

hid_t
hdf_create_dataset (hid_t object, const char *name, hid_t type, int rank, const hsize_t *size)
{
  enum { CHUNK_BYTES = 1 << 20 }; /* as much as HDF5's cache of chunks holds */
  hsize_t row = H5Tget_size (type) * (rank > 1 ? size[1] : 1), rows = row < CHUNK_BYTES ? CHUNK_BYTES / row : 1;
  hsize_t chunk[2] = { rows < size[0] ? rows : size[0], rank > 1 ? size[1] : 1 };
  hid_t dataset = -1, space = H5Screate_simple (rank, size, NULL), create = H5Pcreate (H5P_DATASET_CREATE);
  if (space >= 0 && create >= 0 && H5Pset_chunk (create, rank, chunk) >= 0 && H5Pset_fletcher32 (create) >= 0)
    dataset = H5Dcreate2 (object, name, type, space, H5P_DEFAULT, create, H5P_DEFAULT);
  if (create >= 0)
    H5Pclose (create);
  if (space >= 0)
    H5Sclose (space);
  return dataset;
}

int
hdf_write_dataset (hid_t object, const char *name, hid_t type, int rank, const hsize_t *size, const void *values,
                   const char *file)
{
  int result = -1;
  hid_t dataset = hdf_create_dataset (object, name, type, rank, size);
  if (dataset >= 0)
    result = H5Dwrite (dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  if (result < 0)
    result = hdf_write_failed ("write to", file);
  if (dataset >= 0 && H5Dclose (dataset) < 0 && result == 0) /* small data reach the file only now */
    result = hdf_write_failed ("write to", file);
  return result;
}

int
hdf_read_shape (hid_t object, const char *name, int rank, hsize_t *size, const char *file)
{
  int result = -1;
  hid_t dataset = H5Dopen2 (object, name, H5P_DEFAULT), space = -1;
  if (dataset >= 0)
    space = H5Dget_space (dataset);
  if (space < 0)
    hdf_read_failed ("read", file);
  else if (H5Sget_simple_extent_ndims (space) != rank)
    error_set ("/%s in '%s' has %d dimensions, not %d; the file is damaged: make it again", name, file,
               H5Sget_simple_extent_ndims (space), rank);
  else
    result = H5Sget_simple_extent_dims (space, size, NULL) == rank ? 0 : hdf_read_failed ("read", file);
  if (space >= 0)
    H5Sclose (space);
  if (dataset >= 0)
    H5Dclose (dataset);
  return result;
}

int
hdf_read_dataset (hid_t object, const char *name, hid_t type, void *values, const char *file)
{
  hid_t dataset = H5Dopen2 (object, name, H5P_DEFAULT);
  int result = dataset >= 0 ? H5Dread (dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) : -1;
  if (result < 0)
    result = hdf_read_failed ("read", file);
  if (dataset >= 0)
    H5Dclose (dataset);
  return result;
}

/* The same under the name TEMPORARY.  */
static int
fill_file (const char *temporary, const char *path, hdf_fill *fill, const void *context)
{
  hid_t access = hdf_file_access (true), file = H5Fcreate (temporary, H5F_ACC_EXCL, H5P_DEFAULT, access);
  int result = file >= 0 ? fill (file, context, path) : hdf_write_failed ("create", path);
  if (file >= 0 && H5Fclose (file) < 0 && result == 0)
    result = hdf_write_failed ("write", path);
  if (access >= 0)
    H5Pclose (access);
  return result;
}

int
hdf_write_whole (const char *path, hdf_fill *fill, const void *context)
{
  char *temporary = file_temporary (path);
  int result = temporary ? fill_file (temporary, path, fill, context) : -1;
  if (result == 0)
    result = file_commit (temporary, path);
  else if (temporary)
    unlink (temporary); /* of a full disk only the name may be there */
  free (temporary);
  return result;
}
