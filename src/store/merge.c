#include <config.h>

#include "merge.h"

#include "../base/error.h"
#include "join.h"
#include "leftovers.h"
#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>

enum { PARTS_MOST = 10000000 };

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

/* *NUMBER of the first part that is there, -1 where there is none, and its INFO.  Another process, which has merged the
   parts, may take them away one after the other meanwhile: then the one that did not open is no longer the first.  */
static int
read_first (const char *features, const char *split, const char *directory, int64_t *number, struct featinfo *info)
{
  int64_t before = -1;
  while ((*number = parts_first (directory)) >= 0 && read_info (features, split, *number, info))
    {
      if (*number == before)
        return -1;
      before = *number;
    }
  error_clear ();
  return 0;
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
  if (parts_count_missing (features, split, first->origin.parts, &report->missing))
    return -1;
  report->parts = first->origin.parts;
  int result =
    report->missing ? 0 : join_parts (features, split, merged, first, workers, &report->rows, &report->failed);
  if (result == 0 && report->missing == 0)
    return 0;
  struct error error;
  uint64_t gone = report->missing;
  error_get (&error);
  /* Only who made a merged file that is sure to stay takes parts away.  */
  if (force || (result && (parts_count_missing (features, split, first->origin.parts, &gone) || gone == 0))
      || check_merged (merged, directory, first, report) != 1)
    return result ? error_put (&error) : 0;
  error_clear ();
  return 0;
}

int
merge_split (const char *features, const char *split, bool force, struct workers *workers, struct merge_report *report)
{
  *report = (struct merge_report){ 0 };
  char *directory = parts_directory (features, split), *merged = parts_merged_path (features, split);
  int64_t number;
  struct featinfo first = { 0 };
  int result = -1;
  if (!directory || !merged || read_first (features, split, directory, &number, &first))
    ;
  else if (number < 0)
    {
      result = check_merged (merged, directory, NULL, report);
      if (result == 0)
        error_set ("there are no parts in '%s'; run 'slabfit extract' first", directory);
      result = result == 1 ? 0 : -1;
    }
  else
    result = merge_present (features, split, merged, directory, force, &first, workers, report);
  if (result == 0 && report->missing == 0)
    leftovers_remove_parts (features, split);
  featinfo_free (&first);
  free (merged);
  free (directory);
  return result;
}
