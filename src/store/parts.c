#include <config.h>

#include "parts.h"

#include "../base/error.h"
#include "../base/progress.h"
#include "merge.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PARTS_MOST = 10000000, STALE_SECONDS = 24 * 60 * 60 };

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
      if (!force && (access (path, R_OK) || is_later (path)))
        return -1;
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

/* The number in "NNNNN.h5", or -1.  */
static int64_t
part_number (const char *name)
{
  char *end;
  errno = 0;
  long number = strtol (name, &end, 10);
  return end >= name + 5 && !strcmp (end, ".h5") && errno == 0 && *name >= '0' && *name <= '9' ? number : -1;
}

/* Whether OWNER, the "HOST.PROCESS.NUMBER.tmp" that file_temporary adds, is a process of this host that is gone.  */
static bool
owner_is_gone (const char *owner)
{
  char host[256] = "host", *end;
  gethostname (host, sizeof host - 1);
  size_t length = strlen (host);
  if (strncmp (owner, host, length) || owner[length] != '.')
    return false;
  long process = strtol (owner + length + 1, &end, 10);
  return *end == '.' && process > 0 && kill ((pid_t) process, 0) && errno == ESRCH;
}

/* Of the others those are stale that were left alone for long: of other hosts, and of processes whose number another one
   has by now.  */
static bool
is_stale (const char *directory, const char *name, const char *owner)
{
  struct stat status;
  size_t length = strlen (owner);
  if (length < 4 || strcmp (owner + length - 4, ".tmp"))
    return false;
  if (owner_is_gone (owner))
    return true;
  char *path = file_path (directory, name);
  bool old = path && stat (path, &status) == 0 && time (NULL) - status.st_mtime > STALE_SECONDS;
  free (path);
  return old;
}

static void
remove_named (const char *directory, const char *name)
{
  char *path = file_path (directory, name);
  if (path)
    unlink (path);
  free (path);
}

/* What stands after the name of a part, NNNNN.h5 and a point; NULL where NAME does not begin so.  */
static const char *
after_part (const char *name)
{
  const char *end = name + strspn (name, "0123456789");
  return end >= name + 5 && !strncmp (end, ".h5.", 4) ? end + 4 : NULL;
}

/* Removes stale temporary files of parts, and where PARTS is set the parts.  */
static void
clean_directory (const char *directory, bool parts)
{
  DIR *stream = opendir (directory);
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    {
      const char *name = entry->d_name, *owner = after_part (name);
      if ((parts && part_number (name) >= 0) || (owner && is_stale (directory, name, owner)))
        remove_named (directory, name);
    }
  if (stream)
    closedir (stream);
}

/* Removes stale temporary files of SPLIT.h5.  */
static void
clean_merged (const char *features, const char *split)
{
  size_t length = strlen (split);
  DIR *stream = opendir (features);
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    {
      const char *name = entry->d_name;
      if (!strncmp (name, split, length) && !strncmp (name + length, ".h5.", 4)
          && is_stale (features, name, name + length + 4))
        remove_named (features, name);
    }
  if (stream)
    closedir (stream);
}

void
parts_remove_stale (const char *features, const char *split)
{
  char *directory = parts_directory (features, split);
  if (directory)
    clean_directory (directory, false);
  free (directory);
  clean_merged (features, split);
}

/* What stays that is not ours keeps the folder; the merged file stands all the same.  */
static void
remove_parts (const char *directory)
{
  clean_directory (directory, true);
  rmdir (directory);
}

/* One of the parts in DIRECTORY: the one with the lowest number; -1 where there is none.  */
static int64_t
first_part (const char *directory)
{
  int64_t first = -1;
  DIR *stream = opendir (directory);
  for (struct dirent *entry; stream && (entry = readdir (stream));)
    {
      int64_t number = part_number (entry->d_name);
      if (number >= 0 && (first < 0 || number < first))
        first = number;
    }
  if (stream)
    closedir (stream);
  return first;
}

static int
count_missing (const char *features, const char *split, uint64_t parts, uint64_t *missing)
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

/* INFO of the part NUMBER, to be freed by featinfo_free.  */
static int
read_info (const char *features, const char *split, int64_t number, struct featinfo *info)
{
  char *path = parts_path (features, split, (uint64_t) number);
  struct featfile *file = path ? featfile_open (path) : NULL;
  int result = file ? featinfo_copy (info, featfile_info (file)) : -1;
  if (result == 0 && (info->origin.parts == 0 || info->origin.parts > PARTS_MOST))
    {
      result = error_set ("'%s' is not a part of a split; move it elsewhere", path);
      featinfo_free (info);
    }
  featfile_close (file);
  free (path);
  return result;
}

/* Whether MERGED stands and goes with the parts of which FIRST is one: 1, with *REPORT filled, or 0 where there is
   none.  */
static int
check_merged (const char *merged, const char *directory, const struct featinfo *first, struct merge_report *report)
{
  static const char remedy[] = "move one of them elsewhere, or use --force";
  if (!file_exists (merged))
    return 0;
  struct featfile *file = featfile_open (merged);
  if (!file)
    return -1;
  const struct featinfo *info = featfile_info (file);
  int result = first ? featinfo_compare (info, merged, first, directory, remedy) : 0;
  if (result == 0)
    *report = (struct merge_report){
      .rows = info->rows, .failed = info->failed, .parts = first ? first->origin.parts : 0, .kept = true
    };
  featfile_close (file);
  return result ? -1 : 1;
}

/* The parts are there; another process may merge them at the same time, and be first.  */
static int
merge_present (const char *features, const char *split, const char *merged, const char *directory, bool force,
               const struct featinfo *first, struct workers *workers, struct merge_report *report)
{
  int kept = force ? 0 : check_merged (merged, directory, first, report);
  if (kept)
    return kept < 0 ? -1 : 0;
  if (count_missing (features, split, first->origin.parts, &report->missing))
    return -1;
  report->parts = first->origin.parts;
  int result = report->missing ? 0 : merge_parts (features, split, merged, first, workers, report);
  if (result == 0 && report->missing == 0)
    return 0;
  struct error error;
  uint64_t gone = report->missing;
  error_get (&error);
  /* Only who made a merged file that is sure to stay takes parts away.  */
  if (force || (result && (count_missing (features, split, first->origin.parts, &gone) || gone == 0))
      || check_merged (merged, directory, first, report) != 1)
    return result ? error_put (&error) : 0;
  error_clear ();
  return 0;
}

int
parts_merge (const char *features, const char *split, bool force, struct workers *workers, struct merge_report *report)
{
  *report = (struct merge_report){ 0 };
  char *directory = parts_directory (features, split), *merged = parts_merged_path (features, split);
  int64_t number = directory && merged ? first_part (directory) : -1;
  struct featinfo first = { 0 };
  int result = -1;
  if (!directory || !merged)
    ;
  else if (number < 0)
    {
      result = check_merged (merged, directory, NULL, report);
      if (result == 0)
        error_set ("there are no parts in '%s'; run 'slabfit extract' first", directory);
      result = result == 1 ? 0 : -1;
    }
  else if (read_info (features, split, number, &first) == 0)
    result = merge_present (features, split, merged, directory, force, &first, workers, report);
  else if (check_merged (merged, directory, NULL, report) == 1 && first_part (directory) < 0)
    result = 0; /* another process has merged and removed them just now */
  if (result == 0 && report->missing == 0)
    {
      remove_parts (directory);
      clean_merged (features, split);
    }
  featinfo_free (&first);
  free (merged);
  free (directory);
  return result;
}
