#include <config.h>

#include "transport.h"

#include "error.h"
#include "machine.h"

/* Whether PMIx (Open MPI, SLURM) or PMI (MPICH, Intel MPI, SLURM) started this process.  */
static bool
is_launched (void)
{
  return machine_variable ("PMIX_RANK") >= 0 || machine_variable ("PMI_RANK") >= 0;
}

#if HAVE_MPI

#include "clock.h"

#include <mpi.h>
#include <stdlib.h>
#include <unistd.h>

static int own, all; /* index and count, for messages */
static struct ranks_traffic traffic;
static MPI_Comm last; /* for transport_last_lowest, whose messages must not meet others */
static bool running;

static int
check (int code, const char *what)
{
  char reason[MPI_MAX_ERROR_STRING] = "unknown error";
  int length;
  if (code == MPI_SUCCESS)
    return 0;
  MPI_Error_string (code, reason, &length);
  return error_set (
    "rank %d of %d cannot %s: %s; look for what befell the other ranks, then run the same command again", own, all,
    what, reason);
}

static void
count_call (size_t bytes)
{
  traffic.calls++;
  traffic.bytes += bytes;
}

/* A rank that calls exit, as argp does, takes the others with it.  */
static void
leave (int status, void *unused)
{
  (void) unused;
  if (running)
    transport_end (true, status);
}

int
transport_start (int *index, int *count)
{
  int threads = MPI_THREAD_SINGLE;
  if (running || !is_launched ())
    return 0;
  if (check (MPI_Init_thread (NULL, NULL, MPI_THREAD_FUNNELED, &threads), "start MPI"))
    return -1;
  running = true;
  on_exit (leave, NULL);
  MPI_Comm_set_errhandler (MPI_COMM_WORLD, MPI_ERRORS_RETURN); /* inherited by duplicates */
  MPI_Comm_rank (MPI_COMM_WORLD, &own);
  MPI_Comm_size (MPI_COMM_WORLD, &all);
  *index = own;
  *count = all;
  /* By srun, Open MPI 4.1 lets a rank leave MPI_Init before others can take its messages, of which some die.  */
  if (all > 1)
    usleep (300000);
  if (threads < MPI_THREAD_FUNNELED)
    return error_set ("this MPI does not work in a program with threads; build slabfit with another one");
  return check (MPI_Comm_dup (MPI_COMM_WORLD, &last), "join the others");
}

int
transport_sum (void *values, size_t count, enum transport_type type)
{
  MPI_Datatype kind = type == TRANSPORT_FLOAT ? MPI_FLOAT : MPI_DOUBLE;
  count_call (count * (type == TRANSPORT_FLOAT ? sizeof (float) : sizeof (double)));
  return check (MPI_Allreduce (MPI_IN_PLACE, values, (int) count, kind, MPI_SUM, MPI_COMM_WORLD), "sum over the ranks");
}

int
transport_broadcast (void *bytes, size_t count, int rank)
{
  count_call (count);
  return check (MPI_Bcast (bytes, (int) count, MPI_BYTE, rank, MPI_COMM_WORLD), "share data with the others");
}

int
transport_lowest (uint64_t *values, size_t count)
{
  count_call (count * sizeof *values);
  return check (MPI_Allreduce (MPI_IN_PLACE, values, (int) count, MPI_UINT64_T, MPI_MIN, MPI_COMM_WORLD),
                "hear of the others");
}

/* Tells each rank above this one that it has failed.  Who does not listen is ended soon.  */
static void
tell_higher (void)
{
  MPI_Request request;
  for (int rank = own + 1; rank < all; rank++)
    if (MPI_Isend (NULL, 0, MPI_BYTE, rank, 0, last, &request) == MPI_SUCCESS)
      MPI_Request_free (&request);
}

int
transport_last_lowest (uint64_t *values, size_t count, bool patience)
{
  MPI_Request request;
  double end = clock_seconds () + 1;
  int done = 0, lower = 0;
  if (!patience)
    tell_higher ();
  if (MPI_Iallreduce (MPI_IN_PLACE, values, (int) count, MPI_UINT64_T, MPI_MIN, last, &request))
    return 1;
  while (MPI_Test (&request, &done, MPI_STATUS_IGNORE) == MPI_SUCCESS && !done && (patience || clock_seconds () < end))
    usleep (1000);
  MPI_Iprobe (MPI_ANY_SOURCE, 0, last, &lower, MPI_STATUS_IGNORE);
  return done ? 0 : lower ? 2 : 1;
}

int
transport_send (const void *bytes, size_t count, int rank)
{
  count_call (count);
  return check (MPI_Send (bytes, (int) count, MPI_BYTE, rank, 0, MPI_COMM_WORLD), "send data to another one");
}

int
transport_receive (void *bytes, size_t count, int rank)
{
  count_call (count);
  return check (MPI_Recv (bytes, (int) count, MPI_BYTE, rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                "receive data from another one");
}

void
transport_end (bool abandon, int status)
{
  if (!running)
    return;
  running = false;
  if (abandon)
    MPI_Abort (MPI_COMM_WORLD, status); /* does not return */
  MPI_Barrier (MPI_COMM_WORLD);         /* the launcher may kill the others when the first one exits with a failure */
  MPI_Finalize ();
}

struct ranks_traffic
transport_traffic (void)
{
  return traffic;
}

#else

/* How many processes a launcher started, as far as is known.  */
static double
launched_count (void)
{
  static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS" };
  for (size_t i = 0; is_launched () && i < sizeof names / sizeof *names; i++)
    if (machine_variable (names[i]) > 0)
      return machine_variable (names[i]);
  return 1;
}

int
transport_start (int *index, int *count)
{
  (void) index, (void) count;
  if (launched_count () == 1)
    return 0;
  return error_set (
    "%.0f processes were started to work together, but this slabfit was built without MPI; start one, or "
    "build with './configure --with-mpi'",
    launched_count ());
}

void
transport_end (bool abandon, int status)
{
  (void) abandon, (void) status;
}

struct ranks_traffic
transport_traffic (void)
{
  return (struct ranks_traffic){ 0, 0 };
}

int
transport_sum (void *values, size_t count, enum transport_type type)
{
  (void) values, (void) count, (void) type;
  return 0;
}

int
transport_broadcast (void *bytes, size_t count, int rank)
{
  (void) bytes, (void) count, (void) rank;
  return 0;
}

int
transport_lowest (uint64_t *values, size_t count)
{
  (void) values, (void) count;
  return 0;
}

int
transport_last_lowest (uint64_t *values, size_t count, bool patience)
{
  (void) values, (void) count, (void) patience;
  return 0;
}

int
transport_send (const void *bytes, size_t count, int rank)
{
  (void) bytes, (void) count, (void) rank;
  return 0;
}

int
transport_receive (void *bytes, size_t count, int rank)
{
  (void) bytes, (void) count, (void) rank;
  return 0;
}

#endif
