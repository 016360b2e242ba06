/* A configuration file: long options as "name = value" lines (libconfuse).  */
#ifndef SLABFIT_CONFIG_FILE_H
#define SLABFIT_CONFIG_FILE_H

#include "../base/text.h"

struct command;

/* Reads FILE and appends to ARGUMENTS, as "--name=value" or "--name", the options that COMMAND has.  An option that no
   command has is an error; one of another command is left for that command.  */
int config_file_read (const char *file, const struct command *command, struct names *arguments);

#endif
