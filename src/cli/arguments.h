/* A command's arguments: those of the configuration file and of the command line together.  */
#ifndef SLABFIT_ARGUMENTS_H
#define SLABFIT_ARGUMENTS_H

#include "options.h"

struct command;

/* Parses ARGV (its ARGV[0] is the command's name) into INPUT, a struct that begins with a struct common: first the file
   of --config, then the command line, which wins.  Exits with status 2 where it is wrong, 0 after --help.  Also begins
   to watch for signals and silences progress where asked.  */
int arguments_parse (const struct command *command, int argc, char **argv, void *input);
void arguments_free (struct common *common);

#endif
