/* Being asked to stop: by SIGTERM, SIGINT or SIGUSR1, or after a number of seconds.  */
#ifndef SLABFIT_STOP_H
#define SLABFIT_STOP_H

#include <stdbool.h>

/* From now on the three signals only ask to stop; SECONDS > 0 asks to stop after that long as well.  A second SIGINT
   ends the process at once.  Calls after the first do nothing.  */
void stop_watch (double seconds);

/* Whether to stop now.  Cheap, and safe from any thread.  */
bool stop_requested (void);

#endif
