#include <config.h>

#include "exporter.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"

enum { BLOCK_BYTES = 16 << 20 };

uint64_t
exporter_block_rows (const struct featfile *file)
{
  return featinfo_block_rows (featfile_info (file), BLOCK_BYTES);
}

int
exporter_run (struct featfile *file, exporter_put *put, void *context, const char *output)
{
  const struct featinfo *info = featfile_info (file);
  uint64_t block = exporter_block_rows (file);
  size_t count;
  if (memory_multiply (block, info->columns, "a block of rows", &count))
    return -1;
  float *values = memory_new (count, sizeof *values);
  int32_t *labels = memory_new (block, sizeof *labels);
  int result = values && labels ? 0 : -1;
  for (uint64_t row = 0; row < info->rows && result == 0; row += block)
    {
      uint64_t rows = info->rows - row < block ? info->rows - row : block;
      if (featfile_read (file, row, rows, 0, info->columns, values) || featfile_read_labels (file, row, rows, labels)
          || put (context, row, rows, values, labels))
        result = -1;
      else if (stop_requested ())
        result = error_stopped ("stopped while writing '%s'; run the same command again", output);
    }
  memory_free (values);
  memory_free (labels);
  return result;
}
