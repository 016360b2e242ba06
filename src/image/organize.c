#include <config.h>

#include "organize.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../base/random.h"
#include "../base/stop.h"
#include "manifest.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const splits[ORGANIZE_SPLITS] = { "training", "validation", "evaluation" };

enum { FIRST_STREAM = 2 }; /* stream 1 of the seed is the manifest's */

/* One file: SOURCE/folder/name becomes DATASET/split/class/name.  */
struct placement {
  char *name;         /* owned */
  const char *folder; /* borrowed: a split's or a class's name */
  int split;
  size_t class_index;
  bool there;
};

struct plan {
  const char *source, *dataset;
  struct names classes;
  bool used[ORGANIZE_SPLITS]; /* the splits to be made */
  bool divided;               /* the splits were drawn, not given */
  size_t count, room;
  struct placement *placement;
};

static void
plan_free (struct plan *plan)
{
  for (size_t i = 0; i < plan->count; i++)
    free (plan->placement[i].name);
  free (plan->placement);
  names_free (&plan->classes);
}

static int
plan_add (struct plan *plan, const char *folder, const char *name, int split, size_t class_index)
{
  if (plan->count == plan->room)
    {
      size_t room = plan->room ? 2 * plan->room : 1024;
      struct placement *larger = reallocarray (plan->placement, room, sizeof *larger);
      if (!larger)
        return error_set ("no memory for a list of %zu images; give the job more memory", room);
      plan->placement = larger;
      plan->room = room;
    }
  char *copy = text_new ("%s", name);
  if (!copy)
    return -1;
  plan->placement[plan->count++] =
    (struct placement){ .name = copy, .folder = folder, .split = split, .class_index = class_index };
  return 0;
}

/* The longest part of PATH that exists, with all symbolic links followed.  To be freed; NULL with the error set.  */
static char *
resolve (const char *path)
{
  char *part = text_new ("%s", path), *resolved = NULL;
  while (part && !(resolved = realpath (part, NULL)) && errno == ENOENT && strcmp (part, "."))
    {
      char *slash = strrchr (part, '/');
      if (!slash)
        strcpy (part, "."); /* a relative name has at least one byte */
      else
        slash[slash == part && slash[1] ? 1 : 0] = '\0';
    }
  if (part && !resolved)
    error_system ("open", path);
  free (part);
  return resolved;
}

/* Both are resolved: only "/" ends in a slash.  */
static bool
is_inside (const char *path, const char *folder)
{
  size_t length = strlen (folder);
  return !strncmp (path, folder, length) && (path[length] == '/' || path[length] == '\0' || length == 1);
}

/* Refuses a dataset in its own source: the next call would take it for a part of the source.  */
static int
check_apart (const char *source, const char *dataset)
{
  if (*dataset == '\0')
    return error_usage ("the dataset's folder has an empty name; give it one");
  char *from = realpath (source, NULL);
  if (!from)
    return error_system ("open", source);
  char *to = resolve (dataset);
  int result = to ? 0 : -1;
  if (to && (is_inside (to, from) || (file_is_directory (dataset) && is_inside (from, to))))
    result =
      error_set ("'%s' and '%s' lie in each other; choose a dataset's folder apart from the source", source, dataset);
  free (from);
  free (to);
  return result;
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
plan_named (struct plan *plan, int split, const char *name)
{
  size_t class_index;
  if (read_class (name, &class_index))
    return error_set ("'%s/%s/%s' does not fit {class}_{id}.EXT, such as 0_12.jpg; rename or remove it", plan->source,
                      splits[split], name);
  if (class_index >= plan->classes.count)
    return error_set ("'%s/%s/%s' is of class %zu, but only the classes 0 to %zu have a name; name it too (--classes), "
                      "or remove the file",
                      plan->source, splits[split], name, class_index, plan->classes.count - 1);
  plan->used[split] = true;
  return plan_add (plan, splits[split], name, split, class_index);
}

/* The names in SOURCE/FOLDER; none where there is no such folder.  */
static int
list_folder (const char *source, const char *folder, struct names *folders, struct names *files)
{
  *folders = *files = (struct names){ 0 };
  char *path = file_path (source, folder);
  int result = !path ? -1 : file_is_directory (path) ? manifest_list (path, folders, files) : 0;
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
plan_split (struct plan *plan, int split)
{
  struct names files;
  int result = list_images (plan->source, splits[split], &files);
  for (size_t i = 0; i < files.count && result == 0; i++)
    result = plan_named (plan, split, files.name[i]);
  names_free (&files);
  return result;
}

static int
plan_splits (struct plan *plan, const struct organize_options *options)
{
  for (int i = 0; i < ORGANIZE_SPLITS; i++)
    if (options->share[i] > 0)
      return error_usage ("'%s' is divided into splits already; leave out --splits", plan->source);
  if (options->classes.count == 0)
    return error_usage ("'%s' numbers its classes; name them in order, such as --classes non_food,food", plan->source);
  if (check_classes (&options->classes) || names_copy (&plan->classes, &options->classes))
    return -1;
  for (int split = 0; split < ORGANIZE_SPLITS; split++)
    if (plan_split (plan, split))
      return -1;
  return 0;
}

/* How many of COUNT each split gets: the whole parts of the shares, and one more for the largest remainders (the
   earlier split where they are equal).  */
static void
divide (size_t count, const double share[ORGANIZE_SPLITS], size_t part[ORGANIZE_SPLITS])
{
  double sum = share[0] + share[1] + share[2], remainder[ORGANIZE_SPLITS];
  size_t left = count;
  for (int i = 0; i < ORGANIZE_SPLITS; i++)
    {
      double exact = (double) count * (share[i] / sum);
      part[i] = (size_t) exact;
      remainder[i] = share[i] > 0 ? exact - floor (exact) : -1;
      left -= part[i];
    }
  for (int largest = 0; left > 0; left--)
    {
      for (int i = 0; i < ORGANIZE_SPLITS; i++)
        largest = remainder[i] > remainder[largest] ? i : largest;
      part[largest]++;
      remainder[largest] = -1;
    }
}

static int
deal_class (struct plan *plan, size_t class_index, const struct names *files, const struct organize_options *options)
{
  size_t part[ORGANIZE_SPLITS], next = 0;
  uint64_t *order = memory_new (files->count, sizeof *order);
  if (!order)
    return -1;
  for (size_t i = 0; i < files->count; i++)
    order[i] = i;
  struct random random = random_new (options->seed, FIRST_STREAM + class_index);
  random_shuffle (&random, order, files->count);
  divide (files->count, options->share, part);
  int result = 0;
  for (int split = 0; split < ORGANIZE_SPLITS; split++)
    for (size_t i = 0; i < part[split] && result == 0; i++)
      result = plan_add (plan, plan->classes.name[class_index], files->name[order[next++]], split, class_index);
  memory_free (order);
  return result;
}

/* SOURCE/CLASS/FILE.  */
static int
plan_class (struct plan *plan, size_t class_index, const struct organize_options *options)
{
  struct names files;
  int result = list_images (plan->source, plan->classes.name[class_index], &files);
  if (result == 0)
    result = deal_class (plan, class_index, &files, options);
  names_free (&files);
  return result;
}

static int
check_shares (const struct organize_options *options, const char *source)
{
  double sum = 0;
  bool good = true;
  for (int i = 0; i < ORGANIZE_SPLITS; i++)
    {
      good &= options->share[i] >= 0;
      sum += options->share[i];
    }
  if (good && sum > 0 && isfinite (sum))
    return 0;
  return error_usage ("'%s' is not divided into splits; give each a share, such as --splits 70,15,15", source);
}

/* CLASSES becomes the plan's.  */
static int
plan_classes (struct plan *plan, struct names *classes, const struct organize_options *options)
{
  plan->classes = *classes;
  *classes = (struct names){ 0 };
  plan->divided = true;
  if (options->classes.count > 0)
    return error_usage ("'%s' has a folder for each class, which names it; leave out --classes", plan->source);
  if (check_shares (options, plan->source))
    return -1;
  for (int i = 0; i < ORGANIZE_SPLITS; i++)
    plan->used[i] = options->share[i] > 0;
  for (size_t i = 0; i < plan->classes.count; i++)
    if (check_class_name (plan->classes.name[i]) || plan_class (plan, i, options))
      return -1;
  return 0;
}

/* Whether the folders of splits in SOURCE directly hold files, and whether they hold folders.  */
static int
look_for_splits (const char *source, bool *have_files, bool *have_folders)
{
  for (int split = 0; split < ORGANIZE_SPLITS; split++)
    {
      struct names folders, files;
      if (list_folder (source, splits[split], &folders, &files))
        return -1;
      *have_files |= files.count > 0;
      *have_folders |= folders.count > 0;
      names_free (&folders);
      names_free (&files);
    }
  return 0;
}

static int
plan_make (struct plan *plan, const struct organize_options *options)
{
  struct names folders, files;
  bool named = false, organized = false;
  if (look_for_splits (plan->source, &named, &organized) || manifest_list (plan->source, &folders, &files))
    return -1;
  int result;
  if (named)
    result = plan_splits (plan, options);
  else if (organized)
    result = error_set ("'%s' has its images in SPLIT/CLASS/ folders already; use it as the dataset", plan->source);
  else
    result = plan_classes (plan, &folders, options);
  if (result == 0 && plan->count == 0)
    result = error_set ("'%s' holds no images in SPLIT/{class}_{id}.EXT or CLASS/FILE; check the path", plan->source);
  names_free (&folders);
  names_free (&files);
  return result;
}

static char *
source_path (const struct plan *plan, const struct placement *placement)
{
  return text_new ("%s/%s/%s", plan->source, placement->folder, placement->name);
}

static char *
destination_path (const struct plan *plan, const struct placement *placement, int split)
{
  return text_new ("%s/%s/%s/%s", plan->dataset, splits[split], plan->classes.name[placement->class_index],
                   placement->name);
}

static int
same_contents (const char *a, const char *b, bool *same)
{
  char a_sha256[FILE_SHA256_BYTES], b_sha256[FILE_SHA256_BYTES];
  if (file_sha256 (a, a_sha256) || file_sha256 (b, b_sha256))
    return -1;
  *same = !strcmp (a_sha256, b_sha256);
  return 0;
}

/* Sets *THERE where TO has FROM's contents already; refuses other contents.  */
static int
check_destination (const char *from, const char *to, bool *there)
{
  struct stat source, destination;
  if (stat (from, &source))
    return error_system ("read", from);
  if (lstat (to, &destination))
    return errno == ENOENT ? 0 : error_system ("look for", to);
  bool linked =
    stat (to, &destination) == 0 && destination.st_dev == source.st_dev && destination.st_ino == source.st_ino;
  bool comparable = S_ISREG (destination.st_mode) && destination.st_size == source.st_size;
  *there = linked;
  if (!linked && comparable && same_contents (from, to, there))
    return -1;
  if (*there)
    return 0;
  return error_set ("'%s' exists and is not the same as '%s'; remove it or choose another folder for the dataset", to,
                    from);
}

/* An image that an earlier division put into another split would be in two: a leak.  */
static int
check_other_splits (const struct plan *plan, const struct placement *placement)
{
  for (int split = 0; split < ORGANIZE_SPLITS; split++)
    {
      char *path = destination_path (plan, placement, split);
      int result = path ? 0 : -1;
      if (path && split != placement->split && file_exists (path))
        result = error_set ("'%s' exists, but this division puts it into %s; use the seed, shares and images that made "
                            "'%s', or choose another folder",
                            path, splits[placement->split], plan->dataset);
      free (path);
      if (result)
        return -1;
    }
  return 0;
}

static int
plan_check (struct plan *plan)
{
  for (size_t i = 0; i < plan->count; i++)
    {
      struct placement *placement = &plan->placement[i];
      char *from = source_path (plan, placement), *to = destination_path (plan, placement, placement->split);
      int result = from && to ? check_destination (from, to, &placement->there) : -1;
      if (result == 0 && plan->divided)
        result = check_other_splits (plan, placement);
      free (from);
      free (to);
      if (result)
        return -1;
    }
  return 0;
}

static int
copy_stream (FILE *from, const char *from_path, FILE *to, const char *to_path)
{
  char block[1 << 16];
  size_t length;
  while ((length = fread (block, 1, sizeof block, from)) > 0)
    if (fwrite (block, 1, length, to) != length)
      return error_system ("write", to_path);
  return ferror (from) ? error_system ("read", from_path) : 0;
}

/* A hidden name beside PATH, so that what a killed process leaves is not taken for an image.  */
static char *
hidden_temporary (const char *path)
{
  const char *name = strrchr (path, '/') + 1;
  char *hidden = text_new ("%.*s.%s", (int) (name - path), path, name);
  char *temporary = hidden ? file_temporary (hidden) : NULL;
  free (hidden);
  return temporary;
}

/* Without fsync: a machine's crash may lose the last files, which the next call then finds missing or different.  */
static int
copy_file (const char *from_path, const char *to_path)
{
  char *temporary = hidden_temporary (to_path);
  if (!temporary)
    return -1;
  FILE *from = fopen (from_path, "rbe"), *to = from ? fopen (temporary, "wbxe") : NULL;
  int result = to ? copy_stream (from, from_path, to, to_path)
                  : error_system (from ? "create" : "open", from ? to_path : from_path);
  if (to && fclose (to) && result == 0)
    result = error_system ("write", to_path);
  if (result == 0 && rename (temporary, to_path))
    result = error_system ("rename a finished file to", to_path);
  if (to && result)
    unlink (temporary);
  if (from)
    fclose (from);
  free (temporary);
  return result;
}

/* Copies where a link is impossible: on another file system, one without links, or for another user's file.  */
static int
put_file (const char *from, const char *to, struct organize_report *report)
{
  bool linked = linkat (AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0;
  if (!linked && errno == EEXIST)
    return error_system ("create", to);
  if (!linked && copy_file (from, to))
    return -1;
  report->linked += linked;
  report->copied += !linked;
  return 0;
}

static int
make_folders (const struct plan *plan)
{
  for (int split = 0; split < ORGANIZE_SPLITS; split++)
    for (size_t i = 0; i < plan->classes.count && plan->used[split]; i++)
      {
        char *path = text_new ("%s/%s/%s", plan->dataset, splits[split], plan->classes.name[i]);
        int result = path ? file_make_directories (path) : -1;
        free (path);
        if (result)
          return -1;
      }
  return 0;
}

static int
put_placement (const struct plan *plan, const struct placement *placement, struct organize_report *report)
{
  if (placement->there)
    {
      report->kept++;
      return 0;
    }
  char *from = source_path (plan, placement), *to = destination_path (plan, placement, placement->split);
  int result = from && to ? put_file (from, to, report) : -1;
  free (from);
  free (to);
  return result;
}

static int
plan_carry_out (const struct plan *plan, struct organize_report *report)
{
  if (make_folders (plan))
    return -1;
  struct progress progress = progress_begin ("organize", "images", plan->count);
  int result = 0;
  for (size_t i = 0; i < plan->count && result == 0; i++)
    {
      result = put_placement (plan, &plan->placement[i], report);
      progress_advance (&progress, 1);
      if (result == 0 && i + 1 < plan->count && stop_requested ())
        result = error_stopped ("stopped with %zu of %zu images in '%s'; run the same command again", i + 1,
                                plan->count, plan->dataset);
    }
  progress_end (&progress);
  return result;
}

static int
report_fill (struct organize_report *report, const struct plan *plan)
{
  size_t classes = plan->classes.count;
  report->entry = calloc (ORGANIZE_SPLITS * classes, sizeof *report->entry);
  size_t first[ORGANIZE_SPLITS]; /* the place of each used split's first class */
  if (!report->entry)
    return error_set ("no memory for %zu classes; give the job more memory", classes);
  for (int split = 0; split < ORGANIZE_SPLITS; split++)
    {
      first[split] = report->count;
      for (size_t i = 0; i < classes && plan->used[split]; i++)
        {
          struct organize_count *entry = &report->entry[report->count++];
          entry->split = text_new ("%s", splits[split]);
          entry->class_name = text_new ("%s", plan->classes.name[i]);
          if (!entry->split || !entry->class_name)
            return -1;
        }
    }
  for (size_t i = 0; i < plan->count; i++)
    report->entry[first[plan->placement[i].split] + plan->placement[i].class_index].images++;
  return 0;
}

int
organize (const char *source, const char *dataset, const struct organize_options *options,
          struct organize_report *report)
{
  struct plan plan = { .source = source, .dataset = dataset };
  *report = (struct organize_report){ 0 };
  int result = check_apart (source, dataset);
  if (result == 0)
    result = plan_make (&plan, options);
  if (result == 0)
    result = report_fill (report, &plan);
  if (result == 0)
    result = plan_check (&plan);
  if (result == 0)
    result = plan_carry_out (&plan, report);
  if (result)
    organize_report_free (report);
  plan_free (&plan);
  return result;
}

void
organize_report_free (struct organize_report *report)
{
  for (size_t i = 0; i < report->count; i++)
    {
      free (report->entry[i].split);
      free (report->entry[i].class_name);
    }
  free (report->entry);
  *report = (struct organize_report){ 0 };
}
