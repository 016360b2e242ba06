#include <config.h>

#include "feed.h"

#include "../base/memory.h"

/* The batch that begins at POSITION; with no rows where none are left.  LABEL has room for its labels.  */
static struct batch
take_batch (const struct feed *feed, uint64_t position, int32_t *label)
{
  const uint64_t *row = feed->order.row + position;
  uint64_t left = feed->count - position;
  size_t rows = left < feed->batch ? (size_t) left : feed->batch;
  for (size_t i = 0; i < rows; i++)
    label[i] = feed->label[row[i]];
  return (struct batch){ rows, row, label, NULL };
}

static int
walk_labels (const struct feed *feed, uint64_t position, rows_visit *visit, void *context)
{
  int32_t *label = memory_new (2 * feed->batch, sizeof *label);
  int result = label ? 0 : -1;
  for (int turn = 1; result == 0 && position < feed->count; turn = !turn)
    {
      struct batch batch = take_batch (feed, position, label + (turn ? feed->batch : 0));
      position += batch.rows;
      struct batch next = take_batch (feed, position, label + (turn ? 0 : feed->batch));
      result = rows_check_stop (feed->path) || visit (context, &batch, &next) ? -1 : 0;
    }
  memory_free (label);
  return result;
}

int
feed_walk (const struct feed *feed, uint64_t position, rows_visit *visit, void *context)
{
  return feed->rows ? rows_walk (feed->rows, &feed->order, position, visit, context)
                    : walk_labels (feed, position, visit, context);
}
