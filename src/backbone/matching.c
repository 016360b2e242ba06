#include <config.h>

#include "matching.h"

#include "../base/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHAPE_BYTES = 160 };

/* The network that is looked for, and where.  */
struct search {
  const struct weights *weights;
  const struct resnet *resnet;
  const struct naming *naming;
  const char *path;
  char prefix[NAMING_NAME_BYTES];
};

/* "(64, 3, 7, 7)" into TEXT (SHAPE_BYTES).  */
static const char *
format_shape (int rank, const int64_t *size, char *text)
{
  size_t length = (size_t) snprintf (text, SHAPE_BYTES, "(");
  for (int i = 0; i < rank && length < SHAPE_BYTES; i++)
    length += (size_t) snprintf (text + length, SHAPE_BYTES - length, "%s%" PRId64, i ? ", " : "", size[i]);
  if (length < SHAPE_BYTES)
    snprintf (text + length, SHAPE_BYTES - length, ")");
  return text;
}

/* PART of UNIT, its full name in NAME (2 * NAMING_NAME_BYTES); NULL where it is not there.  */
static const struct weight *
find_part (const struct search *search, const struct resnet_unit *unit, enum naming_part part, char *name)
{
  char own[NAMING_NAME_BYTES];
  naming_write (search->naming, search->resnet, unit, part, own);
  snprintf (name, 2 * NAMING_NAME_BYTES, "%s%s", search->prefix, own);
  return weights_find (search->weights, name);
}

static bool
has_kernel (const struct search *search, int stage, int block, int number)
{
  char name[2 * NAMING_NAME_BYTES];
  return find_part (search, &(struct resnet_unit){ .stage = stage, .block = block, .number = number }, NAMING_KERNEL,
                    name);
}

/* Whether the file has as many convolutions as the network; names that are mere numbers say no more.  */
static bool
has_all_numbers (const struct search *search)
{
  struct resnet_unit unit[RESNET_UNITS];
  size_t count = resnet_units (search->resnet, search->naming->structure, unit), found = 0;
  for (size_t i = 0; i < search->weights->count; i++)
    found += search->weights->weight[i].rank == 4;
  return found == count;
}

/* Whether the file's blocks are those of the network; their numbers go to BLOCKS.  */
static bool
count_blocks (const struct search *search, int blocks[RESNET_STAGES])
{
  for (int stage = 0; stage < RESNET_STAGES; stage++)
    {
      blocks[stage] = 0;
      while (has_kernel (search, stage + 2, blocks[stage] + 1, 1))
        blocks[stage]++;
    }
  return !memcmp (blocks, search->resnet->blocks, sizeof search->resnet->blocks);
}

static bool
has_preactivation (const struct weights *weights)
{
  for (size_t i = 0; i < weights->count; i++)
    if (strstr (weights->weight[i].name, "_preact_bn/"))
      return true;
  return false;
}

/* Fails where the file looks like another network.  */
static int
check_network (const struct search *search)
{
  static const int small[2][RESNET_STAGES] = { { 2, 2, 2, 2 }, { 3, 4, 6, 3 } };
  static const char *const small_names[] = { "resnet18", "resnet34" };
  int blocks[RESNET_STAGES];
  char text[64];
  const char *looks = NULL;
  const struct resnet *other = NULL;
  if (naming_has_numbers (search->naming))
    {
      if (has_all_numbers (search))
        return 0;
      return error_set ("'%s' has another number of convolutions than %s; give the weights of %s", search->path,
                        search->resnet->name, search->resnet->name);
    }
  bool same = count_blocks (search, blocks), basic = !has_kernel (search, 2, 1, 3);
  for (int i = 0; basic && i < 2; i++)
    if (!memcmp (blocks, small[i], sizeof blocks))
      looks = small_names[i];
  if (!basic && has_preactivation (search->weights))
    looks = "a ResNet of version 2";
  if (same && !looks)
    return 0;
  if (!looks && !basic && (other = resnet_identify (blocks)))
    looks = other->name;
  if (!looks)
    {
      snprintf (text, sizeof text, "a ResNet of %d, %d, %d and %d blocks", blocks[0], blocks[1], blocks[2], blocks[3]);
      looks = text;
    }
  return error_set ("the weights in '%s' look like those of %s, not of %s; %s%s", search->path, looks,
                    search->resnet->name, other ? "build " : "give those of ", other ? looks : search->resnet->name);
}

static int
refuse_unknown (const struct weights *weights, const char *path)
{
  char shape[SHAPE_BYTES];
  if (weights->count == 0)
    return error_set ("there are no arrays in '%s'; give the weights of a ResNet", path);
  const struct weight *first = &weights->weight[0];
  return error_set ("the names in '%s', such as '%s' %s, are none of a ResNet by Keras, torchvision, timm or Hugging "
                    "Face; give such weights, or bring the network as TorchScript ('slabfit backbone wrap')",
                    path, first->name, format_shape (first->rank, first->size, shape));
}

/* The array is of the size that the network takes, and finite.  */
static int
check_weight (const struct search *search, const struct weight *weight, int rank, const int64_t *size)
{
  char is[SHAPE_BYTES], expected[SHAPE_BYTES];
  size_t values = 1;
  if (weight->rank != rank || memcmp (weight->size, size, (size_t) rank * sizeof *size))
    return error_set ("'%s' in '%s' is %s, not %s as in %s by %s; give the weights of %s", weight->name, search->path,
                      format_shape (weight->rank, weight->size, is), format_shape (rank, size, expected),
                      search->resnet->name, search->naming->program, search->resnet->name);
  for (int i = 0; i < rank; i++)
    values *= (size_t) size[i];
  for (size_t i = 0; i < values; i++)
    if (!isfinite (weight->value[i]))
      return error_set ("value %zu of '%s' in '%s' is %f; give weights that are finite", i, weight->name, search->path,
                        (double) weight->value[i]);
  return 0;
}

static int
match_unit (struct matching *matching, const struct search *search, const struct resnet_unit *unit, size_t i,
            bool biases)
{
  for (int part = 0; part < NAMING_PARTS; part++)
    {
      char name[2 * NAMING_NAME_BYTES], shape[SHAPE_BYTES];
      int64_t size[NETWORK_RANK];
      if (part == NAMING_BIAS && !biases)
        continue;
      int rank = naming_shape (search->naming, unit, (enum naming_part) part, size);
      const struct weight *weight = find_part (search, unit, (enum naming_part) part, name);
      if (!weight)
        return error_set ("'%s' has no '%s' %s, which %s by %s has; give its whole weights", search->path, name,
                          format_shape (rank, size, shape), search->resnet->name, search->naming->program);
      if (check_weight (search, weight, rank, size))
        return -1;
      matching->part[i][part] = weight;
    }
  return 0;
}

static bool
is_matched (const struct matching *matching, const struct weight *weight, size_t count)
{
  for (size_t i = 0; i < count; i++)
    for (int part = 0; part < NAMING_PARTS; part++)
      if (matching->part[i][part] == weight)
        return true;
  return false;
}

/* Fails where there is more in the file than the COUNT units and what is known to be of no use.  */
static int
check_rest (struct matching *matching, const struct search *search, size_t count)
{
  char shape[SHAPE_BYTES];
  for (size_t i = 0; i < search->weights->count; i++)
    {
      const struct weight *weight = &search->weights->weight[i];
      if (!is_matched (matching, weight, count) && !naming_is_left_out (weight->name, &matching->classifier))
        return error_set ("'%s' has '%s' %s, which %s by %s has not; give the weights of %s", search->path,
                          weight->name, format_shape (weight->rank, weight->size, shape), search->resnet->name,
                          search->naming->program, search->resnet->name);
    }
  return 0;
}

int
matching_find (struct matching *matching, const struct weights *weights, const struct resnet *resnet, const char *path)
{
  struct search search = { weights, resnet, NULL, path, "" };
  struct resnet_unit unit[RESNET_UNITS];
  char name[2 * NAMING_NAME_BYTES];
  bool biases = false;
  *matching = (struct matching){ .naming = naming_recognise (weights, search.prefix) };
  search.naming = matching->naming;
  if (!search.naming)
    return refuse_unknown (weights, path);
  if (check_network (&search))
    return -1;
  size_t count = resnet_units (resnet, search.naming->structure, unit);
  for (size_t i = 0; search.naming->structure == RESNET_KERAS && i < count; i++)
    biases = biases || find_part (&search, &unit[i], NAMING_BIAS, name);
  for (size_t i = 0; i < count; i++)
    if (match_unit (matching, &search, &unit[i], i, biases))
      return -1;
  return check_rest (matching, &search, count);
}
