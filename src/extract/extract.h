/* Extraction: every split of DATASET to FEATURES/SPLIT.h5.  */
#ifndef SLABFIT_EXTRACT_H
#define SLABFIT_EXTRACT_H

#include "../store/duplicates.h"
#include "extractor.h"
#include "stalls.h"

/* At most this many images may fail: a number, or a share of the split's images, rounded up.  */
struct extract_limit {
  double value;
  bool percent;
};

struct extract_options {
  const char *dataset, *features;
  const struct names *splits; /* those to extract; all of DATASET's where empty */
  struct extractor_options extractor;
  bool half, force;
  int compress;           /* 0 to 12 */
  int threads, batch;     /* batch: images in one run of the network; 0 leaves it to be chosen */
  uint64_t rows_per_part; /* rounded up to whole tiles */
  struct extract_limit max_failures;
  uint64_t seed, memory_bytes;
  int task, tasks;     /* makes the parts p with p % tasks == task */
  const char *command; /* the command line, recorded */
};

struct extract_split {
  char *name;                         /* owned */
  uint64_t rows, failed, reused_rows; /* of this task */
  uint64_t missing;                   /* parts that other tasks have to make still */
};

struct extract_report {
  size_t count;
  struct extract_split *split;    /* (count) */
  struct concurrency concurrency; /* no callers where there was nothing to do */
  struct stalls stalls;
  double choosing_seconds;      /* that choosing the concurrency took; not in stalls.wall */
  uint64_t images;              /* worked on, failed ones too */
  struct duplicates duplicates; /* among the splits of FEATURES that are merged */
};

/* "5" or "1%", as --max-failures takes; a usage error otherwise.  */
int extract_parse_limit (const char *text, struct extract_limit *limit);

/* Makes the parts that are not there yet and merges each split whose parts are all there.  Where more images of a split
   fail than allowed, its parts stay, it is not merged, and the run fails after the last split.  REPORT is to be freed
   by extract_report_free, also after a failure.  */
int extract (const struct extract_options *options, struct extract_report *report);
void extract_report_free (struct extract_report *report);

#endif
