#include <config.h>

#include "arguments.h"

#include "../base/error.h"
#include "../base/machine.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "command.h"
#include "config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of --config in ARGV; NULL where it is not given.  */
static const char *
config_argument (int argc, char **argv)
{
  const char *file = NULL;
  for (int i = 1; i < argc && strcmp (argv[i], "--"); i++)
    if (!strncmp (argv[i], "--config=", 9))
      file = argv[i] + 9;
    else if (!strcmp (argv[i], "--config") && i + 1 < argc)
      file = argv[++i];
  return file;
}

/* Appends ARGUMENT to LINE, quoted where a shell would split or change it.  */
static void
print_quoted (FILE *line, const char *argument)
{
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,@%+-";
  if (*argument && argument[strspn (argument, plain)] == '\0')
    fputs (argument, line);
  else
    {
      fputc ('\'', line);
      for (; *argument; argument++)
        fputs (*argument == '\'' ? "'\\''" : (char[]){ *argument, 0 }, line);
      fputc ('\'', line);
    }
}

static char *
command_line_new (int argc, char **argv)
{
  char *text = NULL;
  size_t bytes;
  FILE *line = open_memstream (&text, &bytes);
  if (!line)
    return NULL;
  for (int i = 0; i < argc; i++)
    {
      fputs (i ? " " : "", line);
      if (i == 0)
        fputs (argv[0], line);
      else
        print_quoted (line, argv[i]);
    }
  fclose (line);
  return text;
}

/* ARGV with the options of the configuration file behind ARGV[0].  The strings of CONFIGURED become ARGV's.  */
static char **
merge_arguments (int argc, char **argv, const struct names *configured)
{
  char **merged = calloc ((size_t) argc + configured->count + 1, sizeof *merged);
  if (!merged)
    {
      error_set ("no memory left for the options; give the job more memory");
      return NULL;
    }
  merged[0] = argv[0];
  for (size_t i = 0; i < configured->count; i++)
    merged[i + 1] = configured->name[i];
  memcpy (merged + 1 + configured->count, argv + 1, (size_t) (argc - 1) * sizeof *argv);
  return merged;
}

int
arguments_parse (const struct command *command, int argc, char **argv, void *input)
{
  struct common *common = input;
  struct names configured = { 0 };
  common->config = config_argument (argc, argv);
  common->seed = 42;
  common->threads = machine_threads ();
  common->memory_bytes = machine_memory_bytes ();
  if (common->config && config_file_read (common->config, command, &configured))
    return -1;
  common->configured = (int) configured.count;
  char **merged = merge_arguments (argc, argv, &configured);
  if (!merged)
    return -1;
  argp_err_exit_status = ERROR_USAGE;
  argp_program_version = PACKAGE_STRING;
  argp_parse (command->argp, argc + common->configured, merged, 0, NULL, input);
  /* The options' values point into the configured strings and live as long as the process.  */
  free (configured.name);
  free (merged);
  common->command_line = command_line_new (argc, argv);
  if (common->quiet)
    progress_be_quiet ();
  stop_watch (common->stop_after);
  return 0;
}

void
arguments_free (struct common *common)
{
  free (common->command_line);
  common->command_line = NULL;
}
