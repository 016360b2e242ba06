#include <config.h>

#include "../backbone/backbone.h"

#include "../base/error.h"
#include "command.h"
#include "output.h"

#include <stdio.h>
#include <stdlib.h>

struct options {
  struct common common;
  const char *architecture, *output;
  int64_t random; /* the weights' seed; -1 where not asked for */
};

enum { KEY_RANDOM = 0x300 };

static const struct argp_option option_table[] = {
  { "output", 'o', "FILE.ts", 0, "The TorchScript file to write", 0 },
  { "random", KEY_RANDOM, "SEED", 0, "Random weights drawn from SEED, for trying things out", 0 },
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
    case 'o':
      options->output = argument;
      return 0;
    case KEY_RANDOM:
      if (text_parse_integer (argument, "--random", 0, INT64_MAX, &options->random))
        options_fail (state);
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one architecture, please; '%s' is too many", argument);
      options->architecture = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->architecture)
        argp_error (state, "give an architecture: %s", backbone_architectures ());
      if (!options->output)
        argp_error (state, "give the file to write: -o FILE.ts");
      if (options->random < 0)
        argp_error (state, "say where the weights come from: --random SEED");
      return 0;
    default:
      return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "ARCHITECTURE",
  "Build a backbone, a TorchScript network that turns images into feature maps: resnet50, resnet101 or resnet152 in "
  "Keras's structure. Its preprocessing and feature shape travel inside the file."
  "\vExample: slabfit backbone resnet50 --random 42 -o resnet50.ts",
  options_children,
  0,
  0
};

static void
print (const json_t *result)
{
  const json_t *shape = json_object_get (result, "feature_shape");
  printf ("%s: features of %" JSON_INTEGER_FORMAT " x %" JSON_INTEGER_FORMAT " x %" JSON_INTEGER_FORMAT
          ", preprocessing '%s'\nsha256 %s\n",
          json_string_value (json_object_get (result, "file")), json_integer_value (json_array_get (shape, 0)),
          json_integer_value (json_array_get (shape, 1)), json_integer_value (json_array_get (shape, 2)),
          json_string_value (json_object_get (result, "preprocess")),
          json_string_value (json_object_get (result, "sha256")));
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .random = -1 };
  struct backbone_report report;
  if (arguments_parse (&command_backbone, argc, argv, &options))
    return -1;
  *common = options.common;
  if (output_check (options.output))
    return -1;
  if (backbone_build_random (options.output, options.architecture, (uint64_t) options.random, common->force, &report))
    return -1;
  const int64_t *shape = report.feature_shape;
  *result =
    json_pack ("{s:s, s:s, s:[I,I,I], s:s}", "file", options.output, "sha256", report.sha256, "feature_shape",
               (json_int_t) shape[0], (json_int_t) shape[1], (json_int_t) shape[2], "preprocess", report.preprocess);
  if (!common->json)
    print (*result);
  return 0;
}

const struct command command_backbone = { "backbone", "build a backbone network as a TorchScript file", &argp, run };
