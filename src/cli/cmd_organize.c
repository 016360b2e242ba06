#include <config.h>

#include "../image/organize.h"

#include "../base/error.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct organize_options organize;
  const char *argument[2]; /* SOURCE, DATASET */
};

enum { KEY_CLASSES = 0x300, KEY_SPLITS };

static const struct argp_option option_table[] = {
  { "classes", KEY_CLASSES, "NAME,NAME...", 0, "Names of the classes 0, 1, ... of {class}_{id} files", 0 },
  { "splits", KEY_SPLITS, "T,V,E", 0,
    "Shares of training, validation and evaluation, for CLASS/ folders, such as 70,15,15", 0 },
  { 0 },
};

static int
parse_shares (const char *text, double share[ORGANIZE_SPLITS])
{
  struct names parts;
  if (options_split (text, "--splits", &parts))
    return -1;
  int result = parts.count == ORGANIZE_SPLITS ? 0 : -1;
  double sum = 0;
  for (size_t i = 0; result == 0 && i < ORGANIZE_SPLITS; i++)
    {
      result = text_parse_number (parts.name[i], "--splits", &share[i]);
      if (share[i] < 0)
        result = -1;
      sum += share[i];
    }
  names_free (&parts);
  if (result || sum <= 0)
    return error_usage ("--splits takes three shares such as 70,15,15, none below 0, not '%s'", text);
  return 0;
}

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &options->common;
      return 0;
    case KEY_CLASSES:
      names_free (&options->organize.classes);
      if (options_split (argument, "--classes", &options->organize.classes))
        options_fail (state);
      return 0;
    case KEY_SPLITS:
      if (parse_shares (argument, options->organize.share))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 2)
        argp_error (state, "one SOURCE and one DATASET, please; '%s' is too many", argument);
      options->argument[state->arg_num] = argument;
      return 0;
    case ARGP_KEY_END:
      if (state->arg_num < 2)
        argp_error (state, "give SOURCE and DATASET");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "SOURCE DATASET",
  "Put photographs into DATASET/SPLIT/CLASS/, by hard links where it can, else by copies.\n\n"
  "SOURCE has either SPLIT/{class}_{id}.jpg, as Food-5K, SPLIT being training, validation or evaluation, or CLASS/ "
  "folders, which are divided into these three."
  "\vExample: slabfit organize Food-5K dataset --classes non_food,food",
  options_children,
  0,
  0
};

/* {"splits": {SPLIT: {CLASS: count}}, "linked": , "copied": , "kept": }  */
static json_t *
result_new (const struct organize_report *report)
{
  json_t *splits = json_object ();
  for (size_t i = 0; i < report->count; i++)
    {
      const struct organize_count *entry = &report->entry[i];
      json_t *split = json_object_get (splits, entry->split);
      if (!split)
        json_object_set_new (splits, entry->split, split = json_object ());
      json_object_set_new (split, entry->class_name, json_integer ((json_int_t) entry->images));
    }
  return json_pack ("{s:o, s:I, s:I, s:I}", "splits", splits, "linked", (json_int_t) report->linked, "copied",
                    (json_int_t) report->copied, "kept", (json_int_t) report->kept);
}

static void
print (const json_t *result)
{
  const char *split, *class_name;
  json_t *classes, *count;
  json_object_foreach (json_object_get (result, "splits"), split, classes)
  {
    const char *separator = ":";
    fputs (split, stdout);
    json_object_foreach (classes, class_name, count)
    {
      printf ("%s %" JSON_INTEGER_FORMAT " %s", separator, json_integer_value (count), class_name);
      separator = ",";
    }
    putchar ('\n');
  }
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  struct organize_report report = { 0 };
  if (arguments_parse (&command_organize, argc, argv, &options))
    return -1;
  *common = options.common;
  if (!result)
    {
      names_free (&options.organize.classes);
      return 0;
    }
  options.organize.seed = common->seed;
  int status = organize (options.argument[0], options.argument[1], &options.organize, &report);
  if (status == 0)
    *result = result_new (&report);
  if (*result && !common->json)
    print (*result);
  organize_report_free (&report);
  names_free (&options.organize.classes);
  return status;
}

const struct command command_organize = { "organize", "put photographs into DATASET/SPLIT/CLASS/", &argp, run };
