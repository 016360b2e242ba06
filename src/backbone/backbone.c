#include <config.h>

#include "backbone.h"

#include "../base/error.h"
#include "../base/foreign.h"
#include "../base/memory.h"
#include "../base/text.h"
#include "folding.h"
#include "modelconfig.h"
#include "randomweights.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const structure_names[] = { "keras", "torchvision" };
static const char *const pool_names[] = { "none", "avg", "max" };

/* A network as it is built.  */
struct building {
  const struct resnet *resnet;
  struct weights weights;
  struct matching matching;
  struct resnet_unit unit[RESNET_UNITS];
  size_t units; /* up to the layer */
  struct resnet_layer layer;
  double epsilon[RESNET_UNITS];
  struct network_tensor tensor[2 * RESNET_UNITS];
  size_t tensors;
  char *source;
};

const char *
backbone_architectures (void)
{
  return resnet_names ();
}

/* Reads or draws the weights, and DESCRIPTION says which.  */
static int
take_weights (struct building *building, const struct backbone_plan *plan, json_t *description)
{
  char sha256[FILE_SHA256_BYTES];
  if (!plan->weights)
    {
      json_object_set_new (description, "weights", json_sprintf ("random, seed %" PRIu64, plan->seed));
      return randomweights_draw (&building->weights, building->resnet, plan->seed);
    }
  if (weights_read (&building->weights, plan->weights) || file_sha256 (plan->weights, sha256))
    return -1;
  const char *slash = strrchr (plan->weights, '/');
  json_object_set_new (description, "weights", json_string (slash ? slash + 1 : plan->weights));
  json_object_set_new (description, "weights_sha256", json_string (sha256));
  return 0;
}

static int
choose_epsilon (struct building *building, const struct backbone_plan *plan, size_t units)
{
  const char *config = building->weights.config;
  for (size_t i = 0; i < units; i++)
    building->epsilon[i] = building->matching.naming->epsilon;
  if (config
      && modelconfig_check (config, building->resnet, building->matching.naming, building->unit, units,
                            building->epsilon, plan->weights))
    return -1;
  for (size_t i = 0; plan->epsilon > 0 && i < units; i++)
    if (config && fabs (building->epsilon[i] - plan->epsilon) > 0)
      return error_set ("the model in '%s' has the epsilon %g, and --epsilon %g is asked for; leave --epsilon out",
                        plan->weights, building->epsilon[i], plan->epsilon);
    else
      building->epsilon[i] = plan->epsilon;
  return 0;
}

/* Finds what the weights are of, and where the network is to end.  */
static int
choose_structure (struct building *building, const struct backbone_plan *plan)
{
  const struct resnet *resnet = building->resnet;
  const char *path = plan->weights ? plan->weights : resnet->name;
  if (matching_find (&building->matching, &building->weights, resnet, path))
    return -1;
  enum resnet_structure structure = building->matching.naming->structure;
  size_t units = resnet_units (resnet, structure, building->unit);
  if (choose_epsilon (building, plan, units)
      || resnet_parse_layer (resnet, structure, plan->layer ? plan->layer : "conv5", &building->layer))
    return -1;
  building->units = resnet_units_before (building->unit, units, &building->layer);
  return 0;
}

/* A new array "UNIT_SUFFIX" of the network, zeroed; NULL with the error set.  */
static float *
add_tensor (struct building *building, const struct resnet_unit *unit, const char *suffix, int rank)
{
  char name[RESNET_NAME_BYTES];
  int64_t kernel = unit->kernel, outputs = unit->outputs, inputs = unit->inputs;
  struct network_tensor *tensor = &building->tensor[building->tensors];
  resnet_unit_name (unit, name);
  char *full = text_new ("%s_%s", name, suffix);
  size_t values = (size_t) (rank == 1 ? outputs : outputs * inputs * kernel * kernel);
  float *value = full ? memory_new (values, sizeof *value) : NULL;
  if (!value)
    {
      free (full);
      return NULL;
    }
  *tensor = (struct network_tensor){ full, rank, { outputs, inputs, kernel, kernel }, value };
  building->tensors++;
  return value;
}

static int
fold_units (struct building *building, const char *path)
{
  for (size_t i = 0; i < building->units; i++)
    {
      const struct resnet_unit *unit = &building->unit[i];
      float *kernel = add_tensor (building, unit, "conv_kernel", 4);
      float *bias = kernel ? add_tensor (building, unit, "conv_bias", 1) : NULL;
      if (!bias
          || folding_fold (unit, building->matching.naming, building->matching.part[i], building->epsilon[i], kernel,
                           bias, path))
        return -1;
    }
  return 0;
}

static void
building_free (struct building *building)
{
  for (size_t i = 0; i < building->tensors; i++)
    {
      free ((char *) building->tensor[i].name);
      memory_free ((float *) building->tensor[i].values);
    }
  weights_free (&building->weights);
  free (building->source);
  free (building);
}

static json_t *
shape_json (int rank, const int64_t *size)
{
  json_t *shape = json_array ();
  for (int i = 0; i < rank; i++)
    json_array_append_new (shape, json_integer ((json_int_t) size[i]));
  return shape;
}

static void
describe (json_t *description, const char *layer, const char *pool, const char *preprocess,
          const struct network_shape *shape)
{
  json_object_set_new (description, "layer", json_string (layer));
  json_object_set_new (description, "pool", json_string (pool));
  json_object_set_new (description, "preprocess", json_string (preprocess));
  json_object_set_new (description, "feature_shape", shape_json (shape->rank, shape->size));
  json_object_set_new (description, "version", json_string (PACKAGE_VERSION));
}

/* Writes DRAFT, with its description, to the options' output, whole or not at all.  */
static int
write_draft (const struct network_draft *draft, const struct backbone_options *options, struct backbone_report *report)
{
  char reason[NETWORK_ERROR_BYTES];
  char *temporary = file_temporary (options->output);
  char *text = json_dumps (report->description, JSON_SORT_KEYS);
  int result = temporary ? 0 : -1;
  if (result == 0 && !text)
    result = error_set ("no memory for the backbone's description; give the job more memory");
  else if (result == 0 && network_draft_write (draft, temporary, text, reason))
    {
      result = error_set ("cannot write the backbone '%s': %s", options->output, reason);
      remove (temporary);
    }
  else if (result == 0)
    result = file_commit (temporary, options->output);
  free (text);
  free (temporary);
  return result ? -1 : file_sha256 (options->output, report->sha256);
}

/* Makes the network of what was found in the weights, and writes it.  */
static int
write_network (struct building *building, const struct backbone_options *options, struct backbone_report *report)
{
  char reason[NETWORK_ERROR_BYTES];
  struct network_draft *draft = NULL;
  struct network_trial *trial = &report->trial;
  const struct naming *naming = building->matching.naming;
  int height = options->preprocess ? options->height : NAMING_SIDE;
  int width = options->preprocess ? options->width : NAMING_SIDE;
  building->source = resnet_source (building->unit, building->units, options->pool);
  if (!building->source)
    return -1;
  if (network_draft_build (&draft, building->source, building->tensor, building->tensors, height, width, trial, reason))
    return error_set ("cannot build %s for images of 3 x %d x %d: %s; check --preprocess and libtorch",
                      building->resnet->name, height, width, reason);
  describe (report->description, building->layer.name, pool_names[options->pool],
            options->preprocess ? options->preprocess : naming->preprocess, &trial->shape);
  json_object_set_new (report->description, "architecture", json_string (building->resnet->name));
  json_object_set_new (report->description, "structure", json_string (structure_names[naming->structure]));
  json_object_set_new (report->description, "epsilon", json_real (building->epsilon[0]));
  int result = write_draft (draft, options, report);
  network_draft_close (draft);
  return result;
}

static int
begin (const struct backbone_options *options, struct backbone_report *report)
{
  *report = (struct backbone_report){ .description = json_object () };
  if (file_exists (options->output) && !options->force)
    return error_set ("'%s' is there already; choose another name or give --force", options->output);
  return report->description ? 0 : error_set ("no memory for the backbone's description; give the job more memory");
}

int
backbone_build (const struct backbone_options *options, const struct backbone_plan *plan,
                struct backbone_report *report)
{
  struct building *building = calloc (1, sizeof *building);
  *report = (struct backbone_report){ 0 };
  if (!building)
    return error_set ("no memory for the backbone's arrays; give the job more memory");
  building->resnet = resnet_find (plan->architecture);
  int result = !building->resnet || begin (options, report) || take_weights (building, plan, report->description)
                   || choose_structure (building, plan) || fold_units (building, plan->weights)
                   || write_network (building, options, report)
                 ? -1
                 : 0;
  report->classifier = building->matching.classifier;
  building_free (building);
  return result;
}

/* The name of output number OUTPUT, for the description.  */
static void
name_output (const struct network_trial *trial, int output, char name[NETWORK_KEY_BYTES])
{
  const char *key = output < NETWORK_OUTPUTS ? trial->output[output].key : "";
  if (*key)
    snprintf (name, NETWORK_KEY_BYTES, "%s", key);
  else if (trial->outputs > 1)
    snprintf (name, NETWORK_KEY_BYTES, "output %d", output);
  else
    snprintf (name, NETWORK_KEY_BYTES, "output");
}

int
backbone_wrap (const struct backbone_options *options, const char *path, int output, struct backbone_report *report)
{
  char reason[NETWORK_ERROR_BYTES], name[NETWORK_KEY_BYTES], sha256[FILE_SHA256_BYTES];
  struct network_draft *draft = NULL;
  struct network_trial *trial = &report->trial;
  if (begin (options, report) || foreign_refuse (path, false) || file_sha256 (path, sha256))
    return -1;
  if (network_draft_wrap (&draft, path, output, options->pool, options->height, options->width, trial, reason))
    return error_set ("cannot wrap '%s' for images of 3 x %d x %d: %s", path, options->height, options->width, reason);
  const char *slash = strrchr (path, '/');
  name_output (trial, output, name);
  describe (report->description, name, pool_names[options->pool], options->preprocess, &trial->shape);
  json_object_set_new (report->description, "wrapped", json_string (slash ? slash + 1 : path));
  json_object_set_new (report->description, "wrapped_sha256", json_string (sha256));
  int result = write_draft (draft, options, report);
  network_draft_close (draft);
  return result;
}

void
backbone_report_free (struct backbone_report *report)
{
  json_decref (report->description);
  report->description = NULL;
}
