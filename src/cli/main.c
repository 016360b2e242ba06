#include <config.h>

#include "../base/error.h"
#include "../base/progress.h"
#include "../base/ranks.h"
#include "command.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command *const commands[] = {
  &command_run,    &command_organize, &command_backbone, &command_extract,
  &command_merge,  &command_verify,   &command_info,     &command_check,
  &command_train,  &command_tune,     &command_evaluate, &command_predict,
  &command_export, &command_import,   &command_bench,    NULL,
};

static void
print_usage (FILE *stream)
{
  fputs ("Usage: slabfit COMMAND [OPTION...] ARGUMENT...\n"
         "Transfer learning on data larger than memory: photographs to features (HDF5),\n"
         "to a small network, to a classification report.\n\n"
         "Commands:\n",
         stream);
  for (size_t i = 0; commands[i]; i++)
    fprintf (stream, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fputs ("\n'slabfit COMMAND --help' explains a command, with an example.\n"
         "Exit status: 0 done; 1 failed; 2 wrong usage; 75 stopped, run it again.\n\n"
         "Example: slabfit run photos -o work --backbone resnet50.ts\n",
         stream);
}

static const struct command *
find_command (const char *name)
{
  for (size_t i = 0; commands[i]; i++)
    if (!strcmp (commands[i]->name, name))
      return commands[i];
  return NULL;
}

/* Output that cannot be written (a full disk behind a redirection) is a failure of the command.  */
static int
flush_output (void)
{
  return fflush (stdout) || ferror (stdout) ? error_system ("write", "standard output") : 0;
}

/* Ends standard output, after the JSON result where it is asked for.  */
static int
finish_output (const struct common *common, const json_t *result)
{
  if (common->json)
    {
      json_dumpf (result, stdout, JSON_INDENT (2) | JSON_REAL_PRECISION (9));
      putchar ('\n');
    }
  return flush_output ();
}

/* What stands for a command: --help, --version.  */
static int
finish_question (void)
{
  if (flush_output () == 0)
    return EXIT_SUCCESS;
  fprintf (stderr, "slabfit: %s\n", error_message ());
  return error_status ();
}

/* Several ranks may train together.  The first one looks at the arguments before the others do, so that what is wrong
   with them is said once, and it alone prints.  */
static int
start_ranks (const struct command *command, int argc, char **argv)
{
  struct common common = { 0 };
  if (ranks_start ())
    return -1;
  if (ranks_count () == 1)
    return 0;
  int result = ranks_index () == 0 ? command->run (argc, argv, &common, NULL) : 0;
  arguments_free (&common);
  if (ranks_agree (result))
    return -1;
  if (ranks_index () == 0)
    return 0;
  progress_be_quiet ();
  return freopen ("/dev/null", "w", stdout) ? 0 : error_system ("open", "/dev/null");
}

static int
run_command (const struct command *command, int argc, char **argv)
{
  char name[64];
  struct common common = { 0 };
  json_t *result = NULL;
  snprintf (name, sizeof name, "slabfit %s", command->name);
  argv[0] = name; /* argp's messages begin with it */
  int failed = command == &command_train ? start_ranks (command, argc, argv) : 0;
  if (!failed)
    failed = command->run (argc, argv, &common, &result);
  if (result && finish_output (&common, result))
    failed = -1;
  int status = failed ? error_status () : EXIT_SUCCESS;
  if (ranks_settle (&status) && status)
    fprintf (stderr, "%s: %s\n", name, error_message ());
  json_decref (result);
  arguments_free (&common);
  ranks_finish (status);
  return status;
}

int
main (int argc, char **argv)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL); /* our own messages say more */
  if (argc > 1 && (!strcmp (argv[1], "--help") || !strcmp (argv[1], "help")))
    {
      print_usage (stdout);
      return finish_question ();
    }
  if (argc > 1 && !strcmp (argv[1], "--version"))
    {
      puts (PACKAGE_STRING);
      return finish_question ();
    }
  const struct command *command = argc > 1 ? find_command (argv[1]) : NULL;
  if (command)
    return run_command (command, argc - 1, argv + 1);
  if (argc > 1)
    fprintf (stderr, "slabfit: there is no command '%s'; 'slabfit --help' lists them\n", argv[1]);
  else
    print_usage (stderr);
  return ERROR_USAGE;
}
