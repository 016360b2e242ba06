/* A command of slabfit: what main's table holds.  */
#ifndef SLABFIT_COMMAND_H
#define SLABFIT_COMMAND_H

#include "arguments.h"

#include <jansson.h>

struct command {
  const char *name, *summary; /* the summary is one line of help */
  const struct argp *argp;
  /* Parses ARGV, does the work, prints the result for people on standard output unless --json is among the options, and
     gives *RESULT, what --json prints (new; where some of the work is done, also with a failure).  COMMON is set as
     soon as it is known, and is to be freed by arguments_free.  With RESULT NULL, which the stages of run take, ARGV is
     looked at and nothing is done.  0, or -1 with the error set.  */
  int (*run) (int argc, char **argv, struct common *common, json_t **result);
};

extern const struct command command_backbone, command_bench, command_check, command_evaluate, command_export,
  command_extract, command_import, command_info, command_merge, command_organize, command_predict, command_run,
  command_train, command_tune, command_verify;

/* All commands in the order of the work, ended by one without a name.  */
extern const struct command *const commands[];

#endif
