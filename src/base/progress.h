/* Progress on standard error: a bar with rate and time left on a terminal, a line now and then in a log file.  */
#ifndef SLABFIT_PROGRESS_H
#define SLABFIT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
  const char *what, *unit; /* borrowed: "extract training", "images" */
  uint64_t total, done;
  double started, shown;
  bool quiet, terminal;
};

/* Silences all progress of this process (-q), and messages.  */
void progress_be_quiet (void);

struct progress progress_begin (const char *what, const char *unit, uint64_t total);
void progress_advance (struct progress *progress, uint64_t count);
void progress_end (struct progress *progress);   /* the final line, with the rate */
void progress_clear (struct progress *progress); /* or no such line: only the bar goes */

/* A message for people on a line of its own, unless quiet.  */
void progress_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

#endif
