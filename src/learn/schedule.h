/* The learning rate of each step.  With rate r, step t counted from 0 over all epochs, T steps in the whole training:

     constant  r
     time      r / (1 + decay t)                              Keras's InverseTimeDecay (r, 1, decay)
     cosine    r (1 + cos (pi (t - w) / (T - w))) / 2         Keras's CosineDecay (0, T - w, warmup_target=r,
               and r t / w in the first w steps               warmup_steps=w); Loshchilov and Hutter 2017 (SGDR)
     step      r factor^k, k = epochs over / every rounded    PyTorch's StepLR (every, factor) stepped once an epoch,
               down                                           Keras's ExponentialDecay with staircase

   w are the steps of the WARMUP epochs.  */
#ifndef SLABFIT_SCHEDULE_H
#define SLABFIT_SCHEDULE_H

#include <stdint.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_TIME, SCHEDULE_COSINE, SCHEDULE_STEP };

struct schedule {
  enum schedule_kind kind;
  double rate;              /* larger than 0 */
  double decay;             /* time: a step */
  uint64_t warmup;          /* cosine: epochs in which the rate rises */
  uint64_t every;           /* step: epochs, at least 1 */
  double factor;            /* step */
  uint64_t steps_per_epoch; /* at least 1 */
  uint64_t steps;           /* of the whole training */
};

/* The rate of step number STEP, from 0 on.  */
double schedule_rate (const struct schedule *schedule, uint64_t step);

/* Takes the kind and what belongs to it from TEXT: constant, time, cosine[:WARMUP] or step[:EPOCHS:FACTOR], where those
   left out are 0, and 10 and 0.1.  The rest of SCHEDULE stays.  -1 with a usage error that names --schedule.  */
int schedule_parse (const char *text, struct schedule *schedule);

/* That text, new, to be freed by the caller.  NULL with the error set where memory is out.  */
char *schedule_text (const struct schedule *schedule);

#endif
