#include <config.h>

#include "checkpoint.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/hdf.h"
#include "../base/ranks.h"
#include "../store/leftovers.h"
#include "recipe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

char *
checkpoint_path (const char *model_path)
{
  return text_new ("%s.checkpoint", model_path);
}

static const char remedy[] = "remove it, or give --force, to begin anew";

static hid_t
type_of (const struct state_part *part)
{
  return part->type == STATE_FLOAT    ? H5T_NATIVE_FLOAT
         : part->type == STATE_DOUBLE ? H5T_NATIVE_DOUBLE
         : part->type == STATE_LABEL  ? H5T_NATIVE_INT32
                                      : H5T_NATIVE_UINT64;
}

/* A dataset whose rows are shared out to the ranks, in the hands of the first one.  */
struct shared {
  hid_t dataset;
  const struct state_part *part;
  const char *path;
};

/* Opens a space of the rows FIRST to FIRST + COUNT of the dataset, and one of them in memory.  */
static int
move_rows (const struct shared *shared, bool write, void *rows, uint64_t first, uint64_t count)
{
  const hsize_t start[2] = { first, 0 }, size[2] = { count, shared->part->width };
  hid_t space = H5Dget_space (shared->dataset), memory = H5Screate_simple (2, size, NULL);
  herr_t failed = H5Sselect_hyperslab (space, H5S_SELECT_SET, start, NULL, size, NULL);
  if (failed >= 0 && write)
    failed = H5Dwrite (shared->dataset, type_of (shared->part), memory, space, H5P_DEFAULT, rows);
  else if (failed >= 0)
    failed = H5Dread (shared->dataset, type_of (shared->part), memory, space, H5P_DEFAULT, rows);
  int result = failed >= 0 ? 0
               : write     ? hdf_write_failed ("write to", shared->path)
                           : hdf_read_failed ("read", shared->path);
  H5Sclose (memory);
  H5Sclose (space);
  return result;
}

static int
write_rows (void *context, const void *rows, uint64_t first, uint64_t count)
{
  return move_rows (context, true, (void *) rows, first, count);
}

static int
read_rows (void *context, void *rows, uint64_t first, uint64_t count)
{
  return move_rows (context, false, rows, first, count);
}

static size_t
row_bytes (const struct state_part *part)
{
  return (size_t) part->width * sizeof (float);
}

/* How many rows all ranks have of PART.  */
static int
count_rows (const struct state_part *part, hsize_t *rows)
{
  double sum = (double) part->count;
  if (ranks_sum_double (&sum, 1))
    return -1;
  *rows = (hsize_t) sum;
  return 0;
}

static int
write_shared (hid_t group, const struct state_part *part, const char *path)
{
  hsize_t size[2] = { 0, part->width };
  struct shared shared = { -1, part, path };
  int result = 0;
  if (count_rows (part, &size[0]))
    return -1;
  if (ranks_index () == 0)
    {
      shared.dataset = hdf_create_dataset (group, part->name, type_of (part), 2, size);
      result = shared.dataset >= 0 ? 0 : hdf_write_failed ("write to", path);
    }
  if (result == 0)
    result = ranks_gather (part->values, part->count, row_bytes (part), write_rows, &shared);
  if (shared.dataset >= 0 && H5Dclose (shared.dataset) < 0 && result == 0)
    result = hdf_write_failed ("write to", path);
  return result;
}

static int
write_list (hid_t file, const struct state_list *list, const char *path)
{
  int result = 0;
  hid_t group = -1;
  if (file >= 0 && (group = H5Gcreate2 (file, list->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)) < 0)
    return hdf_write_failed ("write to", path);
  for (size_t i = 0; result == 0 && i < list->count; i++)
    {
      const struct state_part *part = &list->part[i];
      hsize_t size = part->count;
      if (part->width)
        result = write_shared (group, part, path);
      else if (file >= 0)
        result = hdf_write_dataset (group, part->name, type_of (part), 1, &size, part->values, path);
    }
  if (group >= 0)
    H5Gclose (group);
  return result;
}

/* What is written.  */
struct written {
  const struct state_list *lists; /* (count) */
  size_t count;
  const struct model *model;
};

/* FILE is -1 on all ranks but the first.  */
static int
write_all (hid_t file, const void *context, const char *path)
{
  const struct written *written = context;
  const struct model *model = written->model;
  if (file >= 0
      && (hdf_write_integer (file, "checkpoint_format_version", H5T_STD_I32LE, CHECKPOINT_VERSION, path)
          || hdf_write_text (file, "training", model->training, path)
          || hdf_write_text (file, "version", model->version, path) || history_write (&model->history, file, path)))
    return -1;
  for (size_t i = 0; i < written->count; i++)
    if (write_list (file, &written->lists[i], path))
      return -1;
  return 0;
}

int
checkpoint_write (const char *path, const struct state_list *lists, size_t count, const struct model *model)
{
  const struct written written = { lists, count, model };
  return ranks_index () == 0 ? hdf_write_whole (path, write_all, &written) : write_all (-1, &written, path);
}

static int
read_shared (hid_t group, const struct state_part *part, const char *path)
{
  hsize_t rows, size[2];
  struct shared shared = { -1, part, path };
  int result = count_rows (part, &rows);
  if (result == 0 && group >= 0)
    {
      result = hdf_read_shape (group, part->name, 2, size, path);
      if (result == 0 && (size[0] != rows || size[1] != part->width))
        result = error_set ("/%s in '%s' has another shape than this training; %s", part->name, path, remedy);
      if (result == 0 && (shared.dataset = H5Dopen2 (group, part->name, H5P_DEFAULT)) < 0)
        result = hdf_read_failed ("read", path);
    }
  if (result == 0)
    result = ranks_scatter (part->values, part->count, row_bytes (part), read_rows, &shared);
  if (shared.dataset >= 0)
    H5Dclose (shared.dataset);
  return result;
}

static size_t
part_bytes (const struct state_part *part)
{
  return (size_t) part->count * H5Tget_size (type_of (part));
}

static int
read_whole (hid_t group, const struct state_part *part, const char *path)
{
  hsize_t size;
  if (group >= 0)
    {
      if (hdf_read_shape (group, part->name, 1, &size, path))
        return -1;
      if (size != part->count)
        return error_set ("/%s in '%s' has another length than this training; %s", part->name, path, remedy);
      if (hdf_read_dataset (group, part->name, type_of (part), part->values, path))
        return -1;
    }
  return ranks_from_first (part->values, part_bytes (part));
}

static int
read_list (hid_t file, const struct state_list *list, const char *path)
{
  int result = 0;
  hid_t group = -1;
  if (file >= 0 && (group = H5Gopen2 (file, list->name, H5P_DEFAULT)) < 0)
    return hdf_read_failed ("read", path);
  for (size_t i = 0; result == 0 && i < list->count; i++)
    result = list->part[i].width ? read_shared (group, &list->part[i], path) : read_whole (group, &list->part[i], path);
  if (group >= 0)
    H5Gclose (group);
  return result;
}

static int
check_file (hid_t file, const struct model *model, const char *path)
{
  int64_t version;
  char *recipe = NULL;
  if (hdf_read_integer (file, "checkpoint_format_version", &version, path))
    return -1;
  if (version != CHECKPOINT_VERSION)
    return error_set ("'%s' is no checkpoint that this slabfit reads; %s", path, remedy);
  int result = hdf_read_text_new (file, "training", &recipe, path) || recipe_compare (recipe, path, model->training)
                 ? error_set ("%s; %s", error_message (), remedy)
                 : 0;
  free (recipe);
  return result;
}

/* The history goes to the other ranks, too.  */
static int
share_history (struct history *history)
{
  uint64_t count = history->count;
  if (ranks_from_first (&count, sizeof count))
    return -1;
  while (history->count < count)
    if (history_add (history, &(struct epoch){ 0 }))
      return -1;
  return count ? ranks_from_first (history->epoch, (size_t) count * sizeof *history->epoch) : 0;
}

static int
read_all (hid_t file, const struct state_list *lists, size_t count, struct model *model, const char *path)
{
  if ((file >= 0 && (check_file (file, model, path) || history_read (&model->history, file, path)))
      || share_history (&model->history))
    return -1;
  for (size_t i = 0; i < count; i++)
    if (read_list (file, &lists[i], path))
      return -1;
  return 0;
}

static int
read_file (const char *path, const struct state_list *lists, size_t count, struct model *model)
{
  hid_t access = hdf_file_access (false), file = H5Fopen (path, H5F_ACC_RDONLY, access);
  int result = file >= 0 ? read_all (file, lists, count, model, path) : hdf_read_failed ("open", path);
  if (file >= 0)
    H5Fclose (file);
  H5Pclose (access);
  return result;
}

int
checkpoint_read (const char *path, const struct state_list *lists, size_t count, struct model *model, bool *found)
{
  *found = file_exists (path);
  if (ranks_index () == 0)
    leftovers_remove_of (path); /* as large as the model, of trainings that were killed while they saved */
  if (ranks_from_first (found, sizeof *found))
    return -1;
  if (!*found)
    return 0;
  int result = ranks_index () == 0 ? read_file (path, lists, count, model) : read_all (-1, lists, count, model, path);
  return result ? error_remedy (remedy) : 0;
}

/* Asks the recipe in FILE.  */
static int
read_engine (hid_t file, enum engine_kind *engine, const char *path)
{
  char *recipe = NULL;
  int result = hdf_read_text_new (file, "training", &recipe, path);
  if (result == 0 && recipe)
    *engine = recipe_engine (recipe, *engine);
  free (recipe);
  return result;
}

int
checkpoint_engine (const char *path, enum engine_kind *engine)
{
  int result = 0;
  if (ranks_index () == 0 && file_exists (path))
    {
      hid_t access = hdf_file_access (false), file = H5Fopen (path, H5F_ACC_RDONLY, access);
      result = file >= 0 ? read_engine (file, engine, path) : hdf_read_failed ("open", path);
      if (file >= 0)
        H5Fclose (file);
      H5Pclose (access);
    }
  return result ? error_remedy (remedy) : ranks_from_first (engine, sizeof *engine);
}
