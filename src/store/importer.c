#include <config.h>

#include "importer.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "featwriter.h"

#include <inttypes.h>
#include <stdio.h>

int
importer_describe (struct featinfo *info, const struct importer_options *options)
{
  *info = (struct featinfo){ .half = options->half, .compress = options->compress };
  snprintf (info->origin.version, sizeof info->origin.version, "%s", PACKAGE_VERSION);
  if (names_copy (&info->classes, &options->classes))
    return -1;
  if (!options->command || (info->origin.command = text_new ("%s", options->command)))
    return 0;
  featinfo_free (info);
  return -1;
}

uint64_t
importer_label_limit (const struct featinfo *info)
{
  return info->classes.count ? info->classes.count : IMPORTER_CLASSES_MOST;
}

int
importer_name_classes (struct featinfo *info, uint64_t largest)
{
  bool named = info->classes.count > 0;
  for (uint64_t i = 0; i <= largest && !named; i++)
    {
      char name[24];
      snprintf (name, sizeof name, "%" PRIu64, i);
      if (names_add (&info->classes, name))
        return -1;
    }
  return 0;
}

static int
put_rows (const struct featinfo *info, struct featwriter *writer, importer_take *take, void *context,
          const char *source, struct workers *workers)
{
  uint64_t height = info->chunk_rows < info->rows ? info->chunk_rows : info->rows;
  size_t count;
  if (memory_multiply (height, info->columns, "a row of tiles", &count))
    return -1;
  float *values = memory_new (count, sizeof *values);
  int32_t *labels = memory_new (height, sizeof *labels);
  int result = values && labels ? 0 : -1;
  for (uint64_t row = 0; row < info->rows && result == 0; row += height)
    {
      uint64_t rows = info->rows - row < height ? info->rows - row : height;
      if (stop_requested ())
        result = error_stopped ("stopped while reading '%s'; run the same command again", source);
      else if (take (context, row, rows, values, labels)
               || featwriter_put_tile_row (writer, row / height, values, rows, workers)
               || featwriter_put_rows (writer, row, rows, labels, NULL))
        result = -1;
    }
  memory_free (values);
  memory_free (labels);
  return result;
}

int
importer_run (struct featinfo *info, const char *features, importer_take *take, void *context, const char *source,
              struct workers *workers)
{
  info->origin.images = info->rows;
  featinfo_choose_tile (info);
  struct featwriter *writer = featwriter_new (features, info);
  if (!writer)
    return -1;
  if (put_rows (info, writer, take, context, source, workers) == 0)
    return featwriter_commit (writer, info->rows, NULL, 0);
  featwriter_discard (writer);
  return -1;
}
