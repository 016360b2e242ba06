/* Being asked to stop: by SIGTERM, SIGINT or SIGUSR1, or after a number of seconds.  */
#ifndef SLABFIT_STOP_H
#define SLABFIT_STOP_H

#include <stdbool.h>

/* From now on the three signals only ask to stop; SECONDS > 0 asks to stop after that long as well.  A second SIGINT
   ends the process at once.  Calls after the first do nothing.  */
void stop_watch (double seconds);

/* Whether to stop now.  Cheap, and safe from any thread.  */
bool stop_requested (void);

/* For several processes that have to stop at the same step: from now on a process that is asked does not stop by
   itself.  stop_pending is true in the one that was asked, and stop_requested is false everywhere until each process
   has heard of it and called stop_agree.  */
void stop_together (void);
bool stop_pending (void);
void stop_agree (void);

#endif
