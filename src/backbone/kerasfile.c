#include <config.h>

#include "kerasfile.h"

#include "../base/file.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "keraslist.h"
#include "kerastree.h"
#include "zipfile.h"

#include <stdlib.h>
#include <string.h>

enum { CONFIG_MOST = 64 << 20 };

static int
read_model (struct kerasreader *reader)
{
  const char *path = reader->weights->path;
  char **config = &reader->weights->config;
  if (!*config && hdf_read_text_new (reader->file, "model_config", config, path))
    return -1;
  if (H5Lexists (reader->file, "model_weights", H5P_DEFAULT) <= 0)
    return keraslist_is (reader->file) ? keraslist_read (reader, reader->file) : kerastree_read (reader);
  hid_t group = H5Gopen2 (reader->file, "model_weights", H5P_DEFAULT);
  if (group < 0)
    return kerasreader_failed (reader, "the weights");
  int result = keraslist_read (reader, group);
  H5Gclose (group);
  return result;
}

/* Reads the open FILE, or says why there is none, and closes it.  */
static int
read_file (struct weights *weights, hid_t file)
{
  struct kerasreader reader = { .weights = weights, .file = file };
  weights->keras = true;
  if (file < 0)
    return hdf_read_failed ("open", weights->path);
  int result = read_model (&reader);
  H5Fclose (file);
  return result;
}

int
kerasfile_read (struct weights *weights)
{
  hid_t access = hdf_file_access (false);
  int result = read_file (weights, H5Fopen (weights->path, H5F_ACC_RDONLY, access));
  if (access >= 0)
    H5Pclose (access);
  return result;
}

/* The HDF5 file in DATA (LENGTH), which stays the caller's.  */
static int
read_image (struct weights *weights, unsigned char *data, size_t length)
{
  enum { BLOCK_BYTES = 1 << 16 };
  char *name = file_path (weights->path, KERASFILE_MEMBER); /* HDF5 wants one that no file has */
  hid_t access = hdf_file_access (false), file = -1;
  if (!name)
    return -1;
  if (H5Pset_fapl_core (access, BLOCK_BYTES, false) >= 0 && H5Pset_file_image (access, data, length) >= 0)
    file = H5Fopen (name, H5F_ACC_RDONLY, access);
  int result = read_file (weights, file);
  if (access >= 0)
    H5Pclose (access);
  free (name);
  return result;
}

int
kerasfile_read_zip (struct weights *weights)
{
  struct zipfile *zip = zipfile_open (weights->path);
  unsigned char *image = NULL;
  const char *name;
  size_t length, image_length = 0;
  int more = zip ? 1 : -1;
  while (more > 0 && (more = zipfile_next (zip, &name)) > 0)
    if (!strcmp (name, "config.json") && !weights->config)
      {
        unsigned char *text = zipfile_read (zip, CONFIG_MOST, &length);
        weights->config = text ? text_new ("%s", (char *) text) : NULL;
        memory_free (text);
        more = weights->config ? more : -1;
      }
    else if (!strcmp (name, KERASFILE_MEMBER) && !image)
      more = (image = zipfile_read (zip, weights->bytes_limit, &image_length)) ? more : -1;
  zipfile_close (zip);
  int result = more < 0 || !image ? -1 : read_image (weights, image, image_length);
  memory_free (image);
  return result;
}
