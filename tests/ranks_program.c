/* What several ranks do together, for mpi.sh: ranks_program CASE [RANK], started by mpirun or srun.  A case is checked
   on each rank; the first one says that it holds.  Ends as slabfit's main does.  */
#include <config.h>

#include "../src/base/ranks.h"

#include "../src/base/error.h"
#include "../src/base/stop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int index_, count; /* of this rank */
static int chosen;        /* the rank that a case is about */

#define CHECK(condition)                                                                                               \
  do                                                                                                                   \
    if (!(condition))                                                                                                  \
      return error_set ("rank %d: %s does not hold (%s, line %d)", index_, #condition, __func__, __LINE__);            \
  while (0)

/* Value I of rank RANK: the sums of the whole numbers are exact, those of the others are rounded.  */
static float
whole (size_t i, int rank)
{
  return (float) (i % 7) * (float) (rank + 1);
}

static float
fraction (size_t i, int rank)
{
  return 1.0F / (float) (3 + i % 1013 + 17 * (size_t) rank);
}

static int
check_sum (size_t size)
{
  float *values = malloc (2 * (size + 1) * sizeof *values), *rounded = values + size + 1;
  size_t wrong = 0;
  for (size_t i = 0; i <= size; i++)
    {
      values[i] = whole (i, index_);
      rounded[i] = fraction (i, index_);
    }
  if (ranks_sum (values, size) || ranks_sum (rounded, size))
    return -1;
  for (size_t i = 0; i < size; i++)
    wrong += values[i] != (float) (i % 7) * (float) (count * (count + 1) / 2);
  CHECK (wrong == 0);
  CHECK (values[size] == whole (size, index_)); /* what stands behind is left alone */
  memcpy (values, rounded, size * sizeof *values);
  if (ranks_from_first (values, size * sizeof *values))
    return -1;
  CHECK (memcmp (values, rounded, size * sizeof *values) == 0); /* the same bits on all ranks */
  free (values);
  return 0;
}

/* 2^20 values go with the request to stop, and a block has 2^24.  */
static int
sums (void)
{
  static const size_t sizes[] = { 0, 1, 5, 8192, (1 << 20) - 1, 1 << 20, (1 << 20) + 3, (1 << 24) + (1 << 20) + 5 };
  double values[] = { 0.5, 1 << 30, -3 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (check_sum (sizes[i]))
      return -1;
  if (ranks_sum_double (values, 3))
    return -1;
  CHECK (values[0] == 0.5 * count && values[1] == (double) (1 << 30) * count && values[2] == -3.0 * count);
  CHECK (!stop_requested ());
  return 0;
}

/* A batch of 32 rows and 256 units in one call: with the request to stop, (8192 + 1) * 4 bytes.  */
static int
traffic (void)
{
  static float values[32 * 256];
  struct ranks_traffic before = ranks_traffic ();
  if (ranks_sum (values, 32 * 256))
    return -1;
  struct ranks_traffic after = ranks_traffic ();
  CHECK (after.calls - before.calls == (count > 1 ? 1 : 0));
  CHECK (after.bytes - before.bytes == (count > 1 ? 8193 * 4 : 0));
  return 0;
}

/* Rows of 3 numbers that say which row and column they are.  More than a block for each rank.  */
enum { ROWS = 12000001, ROW_BYTES = 3 * sizeof (uint64_t) };

struct visit {
  uint64_t rows, wrong, most;
};

static int
take (void *context, const void *rows, uint64_t first, uint64_t number)
{
  struct visit *visit = context;
  const uint64_t *value = rows;
  visit->wrong += first != visit->rows;
  for (uint64_t i = 0; i < 3 * number; i++)
    visit->wrong += value[i] != 3 * first + i;
  visit->rows += number;
  visit->most = number > visit->most ? number : visit->most;
  return 0;
}

static int
give (void *context, void *rows, uint64_t first, uint64_t number)
{
  struct visit *visit = context;
  uint64_t *value = rows;
  visit->wrong += first != visit->rows;
  for (uint64_t i = 0; i < 3 * number; i++)
    value[i] = 3 * first + i;
  visit->rows += number;
  return 0;
}

static int
rows (void)
{
  struct ranks_share share = ranks_share (ROWS, 1, index_, count);
  uint64_t *values = malloc ((size_t) share.count * ROW_BYTES), wrong = 0;
  struct visit given = { 0 }, taken = { 0 };
  if (ranks_scatter (values, share.count, ROW_BYTES, give, &given))
    return -1;
  for (uint64_t i = 0; i < 3 * share.count; i++)
    wrong += values[i] != 3 * share.first + i;
  CHECK (wrong == 0);
  if (ranks_gather (values, share.count, ROW_BYTES, take, &taken))
    return -1;
  CHECK (given.wrong == 0 && given.rows == (index_ == 0 ? ROWS : 0));
  CHECK (taken.wrong == 0 && taken.rows == (index_ == 0 ? ROWS : 0));
  CHECK (taken.most * ROW_BYTES <= 64 << 20);
  free (values);
  return 0;
}

/* A rank has no rows at all.  */
static int
few_rows (void)
{
  uint64_t value[3] = { 0, 1, 2 };
  struct visit taken = { 0 };
  if (ranks_gather (value, index_ == count - 1, ROW_BYTES, take, &taken))
    return -1;
  CHECK (taken.wrong == 0 && taken.rows == (index_ == 0));
  return 0;
}

static int
agree (void)
{
  char expected[64];
  CHECK (ranks_agree (0) == 0);
  int result = index_ >= chosen ? error_usage ("rank %d objects", index_) : 0;
  CHECK (ranks_agree (result) == -1);
  snprintf (expected, sizeof expected, "rank %d objects", chosen);
  CHECK (strcmp (error_message (), expected) == 0 && error_status () == ERROR_USAGE);
  error_clear ();
  result = index_ == chosen ? error_set ("it failed") : error_stopped ("it stopped");
  CHECK (ranks_agree (result) == -1);
  CHECK (strcmp (error_message (), "it failed") == 0 && error_status () == ERROR_FAILED);
  CHECK (ranks_agree (0) == 0);
  return 0;
}

/* Steps that take each rank another time, until one is asked to stop.  The error names the step.  */
static int
stop (void)
{
  float value = 0;
  for (int step = 0; step < 100; step++)
    {
      if (stop_requested ())
        return error_stopped ("stopped after step %d", step);
      if (index_ == chosen && step == 5)
        raise (SIGUSR1);
      if (stop_requested () && count > 1)
        return error_set ("rank %d stops by itself", index_);
      usleep ((useconds_t) (1000 * ((step + 3 * index_) % 5)));
      if (ranks_sum (&value, 1))
        return -1;
    }
  return error_set ("rank %d did not stop", index_);
}

/* The step at which each rank stopped is the same.  */
static int
stop_alike (void)
{
  char first[ERROR_MESSAGE_BYTES];
  stop ();
  snprintf (first, sizeof first, "%s", error_message ());
  if (ranks_from_first (first, sizeof first))
    return -1;
  CHECK (strcmp (first, error_message ()) == 0 && error_status () == ERROR_STOPPED);
  CHECK (strcmp (first, "stopped after step 6") == 0);
  return -1; /* as stopped as it is */
}

static int
stop_by_agree (void)
{
  if (index_ == chosen)
    raise (SIGTERM);
  CHECK (count == 1 || !stop_requested ());
  CHECK (ranks_agree (0) == 0);
  CHECK (stop_requested ());
  return 0;
}

/* The others never come to their end.  */
static void
hang (void)
{
  float value = 0;
  while (ranks_sum (&value, 1) == 0)
    usleep (1000);
}

static int
fail_one (void)
{
  if (index_ == chosen)
    return error_set ("rank %d failed", index_);
  hang ();
  return -1;
}

static int
fail_two (void)
{
  if (index_ >= count - 2)
    return error_set ("rank %d failed", index_);
  hang ();
  return -1;
}

static int
fail_all (void)
{
  usleep ((useconds_t) (100000 * (count - index_)));
  return error_set ("rank %d failed", index_);
}

/* The chosen rank fails after all others have stopped or are done.  */
static int
fail_last (void)
{
  if (index_ != chosen)
    return index_ % 2 ? error_stopped ("stopped") : 0;
  usleep (300000);
  return error_set ("rank %d failed", index_);
}

/* The chosen rank writes for longer than a failure is waited for.  */
static int
stop_late (void)
{
  if (index_ == chosen)
    usleep (2500000);
  return error_stopped ("stopped at last");
}

static int
leave (void)
{
  if (index_ == chosen)
    exit (2);
  hang ();
  return -1;
}

static int
die (void)
{
  if (index_ == chosen)
    raise (SIGKILL);
  hang ();
  return -1;
}

/* Waits for a signal to the launcher.  */
static int
wait_for_stop (void)
{
  float value = 0;
  if (index_ == 0)
    fprintf (stderr, "waiting\n");
  while (!stop_requested ())
    {
      if (ranks_sum (&value, 1))
        return -1;
      usleep (1000);
    }
  return error_stopped ("stopped as asked");
}

static const struct {
  const char *name;
  int (*run) (void);
} cases[] = {
  { "sums", sums },
  { "traffic", traffic },
  { "rows", rows },
  { "few_rows", few_rows },
  { "agree", agree },
  { "stop", stop_alike },
  { "stop_by_agree", stop_by_agree },
  { "fail_one", fail_one },
  { "fail_two", fail_two },
  { "fail_all", fail_all },
  { "fail_last", fail_last },
  { "stop_late", stop_late },
  { "leave", leave },
  { "die", die },
  { "wait", wait_for_stop },
};

static int
run (const char *name)
{
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (!strcmp (cases[i].name, name))
      return cases[i].run ();
  return error_usage ("there is no case '%s'", name);
}

int
main (int argc, char **argv)
{
  int failed = ranks_start ();
  stop_watch (0);
  index_ = ranks_index ();
  count = ranks_count ();
  chosen = argc > 2 ? atoi (argv[2]) : count - 1;
  if (!failed)
    failed = run (argc > 1 ? argv[1] : "");
  int status = failed ? error_status () : 0;
  bool reports = ranks_settle (&status);
  if (reports && status)
    fprintf (stderr, "ranks_program: %s\n", error_message ());
  if (index_ == 0 && !status)
    printf ("%s holds on %d\n", argv[1], count);
  ranks_finish (status);
  return status;
}
