#include <config.h>

#include "parts.h"

#include "../base/error.h"
#include "../base/progress.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *
parts_directory (const char *features, const char *split)
{
  char *directory = file_path (features, split), *result = directory ? text_new ("%s.parts", directory) : NULL;
  free (directory);
  return result;
}

char *
parts_path (const char *features, const char *split, uint64_t part)
{
  char *directory = parts_directory (features, split);
  char *result = directory ? text_new ("%s/%05" PRIu64 ".h5", directory, part) : NULL;
  free (directory);
  return result;
}

char *
parts_merged_path (const char *features, const char *split)
{
  char *base = file_path (features, split), *result = base ? text_new ("%s.h5", base) : NULL;
  free (base);
  return result;
}

char *
parts_catalogue_path (const char *features)
{
  return file_path (features, "images.catalogue");
}

/* Adds the split of ENTRY, "SPLIT.parts" or "SPLIT.h5", once.  */
static int
add_split (struct names *splits, const char *entry)
{
  const char *end = strrchr (entry, '.');
  if (!end || end == entry || (strcmp (end, ".parts") && strcmp (end, ".h5")))
    return 0;
  char *split = text_new ("%.*s", (int) (end - entry), entry);
  int result = !split ? -1 : names_find (splits, split) < 0 ? names_add (splits, split) : 0;
  free (split);
  return result;
}

int
parts_splits (const char *features, struct names *splits)
{
  const struct dirent *entry;
  int result = 0;
  *splits = (struct names){ 0 };
  DIR *folder = opendir (features);
  if (!folder)
    return error_system ("open", features);
  while (result == 0 && (entry = readdir (folder)))
    result = add_split (splits, entry->d_name);
  closedir (folder);
  names_sort (splits);
  if (result == 0 && splits->count == 0)
    result = error_set ("'%s' has neither parts nor feature files; make them with 'slabfit extract'", features);
  if (result)
    names_free (splits);
  return result;
}

static int
compare_part (const struct featinfo *found, const char *path, const struct featinfo *wanted)
{
  static const char remedy[] = "repeat the command that made it, choose another folder, or use --force";
  if (featinfo_compare (found, path, wanted, NULL, remedy))
    return -1;
  if (found->origin.part != wanted->origin.part || found->origin.parts != wanted->origin.parts)
    return error_set ("'%s' is part %" PRIu64 " of %" PRIu64 ", and part %" PRIu64 " of %" PRIu64 " is asked for; %s",
                      path, found->origin.part, found->origin.parts, wanted->origin.part, wanted->origin.parts, remedy);
  if (found->rows + found->failed != wanted->rows)
    return error_set ("'%s' has %" PRIu64 " rows and %" PRIu64 " failures, and %" PRIu64 " images are asked for; %s",
                      path, found->rows, found->failed, wanted->rows, remedy);
  return 0;
}

/* Whether PATH, which does not open as a feature file, is of a later version.  Keeps the thread's error.  */
static bool
is_later (const char *path)
{
  struct error error;
  int64_t version = 0;
  error_get (&error);
  hid_t file = H5Fopen (path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file >= 0)
    {
      featinfo_read_version (file, path, &version);
      H5Fclose (file);
    }
  error_put (&error);
  return version > FEATFILE_VERSION;
}

int
parts_check (const char *path, const struct featinfo *wanted, bool force, bool *reusable, uint64_t *found_rows,
             uint64_t *found_failed)
{
  *reusable = false;
  if (!file_exists (path))
    return 0;
  struct featfile *file = featfile_open (path);
  if (!file)
    {
      bool gone = !file_exists (path); /* merged by another process, and taken away */
      if (!gone && !force && (access (path, R_OK) || is_later (path)))
        return -1;
      if (!gone)
        progress_say ("%s: made again", error_message ());
      error_clear ();
      return 0;
    }
  const struct featinfo *found = featfile_info (file);
  int result = compare_part (found, path, wanted);
  *reusable = result == 0;
  if (*reusable)
    {
      *found_rows = found->rows;
      *found_failed = found->failed;
    }
  else if (force)
    {
      error_clear ();
      result = 0;
    }
  featfile_close (file);
  return result;
}

int64_t
parts_number (const char *name)
{
  char *end;
  errno = 0;
  long number = strtol (name, &end, 10);
  return end >= name + 5 && !strcmp (end, ".h5") && errno == 0 && *name >= '0' && *name <= '9' ? number : -1;
}

int64_t
parts_first (const char *directory)
{
  int64_t first = -1;
  DIR *stream = opendir (directory);
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    {
      int64_t number = parts_number (entry->d_name);
      if (number >= 0 && (first < 0 || number < first))
        first = number;
    }
  if (stream)
    closedir (stream);
  return first;
}

int
parts_count_missing (const char *features, const char *split, uint64_t parts, uint64_t *missing)
{
  *missing = 0;
  for (uint64_t i = 0; i < parts; i++)
    {
      char *path = parts_path (features, split, i);
      if (!path)
        return -1;
      *missing += !file_exists (path);
      free (path);
    }
  return 0;
}
