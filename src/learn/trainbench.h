/* How fast both engines train on this machine, beside what the choice between them forecasts.  */
#ifndef SLABFIT_TRAINBENCH_H
#define SLABFIT_TRAINBENCH_H

#include "../store/storebench.h"
#include "choice.h"

enum { TRAINBENCH_HIDDEN = 2 };

/* A training on made-up features of two classes, with batches of 32 rows.  */
struct trainbench_case {
  uint64_t rows, columns;
  double zeros;        /* share of the values that are 0 */
  size_t hidden_count; /* 1 or 2 */
  uint64_t hidden[TRAINBENCH_HIDDEN];
  uint64_t epochs;
};

/* The cases that are measured where no other is asked for; the first one has the features and layers of the
   defaults.  */
extern const struct trainbench_case trainbench_cases[];
extern const size_t trainbench_count;

struct trainbench_options {
  struct storebench_options store; /* of the feature file, but for its rows, columns and zeros; repeats of all */
  uint64_t memory_bytes;           /* the most that a training may use; 0 for no limit */
  int threads;                     /* that compute, and as many that read, as train has them */
};

/* What was expected of an engine and what it took, in seconds: of all repetitions the least of each.  */
struct trainbench_time {
  double forecast, seconds;
};

struct trainbench_report {
  uint64_t columns;   /* in a row: MEASURED's, or those of the file that was taken instead */
  struct rates rates; /* the best of all repetitions */
  struct trainbench_time sweep, gram;
  bool gram_taken; /* whether --engine auto takes the gram engine, by these forecasts */
};

/* Trains as MEASURED says, by either engine, on a feature file that is made and removed.  -1 with the error set, also
   where a stop was requested or an engine's memory does not suffice; then too no file is left.  */
int trainbench_run (const struct trainbench_case *measured, const struct trainbench_options *options,
                    struct trainbench_report *report);

#endif
