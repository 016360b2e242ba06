#include <config.h>

#include "splits.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../image/splitname.h"
#include "../store/merge.h"
#include "../store/parts.h"

#include <inttypes.h>
#include <stdlib.h>

static int
merge_parts (const char *features, const char *split, const char *parts, const char *command, struct workers *workers)
{
  struct merge_report report = { 0 };
  if (merge_split (features, split, false, workers, &report))
    return -1;
  return report.missing == 0
           ? 0
           : error_set ("%" PRIu64 " of the %" PRIu64 " parts in '%s' %s missing; run extract again, "
                        "then %s",
                        report.missing, report.parts, parts, report.missing == 1 ? "is" : "are", command);
}

int
splits_need_folder (const char *features)
{
  if (!file_exists (features))
    return error_system ("open", features);
  return file_is_directory (features)
           ? 0
           : error_set ("'%s' is not a folder; give the one that 'training.h5' lies in", features);
}

/* Whether there is a split that is called just so.  */
static int
find_named (const char *features, const char *split, bool *found)
{
  char *path = parts_merged_path (features, split), *parts = parts_directory (features, split);
  int result = path && parts ? 0 : -1;
  *found = result == 0 && (file_exists (path) || file_is_directory (parts));
  free (path);
  free (parts);
  return result;
}

int
splits_find (const char *features, const char *split, const char **name)
{
  const char *const *synonym = splitname_synonyms (split);
  bool found = false;
  for (; *synonym; synonym++)
    if (find_named (features, *synonym, &found))
      return -1;
    else if (found)
      break;
  *name = *synonym;
  return 0;
}

static int
open_named (const char *features, const char *split, const struct featnames *names, const char *command,
            struct workers *workers, struct featfile **file)
{
  int result = 0;
  char *path = parts_merged_path (features, split), *parts = parts_directory (features, split);
  if (!path || !parts)
    result = -1;
  else if (!file_exists (path))
    result = merge_parts (features, split, parts, command, workers);
  if (result == 0)
    result = (*file = featfile_open_named (path, names)) && !featfile_need_labels (*file)
                 && !featfile_use_workers (*file, workers)
               ? 0
               : -1;
  free (path);
  free (parts);
  return result;
}

int
splits_open (const char *features, const char *split, const struct featnames *names, const char *command,
             struct workers *workers, struct featfile **file)
{
  const char *name;
  *file = NULL;
  if (splits_find (features, split, &name))
    return -1;
  return name ? open_named (features, name, names, command, workers, file) : 0;
}
