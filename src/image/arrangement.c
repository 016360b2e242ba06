#include <config.h>

#include "arrangement.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/folder.h"
#include "../base/memory.h"
#include "../base/random.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_STREAM = 2 }; /* stream 1 of the seed is the manifest's */

static int
arrangement_add (struct arrangement *arrangement, const char *folder, const char *name, int split, size_t class_index)
{
  if (arrangement->count == arrangement->room)
    {
      size_t room = arrangement->room ? 2 * arrangement->room : 1024;
      struct placement *larger = reallocarray (arrangement->placement, room, sizeof *larger);
      if (!larger)
        return error_set ("no memory for a list of %zu images; give the job more memory", room);
      arrangement->placement = larger;
      arrangement->room = room;
    }
  char *copy = text_new ("%s", name);
  if (!copy)
    return -1;
  arrangement->placement[arrangement->count++] =
    (struct placement){ .name = copy, .folder = folder, .split = split, .class_index = class_index };
  return 0;
}

static int
check_class_name (const char *name)
{
  if (*name == '\0' || *name == '.' || strchr (name, '/') || !text_is_utf8 (name))
    return error_usage ("'%s' cannot be a class's name: it becomes a folder's name, in UTF-8, without '/' and without "
                        "a leading '.'",
                        name);
  return 0;
}

/* CLASSES is a list typed by hand.  */
static int
check_classes (const struct names *classes)
{
  for (size_t i = 0; i < classes->count; i++)
    {
      if (check_class_name (classes->name[i]))
        return -1;
      if (names_find (classes, classes->name[i]) != (int64_t) i)
        return error_usage ("the class '%s' is named twice; give each number a name of its own", classes->name[i]);
    }
  return 0;
}

/* Reads the class from {class}_{id}.EXT.  -1 without an error where NAME does not fit.  */
static int
read_class (const char *name, size_t *class_index)
{
  size_t value = 0;
  const char *byte = name;
  for (; isdigit ((unsigned char) *byte); byte++)
    value = value > SIZE_MAX / 20 ? value : 10 * value + (size_t) (*byte - '0'); /* far above any class */
  const char *dot = strrchr (byte, '.');
  if (byte == name || *byte != '_' || !dot || dot == byte + 1 || dot[1] == '\0')
    return -1;
  *class_index = value;
  return 0;
}

static int
arrange_named (struct arrangement *arrangement, int split, const char *name)
{
  size_t class_index;
  if (read_class (name, &class_index))
    return error_set ("'%s/%s/%s' does not fit {class}_{id}.EXT, such as 0_12.jpg; rename or remove it",
                      arrangement->source, usual_splits[split], name);
  if (class_index >= arrangement->classes.count)
    return error_set ("'%s/%s/%s' is of class %zu, but only the classes 0 to %zu have a name; name it too (--classes), "
                      "or remove the file",
                      arrangement->source, usual_splits[split], name, class_index, arrangement->classes.count - 1);
  arrangement->used[split] = true;
  return arrangement_add (arrangement, usual_splits[split], name, split, class_index);
}

/* The names in SOURCE/FOLDER; none where there is no such folder.  */
static int
list_folder (const char *source, const char *folder, struct names *folders, struct names *files)
{
  *folders = *files = (struct names){ 0 };
  char *path = file_path (source, folder);
  int result = !path ? -1 : file_is_directory (path) ? folder_list (path, folders, files) : 0;
  free (path);
  return result;
}

static int
list_images (const char *source, const char *folder, struct names *files)
{
  struct names folders;
  int result = list_folder (source, folder, &folders, files);
  if (result == 0 && folders.count > 0)
    {
      result = error_set ("'%s/%s/%s' is a folder among images; move its images up, or move it away", source, folder,
                          folders.name[0]);
      names_free (files);
    }
  names_free (&folders);
  return result;
}

/* SOURCE/SPLIT/{class}_{id}.EXT.  */
static int
arrange_split (struct arrangement *arrangement, int split)
{
  struct names files;
  int result = list_images (arrangement->source, usual_splits[split], &files);
  for (size_t i = 0; i < files.count && result == 0; i++)
    result = arrange_named (arrangement, split, files.name[i]);
  names_free (&files);
  return result;
}

static int
arrange_splits (struct arrangement *arrangement, const struct organize_options *options)
{
  for (int i = 0; i < USUAL_SPLITS; i++)
    if (options->share[i] > 0)
      return error_usage ("'%s' is divided into splits already; leave out --splits", arrangement->source);
  if (options->classes.count == 0)
    return error_usage ("'%s' numbers its classes; name them in order, such as --classes non_food,food",
                        arrangement->source);
  if (check_classes (&options->classes) || names_copy (&arrangement->classes, &options->classes))
    return -1;
  for (int split = 0; split < USUAL_SPLITS; split++)
    if (arrange_split (arrangement, split))
      return -1;
  return 0;
}

/* How many of COUNT each split gets: the whole parts of the shares, and one more for the largest remainders (the
   earlier split where they are equal).  */
static void
divide (size_t count, const double share[USUAL_SPLITS], size_t part[USUAL_SPLITS])
{
  double sum = share[0] + share[1] + share[2], remainder[USUAL_SPLITS];
  size_t left = count;
  for (int i = 0; i < USUAL_SPLITS; i++)
    {
      double exact = (double) count * (share[i] / sum);
      part[i] = (size_t) exact;
      remainder[i] = share[i] > 0 ? exact - floor (exact) : -1;
      left -= part[i];
    }
  for (int largest = 0; left > 0; left--)
    {
      for (int i = 0; i < USUAL_SPLITS; i++)
        largest = remainder[i] > remainder[largest] ? i : largest;
      part[largest]++;
      remainder[largest] = -1;
    }
}

static int
deal_class (struct arrangement *arrangement, size_t class_index, const struct names *files,
            const struct organize_options *options)
{
  size_t part[USUAL_SPLITS], next = 0;
  uint64_t *order = memory_new (files->count, sizeof *order);
  if (!order)
    return -1;
  for (size_t i = 0; i < files->count; i++)
    order[i] = i;
  struct random random = random_new (options->seed, FIRST_STREAM + class_index);
  random_shuffle (&random, order, files->count);
  divide (files->count, options->share, part);
  int result = 0;
  for (int split = 0; split < USUAL_SPLITS; split++)
    for (size_t i = 0; i < part[split] && result == 0; i++)
      result = arrangement_add (arrangement, arrangement->classes.name[class_index], files->name[order[next++]], split,
                                class_index);
  memory_free (order);
  return result;
}

/* SOURCE/CLASS/FILE.  */
static int
arrange_class (struct arrangement *arrangement, size_t class_index, const struct organize_options *options)
{
  struct names files;
  int result = list_images (arrangement->source, arrangement->classes.name[class_index], &files);
  if (result == 0)
    result = deal_class (arrangement, class_index, &files, options);
  names_free (&files);
  return result;
}

static int
check_shares (const struct organize_options *options, const char *source)
{
  double sum = 0;
  bool good = true;
  for (int i = 0; i < USUAL_SPLITS; i++)
    {
      good &= options->share[i] >= 0;
      sum += options->share[i];
    }
  if (good && sum > 0 && isfinite (sum))
    return 0;
  return error_usage ("'%s' is not divided into splits; give each a share, such as --splits 70,15,15", source);
}

/* CLASSES becomes the arrangement's.  */
static int
arrange_classes (struct arrangement *arrangement, struct names *classes, const struct organize_options *options)
{
  arrangement->classes = *classes;
  *classes = (struct names){ 0 };
  arrangement->divided = true;
  if (options->classes.count > 0)
    return error_usage ("'%s' has a folder for each class, which names it; leave out --classes", arrangement->source);
  if (check_shares (options, arrangement->source))
    return -1;
  for (int i = 0; i < USUAL_SPLITS; i++)
    arrangement->used[i] = options->share[i] > 0;
  for (size_t i = 0; i < arrangement->classes.count; i++)
    if (check_class_name (arrangement->classes.name[i]) || arrange_class (arrangement, i, options))
      return -1;
  return 0;
}

/* Whether the usual splits among the FOLDERS of SOURCE directly hold files, and whether a split holds folders.  */
static int
look_for_splits (const char *source, const struct names *folders, bool *have_files, bool *have_folders)
{
  for (size_t i = 0; i < folders->count; i++)
    {
      const char *name = folders->name[i];
      struct names inner, files;
      if (!splitname_is_known (name))
        continue;
      if (list_folder (source, name, &inner, &files))
        return -1;
      *have_files |= files.count > 0 && splitname_synonyms (name);
      *have_folders |= inner.count > 0;
      names_free (&inner);
      names_free (&files);
    }
  return 0;
}

/* A file may be a source of images all the same, and so may a folder that is arranged.  */
static int
refuse_source (const char *source, const char *what)
{
  return error_set ("'%s' %s; take it as it is: slabfit run --dataset %s, or slabfit extract %s", source, what, source,
                    source);
}

int
arrangement_make (struct arrangement *arrangement, const struct organize_options *options)
{
  struct names folders, files;
  bool named = false, organized = false;
  if (file_exists (arrangement->source) && !file_is_directory (arrangement->source))
    return refuse_source (arrangement->source, "is a file, and organize takes folders");
  if (folder_list (arrangement->source, &folders, &files))
    return -1;
  int result = look_for_splits (arrangement->source, &folders, &named, &organized);
  if (result == 0 && named)
    result = arrange_splits (arrangement, options);
  else if (result == 0 && organized)
    result = refuse_source (arrangement->source, "has its images in SPLIT/CLASS/ folders already");
  else if (result == 0)
    result = arrange_classes (arrangement, &folders, options);
  if (result == 0 && arrangement->count == 0)
    result =
      error_set ("'%s' holds no images in SPLIT/{class}_{id}.EXT or CLASS/FILE; check the path", arrangement->source);
  names_free (&folders);
  names_free (&files);
  return result;
}

void
arrangement_free (struct arrangement *arrangement)
{
  for (size_t i = 0; i < arrangement->count; i++)
    free (arrangement->placement[i].name);
  free (arrangement->placement);
  names_free (&arrangement->classes);
}

char *
placement_source (const struct arrangement *arrangement, const struct placement *placement)
{
  return text_new ("%s/%s/%s", arrangement->source, placement->folder, placement->name);
}

char *
placement_destination (const struct arrangement *arrangement, const struct placement *placement, int split)
{
  return text_new ("%s/%s/%s/%s", arrangement->dataset, usual_splits[split],
                   arrangement->classes.name[placement->class_index], placement->name);
}
