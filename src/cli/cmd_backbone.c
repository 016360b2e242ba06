#include <config.h>

#include "../backbone/backbone.h"

#include "../base/error.h"
#include "../base/progress.h"
#include "../extract/extractor.h"
#include "command.h"
#include "output.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct backbone_options backbone;
  struct backbone_plan plan;
  int64_t seed;        /* -1 where not asked for */
  bool wrapping;       /* the first argument is "wrap" */
  const char *wrapped; /* FILE.ts, the second one */
  const char *number;  /* --output N, of wrap */
  int wrapped_output;
};

enum { KEY_RANDOM = 0x300, KEY_WEIGHTS, KEY_LAYER, KEY_POOL, KEY_PREPROCESS, KEY_EPSILON, KEY_OUTPUT };

static const struct argp_option option_table[] = {
  { "epsilon", KEY_EPSILON, "NUMBER", 0,
    "Of the batch normalisation, where the weights' file does not say it (what its program has)", 0 },
  { "layer", KEY_LAYER, "NAME", 0, "Where the network ends: conv1 to conv5, or a block's name (conv5)", 0 },
  { 0, 'o', "FILE.ts", 0, "The TorchScript file to write", 0 },
  { "output", KEY_OUTPUT, "N", 0, "wrap: the output to take, counted from 0 (0)", 0 },
  { "pool", KEY_POOL, "KIND", 0, "Pool maps over height and width inside the network: none, avg or max (none)", 0 },
  { "preprocess", KEY_PREPROCESS, "SPEC", 0,
    "What becomes of the pixels: keras, torchvision or key=value,... (as the program does whose weights they are)", 0 },
  { "random", KEY_RANDOM, "SEED", 0, "Random weights drawn from SEED, for trying things out", 0 },
  { "weights", KEY_WEIGHTS, "FILE", 0, "Keras's .h5, .weights.h5 or .keras, safetensors, or PyTorch's .pth", 0 },
  { 0 },
};

/* The file to write may be --output as well, as of other commands; a number is that of wrap.  */
static void
set_output (struct options *options, const char *argument)
{
  if (*argument && argument[strspn (argument, "0123456789")] == '\0')
    options->number = argument;
  else
    options->backbone.output = argument;
}

static int
parse_epsilon (const char *text, double *epsilon)
{
  if (text_parse_number (text, "--epsilon", epsilon))
    return -1;
  return *epsilon > 0 ? 0 : error_usage ("--epsilon takes a number above 0, not '%s'", text);
}

static int
parse_preprocess (const char *text, struct backbone_options *options)
{
  struct preprocess preprocess;
  if (preprocess_parse (&preprocess, text))
    return -1;
  options->preprocess = text;
  options->height = preprocess.height;
  options->width = preprocess.width;
  return 0;
}

static int
parse_value (int key, char *argument, struct options *options)
{
  switch (key)
    {
    case KEY_EPSILON:
      return parse_epsilon (argument, &options->plan.epsilon);
    case KEY_POOL:
      return extractor_parse_pool (argument, &options->backbone.pool);
    case KEY_PREPROCESS:
      return parse_preprocess (argument, &options->backbone);
    case KEY_RANDOM:
      return text_parse_integer (argument, "--random", 0, INT64_MAX, &options->seed);
    case KEY_LAYER:
      options->plan.layer = argument;
      return 0;
    case KEY_WEIGHTS:
      options->plan.weights = argument;
      return 0;
    case KEY_OUTPUT:
      set_output (options, argument);
      return 0;
    default:
      options->backbone.output = argument;
      return 0;
    }
}

static void
take_argument (struct options *options, char *argument, struct argp_state *state)
{
  if (state->arg_num == 0 && !strcmp (argument, "wrap"))
    options->wrapping = true;
  else if (state->arg_num == 0)
    options->plan.architecture = argument;
  else if (state->arg_num == 1 && options->wrapping)
    options->wrapped = argument;
  else
    argp_error (state, "one %s, please; '%s' is too many", options->wrapping ? "FILE.ts" : "architecture", argument);
}

static void
check_output (const struct options *options, struct argp_state *state)
{
  if (!options->backbone.output)
    argp_error (state, "give the file to write: -o FILE.ts");
}

static void
check_wrap (struct options *options, struct argp_state *state)
{
  if (!options->wrapped)
    argp_error (state, "give the network to wrap: wrap FILE.ts");
  check_output (options, state);
  if (!options->backbone.preprocess)
    argp_error (state, "give the preprocessing that the network was trained with: --preprocess SPEC");
  if (options->plan.weights || options->seed >= 0 || options->plan.layer || options->plan.epsilon > 0)
    argp_error (state, "--weights, --random, --layer and --epsilon are for building; wrap takes none of them");
  if (options->number && options_parse_whole (options->number, "--output", 0, 1 << 20, &options->wrapped_output))
    options_fail (state);
}

static void
check_build (const struct options *options, struct argp_state *state)
{
  if (!options->plan.architecture)
    argp_error (state, "give an architecture: %s; or wrap FILE.ts", backbone_architectures ());
  if (options->number)
    argp_error (state, "--output N is for wrap; give the file to write by -o FILE.ts");
  check_output (options, state);
  if (options->plan.weights && options->seed >= 0)
    argp_error (state, "the weights come from one place: leave --weights or --random out");
  if (!options->plan.weights && options->seed < 0)
    argp_error (state, "say where the weights come from: --weights FILE, or --random SEED");
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
    case KEY_EPSILON:
    case KEY_LAYER:
    case KEY_OUTPUT:
    case KEY_POOL:
    case KEY_PREPROCESS:
    case KEY_RANDOM:
    case KEY_WEIGHTS:
    case 'o':
      if (parse_value (key, argument, options))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      take_argument (options, argument, state);
      return 0;
    case ARGP_KEY_END:
      if (options->wrapping)
        check_wrap (options, state);
      else
        check_build (options, state);
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "ARCHITECTURE --weights FILE\nARCHITECTURE --random SEED\nwrap FILE.ts --preprocess SPEC",
  "Make a backbone, a TorchScript network that turns images into features: resnet50, resnet101 or resnet152 with "
  "published "
  "weights, in Keras's or torchvision's structure as their names demand; or, by wrap, any TorchScript network. "
  "Preprocessing and feature shape travel inside the file, and extract uses them unasked."
  "\vExample: slabfit backbone resnet50 --weights resnet50-0676ba61.pth -o resnet50.ts\n"
  "slabfit backbone wrap network.ts --preprocess torchvision --pool avg -o backbone.ts",
  options_children,
  0,
  0
};

/* "7 x 7 x 2048" */
static void
print_sizes (const json_t *shape)
{
  for (size_t i = 0; i < json_array_size (shape); i++)
    printf ("%s%" JSON_INTEGER_FORMAT, i ? " x " : "", json_integer_value (json_array_get (shape, i)));
}

static const char *
text_of (const json_t *result, const char *key)
{
  return json_string_value (json_object_get (result, key));
}

static void
print_outputs (const json_t *result, int taken)
{
  const json_t *outputs = json_object_get (result, "outputs");
  for (size_t i = 0; i < json_array_size (outputs); i++)
    {
      const json_t *output = json_array_get (outputs, i);
      const char *name = text_of (output, "name");
      printf ("output %zu%s%s: ", i, name ? " " : "", name ? name : "");
      if (json_is_array (json_object_get (output, "shape")))
        print_sizes (json_object_get (output, "shape"));
      else
        printf ("no tensor");
      puts ((int) i == taken ? ", taken" : "");
    }
}

static void
print (const json_t *result, int taken)
{
  const char *architecture = text_of (result, "architecture");
  print_outputs (result, taken);
  printf ("%s: ", text_of (result, "file"));
  if (architecture)
    printf ("%s in %s's structure up to %s, weights %s\n", architecture,
            strcmp (text_of (result, "structure"), "keras") ? "torchvision" : "Keras", text_of (result, "layer"),
            text_of (result, "weights"));
  else
    printf ("%s of %s\n", text_of (result, "layer"), text_of (result, "wrapped"));
  printf ("features of ");
  print_sizes (json_object_get (result, "feature_shape"));
  printf (", preprocessing '%s'\nsha256 %s\n", text_of (result, "preprocess"), text_of (result, "sha256"));
}

/* What the wrapped network gives for one image.  */
static json_t *
outputs_json (const struct network_trial *trial)
{
  json_t *outputs = json_array ();
  for (size_t i = 0; i < trial->outputs && i < NETWORK_OUTPUTS; i++)
    {
      const struct network_output *output = &trial->output[i];
      json_t *entry = json_object (), *shape = output->rank < 0 ? json_null () : json_array ();
      for (int j = 0; j < output->rank; j++)
        json_array_append_new (shape, json_integer ((json_int_t) output->size[j]));
      if (*output->key)
        json_object_set_new (entry, "name", json_string (output->key));
      json_object_set_new (entry, "shape", shape);
      json_array_append_new (outputs, entry);
    }
  return outputs;
}

static json_t *
result_json (const struct options *options, const struct backbone_report *report)
{
  json_t *result = json_pack ("{s:s, s:s}", "file", options->backbone.output, "sha256", report->sha256);
  json_object_update (result, report->description);
  if (options->wrapping)
    json_object_set_new (result, "outputs", outputs_json (&report->trial));
  else
    json_object_set_new (result, "classifier", json_boolean (report->classifier));
  return result;
}

/* A vector may be probabilities, which are poor features.  */
static void
remark (const struct options *options, const struct backbone_report *report)
{
  if (options->wrapping && options->backbone.pool == NETWORK_POOL_NONE && report->trial.shape.rank == 1)
    progress_say (
      "the features are a vector; if these are scores of classes, export the network without its last layer");
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .seed = -1 };
  struct backbone_report report = { 0 };
  if (arguments_parse (&command_backbone, argc, argv, &options))
    return -1;
  *common = options.common;
  if (output_check (options.backbone.output))
    return -1;
  options.backbone.force = common->force;
  options.plan.seed = (uint64_t) options.seed;
  int status = options.wrapping ? backbone_wrap (&options.backbone, options.wrapped, options.wrapped_output, &report)
                                : backbone_build (&options.backbone, &options.plan, &report);
  if (status == 0)
    {
      *result = result_json (&options, &report);
      remark (&options, &report);
      if (!common->json)
        print (*result, options.wrapped_output);
    }
  backbone_report_free (&report);
  return status;
}

const struct command command_backbone = { "backbone", "make a backbone network as a TorchScript file", &argp, run };
