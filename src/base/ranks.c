#include <config.h>

#include "ranks.h"

#include "error.h"
#include "memory.h"
#include "stop.h"
#include "transport.h"

#include <string.h>
#include <unistd.h>

enum {
  BLOCK_BYTES = 64 << 20, /* of a message */
  FLAGGED = 1 << 20,      /* values that are summed together with the request to stop */
};

static int own_index = 0, all_count = 1;
static bool deserted; /* the others did not come to ranks_settle */

int
ranks_start (void)
{
  if (transport_start (&own_index, &all_count))
    return -1;
  if (all_count > 1)
    stop_together ();
  return 0;
}

int
ranks_index (void)
{
  return own_index;
}

int
ranks_count (void)
{
  return all_count;
}

struct ranks_traffic
ranks_traffic (void)
{
  return transport_traffic ();
}

static uint64_t
divide_up (uint64_t a, uint64_t b)
{
  return a / b + (a % b > 0);
}

/* Whether COUNT ranks can share COLUMNS in whole UNITs fairly.  */
static bool
is_fair (uint64_t columns, uint64_t unit, uint64_t count)
{
  uint64_t units = divide_up (columns, unit);
  return units >= count && (double) (divide_up (units, count) * unit) <= 1.125 * (double) columns / (double) count;
}

struct ranks_share
ranks_share (uint64_t columns, uint64_t unit, int index, int count)
{
  uint64_t place = (uint64_t) index, ranks = (uint64_t) count;
  while (unit > 1 && !is_fair (columns, unit, ranks))
    unit /= 2;
  uint64_t units = divide_up (columns, unit);
  uint64_t first = units * place / ranks * unit, end = units * (place + 1) / ranks * unit;
  first = first < columns ? first : columns;
  end = end < columns ? end : columns;
  return (struct ranks_share){ first, end - first };
}

/* In blocks.  */
static int
sum (void *values, size_t count, enum transport_type type, size_t size)
{
  size_t block = BLOCK_BYTES / size;
  for (char *next = values; count > 0; count -= block, next += block * size)
    {
      block = count < block ? count : block;
      if (transport_sum (next, block, type))
        return -1;
    }
  return 0;
}

int
ranks_sum (float *values, size_t count)
{
  static float flagged[FLAGGED + 1];
  size_t first = count < FLAGGED ? count : FLAGGED;
  if (all_count == 1)
    return 0;
  memcpy (flagged, values, first * sizeof *values);
  flagged[first] = stop_pending ();
  if (transport_sum (flagged, first + 1, TRANSPORT_FLOAT))
    return -1;
  memcpy (values, flagged, first * sizeof *values);
  if (flagged[first] > 0)
    stop_agree ();
  return sum (values + first, count - first, TRANSPORT_FLOAT, sizeof *values);
}

int
ranks_sum_double (double *values, size_t count)
{
  return all_count == 1 ? 0 : sum (values, count, TRANSPORT_DOUBLE, sizeof *values);
}

int
ranks_from_first (void *values, size_t bytes)
{
  size_t block = BLOCK_BYTES;
  for (char *next = values; all_count > 1 && bytes > 0; bytes -= block, next += block)
    {
      block = bytes < block ? bytes : block;
      if (transport_broadcast (next, block, 0))
        return -1;
    }
  return 0;
}

/* What each rank tells the others.  All learn the lowest of each number.  */
struct news {
  uint64_t state; /* exit status and rank of the one that fares worst */
  uint64_t going; /* 0 where one is asked to stop */
};

enum { FINE = 255, NEWS = sizeof (struct news) / sizeof (uint64_t) }; /* FINE stands for 0, which would be the lowest */

static struct news
news_of (int status)
{
  uint64_t place = status ? (uint64_t) status : FINE;
  return (struct news){ place << 32 | (uint64_t) own_index, !stop_pending () };
}

static int
news_rank (const struct news *news)
{
  return (int) (news->state & UINT32_MAX);
}

static int
news_status (const struct news *news)
{
  int status = (int) (news->state >> 32);
  return status == FINE ? 0 : status;
}

int
ranks_agree (int result)
{
  struct news news = news_of (result ? error_status () : 0);
  struct error error;
  if (all_count == 1)
    return result;
  if (transport_lowest (&news.state, NEWS))
    return -1;
  if (!news.going)
    stop_agree ();
  if (news_status (&news) == 0)
    return 0;
  error_get (&error);
  return transport_broadcast (&error, sizeof error, news_rank (&news)) ? -1 : error_put (&error);
}

bool
ranks_settle (int *status)
{
  /* Those that are done, or stop together, await each other however long they write.  */
  bool patience = *status == 0 || *status == ERROR_STOPPED;
  struct news own = news_of (*status), news = own;
  if (all_count == 1)
    return true;
  int in_vain = transport_last_lowest (&news.state, NEWS, patience);
  if (in_vain == 2)
    sleep (10); /* a lower rank reports, and ends this one */
  deserted = in_vain > 0;
  if (deserted)
    news = own;
  *status = news_status (&news);
  return in_vain < 2 && news_rank (&news) == own_index;
}

void
ranks_finish (int status)
{
  transport_end (deserted, status);
}

/* The rows of a message.  */
static uint64_t
block_rows (size_t row_bytes, uint64_t left)
{
  uint64_t rows = BLOCK_BYTES / (row_bytes ? row_bytes : 1);
  rows = rows ? rows : 1;
  return rows < left ? rows : left;
}

/* Rows on their way to or from the first rank.  */
struct passage {
  ranks_take *take; /* one of them is NULL */
  ranks_give *give;
  void *context;
  size_t row_bytes;
  uint64_t first; /* number of the next row */
};

/* The next COUNT rows, in ROWS.  */
static int
pass_block (struct passage *passage, void *rows, uint64_t count)
{
  uint64_t first = passage->first;
  passage->first += count;
  return passage->take ? passage->take (passage->context, rows, first, count)
                       : passage->give (passage->context, rows, first, count);
}

/* The next LEFT rows, which are RANK's, by way of BUFFER, which holds a block.  */
static int
pass_through (struct passage *passage, void *buffer, uint64_t left, int rank)
{
  uint64_t block;
  for (; left > 0; left -= block)
    {
      block = block_rows (passage->row_bytes, left);
      size_t bytes = (size_t) block * passage->row_bytes;
      if ((passage->take && transport_receive (buffer, bytes, rank)) || pass_block (passage, buffer, block)
          || (passage->give && transport_send (buffer, bytes, rank)))
        return -1;
    }
  return 0;
}

/* All rows of RANK, which says how many.  */
static int
pass_rank (struct passage *passage, int rank)
{
  uint64_t count = 0;
  if (transport_receive (&count, sizeof count, rank))
    return -1;
  void *buffer = memory_new ((size_t) block_rows (passage->row_bytes, count), passage->row_bytes);
  int result = buffer ? pass_through (passage, buffer, count, rank) : -1;
  memory_free (buffer);
  return result;
}

/* On the first rank: its own rows, without a copy, and then those of the others.  */
static int
pass_all (struct passage *passage, char *rows, uint64_t count)
{
  uint64_t block;
  for (; count > 0; count -= block, rows += block * passage->row_bytes)
    {
      block = block_rows (passage->row_bytes, count);
      if (pass_block (passage, rows, block))
        return -1;
    }
  for (int rank = 1; rank < all_count; rank++)
    if (pass_rank (passage, rank))
      return -1;
  return 0;
}

/* On another rank: its counterpart.  */
static int
pass_to_first (char *rows, uint64_t count, size_t row_bytes, bool sends)
{
  uint64_t block;
  if (transport_send (&count, sizeof count, 0))
    return -1;
  for (; count > 0; count -= block, rows += block * row_bytes)
    {
      block = block_rows (row_bytes, count);
      size_t bytes = (size_t) block * row_bytes;
      if (sends ? transport_send (rows, bytes, 0) : transport_receive (rows, bytes, 0))
        return -1;
    }
  return 0;
}

int
ranks_gather (const void *rows, uint64_t count, size_t row_bytes, ranks_take *take, void *context)
{
  struct passage passage = { .take = take, .context = context, .row_bytes = row_bytes };
  char *own = (char *) rows; /* which nobody changes */
  return own_index == 0 ? pass_all (&passage, own, count) : pass_to_first (own, count, row_bytes, true);
}

int
ranks_scatter (void *rows, uint64_t count, size_t row_bytes, ranks_give *give, void *context)
{
  struct passage passage = { .give = give, .context = context, .row_bytes = row_bytes };
  return own_index == 0 ? pass_all (&passage, rows, count) : pass_to_first (rows, count, row_bytes, false);
}
