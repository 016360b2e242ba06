#include <config.h>

#include "options.h"

#include "../base/error.h"
#include "../base/stop.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = 0x200, KEY_SEED, KEY_THREADS, KEY_MEMORY, KEY_CONFIG, KEY_FORCE, KEY_STOP_AFTER };

const struct argp_option options_common[] = {
  { 0, 0, 0, 0, "For every command:", 90 },
  { "config", KEY_CONFIG, "FILE", 0, "Take options from FILE; those given here win", 0 },
  { "force", KEY_FORCE, 0, 0, "Replace an output that exists and does not match", 0 },
  { "json", KEY_JSON, 0, 0, "Print the result as one JSON object", 0 },
  { "memory", KEY_MEMORY, "BYTES", 0, "Use at most this much for buffers, as 800M or 16G (what the job was given)", 0 },
  { "quiet", 'q', 0, 0, "No progress, no remarks", 0 },
  { "seed", KEY_SEED, "N", 0, "Of all random choices (42)", 0 },
  { "stop-after", KEY_STOP_AFTER, "SECONDS", 0, "Stop then with status 75: run the same command again", 0 },
  { "threads", KEY_THREADS, "N", 0, "Threads (the processors the job was given)", 0 },
  { 0 },
};

static error_t parse_common (int key, char *argument, struct argp_state *state);

static const struct argp common_argp = { options_common, parse_common, 0, 0, 0, 0, 0 };
const struct argp_child options_children[] = { { &common_argp, 0, 0, 90 }, { 0 } };

bool
options_configured (const struct argp_state *state)
{
  const struct common *common = state->input;
  return state->next <= 1 + common->configured;
}

void
options_fail (struct argp_state *state)
{
  const struct common *common = state->input;
  if (options_configured (state))
    argp_error (state, "configuration '%s': %s", common->config, error_message ());
  argp_error (state, "%s", error_message ());
}

static int
parse_value (int key, const char *argument, struct common *common)
{
  int64_t number;
  int result = 0;
  switch (key)
    {
    case KEY_SEED:
      if ((result = text_parse_integer (argument, "--seed", 0, INT64_MAX, &number)) == 0)
        common->seed = (uint64_t) number;
      return result;
    case KEY_THREADS:
      if ((result = text_parse_integer (argument, "--threads", 1, 1024, &number)) == 0)
        common->threads = (int) number;
      return result;
    case KEY_MEMORY:
      return text_parse_bytes (argument, "--memory", &common->memory_bytes);
    default:
      if ((result = text_parse_number (argument, "--stop-after", &common->stop_after)) == 0 && common->stop_after <= 0)
        result = error_usage ("--stop-after takes a number of seconds above 0, not '%s'", argument);
      return result;
    }
}

static error_t
parse_common (int key, char *argument, struct argp_state *state)
{
  struct common *common = state->input;
  switch (key)
    {
    case KEY_CONFIG: /* read before, by arguments_parse */
      if (!common->config || strcmp (argument, common->config))
        argp_error (state, "--config is written in full, and once");
      return 0;
    case KEY_FORCE:
      common->force = true;
      return 0;
    case KEY_JSON:
      common->json = true;
      return 0;
    case 'q':
      common->quiet = true;
      return 0;
    case KEY_SEED:
    case KEY_THREADS:
    case KEY_MEMORY:
    case KEY_STOP_AFTER:
      if (parse_value (key, argument, common))
        options_fail (state);
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

error_t
options_parse_dataset (int key, const char *argument, struct argp_state *state, struct featnames *names)
{
  if (key != KEY_FEATURES_DATASET && key != KEY_LABELS_DATASET)
    return ARGP_ERR_UNKNOWN;
  if (argument[strspn (argument, "/")] == '\0')
    argp_error (state, "--%s takes the name of a dataset, not '%s'",
                key == KEY_FEATURES_DATASET ? "features-dataset" : "labels-dataset", argument);
  *(key == KEY_FEATURES_DATASET ? &names->features : &names->labels) = argument;
  return 0;
}

const struct argp_option *
options_find (const struct command *command, const char *name)
{
  const struct argp_option *lists[] = { command->argp->options, options_common };
  for (size_t i = 0; i < 2; i++)
    for (const struct argp_option *option = lists[i]; option && (option->name || option->doc || option->key); option++)
      if (option->name && !strcmp (option->name, name))
        return option;
  return NULL;
}

int
options_parse_whole (const char *text, const char *what, int lowest, int highest, int *value)
{
  int64_t number;
  if (text_parse_integer (text, what, lowest, highest, &number))
    return -1;
  *value = (int) number;
  return 0;
}

int
options_parse_word (const char *text, const char *what, const char *const *words, const char *takes, int *value)
{
  for (*value = 0; words[*value]; ++*value)
    if (!strcmp (text, words[*value]))
      return 0;
  return error_usage ("%s takes %s, not '%s'", what, takes, text);
}

int
options_parse_dtype (const char *text, bool *half)
{
  *half = !strcmp (text, "float16");
  return *half || !strcmp (text, "float32") ? 0 : error_usage ("--dtype takes float32 or float16, not '%s'", text);
}

int
options_split (const char *text, const char *what, struct names *names)
{
  const char *whole = text;
  *names = (struct names){ 0 };
  while (text)
    {
      size_t length = strcspn (text, ",");
      char *name = length ? text_new ("%.*s", (int) length, text) : NULL;
      int result = name ? names_add (names, name)
                   : length
                     ? -1
                     : error_usage ("%s takes a list such as A,B,C without empty entries, not '%s'", what, whole);
      free (name);
      if (result)
        {
          names_free (names);
          return -1;
        }
      text = text[length] ? text + length + 1 : NULL;
    }
  return 0;
}
