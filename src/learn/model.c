#include <config.h>

#include "model.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/random.h"
#include "../base/ranks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Layer l draws from stream first_stream + l of the seed.  */
static const uint64_t first_stream = 1024;

static int
allocate (struct model *model, const uint64_t *width, size_t layers, uint64_t columns)
{
  model->layer = calloc (layers, sizeof *model->layer);
  if (!model->layer)
    return error_set ("no memory for %zu layers; give the job more memory", layers);
  model->layers = layers;
  for (size_t i = 0; i < layers; i++)
    {
      struct model_layer *layer = &model->layer[i];
      size_t values;
      *layer = (struct model_layer){ .inputs = i ? width[i] : columns, .outputs = width[i + 1] };
      if (memory_multiply ((size_t) layer->inputs, (size_t) width[i + 1], "a layer's number of weights", &values)
          || !(layer->kernel = memory_new (values, sizeof *layer->kernel))
          || !(layer->bias = memory_new ((size_t) layer->outputs, sizeof *layer->bias)))
        return -1;
    }
  return 0;
}

struct model *
model_new (const uint64_t *width, size_t layers, const struct names *classes, const struct provenance *provenance)
{
  return model_new_share (width, layers, classes, provenance, 0, width[0]);
}

struct model *
model_new_share (const uint64_t *width, size_t layers, const struct names *classes, const struct provenance *provenance,
                 uint64_t first, uint64_t columns)
{
  struct model *model = calloc (1, sizeof *model);
  if (!model)
    {
      error_set ("no memory for a model; give the job more memory");
      return NULL;
    }
  model->columns = width[0];
  model->first_column = first;
  if (names_copy (&model->classes, classes) || allocate (model, width, layers, columns))
    {
      model_free (model);
      return NULL;
    }
  model->provenance = *provenance;
  snprintf (model->version, sizeof model->version, "%s", PACKAGE_VERSION);
  return model;
}

void
model_free (struct model *model)
{
  if (!model)
    return;
  for (size_t i = 0; i < model->layers; i++)
    {
      memory_free (model->layer[i].kernel);
      memory_free (model->layer[i].bias);
    }
  free (model->layer);
  names_free (&model->classes);
  history_free (&model->history);
  free (model->training);
  free (model->command);
  free (model);
}

uint64_t
model_columns (const struct model *model)
{
  return model->columns;
}

uint64_t
model_classes (const struct model *model)
{
  return model->layer[model->layers - 1].outputs;
}

void
model_initialise (struct model *model, uint64_t seed)
{
  for (size_t i = 0; i < model->layers; i++)
    {
      struct model_layer *layer = &model->layer[i];
      struct random generator = random_new (seed, first_stream + i);
      double limit = sqrt (6 / ((double) (i ? layer->inputs : model->columns) + (double) layer->outputs));
      if (i == 0)
        random_skip (&generator, model->first_column * layer->outputs);
      size_t count = (size_t) (layer->inputs * layer->outputs);
      for (size_t j = 0; j < count; j++)
        layer->kernel[j] = (float) (limit * (2 * (double) random_uniform (&generator) - 1));
      memset (layer->bias, 0, (size_t) layer->outputs * sizeof *layer->bias);
    }
}

/* The whole kernel, in the making.  */
struct whole {
  float *kernel;
  uint64_t units;
};

static int
take_rows (void *context, const void *rows, uint64_t first, uint64_t count)
{
  const struct whole *whole = context;
  memcpy (whole->kernel + first * whole->units, rows, (size_t) (count * whole->units) * sizeof (float));
  return 0;
}

int
model_gather (struct model *model)
{
  struct model_layer *layer = &model->layer[0];
  struct whole whole = { NULL, layer->outputs };
  size_t values = (size_t) (model->columns * layer->outputs);
  if (ranks_count () == 1)
    return 0;
  if (ranks_index () == 0 && !(whole.kernel = memory_new (values, sizeof *whole.kernel)))
    return -1;
  if (ranks_gather (layer->kernel, layer->inputs, (size_t) layer->outputs * sizeof (float), take_rows, &whole))
    {
      memory_free (whole.kernel);
      return -1;
    }
  if (whole.kernel)
    {
      memory_free (layer->kernel);
      layer->kernel = whole.kernel;
      layer->inputs = model->columns;
    }
  return 0;
}

struct head *
model_head (const struct model *model, size_t batch)
{
  size_t *width = calloc (model->layers, sizeof *width);
  if (!width)
    {
      error_set ("no memory for %zu layers; give the job more memory", model->layers);
      return NULL;
    }
  for (size_t i = 0; i < model->layers; i++)
    width[i] = (size_t) model->layer[i].outputs;
  struct head *head = head_new (width, model->layers - 1, batch);
  free (width);
  for (size_t i = 0; head && i < model->layers; i++)
    {
      const struct model_layer *layer = &model->layer[i];
      double *bias = i == 0 ? head->parameter : head_bias (head, i);
      for (size_t j = 0; j < layer->outputs; j++)
        bias[j] = (double) layer->bias[j];
      for (size_t j = 0; i > 0 && j < layer->inputs * layer->outputs; j++)
        head_kernel (head, i)[j] = (double) layer->kernel[j];
    }
  return head;
}

void
model_take_head (struct model *model, struct head *head)
{
  for (size_t i = 0; i < model->layers; i++)
    {
      struct model_layer *layer = &model->layer[i];
      const double *bias = i == 0 ? head->parameter : head_bias (head, i);
      for (size_t j = 0; j < layer->outputs; j++)
        layer->bias[j] = (float) bias[j];
      for (size_t j = 0; i > 0 && j < layer->inputs * layer->outputs; j++)
        layer->kernel[j] = (float) head_kernel (head, i)[j];
    }
}

/* Whether the classes of FEATURES are the first ones of those of MODEL.  */
static bool
classes_agree (const struct names *model, const struct names *features)
{
  for (size_t i = 0; i < features->count; i++)
    if (i >= model->count || strcmp (model->name[i], features->name[i]))
      return false;
  return true;
}

static int
classes_differ (const struct model *model, const char *model_name, const struct featfile *file)
{
  char *wanted = names_join (&model->classes), *found = names_join (&featfile_info (file)->classes);
  if (wanted && found)
    error_set ("the classes are '%.1000s' in '%s' and '%.1000s' in '%s'; use features of the same classes", wanted,
               model_name, found, featfile_path (file));
  free (wanted);
  free (found);
  return -1;
}

int
model_check_features (const struct model *model, const char *model_name, const struct featfile *file)
{
  static const char remedy[] = "use features that were extracted in the same way";
  const struct featinfo *info = featfile_info (file);
  if (provenance_compare (&model->provenance, model_name, &info->provenance, featfile_path (file), remedy))
    return -1;
  if (info->columns != model->columns)
    return error_set ("a row has %" PRIu64 " features in '%s' and %" PRIu64 " in '%s'; %s", model->columns, model_name,
                      info->columns, featfile_path (file), remedy);
  return classes_agree (&model->classes, &info->classes) ? 0 : classes_differ (model, model_name, file);
}
