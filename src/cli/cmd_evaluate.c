#include <config.h>

#include "../learn/evaluate.h"

#include "../learn/modelfile.h"
#include "../learn/report.h"
#include "command.h"
#include "output.h"
#include "predictions.h"

#include <limits.h>
#include <stdio.h>

struct options {
  struct common common;
  const char *argument[2]; /* MODEL.h5, FILE.h5 */
  const char *predictions;
  int top_k; /* 0 where not given */
  struct featnames names;
};

enum { KEY_PREDICTIONS = 0x300, KEY_TOP_K };
enum { TOP_K = 5 }; /* the default where there are more classes */

static const struct argp_option option_table[] = {
  OPTIONS_DATASETS,
  { "predictions", KEY_PREDICTIONS, "FILE.csv", 0, "Write each row's image, class, prediction and probabilities", 0 },
  { "top-k", KEY_TOP_K, "K", 0, "How often the class is among the K likeliest (5, of more than 5 classes)", 0 },
  { 0 },
};

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &options->common;
      return 0;
    case KEY_PREDICTIONS:
      options->predictions = argument;
      return 0;
    case KEY_TOP_K:
      if (options_parse_whole (argument, "--top-k", 2, INT_MAX, &options->top_k))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 2)
        argp_error (state, "one MODEL.h5 and one FILE.h5, please; '%s' is too many", argument);
      options->argument[state->arg_num] = argument;
      return 0;
    case ARGP_KEY_END:
      if (state->arg_num < 2)
        argp_error (state, "give MODEL.h5 and the feature FILE.h5");
      return 0;
    default:
      return options_parse_dataset (key, argument, state, &options->names);
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "MODEL.h5 FILE.h5",
  "Run a model over a feature file and print scikit-learn's classification report, the confusion matrix, and how good "
  "the probabilities are."
  "\vExample: slabfit evaluate model.h5 features/evaluation.h5",
  options_children,
  0,
  0
};

static void
print (const struct metrics *metrics, const struct scoring *scoring)
{
  report_classification (metrics, stdout);
  putchar ('\n');
  report_confusion (metrics, stdout);
  putchar ('\n');
  report_scoring (scoring, stdout);
}

/* All but the CSV file.  */
static int
report (const struct options *options, const struct model *model, const struct evaluation *evaluation, json_t **result)
{
  struct metrics metrics = { 0 };
  struct scoring scoring = { 0 };
  int k = options->top_k == 0 && model->classes.count > TOP_K ? TOP_K : options->top_k, status = -1;
  if (metrics_new (&metrics, &model->classes, evaluation->label, evaluation->predicted, evaluation->rows) == 0
      && scoring_new (&scoring, &model->classes, evaluation, (size_t) k) == 0)
    {
      *result = report_json (&metrics, &scoring);
      status = *result ? 0 : -1;
      if (!options->common.json)
        print (&metrics, &scoring);
    }
  scoring_free (&scoring);
  metrics_free (&metrics);
  return status;
}

static int
evaluate_file (const struct options *options, const struct model *model, struct featfile *file, struct workers *workers,
               json_t **result)
{
  struct evaluation evaluation;
  if ((options->predictions && output_check (options->predictions))
      || evaluate (model, options->argument[0], file, workers, &evaluation))
    return -1;
  int status = 0;
  if (options->predictions)
    status = predictions_write (options->predictions, options->common.force, file, &model->classes, &evaluation);
  if (status == 0)
    status = report (options, model, &evaluation, result);
  evaluation_free (&evaluation);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  if (arguments_parse (&command_evaluate, argc, argv, &options))
    return -1;
  *common = options.common;
  if (!result)
    return 0;
  struct model *model = modelfile_read (options.argument[0]);
  struct featfile *file = model ? featfile_open_named (options.argument[1], &options.names) : NULL;
  struct workers *workers = file ? workers_new (common->threads) : NULL;
  struct workers *readers = workers ? workers_new (common->threads) : NULL; /* they inflate while WORKERS compute */
  int status = readers && !featfile_need_labels (file) && !featfile_use_workers (file, readers)
                 ? evaluate_file (&options, model, file, workers, result)
                 : -1;
  featfile_close (file);
  workers_free (readers);
  workers_free (workers);
  model_free (model);
  return status;
}

const struct command command_evaluate = { "evaluate", "classification report of a model on features", &argp, run };
