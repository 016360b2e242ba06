#include <config.h>

#include "resnet.h"

#include "../base/error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct resnet networks[] = {
  { "resnet50", { 3, 4, 6, 3 } },
  { "resnet101", { 3, 4, 23, 3 } },
  { "resnet152", { 3, 8, 36, 3 } },
};

enum { NETWORKS = sizeof networks / sizeof *networks };

const char *
resnet_names (void)
{
  return "resnet50, resnet101, resnet152";
}

const struct resnet *
resnet_find (const char *name)
{
  for (size_t i = 0; i < NETWORKS; i++)
    if (!strcmp (networks[i].name, name))
      return &networks[i];
  error_usage ("there is no architecture '%s'; choose one of %s", name, resnet_names ());
  return NULL;
}

const struct resnet *
resnet_identify (const int blocks[RESNET_STAGES])
{
  for (size_t i = 0; i < NETWORKS; i++)
    if (!memcmp (networks[i].blocks, blocks, sizeof networks[i].blocks))
      return &networks[i];
  return NULL;
}

/* The units of one block, whose input has so many channels; how many.  */
static size_t
add_block (struct resnet_unit *unit, int stage, int block, int inputs, enum resnet_structure structure)
{
  size_t count = 0;
  int filters = 16 << stage, stride = stage > 2 && block == 1 ? 2 : 1;
  int first = structure == RESNET_KERAS ? stride : 1, second = structure == RESNET_KERAS ? 1 : stride;
  if (block == 1)
    unit[count++] = (struct resnet_unit){ stage, block, 0, inputs, 4 * filters, 1, stride, 0 };
  unit[count++] = (struct resnet_unit){ stage, block, 1, inputs, filters, 1, first, 0 };
  unit[count++] = (struct resnet_unit){ stage, block, 2, filters, filters, 3, second, 1 };
  unit[count++] = (struct resnet_unit){ stage, block, 3, filters, 4 * filters, 1, 1, 0 };
  return count;
}

size_t
resnet_units (const struct resnet *resnet, enum resnet_structure structure, struct resnet_unit *unit)
{
  size_t count = 1;
  int channels = 64;
  unit[0] = (struct resnet_unit){ 1, 0, 0, 3, channels, 7, 2, 3 };
  for (int stage = 2; stage < 2 + RESNET_STAGES; stage++)
    for (int block = 1; block <= resnet->blocks[stage - 2]; block++)
      {
        count += add_block (unit + count, stage, block, channels, structure);
        channels = 64 << stage;
      }
  return count;
}

void
resnet_unit_name (const struct resnet_unit *unit, char name[RESNET_NAME_BYTES])
{
  if (unit->stage == 1)
    snprintf (name, RESNET_NAME_BYTES, "conv1");
  else
    snprintf (name, RESNET_NAME_BYTES, "conv%d_block%d_%d", unit->stage, unit->block, unit->number);
}

size_t
resnet_units_before (const struct resnet_unit *unit, size_t count, const struct resnet_layer *layer)
{
  size_t before = 0;
  while (before < count
         && (unit[before].stage < layer->stage
             || (unit[before].stage == layer->stage && unit[before].block <= layer->block)))
    before++;
  return before;
}

/* The layer's name: Keras counts stages and blocks from conv2_block1_out, torchvision from layer1 and layer1.0, and its
   layer1 ends where its last block does.  */
static void
name_layer (const struct resnet *resnet, enum resnet_structure structure, struct resnet_layer *layer)
{
  bool keras = structure == RESNET_KERAS;
  if (layer->stage == 1)
    snprintf (layer->name, sizeof layer->name, keras ? "conv1_relu" : "relu");
  else if (keras)
    snprintf (layer->name, sizeof layer->name, "conv%d_block%d_out", layer->stage, layer->block);
  else if (layer->block == resnet->blocks[layer->stage - 2])
    snprintf (layer->name, sizeof layer->name, "layer%d", layer->stage - 1);
  else
    snprintf (layer->name, sizeof layer->name, "layer%d.%d", layer->stage - 1, layer->block - 1);
}

int
resnet_parse_layer (const struct resnet *resnet, enum resnet_structure structure, const char *text,
                    struct resnet_layer *layer)
{
  char whole[RESNET_NAME_BYTES];
  for (int stage = 1; stage < 2 + RESNET_STAGES; stage++)
    for (int blocks = stage == 1 ? 0 : resnet->blocks[stage - 2], block = stage > 1; block <= blocks; block++)
      {
        layer->stage = stage;
        layer->block = block;
        snprintf (whole, sizeof whole, "conv%d", stage);
        if (block == blocks && !strcmp (text, whole))
          return name_layer (resnet, structure, layer), 0;
        snprintf (whole, sizeof whole, "layer%d.%d", stage - 1, block - 1);
        if (stage > 1 && !strcmp (text, whole))
          return name_layer (resnet, structure, layer), 0;
        for (int named = RESNET_KERAS; named <= RESNET_TORCHVISION; named++)
          {
            name_layer (resnet, (enum resnet_structure) named, layer);
            if (!strcmp (text, layer->name))
              return name_layer (resnet, structure, layer), 0;
          }
      }
  return error_usage ("%s has no layer '%s'; give conv1 to conv5, or a block as conv4_block%d_out or layer3.%d",
                      resnet->name, text, resnet->blocks[2], resnet->blocks[2] - 1);
}

/* OUTPUT = the unit's convolution of INPUT.  */
static void
write_unit (FILE *source, const struct resnet_unit *unit, const char *output, const char *input)
{
  char name[RESNET_NAME_BYTES];
  resnet_unit_name (unit, name);
  fprintf (source, "    %s = torch.conv2d(%s, self.%s_conv_kernel, self.%s_conv_bias, [%d, %d], [%d, %d], [1, 1], 1)\n",
           output, input, name, name, unit->stride, unit->stride, unit->padding, unit->padding);
}

static void
write_units (FILE *source, const struct resnet_unit *unit, size_t count)
{
  write_unit (source, &unit[0], "x", "x");
  fputs ("    x = torch.relu(x)\n", source);
  /* Keras pads with zeros before pooling; after ReLU the padding of max_pool2d gives the same.  */
  if (count > 1)
    fputs ("    x = torch.max_pool2d(x, [3, 3], [2, 2], [1, 1], [1, 1], False)\n", source);
  for (size_t i = 1; i < count; i++)
    {
      if (unit[i].number == 0)
        write_unit (source, &unit[i++], "shortcut", "x");
      else
        fputs ("    shortcut = x\n", source);
      write_unit (source, &unit[i++], "x", "x");
      write_unit (source, &unit[i++], "x", "torch.relu(x)");
      write_unit (source, &unit[i], "x", "torch.relu(x)");
      fputs ("    x = torch.relu(x + shortcut)\n", source);
    }
}

char *
resnet_source (const struct resnet_unit *unit, size_t count, enum network_pool pool)
{
  static const char *const ends[] = { "x", "x.mean([2, 3])", "x.amax([2, 3])" };
  char *text = NULL;
  size_t bytes;
  FILE *source = open_memstream (&text, &bytes);
  if (source)
    {
      fputs ("def forward(self, x: Tensor):\n", source);
      write_units (source, unit, count);
      fprintf (source, "    return %s\n", ends[pool]);
      fclose (source);
    }
  if (!text)
    error_set ("no memory for the backbone's text; give the job more memory");
  return text;
}
