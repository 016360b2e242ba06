#include <config.h>

#include "config_file.h"

#include "../base/error.h"
#include "../base/file.h"
#include "command.h"

#include <confuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The long options of all commands, each once; a configuration names no further one.  */
static int
all_options (struct names *all)
{
  for (size_t i = 0; commands[i]; i++)
    {
      const struct argp_option *lists[] = { commands[i]->argp->options, options_common };
      for (size_t j = 0; j < 2; j++)
        for (const struct argp_option *option = lists[j]; option && (option->name || option->doc || option->key);
             option++)
          if (option->name && strcmp (option->name, "config") && names_find (all, option->name) < 0
              && names_add (all, option->name))
            return -1;
    }
  return 0;
}

static void
report (cfg_t *configuration, const char *format, va_list arguments)
{
  char message[512];
  vsnprintf (message, sizeof message, format, arguments);
  error_usage ("configuration '%s', line %d: %s; see 'slabfit COMMAND --help' for the options", configuration->filename,
               configuration->line, message);
}

static int
add_argument (const char *file, const struct argp_option *option, const char *value, struct names *arguments)
{
  if (!option->arg && strcmp (value, "true") && strcmp (value, "false"))
    return error_usage ("configuration '%s': --%s takes true or false, not '%s'", file, option->name, value);
  if (!option->arg && !strcmp (value, "false"))
    return 0;
  char *argument = option->arg ? text_new ("--%s=%s", option->name, value) : text_new ("--%s", option->name);
  int result = argument ? names_add (arguments, argument) : -1;
  free (argument);
  return result;
}

static int
read_values (cfg_t *configuration, const struct names *all, const struct command *command, struct names *arguments)
{
  for (size_t i = 0; i < all->count; i++)
    {
      const char *value = cfg_getstr (configuration, all->name[i]);
      const struct argp_option *option = options_find (command, all->name[i]);
      if (value && option && add_argument (configuration->filename, option, value, arguments))
        return -1;
    }
  return 0;
}

int
config_file_read (const char *file, const struct command *command, struct names *arguments)
{
  struct names all = { 0 };
  if (file_is_directory (file)) /* which ends the process in libconfuse's scanner */
    return error_set ("'%s' is a folder; give a configuration file", file);
  int result = all_options (&all);
  cfg_opt_t *options = result ? NULL : calloc (all.count + 1, sizeof *options);
  for (size_t i = 0; options && i < all.count; i++)
    options[i] = (cfg_opt_t) CFG_STR (all.name[i], NULL, CFGF_NONE);
  if (options)
    options[all.count] = (cfg_opt_t) CFG_END ();
  cfg_t *configuration = options ? cfg_init (options, CFGF_NONE) : NULL;
  if (!configuration)
    result = result ? result : error_set ("no memory left for '%s'; give the job more memory", file);
  else
    {
      cfg_set_error_function (configuration, report);
      error_clear ();
      int status = cfg_parse (configuration, file);
      if (status == CFG_FILE_ERROR)
        result = error_system ("open", file);
      else if (status != CFG_SUCCESS)
        result =
          error_status () ? -1 : error_set ("'%s' is no configuration file; write lines such as 'epochs = 25'", file);
      else
        result = read_values (configuration, &all, command, arguments);
      cfg_free (configuration);
    }
  free (options);
  names_free (&all);
  return result;
}
