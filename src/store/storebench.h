/* How fast the feature store is on this machine, on rows like real ones.  */
#ifndef SLABFIT_STOREBENCH_H
#define SLABFIT_STOREBENCH_H

#include <stdbool.h>
#include <stdint.h>

struct workers;

enum storebench_step {
  STOREBENCH_WRITE,   /* parts: compressed by all threads, made durable */
  STOREBENCH_COPY,    /* the parts' compressed bytes as they are, made durable: the limit of the next */
  STOREBENCH_MERGE,   /* the parts into one file */
  STOREBENCH_READ,    /* the whole file */
  STOREBENCH_BATCHES, /* 32 consecutive rows at a time */
  STOREBENCH_COLUMNS, /* two tiles' width of columns at a time */
  STOREBENCH_STEPS
};

extern const char *const storebench_names[STOREBENCH_STEPS]; /* one word each */

struct storebench_options {
  const char *folder;     /* where its files, bench.h5 among them, are written and removed again */
  const char *like;       /* a feature file whose first rows are taken; NULL for made-up ones */
  bool keep;              /* leaves FOLDER/bench.h5, to be compared with other programs */
  uint64_t rows, columns; /* the latter without LIKE only, as the next */
  double zeros;           /* share of the made-up values that are 0, as after ReLU */
  bool half;
  int compress, repeats; /* of each measurement, whose best is kept */
  uint64_t seed;
};

struct storebench_report {
  double rate[STOREBENCH_STEPS];    /* bytes of float32 values in a second of wall time */
  uint64_t value_bytes, file_bytes; /* of all rows as float32; of bench.h5 */
  uint64_t columns;
};

/* Measures.  -1 with the error set, also where a stop was requested; then too no file is left.  */
int storebench_run (const struct storebench_options *options, struct workers *workers,
                    struct storebench_report *report);

/* Makes FOLDER/bench.h5, whose labels are of two classes, and measures nothing.  -1 with the error set, and no file
   left, also where a stop was requested.  */
int storebench_make (const struct storebench_options *options, struct workers *workers);

#endif
