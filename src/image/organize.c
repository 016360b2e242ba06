#include <config.h>

#include "organize.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "arrangement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
check_other_splits (const struct arrangement *arrangement, const struct placement *placement)
{
  for (int split = 0; split < USUAL_SPLITS; split++)
    {
      char *path = placement_destination (arrangement, placement, split);
      int result = path ? 0 : -1;
      if (path && split != placement->split && file_exists (path))
        result = error_set ("'%s' exists, but this division puts it into %s; use the seed, shares and images that made "
                            "'%s', or choose another folder",
                            path, usual_splits[placement->split], arrangement->dataset);
      free (path);
      if (result)
        return -1;
    }
  return 0;
}

static int
check_destinations (struct arrangement *arrangement)
{
  for (size_t i = 0; i < arrangement->count; i++)
    {
      struct placement *placement = &arrangement->placement[i];
      char *from = placement_source (arrangement, placement);
      char *to = placement_destination (arrangement, placement, placement->split);
      int result = from && to ? check_destination (from, to, &placement->there) : -1;
      if (result == 0 && arrangement->divided)
        result = check_other_splits (arrangement, placement);
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
make_folders (const struct arrangement *arrangement)
{
  for (int split = 0; split < USUAL_SPLITS; split++)
    for (size_t i = 0; i < arrangement->classes.count && arrangement->used[split]; i++)
      {
        char *path = text_new ("%s/%s/%s", arrangement->dataset, usual_splits[split], arrangement->classes.name[i]);
        int result = path ? file_make_directories (path) : -1;
        free (path);
        if (result)
          return -1;
      }
  return 0;
}

static int
put_placement (const struct arrangement *arrangement, const struct placement *placement, struct organize_report *report)
{
  if (placement->there)
    {
      report->kept++;
      return 0;
    }
  char *from = placement_source (arrangement, placement);
  char *to = placement_destination (arrangement, placement, placement->split);
  int result = from && to ? put_file (from, to, report) : -1;
  free (from);
  free (to);
  return result;
}

static int
put_placements (const struct arrangement *arrangement, struct organize_report *report)
{
  if (make_folders (arrangement))
    return -1;
  struct progress progress = progress_begin ("organize", "images", arrangement->count);
  int result = 0;
  for (size_t i = 0; i < arrangement->count && result == 0; i++)
    {
      result = put_placement (arrangement, &arrangement->placement[i], report);
      progress_advance (&progress, 1);
      if (result == 0 && i + 1 < arrangement->count && stop_requested ())
        result = error_stopped ("stopped with %zu of %zu images in '%s'; run the same command again", i + 1,
                                arrangement->count, arrangement->dataset);
    }
  progress_end (&progress);
  return result;
}

static int
report_fill (struct organize_report *report, const struct arrangement *arrangement)
{
  size_t classes = arrangement->classes.count;
  report->entry = calloc (USUAL_SPLITS * classes, sizeof *report->entry);
  size_t first[USUAL_SPLITS]; /* the place of each used split's first class */
  if (!report->entry)
    return error_set ("no memory for %zu classes; give the job more memory", classes);
  for (int split = 0; split < USUAL_SPLITS; split++)
    {
      first[split] = report->count;
      for (size_t i = 0; i < classes && arrangement->used[split]; i++)
        {
          struct organize_count *entry = &report->entry[report->count++];
          entry->split = text_new ("%s", usual_splits[split]);
          entry->class_name = text_new ("%s", arrangement->classes.name[i]);
          if (!entry->split || !entry->class_name)
            return -1;
        }
    }
  for (size_t i = 0; i < arrangement->count; i++)
    report->entry[first[arrangement->placement[i].split] + arrangement->placement[i].class_index].images++;
  return 0;
}

int
organize (const char *source, const char *dataset, const struct organize_options *options,
          struct organize_report *report)
{
  struct arrangement arrangement = { .source = source, .dataset = dataset };
  *report = (struct organize_report){ 0 };
  int result = check_apart (source, dataset);
  if (result == 0)
    result = arrangement_make (&arrangement, options);
  if (result == 0)
    result = report_fill (report, &arrangement);
  if (result == 0)
    result = check_destinations (&arrangement);
  if (result == 0)
    result = put_placements (&arrangement, report);
  if (result)
    organize_report_free (report);
  arrangement_free (&arrangement);
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
