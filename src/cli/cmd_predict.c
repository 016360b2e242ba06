#include <config.h>

#include "../learn/predictor.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../extract/rowstream.h"
#include "../learn/blas.h"
#include "../learn/modelfile.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 8 }; /* images that are not worth more than one call of the network at a time */

struct options {
  struct common common;
  const char *model, *backbone, *device;
  const char *precision; /* NULL for that of the model's features */
  struct names images;
};

enum { KEY_BACKBONE = 0x300, KEY_DEVICE, KEY_PRECISION };

static const struct argp_option option_table[] = {
  { "backbone", KEY_BACKBONE, "FILE.ts", 0, "The network that made the model's features", 0 },
  { "device", KEY_DEVICE, "NAME", 0, "cpu, cuda or cuda:N, a GPU, which runs the network (cpu)", 0 },
  { "precision", KEY_PRECISION, "KIND", 0, "f32, tf32, bf16 or f16 numbers in the network (those of the features)", 0 },
  { 0 },
};

/* Adds the paths on standard input, one a line.  */
static int
read_paths (struct names *images)
{
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  int result = 0;
  while (result == 0 && (length = getline (&line, &room, stdin)) > 0)
    {
      line[strcspn (line, "\r\n")] = '\0';
      result = *line ? names_add (images, line) : 0;
    }
  if (result == 0 && ferror (stdin))
    result = error_system ("read", "standard input");
  free (line);
  return result;
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
    case KEY_BACKBONE:
      options->backbone = argument;
      return 0;
    case KEY_DEVICE:
      if (extractor_parse_device (argument, &options->device))
        options_fail (state);
      return 0;
    case KEY_PRECISION:
      options->precision = argument;
      if (extractor_parse_precision (argument, &(enum network_precision){ NETWORK_F32 }))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num == 0)
        options->model = argument;
      else if (strcmp (argument, "-") ? names_add (&options->images, argument) : read_paths (&options->images))
        argp_failure (state, ERROR_FAILED, 0, "%s", error_message ());
      return 0;
    case ARGP_KEY_END:
      if (state->arg_num < 2)
        argp_error (state, "give MODEL.h5 and at least one IMAGE (- reads their paths from standard input)");
      if (!options->backbone)
        argp_error (state, "give the network that made the model's features: --backbone FILE.ts");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "MODEL.h5 IMAGE...",
  "Predict the classes of photographs, preprocessed as the model's features were. IMAGE may be -: paths are then read "
  "from standard input, one a line."
  "\vExample: slabfit predict model.h5 --backbone resnet50.ts lunch.jpg",
  options_children,
  0,
  0
};

/* Images on their way through both networks.  */
struct prediction {
  const struct options *options;
  const struct model *model;
  const struct extractor *extractor;
  struct concurrency concurrency;
  struct predictor *predictor;
  float *probabilities; /* (batch, C) */
  size_t unreadable;
  json_t *list; /* of the images so far, in the order of the arguments */
};

/* Adds ENTRY, of IMAGE.  */
static int
add_entry (struct prediction *prediction, const char *image, json_t *entry)
{
  return json_array_append_new (prediction->list, entry)
           ? error_set ("the prediction of '%s' cannot be listed; check that its name is UTF-8", image)
           : 0;
}

static int
add_prediction (struct prediction *prediction, const char *image, const float *probabilities)
{
  const struct names *classes = &prediction->model->classes;
  int32_t best = predictor_class (probabilities, model_classes (prediction->model));
  json_t *each = json_object ();
  for (uint64_t i = 0; i < model_classes (prediction->model); i++)
    json_object_set_new (each, classes->name[i], json_real ((double) probabilities[i]));
  if (!prediction->options->common.json)
    printf ("%s: %s (%.4f)\n", image, classes->name[best], (double) probabilities[best]);
  return add_entry (prediction, image,
                    json_pack ("{s:s, s:s, s:o}", "image", image, "class", classes->name[best], "probabilities", each));
}

/* Says why IMAGE has no class; the others go on.  Of an only one main will say it.  */
static int
add_failure (struct prediction *prediction, const char *image, const char *reason)
{
  prediction->unreadable++;
  if (prediction->options->images.count > 1)
    fprintf (stderr, "slabfit predict: '%s': %s\n", image, reason);
  return add_entry (prediction, image, json_pack ("{s:s, s:s}", "image", image, "error", reason));
}

/* Predicts the classes of IMAGES by their FEATURES.  */
static int
predict_batch (void *context, const struct imagebatch *images, const float *features)
{
  struct prediction *prediction = context;
  const struct batch batch = { .rows = (size_t) images->count, .values = features };
  const float *probabilities = prediction->probabilities;
  if (images->count > 0 && predictor_run (prediction->predictor, &batch, prediction->probabilities))
    return -1;
  for (int i = 0; i < images->images; i++)
    {
      const char *image = prediction->options->images.name[images->first + (uint64_t) i], *reason = images->reason[i];
      if (reason ? add_failure (prediction, image, reason) : add_prediction (prediction, image, probabilities))
        return -1;
      if (!reason)
        probabilities += model_classes (prediction->model);
    }
  return 0;
}

/* The error where images could not be read.  */
static int
report_unreadable (const struct prediction *prediction)
{
  const struct names *images = &prediction->options->images;
  if (images->count > 1)
    return error_set ("%zu of %zu images could not be read, as said above", prediction->unreadable, images->count);
  return error_set ("'%s': %s", images->name[0],
                    json_string_value (json_object_get (json_array_get (prediction->list, 0), "error")));
}

static struct image
get_image (const void *images, uint64_t number)
{
  return (struct image){ .path = ((const struct names *) images)->name[number] };
}

static int
run_images (struct prediction *prediction)
{
  const struct options *options = prediction->options;
  struct imagelist images = { .count = options->images.count, .get = get_image, .context = &options->images };
  struct source *source = source_open ("");
  int result = source ? rowstream_run (prediction->extractor, source, &images, &prediction->concurrency,
                                       options->common.threads, predict_batch, prediction)
                      : -1;
  source_close (source);
  return result;
}

static int
predict_with (struct prediction *prediction, struct workers *workers, json_t **result)
{
  size_t batch = (size_t) prediction->concurrency.batch, classes = (size_t) model_classes (prediction->model);
  prediction->probabilities = memory_new (batch, classes * sizeof (float));
  prediction->predictor = predictor_new (prediction->model, batch, workers);
  prediction->list = json_array ();
  int status = prediction->probabilities && prediction->predictor ? run_images (prediction) : -1;
  if (status == 0 && prediction->unreadable > 0)
    status = report_unreadable (prediction);
  *result = json_pack ("{s:o}", "predictions", prediction->list);
  predictor_free (prediction->predictor);
  memory_free (prediction->probabilities);
  return status;
}

/* Few images take all threads for one call; how many take them is chosen.  */
static int
choose_concurrency (const struct options *options, struct extractor *extractor, struct concurrency *concurrency)
{
  int threads = options->common.threads;
  size_t images = options->images.count;
  if (images > FEW)
    return concurrency_choose (extractor, threads, images, 0, concurrency);
  *concurrency = (struct concurrency){ .callers = 1, .threads = threads, .batch = images > 0 ? (int) images : 1 };
  return extractor_prepare (extractor, concurrency->batch, concurrency->threads);
}

/* Fails where EXTRACTOR's features are not those that the model was trained on; of another precision they may be, where
   it was asked for.  */
static int
check_extractor (const struct options *options, const struct model *model, const struct extractor *extractor)
{
  struct provenance made = extractor->provenance;
  if (options->precision)
    memcpy (made.precision, model->provenance.precision, sizeof made.precision);
  if (provenance_compare (&made, options->backbone, &model->provenance, options->model,
                          "give the backbone that made the model's features"))
    return -1;
  if ((uint64_t) extractor->columns != model_columns (model))
    return error_set ("the backbone '%s' gives %" PRId64 " features and the model '%s' takes %" PRIu64
                      "; give the backbone that made the model's features",
                      options->backbone, extractor->columns, options->model, model_columns (model));
  return 0;
}

static int
predict (const struct options *options, const struct model *model, struct workers *workers, json_t **result)
{
  struct extractor extractor;
  const struct provenance *made = &model->provenance;
  struct extractor_options how = { .backbone = options->backbone, .exif = made->exif };
  how.network.device = options->device;
  if (made->rank > 0)
    how.preprocess = made->preprocess;
  const char *precision = options->precision || made->rank == 0 ? options->precision : made->precision;
  if ((made->rank > 0 && extractor_parse_pool (made->pool, &how.network.pool))
      || (precision && extractor_parse_precision (precision, &how.network.precision)))
    return -1;
  if (extractor_open (&extractor, &how, 1, 1))
    return -1;
  struct prediction prediction = { .options = options, .model = model, .extractor = &extractor };
  int status =
    check_extractor (options, model, &extractor) || choose_concurrency (options, &extractor, &prediction.concurrency)
      ? -1
      : predict_with (&prediction, workers, result);
  extractor_close (&extractor);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .device = "cpu" };
  if (arguments_parse (&command_predict, argc, argv, &options))
    return -1;
  *common = options.common;
  if (blas_prepare ())
    return -1;
  struct model *model = modelfile_read (options.model);
  struct workers *workers = model ? workers_new (common->threads) : NULL;
  int status = workers ? predict (&options, model, workers, result) : -1;
  workers_free (workers);
  model_free (model);
  names_free (&options.images);
  return status;
}

const struct command command_predict = { "predict", "classes and probabilities of photographs", &argp, run };
