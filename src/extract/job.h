/* A job: one split on its way to FEATURES/SPLIT.h5, and what is still to be done of it.  */
#ifndef SLABFIT_JOB_H
#define SLABFIT_JOB_H

#include "../base/workers.h"
#include "extract.h"
#include "space.h"

struct job {
  const struct extract_options *options;
  struct extractor *extractor;
  struct workers *workers;
  struct space *space; /* of all jobs */
  const char *split;
  struct manifest manifest;
  struct featinfo info; /* what its parts must be; borrows classes and command */
  struct pipeline_part *todo;
  size_t todo_count;
  bool merged;  /* SPLIT.h5 stands already */
  bool replace; /* it is to be written again: it is damaged, or --force was given */
};

/* Fills JOB->info, once its manifest is read.  */
void job_describe (struct job *job);

/* Images of a part, but for the last one: whole tiles.  */
uint64_t job_part_images (const struct job *job);

/* Finds out which of this task's parts are to be made, and counts in SPLIT those that are there; none are to be made
   where SPLIT.h5 stands already.  */
int job_plan (struct job *job, struct extract_split *split);

/* Sets JOB->merged where SPLIT.h5 stands already and is what is asked for, and then SPLIT's counts.  */
int job_find_merged (struct job *job, struct extract_split *split);

/* How many parts are not there yet; none where another task has merged them meanwhile.  */
int job_count_missing (const struct job *job, uint64_t *missing);

/* Adds to what is to be done the parts of other runs and tasks that are damaged, and takes them out of SPLIT's
   counts.  */
int job_recheck (struct job *job, struct extract_split *split);

#endif
