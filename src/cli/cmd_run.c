#include <config.h>

#include "../base/error.h"
#include "../base/file.h"
#include "../base/progress.h"
#include "../store/parts.h"
#include "command.h"
#include "splits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The stages: other commands, called with arguments in WORK and with those options of run that they have.  */
static const struct command *const stages[] = { &command_organize, &command_extract, &command_train,
                                                &command_evaluate };

enum {
  STAGES = sizeof stages / sizeof *stages,
  OPTIONS_LIMIT = 64,
  KEY_DATASET = 0x300,
  KEY_SOURCE,
  KEY_STAGE = 0x1000
};

struct options {
  struct common common;
  const char *source, *dataset, *work;
  const char *backbone;   /* the last --backbone */
  const char *organizing; /* an option of organize on the command line, NULL where there is none */
  struct names forwarded; /* "--name=value" of the stages' options */
};

static char heading[STAGES][32]; /* of a stage's options in --help */

/* Run's own options; those of the stages join them before parsing (add_stage_options), with keys from KEY_STAGE on.  */
static struct argp_option option_table[OPTIONS_LIMIT] = {
  { "dataset", KEY_DATASET, "DATASET", 0, "Start from images that extract takes as they are, instead of SOURCE", 0 },
  { "output", 'o', "WORK", 0, "The folder for all that is made", 0 },
  { "source", KEY_SOURCE, "SOURCE", 0, "The photographs, as the argument SOURCE", 0 },
};

/* Options of stages that run sets itself, or that would leave it with a part of the work.  */
static bool
belongs_to_run (const struct argp_option *option)
{
  static const char *const names[] = { "features-dataset", "labels-dataset", "output", "predictions", "split", "task" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp (option->name, names[i]))
      return true;
  return false;
}

static bool
add_stage_options (void)
{
  size_t count = 0;
  while (option_table[count].name)
    count++;
  for (int group = 1; group <= STAGES; group++)
    {
      const struct command *stage = stages[group - 1];
      bool headed = false;
      for (const struct argp_option *option = stage->argp->options; option->name; option++)
        {
          if (belongs_to_run (option))
            continue;
          if (count + 3 > OPTIONS_LIMIT)
            return false;
          if (!headed)
            {
              snprintf (heading[group - 1], sizeof heading[0], "For %s:", stage->name);
              option_table[count++] = (struct argp_option){ .doc = heading[group - 1], .group = group };
            }
          headed = true;
          option_table[count] = *option;
          option_table[count].group = group;
          option_table[count].key = KEY_STAGE + (int) count;
          count++;
        }
    }
  return true;
}

static int
forward (struct names *forwarded, const struct argp_option *option, const char *value)
{
  char *text = value ? text_new ("--%s=%s", option->name, value) : text_new ("--%s", option->name);
  int result = text ? names_add (forwarded, text) : -1;
  free (text);
  return result;
}

/* A configuration may hold what organize needs for another dataset.  */
static void
take_stage_option (struct options *options, const struct argp_option *option, const char *value,
                   struct argp_state *state)
{
  if (!strcmp (option->name, "backbone"))
    options->backbone = value;
  if (options_find (&command_organize, option->name) && !options_configured (state))
    options->organizing = option->name;
  if (forward (&options->forwarded, option, value))
    options_fail (state);
}

static void
check_source (const struct options *options, struct argp_state *state)
{
  if (!options->source && !options->dataset)
    argp_error (state, "give SOURCE, the photographs, or --dataset");
  if (options->source && options->dataset)
    argp_error (state, "give SOURCE, here '%s', or --dataset, here '%s', which is taken as it is: not both",
                options->source, options->dataset);
  if (options->dataset && options->organizing)
    argp_error (state, "--%s is for SOURCE; --dataset is taken as it is", options->organizing);
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
    case 'o':
      options->work = argument;
      return 0;
    case KEY_DATASET:
      options->dataset = argument;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one SOURCE, please; '%s' is too many", argument);
      options->source = argument;
      return 0;
    case KEY_SOURCE:
      if (!options->source) /* the argument wins */
        options->source = argument;
      return 0;
    case ARGP_KEY_END:
      check_source (options, state);
      if (!options->work || !*options->work)
        argp_error (state, "give the folder for all that is made: -o WORK");
      return 0;
    default:
      if (key < KEY_STAGE || key >= KEY_STAGE + OPTIONS_LIMIT)
        return ARGP_ERR_UNKNOWN;
      take_stage_option (options, &option_table[key - KEY_STAGE], argument, state);
      return 0;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "[SOURCE]",
  "The whole job: organize SOURCE into WORK/dataset, extract WORK/features, train WORK/model.h5, and evaluate it, with "
  "WORK/predictions.csv and WORK/run.json. What is finished is not done again."
  "\vExample: slabfit run photos -o work --backbone net.ts --classes non_food,food",
  options_children,
  0,
  0
};

/* Whether STAGE has the option of "--name" or "--name=value".  */
static bool
stage_has (const struct command *stage, const char *text)
{
  char name[64];
  snprintf (name, sizeof name, "%.*s", (int) strcspn (text + 2, "="), text + 2);
  return options_find (stage, name) != NULL;
}

/* The common options as text, so that stages have them too; --config and --stop-after are run's own.  */
static int
forward_common (const struct common *common, struct names *arguments)
{
  char numbers[3][64];
  snprintf (numbers[0], sizeof numbers[0], "--seed=%" PRIu64, common->seed);
  snprintf (numbers[1], sizeof numbers[1], "--threads=%d", common->threads);
  snprintf (numbers[2], sizeof numbers[2], "--memory=%" PRIu64, common->memory_bytes);
  for (size_t i = 0; i < 3; i++)
    if (names_add (arguments, numbers[i]))
      return -1;
  return (common->json && names_add (arguments, "--json")) || (common->quiet && names_add (arguments, "--quiet"))
             || (common->force && names_add (arguments, "--force"))
           ? -1
           : 0;
}

/* A stage with the arguments that run gives it, ended by NULL.  */
struct job {
  const struct command *stage;
  const char *argument[7];
};

/* "slabfit NAME", JOB's arguments, and its share of run's options.  */
static int
list_arguments (const struct options *options, const struct job *job, const char *name, struct names *all)
{
  char first[64];
  snprintf (first, sizeof first, "slabfit %s", name);
  int status = names_add (all, first);
  for (size_t i = 0; status == 0 && job->argument[i]; i++)
    status = names_add (all, job->argument[i]);
  for (size_t i = 0; status == 0 && i < options->forwarded.count; i++)
    if (stage_has (job->stage, options->forwarded.name[i]))
      status = names_add (all, options->forwarded.name[i]);
  return status ? status : forward_common (&options->common, all);
}

/* Ends the process with a usage error where JOB's stage does not take its arguments, before any stage works.  */
static int
check_job (const struct options *options, const struct job *job)
{
  struct names all = { 0 };
  struct common common = { 0 };
  int status = list_arguments (options, job, command_run.name, &all);
  if (status == 0)
    status = job->stage->run ((int) all.count, all.name, &common, NULL);
  arguments_free (&common);
  names_free (&all);
  return status;
}

/* Runs JOB and keeps its result in RESULTS.  */
static int
run_job (const struct options *options, const struct job *job, json_t *results)
{
  struct names all = { 0 };
  struct common common = { 0 };
  json_t *result = NULL;
  int status = list_arguments (options, job, job->stage->name, &all);
  if (status == 0 && !options->common.json)
    printf ("%s[%s]\n", json_object_size (results) ? "\n" : "", job->stage->name);
  fflush (stdout);
  if (status == 0)
    status = job->stage->run ((int) all.count, all.name, &common, &result);
  if (result)
    json_object_set_new (results, job->stage->name, result);
  arguments_free (&common);
  names_free (&all);
  return status;
}

/* What lies in WORK; the evaluation split may have another name.  */
struct places {
  char *dataset, *features, *model, *evaluation, *predictions, *results;
};

/* Runs JOB on the evaluation split of the features, by any of its names.  */
static int
run_evaluation (const struct options *options, const struct job *job, const struct places *places, json_t *results)
{
  const char *split;
  struct job found = *job;
  if (splits_find (places->features, "evaluation", &split))
    return -1;
  if (!split)
    {
      progress_say ("slabfit run: there is no evaluation split in '%s'; nothing to evaluate",
                    options->dataset ? options->dataset : places->dataset);
      return 0;
    }
  char *path = parts_merged_path (places->features, split);
  found.argument[1] = path;
  int status = path ? run_job (options, &found, results) : -1;
  free (path);
  return status;
}

static int
run_stages (const struct options *options, const struct places *places, json_t *results)
{
  const char *dataset = options->dataset ? options->dataset : places->dataset;
  const struct job jobs[STAGES] = {
    { &command_organize, { options->source, dataset, NULL } },
    { &command_extract, { dataset, "-o", places->features, "--task=0/1", NULL } },
    { &command_train, { places->features, "-o", places->model, NULL } },
    { &command_evaluate, { places->model, places->evaluation, "--predictions", places->predictions, "--force", NULL } },
  };
  int first = options->dataset ? 1 : 0;
  for (int i = first; i < STAGES; i++)
    if (check_job (options, &jobs[i]))
      return -1;
  if (access (options->backbone, R_OK)) /* which extract would say after all is organized */
    return error_system ("open", options->backbone);
  if (file_make_directories (options->work))
    return -1;
  for (int i = first; i < STAGES - 1; i++)
    if (run_job (options, &jobs[i], results))
      return -1;
  return run_evaluation (options, &jobs[STAGES - 1], places, results);
}

static int
write_results (const char *path, const json_t *results)
{
  char *text = json_dumps (results, JSON_INDENT (2) | JSON_REAL_PRECISION (9));
  char *line = text ? text_new ("%s\n", text) : NULL;
  int status = line ? file_write (path, line, strlen (line))
                    : error_set ("no memory left for '%s'; give the job more memory", path);
  free (line);
  free (text);
  return status;
}

static int
run_in (const struct options *options, json_t **result)
{
  const char *work = options->work;
  struct places places = { file_path (work, "dataset"),         file_path (work, "features"),
                           file_path (work, "model.h5"),        file_path (work, "features/evaluation.h5"),
                           file_path (work, "predictions.csv"), file_path (work, "run.json") };
  bool ready =
    places.dataset && places.features && places.model && places.evaluation && places.predictions && places.results;
  json_t *results = json_object ();
  int status = ready ? run_stages (options, &places, results) : -1;
  if (status == 0)
    status = write_results (places.results, results);
  if (status == 0)
    *result = results;
  else
    json_decref (results);
  free (places.dataset);
  free (places.features);
  free (places.model);
  free (places.evaluation);
  free (places.predictions);
  free (places.results);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  if (!add_stage_options ())
    return error_set ("the stages have too many options for run; this is a defect of slabfit");
  if (arguments_parse (&command_run, argc, argv, &options))
    return -1;
  *common = options.common;
  int status = run_in (&options, result);
  names_free (&options.forwarded);
  return status;
}

const struct command command_run = { "run", "the whole job, from photographs to report", &argp, run };
