#include <config.h>

#include "stop.h"

#include "clock.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_bool asked;            /* this process */
static atomic_bool together, agreed; /* among several processes */
static _Atomic double deadline;      /* 0 where there is none */

static void
ask (int number)
{
  atomic_store (&asked, true);
  if (number == SIGINT)
    signal (SIGINT, SIG_DFL);
}

void
stop_watch (double seconds)
{
  static const int numbers[] = { SIGTERM, SIGINT, SIGUSR1 };
  static bool watching;
  if (watching)
    return;
  watching = true;
  struct sigaction action = { .sa_handler = ask, .sa_flags = SA_RESTART };
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    sigaction (numbers[i], &action, NULL);
  atomic_store (&deadline, seconds > 0 ? clock_seconds () + seconds : 0);
}

void
stop_together (void)
{
  atomic_store (&together, true);
}

bool
stop_pending (void)
{
  double end = atomic_load (&deadline);
  if (end > 0 && clock_seconds () >= end)
    atomic_store (&asked, true);
  return atomic_load (&asked);
}

void
stop_agree (void)
{
  atomic_store (&agreed, true);
}

bool
stop_requested (void)
{
  return atomic_load (&together) ? atomic_load (&agreed) : stop_pending ();
}
