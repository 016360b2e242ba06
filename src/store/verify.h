/* Checking that every byte of a feature file is what it should be.  */
#ifndef SLABFIT_VERIFY_H
#define SLABFIT_VERIFY_H

#include <stdint.h>

struct featnames;
struct workers;

struct verify_report {
  uint64_t rows, failed;
  uint64_t chunks; /* inflated; 0 where /features is not in tiles of ours */
  uint64_t bytes;  /* of /features, inflated, as float32 */
  double seconds;
};

/* Inflates every chunk of /features in PATH, shared out among WORKERS, and checks that each is there, is whole and has
   finite values only; that labels are classes and paths are UTF-8; and that the rows and failures of a merged file add
   up to its images.  Fails naming the first chunk or row that is bad.  */
int verify_file (const char *path, struct workers *workers, struct verify_report *report);

/* The same for datasets of other names.  */
int verify_named (const char *path, const struct featnames *names, struct workers *workers,
                  struct verify_report *report);

#endif
