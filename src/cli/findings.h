/* What check found, for people and for programs.  */
#ifndef SLABFIT_FINDINGS_H
#define SLABFIT_FINDINGS_H

#include "../learn/checkup.h"

#include <jansson.h>

struct findings {
  const struct collection *collection; /* all borrowed */
  const struct checkup *checkup;
  const struct checkup_options *options;
  size_t limit; /* groups, pairs of classes and rows of zeros that are shown to people */
};

/* The report for people, on standard output.  -1 with the error set where names cannot be read.  */
int findings_print (const struct findings *findings);

/* The report as JSON with all groups, new; NULL with the error set.  doc/checking.md lists its keys.  */
json_t *findings_json (const struct findings *findings);

#endif
