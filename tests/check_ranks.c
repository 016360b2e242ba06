/* Ranks in a process that is alone, and the shares of any number of them.  What several ranks do together is tested by
   mpi.sh.  */
#include <config.h>

#include "../src/base/ranks.h"

#include "../src/base/stop.h"
#include "support.h"

#include <signal.h>

/* Takes away what a launcher of the tests has set, and sets "NAME=VALUE" for each word of TEXT.  */
static void
set_environment (const char *text)
{
  static const char *const names[] = {
    "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    unsetenv (names[i]);
  char *copy = strdup (text), *rest;
  for (char *word = strtok_r (copy, " ", &rest); word; word = strtok_r (NULL, " ", &rest))
    {
      char *value = strchr (word, '=');
      *value = '\0';
      setenv (word, value + 1, 1);
    }
  free (copy);
}

static void
start_alone (void)
{
  set_environment ("");
  ck_assert_int_eq (ranks_start (), 0);
}

START_TEST (one_rank)
{
  float values[] = { 1, -2.5F, 3e30F };
  double doubles[] = { 0.1, -7 };
  ck_assert_int_eq (ranks_count (), 1);
  start_alone ();
  ck_assert_int_eq (ranks_index (), 0);
  ck_assert_int_eq (ranks_count (), 1);
  ck_assert_int_eq (ranks_sum (values, 3), 0);
  ck_assert_int_eq (ranks_sum_double (doubles, 2), 0);
  ck_assert_int_eq (ranks_from_first (values, sizeof values), 0);
  ck_assert (values[0] == 1 && values[1] == -2.5F && values[2] == 3e30F);
  ck_assert (doubles[0] == 0.1 && doubles[1] == -7);
  ck_assert_uint_eq (ranks_traffic ().calls, 0);
  ck_assert_uint_eq (ranks_traffic ().bytes, 0);
}
END_TEST

START_TEST (one_rank_has_its_own_errors)
{
  int status = 0;
  start_alone ();
  ck_assert_int_eq (ranks_agree (0), 0);
  ck_assert_int_eq (ranks_agree (error_set ("what is wrong")), -1);
  ck_assert_str_eq (error_message (), "what is wrong");
  ck_assert (ranks_settle (&status));
  ck_assert_int_eq (status, 0);
  status = ERROR_STOPPED;
  ck_assert (ranks_settle (&status));
  ck_assert_int_eq (status, ERROR_STOPPED);
  ranks_finish (status);
}
END_TEST

START_TEST (one_rank_stops_by_itself)
{
  float value = 0;
  start_alone ();
  stop_watch (0);
  raise (SIGTERM);
  ck_assert (stop_requested ());
  ck_assert_int_eq (ranks_sum (&value, 1), 0);
  ck_assert (stop_requested ());
}
END_TEST

/* As the launchers set them; with MPI these processes would look for the others.  */
#if !HAVE_MPI
static const char *const launched[] = {
  "OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=4 PMIX_RANK=2",
  "PMI_RANK=0 PMI_SIZE=4",
  "PMIX_RANK=3 SLURM_STEP_NUM_TASKS=4",
};

START_TEST (several_need_mpi)
{
  set_environment (launched[_i]);
  ck_assert_int_eq (ranks_start (), -1);
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  ck_assert_str_eq (error_message (),
                    "4 processes were started to work together, but this slabfit was built without MPI; start one, or "
                    "build with './configure --with-mpi'");
  ck_assert_int_eq (ranks_count (), 1);
}
END_TEST

static const char *const single[] = {
  "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1 PMIX_RANK=0", "PMI_RANK=0 PMI_SIZE=1",
  "PMIX_RANK=0 SLURM_STEP_NUM_TASKS=1", "SLURM_STEP_NUM_TASKS=4", /* srun --mpi=none: they know nothing of each other */
};

START_TEST (one_needs_no_mpi)
{
  set_environment (single[_i]);
  ck_assert_int_eq (ranks_start (), 0);
  ck_assert_int_eq (ranks_count (), 1);
}
END_TEST
#endif

/* Rows of 3 numbers that say which row and column they are.  */
struct matrix {
  uint64_t rows, calls, most;
  uint64_t *values;
};

static int
take (void *context, const void *rows, uint64_t first, uint64_t count)
{
  struct matrix *matrix = context;
  ck_assert_uint_eq (first, matrix->rows);
  memcpy (matrix->values + 3 * first, rows, (size_t) count * 3 * sizeof (uint64_t));
  matrix->rows += count;
  matrix->calls++;
  matrix->most = count > matrix->most ? count : matrix->most;
  return 0;
}

static int
give (void *context, void *rows, uint64_t first, uint64_t count)
{
  struct matrix *matrix = context;
  uint64_t *value = rows;
  ck_assert_uint_eq (first, matrix->rows);
  for (uint64_t i = 0; i < 3 * count; i++)
    value[i] = 3 * first + i;
  matrix->rows += count;
  return 0;
}

static int
refuse (void *context, const void *rows, uint64_t first, uint64_t count)
{
  (void) rows, (void) count;
  ++*(int *) context;
  return error_set ("row %d is refused", (int) first);
}

/* 6 million rows of 24 bytes: 144 MB, which is three blocks of at most 64 MB.  */
START_TEST (one_rank_gathers_its_own)
{
  enum { ROWS = 6000000 };
  uint64_t *rows = malloc (ROWS * 3 * sizeof *rows), *copy = malloc (ROWS * 3 * sizeof *copy);
  struct matrix given = { 0 }, taken = { .values = copy };
  start_alone ();
  ck_assert_int_eq (ranks_scatter (rows, ROWS, 3 * sizeof *rows, give, &given), 0);
  for (uint64_t i = 0; i < 3 * ROWS; i++)
    if (rows[i] != i)
      ck_abort_msg ("number %d is wrong", (int) i);
  ck_assert_int_eq (ranks_gather (rows, ROWS, 3 * sizeof *rows, take, &taken), 0);
  ck_assert (taken.rows == ROWS && given.rows == ROWS && taken.calls == 3);
  ck_assert_uint_le (taken.most * 24, 64 << 20);
  ck_assert_int_eq (memcmp (rows, copy, ROWS * 3 * sizeof *rows), 0);
  free (rows);
  free (copy);
}
END_TEST

START_TEST (a_taker_may_fail)
{
  int rows[100] = { 0 }, calls = 0;
  start_alone ();
  ck_assert_int_eq (ranks_gather (rows, 100, sizeof *rows, refuse, &calls), -1);
  ck_assert_str_eq (error_message (), "row 0 is refused");
  ck_assert_int_eq (calls, 1);
  ck_assert_int_eq (ranks_gather (rows, 0, sizeof *rows, refuse, &calls), 0);
  ck_assert_int_eq (calls, 1);
}
END_TEST

/* By hand.  100352 columns in chunks of 3584 are 28 chunks: 7 each for 4 ranks; for 3 ranks 9, 9 and 10, which is 7 %
   more than even.  For 16 ranks, whose even share is 6272, two chunks are a seventh more, and so are 4 halves; 7
   quarters are even.  */
static const struct {
  uint64_t columns, unit;
  int index, count;
  uint64_t first, size;
} shares[] = {
  { 100352, 3584, 0, 1, 0, 100352 },
  { 100352, 3584, 0, 4, 0, 25088 },
  { 100352, 3584, 3, 4, 75264, 25088 },
  { 100352, 3584, 1, 16, 6272, 6272 },
  { 100352, 3584, 15, 16, 94080, 6272 },
  { 100352, 3584, 0, 3, 0, 9 * 3584 },
  { 100352, 3584, 1, 3, 9 * 3584, 9 * 3584 },
  { 100352, 3584, 2, 3, 18 * 3584, 10 * 3584 },
  { 100352, 3584, 0, 28, 0, 3584 },
  { 100352, 3584, 27, 28, 27 * 3584, 3584 },
  { 10, 4, 0, 2, 0, 5 }, /* 8 of 10 would be too many, and so would 6 */
  { 5, 1000, 4, 5, 4, 1 },
  { 2, 1000, 0, 4, 0, 0 },
  { 0, 8, 2, 3, 0, 0 },
  /* 2^40 columns in units of 2^10 for 3 ranks: 2^30 units, of which the first two get floor (2^30 / 3) = 357913941.  */
  { UINT64_C (1) << 40, 1 << 10, 1, 3, UINT64_C (357913941) << 10, UINT64_C (357913941) << 10 },
};

START_TEST (shares_by_hand)
{
  struct ranks_share share = ranks_share (shares[_i].columns, shares[_i].unit, shares[_i].index, shares[_i].count);
  ck_assert_uint_eq (share.first, shares[_i].first);
  ck_assert_uint_eq (share.count, shares[_i].size);
}
END_TEST

/* The shares of COUNT ranks follow each other and leave nothing; none is empty or much larger than the even one.  */
static void
check_shares (uint64_t columns, uint64_t unit, int count)
{
  uint64_t end = 0, even = (columns + (uint64_t) count - 1) / (uint64_t) count;
  for (int index = 0; index < count; index++)
    {
      struct ranks_share share = ranks_share (columns, unit, index, count);
      ck_assert_uint_eq (share.first, end);
      ck_assert (share.count > 0 || columns < (uint64_t) count);
      ck_assert_uint_le (8 * share.count, 9 * even);
      end += share.count;
    }
  ck_assert_uint_eq (end, columns);
}

START_TEST (shares_make_up_the_whole)
{
  static const uint64_t columns[] = { 0, 1, 2, 7, 63, 64, 65, 100, 2048, 25088, 100351, 100352 };
  static const uint64_t units[] = { 1, 3, 32, 64, 1000, 3584, 200000 };
  static const int counts[] = { 1, 2, 3, 4, 5, 7, 16, 28, 29, 100, 1024 };
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    for (size_t j = 0; j < sizeof units / sizeof *units; j++)
      for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        check_shares (columns[i], units[j], counts[k]);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("ranks");
  tcase_add_test (cases, one_rank);
  tcase_add_test (cases, one_rank_has_its_own_errors);
  tcase_add_test (cases, one_rank_stops_by_itself);
#if !HAVE_MPI
  tcase_add_loop_test (cases, several_need_mpi, 0, sizeof launched / sizeof *launched);
  tcase_add_loop_test (cases, one_needs_no_mpi, 0, sizeof single / sizeof *single);
#endif
  tcase_add_test (cases, one_rank_gathers_its_own);
  tcase_add_test (cases, a_taker_may_fail);
  tcase_add_loop_test (cases, shares_by_hand, 0, sizeof shares / sizeof *shares);
  tcase_add_test (cases, shares_make_up_the_whole);
  return run_cases (cases, "ranks");
}
