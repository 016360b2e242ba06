#include <config.h>

#include "../learn/predictor.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/stop.h"
#include "../extract/imagestream.h"
#include "../learn/blas.h"
#include "../learn/modelfile.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 8 }; /* images in one run of the network */

struct options {
  struct common common;
  const char *model, *backbone;
  struct names images;
};

enum { KEY_BACKBONE = 0x300 };

static const struct argp_option option_table[] = {
  { "backbone", KEY_BACKBONE, "FILE.ts", 0, "The network that made the model's features", 0 },
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

/* A batch of images on its way through both networks.  */
struct prediction {
  const struct options *options;
  const struct model *model;
  const struct extractor *extractor;
  struct predictor *predictor;
  struct source *source;
  struct imagestream *stream;
  unsigned char *pixels; /* (BATCH, height, width, 3) */
  float *features;       /* (BATCH, d) */
  float *probabilities;  /* (BATCH, C) */
  size_t taken, unreadable;
  json_t *list;
};

/* The image number PLACE, counted from 0.  */
static int
add_prediction (struct prediction *prediction, size_t place, const float *probabilities)
{
  const char *image = prediction->options->images.name[place];
  const struct names *classes = &prediction->model->classes;
  int32_t best = predictor_class (probabilities, model_classes (prediction->model));
  json_t *each = json_object ();
  for (uint64_t i = 0; i < model_classes (prediction->model); i++)
    json_object_set_new (each, classes->name[i], json_real ((double) probabilities[i]));
  if (!prediction->options->common.json)
    printf ("%s: %s (%.4f)\n", image, classes->name[best], (double) probabilities[best]);
  json_t *entry = json_pack ("{s:s, s:s, s:o}", "image", image, "class", classes->name[best], "probabilities", each);
  return json_array_set_new (prediction->list, place, entry)
           ? error_set ("the prediction of '%s' cannot be listed; check that its name is UTF-8", image)
           : 0;
}

/* Says why the image number PLACE has no class; the others go on.  Of an only one main will say it.  */
static int
add_failure (struct prediction *prediction, size_t place, const char *reason)
{
  const char *image = prediction->options->images.name[place];
  prediction->unreadable++;
  if (prediction->options->images.count > 1)
    fprintf (stderr, "slabfit predict: '%s': %s\n", image, reason);
  return json_array_set_new (prediction->list, place, json_pack ("{s:s, s:s}", "image", image, "error", reason))
           ? error_set ("the failure of '%s' cannot be listed; check that its name is UTF-8", image)
           : 0;
}

/* Takes images into the batch; their numbers into PLACES (BATCH).  How many, or -1.  */
static int
fill_batch (struct prediction *prediction, size_t *places)
{
  int count = 0;
  while (count < BATCH && prediction->taken < prediction->options->images.count)
    {
      char *reason;
      size_t place = prediction->taken++;
      json_array_append_new (prediction->list, json_null ()); /* in the order of the arguments */
      if (imagestream_next (prediction->stream,
                            prediction->pixels + (size_t) count * prediction->extractor->image_bytes, &reason)
          < 0)
        return -1;
      if (!reason)
        places[count++] = place;
      else
        {
          int result = add_failure (prediction, place, reason);
          free (reason);
          if (result)
            return -1;
        }
    }
  return count;
}

static int
predict_images (struct prediction *prediction)
{
  size_t places[BATCH];
  uint64_t classes = model_classes (prediction->model);
  int count;
  while ((count = fill_batch (prediction, places)) > 0)
    {
      const struct batch batch = { .rows = (size_t) count, .values = prediction->features };
      if (stop_requested ())
        return error_stopped ("stopped as asked; run the same command again");
      if (extractor_run (prediction->extractor, prediction->pixels, count, prediction->features)
          || predictor_run (prediction->predictor, &batch, prediction->probabilities))
        return -1;
      for (int i = 0; i < count; i++)
        if (add_prediction (prediction, places[i], prediction->probabilities + (uint64_t) i * classes))
          return -1;
    }
  return count;
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

/* Takes out the images that a failure of the whole kept from their turn.  */
static void
drop_unfinished (json_t *list)
{
  for (size_t i = json_array_size (list); i-- > 0;)
    if (json_is_null (json_array_get (list, i)))
      json_array_remove (list, i);
}

static struct image
get_image (const void *images, uint64_t number)
{
  return (struct image){ .path = ((const struct names *) images)->name[number] };
}

static int
predict_with (struct prediction *prediction, struct workers *workers, json_t **result)
{
  const struct options *options = prediction->options;
  const struct extractor *extractor = prediction->extractor;
  size_t columns = (size_t) extractor->columns, classes = (size_t) model_classes (prediction->model);
  prediction->pixels = memory_new (BATCH, extractor->image_bytes);
  prediction->features = memory_new (BATCH, columns * sizeof (float));
  prediction->probabilities = memory_new (BATCH, classes * sizeof (float));
  prediction->predictor = predictor_new (prediction->model, BATCH, workers);
  struct imagelist images = { .count = options->images.count, .get = get_image, .context = &options->images };
  prediction->source = source_open ("");
  if (prediction->source)
    prediction->stream = imagestream_new (extractor, prediction->source, &images, options->common.threads, 2 * BATCH);
  prediction->list = json_array ();
  int status = prediction->pixels && prediction->features && prediction->probabilities && prediction->predictor
                   && prediction->stream
                 ? predict_images (prediction)
                 : -1;
  if (status == 0 && prediction->unreadable > 0)
    status = report_unreadable (prediction);
  drop_unfinished (prediction->list);
  *result = json_pack ("{s:o}", "predictions", prediction->list);
  imagestream_free (prediction->stream);
  source_close (prediction->source);
  predictor_free (prediction->predictor);
  memory_free (prediction->probabilities);
  memory_free (prediction->features);
  memory_free (prediction->pixels);
  return status;
}

/* Fails where EXTRACTOR's features are not those that the model was trained on.  */
static int
check_extractor (const struct options *options, const struct model *model, const struct extractor *extractor)
{
  if (provenance_compare (&extractor->provenance, options->backbone, &model->provenance, options->model,
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
  struct extractor_options how = { .backbone = options->backbone, .network = { .device = "cpu" }, .exif = made->exif };
  if (made->rank > 0)
    how.preprocess = made->preprocess;
  if (made->rank > 0 && extractor_parse_pool (made->pool, &how.network.pool))
    return -1;
  if (extractor_open (&extractor, &how, BATCH, options->common.threads))
    return -1;
  struct prediction prediction = { .options = options, .model = model, .extractor = &extractor };
  int status = check_extractor (options, model, &extractor) ? -1 : predict_with (&prediction, workers, result);
  extractor_close (&extractor);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
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
