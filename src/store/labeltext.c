#include <config.h>

#include "labeltext.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "dataset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
  CLASSES_MOST = 65536,
  TEXT_BYTES_MOST = 1024,
  BLOCK_BYTES = 4 << 20,
};

/* A class by its name.  */
struct class
{
  const char *name; /* owned by whoever has the names */
  int32_t number;
};

struct labeltext {
  hid_t dataset;
  const char *name, *path;
  bool variable;
  size_t bytes;        /* of a text in memory: of the pointer to it, or of itself and the final 0 */
  hid_t type;          /* in memory */
  struct class *class; /* (classes) by name */
  size_t classes;
};

struct labeltext *
labeltext_new (hid_t dataset, const char *name, const char *path)
{
  struct labeltext *labels = calloc (1, sizeof *labels);
  if (!labels)
    {
      error_set ("no memory left for the labels of '%s'; give the job more memory", path);
      return NULL;
    }
  *labels = (struct labeltext){ .dataset = dataset, .name = name, .path = path, .type = H5Tcopy (dataset) };
  size_t bytes = labels->type < 0 ? 0 : H5Tget_size (labels->type);
  labels->variable = bytes > 0 && H5Tis_variable_str (labels->type) > 0;
  labels->bytes = labels->variable ? sizeof (char *) : bytes + 1;
  int result = 0;
  if (!labels->variable && bytes > TEXT_BYTES_MOST)
    result = error_set ("'%s' of '%s' is of texts of %zu bytes, more than %d; name the classes more shortly", name,
                        path, bytes, TEXT_BYTES_MOST);
  /* The type of the file, since HDF5 does not convert character sets.  */
  else if (bytes == 0
           || (!labels->variable
               && (H5Tset_size (labels->type, labels->bytes) < 0
                   || H5Tset_strpad (labels->type, H5T_STR_NULLTERM) < 0)))
    result = hdf_read_failed ("read the labels of", path);
  if (result == 0)
    return labels;
  labeltext_free (labels);
  return NULL;
}

void
labeltext_free (struct labeltext *labels)
{
  if (!labels)
    return;
  if (labels->type >= 0)
    H5Tclose (labels->type);
  memory_free (labels->class);
  free (labels);
}

typedef int visit_text (void *context, uint64_t row, const char *text);

/* VISIT for each of ROWS texts from ROW on, all of them in memory at once.  */
static int
visit_block (const struct labeltext *labels, uint64_t row, uint64_t rows, char *texts, visit_text *visit, void *context)
{
  const hsize_t start[2] = { row, 0 }, count[2] = { rows, 1 };
  hid_t stored = dataset_select (labels->dataset, start, count, labels->name, labels->path);
  if (stored < 0)
    return -1;
  hid_t memory = H5Screate_simple (1, count, NULL);
  bool read = memory >= 0 && H5Dread (labels->dataset, labels->type, memory, stored, H5P_DEFAULT, texts) >= 0;
  int result = read ? 0 : hdf_read_failed ("read the labels of", labels->path);
  for (uint64_t i = 0; i < rows && result == 0; i++)
    {
      const char *text = labels->variable ? ((char **) texts)[i] : texts + i * labels->bytes;
      result = visit (context, row + i, text ? text : "");
    }
  if (read && labels->variable)
    H5Dvlen_reclaim (labels->type, memory, H5P_DEFAULT, texts);
  if (memory >= 0)
    H5Sclose (memory);
  H5Sclose (stored);
  return result;
}

static int
visit_texts (const struct labeltext *labels, uint64_t row, uint64_t rows, visit_text *visit, void *context)
{
  uint64_t block = BLOCK_BYTES / labels->bytes;
  char *texts = memory_new (rows < block ? rows : block, labels->bytes);
  int result = texts ? 0 : -1;
  for (uint64_t done = 0, count; done < rows && result == 0; done += count)
    {
      count = rows - done < block ? rows - done : block;
      result = visit_block (labels, row + done, count, texts, visit, context);
    }
  memory_free (texts);
  return result;
}

static int
compare_classes (const void *a, const void *b)
{
  return strcmp (((const struct class *) a)->name, ((const struct class *) b)->name);
}

/* Where classes are collected: sorted by name at all times.  */
struct collection {
  const struct labeltext *labels;
  struct names *classes;
};

/* The place of the first of the sorted CLASSES that is not before TEXT.  */
static size_t
find_place (const struct names *classes, const char *text)
{
  size_t low = 0, high = classes->count;
  while (low < high)
    {
      size_t middle = low + (high - low) / 2;
      if (strcmp (classes->name[middle], text) < 0)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

static int
collect (void *context, uint64_t row, const char *text)
{
  struct collection *collection = context;
  struct names *classes = collection->classes;
  const struct labeltext *labels = collection->labels;
  size_t place = find_place (classes, text);
  if (place < classes->count && !strcmp (classes->name[place], text))
    return 0;
  if (!*text || strlen (text) > TEXT_BYTES_MOST || !text_is_utf8 (text))
    return error_set ("'%s' of '%s' has no valid name of a class at row %" PRIu64 "; name each row's class",
                      labels->name, labels->path, row);
  if (classes->count == CLASSES_MOST)
    return error_set ("'%s' of '%s' has more than %d different texts; name the labels with --labels-dataset",
                      labels->name, labels->path, CLASSES_MOST);
  if (names_add (classes, text))
    return -1;
  char *added = classes->name[classes->count - 1];
  memmove (classes->name + place + 1, classes->name + place, (classes->count - 1 - place) * sizeof *classes->name);
  classes->name[place] = added;
  return 0;
}

int
labeltext_classes (struct labeltext *labels, uint64_t rows, struct names *classes)
{
  return visit_texts (labels, 0, rows, collect, &(struct collection){ labels, classes });
}

int
labeltext_number (struct labeltext *labels, const struct names *classes)
{
  labels->class = memory_new (classes->count, sizeof *labels->class);
  if (!labels->class)
    return -1;
  labels->classes = classes->count;
  for (size_t i = 0; i < classes->count; i++)
    labels->class[i] = (struct class){ classes->name[i], (int32_t) i };
  qsort (labels->class, labels->classes, sizeof *labels->class, compare_classes);
  return 0;
}

/* Where numbers go.  */
struct numbering {
  const struct labeltext *labels;
  int32_t *next;
};

static int
number (void *context, uint64_t row, const char *text)
{
  struct numbering *numbering = context;
  const struct labeltext *labels = numbering->labels;
  const struct class key = { text, 0 },
                     *found = bsearch (&key, labels->class, labels->classes, sizeof key, compare_classes);
  if (!found)
    return error_set ("'%s' of '%s' has '%.200s' at row %" PRIu64 ", which is none of its %zu classes; make the file "
                      "again",
                      labels->name, labels->path, text, row, labels->classes);
  *numbering->next++ = found->number;
  return 0;
}

int
labeltext_read (const struct labeltext *labels, uint64_t row, uint64_t rows, int32_t *numbers)
{
  return visit_texts (labels, row, rows, number, &(struct numbering){ labels, numbers });
}
