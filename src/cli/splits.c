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

/* Opens the split that is called just so.  */
static int
open_named (const char *features, const char *split, const struct featnames *names, const char *command,
            struct workers *workers, struct featfile **file)
{
  int result = 0;
  char *path = parts_merged_path (features, split), *parts = parts_directory (features, split);
  *file = NULL;
  if (!path || !parts)
    result = -1;
  else if (!file_exists (path) && file_is_directory (parts))
    result = merge_parts (features, split, parts, command, workers);
  if (result == 0 && file_exists (path))
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
  const char *const *name = splitname_synonyms (split);
  int result = 0;
  *file = NULL;
  for (int i = 0; result == 0 && !*file && name[i]; i++)
    result = open_named (features, name[i], names, command, workers, file);
  return result;
}
