/* The trials of a search as a table for people.  */
#ifndef SLABFIT_TUNETABLE_H
#define SLABFIT_TUNETABLE_H

#include "../learn/tune.h"

#include <stdio.h>

/* Prints REPORT: a line for each trial, best first, with those options that SPACE varies.  -1 with the error set where
   memory is out.  */
int tunetable_print (const struct tune_report *report, const struct searchspace *space, FILE *stream);

/* "about 2.5 h": SECONDS for people.  */
void tunetable_time (double seconds, char text[32]);

#endif
