#include <config.h>

#include "progress.h"

#include "clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double terminal_interval = 0.1, log_interval = 30; /* seconds between two lines */

static bool quiet;

void
progress_be_quiet (void)
{
  quiet = true;
}

struct progress
progress_begin (const char *what, const char *unit, uint64_t total)
{
  double now = clock_seconds ();
  return (struct progress){ .what = what, .unit = unit, .total = total, .started = now, .shown = now,
                            .quiet = quiet, .terminal = isatty (STDERR_FILENO) };
}

static void
show_bar (uint64_t done, uint64_t total)
{
  enum { WIDTH = 24 };
  static const char full[] = "########################", empty[] = "........................";
  int filled = total ? (int) (done * WIDTH / total) : WIDTH;
  fprintf (stderr, " [%.*s%.*s]", filled, full, WIDTH - filled, empty);
}

static void
show (struct progress *progress, double now, bool last)
{
  double seconds = now - progress->started;
  double rate = seconds > 0 ? (double) progress->done / seconds : 0;
  fprintf (stderr, "%s%s", progress->terminal ? "\r\033[K" : "", progress->what);
  if (progress->terminal && !last)
    show_bar (progress->done, progress->total);
  fprintf (stderr, " %" PRIu64 "/%" PRIu64 " %s, %.1f/s", progress->done, progress->total, progress->unit, rate);
  if (last)
    fprintf (stderr, ", %.1f s", seconds);
  else if (rate > 0)
    fprintf (stderr, ", %.0f s left", (double) (progress->total - progress->done) / rate);
  fputs (progress->terminal && !last ? "" : "\n", stderr);
  fflush (stderr);
  progress->shown = now;
}

void
progress_advance (struct progress *progress, uint64_t count)
{
  progress->done += count;
  double now = clock_seconds ();
  if (!progress->quiet && now - progress->shown >= (progress->terminal ? terminal_interval : log_interval))
    show (progress, now, false);
}

void
progress_end (struct progress *progress)
{
  if (!progress->quiet)
    show (progress, clock_seconds (), true);
}

void
progress_say (const char *format, ...)
{
  if (quiet)
    return;
  va_list arguments;
  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
}
