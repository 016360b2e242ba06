#include <config.h>

#include "../learn/evaluate.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../learn/metrics.h"
#include "../learn/modelfile.h"
#include "command.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  const char *argument[2]; /* MODEL.h5, FILE.h5 */
  const char *predictions;
  struct featnames names;
};

enum { KEY_PREDICTIONS = 0x300 };

static const struct argp_option option_table[] = {
  OPTIONS_DATASETS,
  { "predictions", KEY_PREDICTIONS, "FILE.csv", 0, "Write each row's image, class, prediction and probabilities", 0 },
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
  "Run a model over a feature file and print scikit-learn's classification report and the confusion matrix."
  "\vExample: slabfit evaluate model.h5 features/evaluation.h5",
  options_children,
  0,
  0
};

/* Prints TEXT as a CSV field, quoted where it must be (RFC 4180).  */
static void
print_field (FILE *stream, const char *text)
{
  if (!text[strcspn (text, ",\"\r\n")])
    fputs (text, stream);
  else
    {
      fputc ('"', stream);
      for (; *text; text++)
        fputs (*text == '"' ? "\"\"" : (char[]){ *text, 0 }, stream);
      fputc ('"', stream);
    }
}

/* One line: image, class, predicted, and the probability of each class.  */
static void
print_row (FILE *stream, const char *image, const struct names *classes, const struct evaluation *evaluation,
           uint64_t row)
{
  print_field (stream, image);
  fputc (',', stream);
  print_field (stream, classes->name[evaluation->label[row]]);
  fputc (',', stream);
  print_field (stream, classes->name[evaluation->predicted[row]]);
  for (uint64_t i = 0; i < evaluation->classes; i++)
    fprintf (stream, ",%.9g", (double) evaluation->probabilities[row * evaluation->classes + i]);
  fputc ('\n', stream);
}

static int
print_rows (FILE *stream, struct featfile *file, const struct names *classes, const struct evaluation *evaluation)
{
  size_t path_bytes = featfile_info (file)->path_bytes;
  char *image = calloc (1, path_bytes + 24), *end = image;
  int result = image ? 0 : error_set ("no memory left for the predictions; give the job more memory");
  fputs ("image,class,predicted", stream);
  for (size_t i = 0; i < classes->count; i++)
    {
      fputc (',', stream);
      print_field (stream, classes->name[i]);
    }
  fputc ('\n', stream);
  for (uint64_t row = 0; result == 0 && row < evaluation->rows; row++)
    {
      if (path_bytes > 0)
        result = featfile_read_images (file, row, 1, image);
      else
        sprintf (end, "%" PRIu64, row); /* the file has no /images */
      if (result == 0)
        print_row (stream, image, classes, evaluation, row);
    }
  free (image);
  return result;
}

/* Gives the finished TEMPORARY its name PATH.  A file of other contents is not replaced, unless FORCE.  */
static int
keep_predictions (const char *temporary, const char *path, bool force)
{
  char written[FILE_SHA256_BYTES], found[FILE_SHA256_BYTES];
  if (!file_exists (path) || force)
    return file_commit (temporary, path);
  int result = file_sha256 (temporary, written) || file_sha256 (path, found) ? -1 : 0;
  if (result == 0 && strcmp (written, found))
    result = error_set ("'%s' is there already with other contents; choose another name or give --force", path);
  remove (temporary);
  return result;
}

static int
write_predictions (const char *path, bool force, struct featfile *file, const struct names *classes,
                   const struct evaluation *evaluation)
{
  char *temporary = file_temporary (path);
  FILE *stream = temporary ? fopen (temporary, "we") : NULL;
  int result = 0;
  if (!stream)
    result = temporary ? error_system ("create", path) : -1;
  else
    {
      result = print_rows (stream, file, classes, evaluation);
      bool failed = ferror (stream) != 0;
      if ((fclose (stream) || failed) && result == 0)
        result = error_system ("write", path);
      if (result)
        remove (temporary);
      else
        result = keep_predictions (temporary, path, force);
    }
  free (temporary);
  return result;
}

/* Prints the report and the confusion matrix.  */
static int
print (const struct metrics *metrics)
{
  char *report = metrics_report (metrics), *confusion = metrics_confusion_text (metrics);
  if (report && confusion)
    printf ("%s\nconfusion matrix (rows: the class, columns: the prediction)\n\n%s", report, confusion);
  int result = report && confusion ? 0 : -1;
  free (report);
  free (confusion);
  return result;
}

static int
report_metrics (const struct options *options, const struct model *model, const struct evaluation *evaluation,
                json_t **result)
{
  struct metrics metrics;
  if (metrics_new (&metrics, &model->classes, evaluation->label, evaluation->predicted, evaluation->rows))
    return -1;
  int status = 0;
  *result = metrics_json (&metrics);
  if (!*result || json_object_set_new (*result, "loss", json_real (evaluation->loss)))
    status = -1;
  else if (!options->common.json)
    status = print (&metrics);
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
    status = write_predictions (options->predictions, options->common.force, file, &model->classes, &evaluation);
  if (status == 0)
    status = report_metrics (options, model, &evaluation, result);
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
  int status =
    readers && !featfile_use_workers (file, readers) ? evaluate_file (&options, model, file, workers, result) : -1;
  featfile_close (file);
  workers_free (readers);
  workers_free (workers);
  model_free (model);
  return status;
}

const struct command command_evaluate = { "evaluate", "classification report of a model on features", &argp, run };
