#include <config.h>

#include "progress.h"

#include "clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
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
  return (struct progress){ .what = what,
                            .unit = unit,
                            .total = total,
                            .started = now,
                            .shown = now,
                            .quiet = quiet,
                            .terminal = isatty (STDERR_FILENO) };
}

static void
format_rate (char text[32], double rate)
{
  snprintf (text, 32, rate < 100 ? "%.1f/s" : "%.0f/s", rate);
}

/* With tenths of a second where EXACT.  */
static void
format_time (char text[32], double seconds, bool exact)
{
  long whole = (long) fmin (seconds + 0.5, 1e9);
  if (whole < 60)
    snprintf (text, 32, exact ? "%.1f s" : "%.0f s", seconds);
  else if (whole < 3600)
    snprintf (text, 32, "%ld min %02ld s", whole / 60, whole % 60);
  else
    snprintf (text, 32, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
}

static int
terminal_columns (void)
{
  struct winsize size;
  return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* WHAT, a bar as wide as there is room for, and COUNTS, all on one line of the terminal.  */
static void
show_bar (const struct progress *progress, const char *counts)
{
  enum { WIDTH = 24, NARROWEST = 4 };
  static const char full[] = "########################", empty[] = "........................";
  int columns = terminal_columns () - 1, what = (int) strlen (progress->what);
  int width = columns - what - (int) strlen (counts) - 3; /* " []" */
  if (width < NARROWEST)
    {
      fprintf (stderr, "\r\033[K%.*s%.*s", columns, progress->what, columns > what ? columns - what : 0, counts);
      return;
    }
  width = width < WIDTH ? width : WIDTH;
  int filled = progress->total ? (int) (progress->done * (uint64_t) width / progress->total) : width;
  fprintf (stderr, "\r\033[K%s [%.*s%.*s]%s", progress->what, filled, full, width - filled, empty, counts);
}

static void
show (struct progress *progress, double now, bool last)
{
  char rate_text[32], time_text[32], counts[256];
  double seconds = now - progress->started, rate = seconds > 0 ? (double) progress->done / seconds : 0;
  double left = rate > 0 ? (double) (progress->total - progress->done) / rate : 0;
  format_rate (rate_text, rate);
  format_time (time_text, last ? seconds : left, last);
  int length = snprintf (counts, sizeof counts, " %" PRIu64 "/%" PRIu64 " %s, %s", progress->done, progress->total,
                         progress->unit, rate_text);
  if ((last || rate > 0) && length > 0 && (size_t) length < sizeof counts)
    snprintf (counts + length, sizeof counts - (size_t) length, ", %s%s", time_text, last ? "" : " left");
  if (progress->terminal && !last)
    show_bar (progress, counts);
  else
    fprintf (stderr, "%s%s%s\n", progress->terminal ? "\r\033[K" : "", progress->what, counts);
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
progress_clear (struct progress *progress)
{
  if (!progress->quiet && progress->terminal)
    {
      fputs ("\r\033[K", stderr);
      fflush (stderr);
    }
}

void
progress_say (const char *format, ...)
{
  if (quiet)
    return;
  va_list arguments;
  flockfile (stderr);
  if (isatty (STDERR_FILENO)) /* there may be a bar */
    fputs ("\r\033[K", stderr);
  va_start (arguments, format);
  vfprintf (stderr, format, arguments);
  va_end (arguments);
  fputc ('\n', stderr);
  funlockfile (stderr);
}
