#include <config.h>

#include "keraslist.h"

#include "../base/hdf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The attribute NAME, or NAME0, NAME1 and so on, into which Keras splits what HDF5 does not take in one.  */
static int
read_list (const struct kerasreader *reader, hid_t group, const char *name, struct names *names)
{
  if (hdf_read_names (group, name, names, reader->weights->path))
    return -1;
  for (int i = 0; names->count < WEIGHTS_MOST; i++)
    {
      char piece[64];
      struct names more;
      snprintf (piece, sizeof piece, "%s%d", name, i);
      int result = hdf_read_names (group, piece, &more, reader->weights->path);
      size_t count = result ? 0 : more.count;
      for (size_t k = 0; k < count && result == 0; k++)
        result = names_add (names, more.name[k]);
      if (result == 0)
        names_free (&more);
      if (result)
        return result;
      if (count == 0)
        break;
    }
  return 0;
}

/* Old names of parts.  */
static const char *const aliases[][2] = {
  { "W", "kernel" },
  { "b", "bias" },
  { "running_mean", "moving_mean" },
  { "running_std", "moving_variance" },
};

/* The endings of names without a slash.  */
static const char *const endings[] = { "W",           "b",           "gamma",           "beta",   "running_mean",
                                       "running_std", "moving_mean", "moving_variance", "kernel", "bias" };

static const char *
modern_part (const char *part)
{
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (!strcmp (part, aliases[i][0]))
      return aliases[i][1];
  return part;
}

/* Cuts what stands behind the last MARK in TEXT where it is a number.  */
static void
cut_number (char *text, char mark)
{
  char *place = strrchr (text, mark);
  if (place && place[1] && place[1 + strspn (place + 1, "0123456789")] == '\0')
    *place = '\0';
}

/* Splits the weight's name TEXT, which is changed: "sequential/dense/kernel:0" into "dense" and "kernel", "fc_W_1:0"
   into "fc" and "kernel".  *LAYER is "" where TEXT does not tell it.  */
static void
split (char *text, const char **layer, const char **part)
{
  cut_number (text, ':');
  char *slash = strrchr (text, '/');
  *layer = "";
  *part = modern_part (slash ? slash + 1 : text);
  if (slash)
    {
      *slash = '\0';
      char *before = strrchr (text, '/');
      *layer = before ? before + 1 : text;
      return;
    }
  cut_number (text, '_');
  size_t length = strlen (text);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
    {
      size_t ending = strlen (endings[i]);
      if (length > ending + 1 && text[length - ending - 1] == '_' && !strcmp (text + length - ending, endings[i]))
        {
          text[length - ending - 1] = '\0';
          *layer = text;
          *part = modern_part (endings[i]);
          return;
        }
    }
}

/* Whether the weights NAMES belong to more than one layer: their group is then that of a network.  */
static int
tell_nested (const struct names *names, bool *nested)
{
  char *first = NULL;
  *nested = false;
  for (size_t i = 0; i < names->count && !*nested; i++)
    {
      const char *layer, *part;
      char *text = text_new ("%s", names->name[i]);
      if (!text)
        {
          free (first);
          return -1;
        }
      split (text, &layer, &part);
      if (i == 0)
        first = strdup (layer);
      *nested = first && strcmp (first, layer);
      free (text);
    }
  free (first);
  return 0;
}

static int
read_listed (struct kerasreader *reader, hid_t group, const char *name, const char *weight, bool nested)
{
  const char *layer, *part;
  char *text = text_new ("%s", weight);
  if (!text)
    return -1;
  split (text, &layer, &part);
  int result = kerasreader_array (reader, group, weight, nested ? name : "", nested && *layer ? layer : name, part);
  free (text);
  return result;
}

/* The weights of the layer NAME of GROUP.  */
static int
read_layer (struct kerasreader *reader, hid_t group, const char *name)
{
  bool nested;
  struct names names = { 0 };
  hid_t layer = H5Gopen2 (group, name, H5P_DEFAULT);
  if (layer < 0)
    return weights_damaged (reader->weights, "it lists the layer '%s' and does not hold it", name);
  int result = read_list (reader, layer, "weight_names", &names);
  if (result == 0)
    result = tell_nested (&names, &nested);
  for (size_t i = 0; i < names.count && result == 0; i++)
    result = read_listed (reader, layer, name, names.name[i], nested);
  names_free (&names);
  H5Gclose (layer);
  return result;
}

bool
keraslist_is (hid_t group)
{
  return H5Aexists (group, "layer_names") > 0 || H5Aexists (group, "layer_names0") > 0;
}

int
keraslist_read (struct kerasreader *reader, hid_t group)
{
  struct names names = { 0 };
  int result = read_list (reader, group, "layer_names", &names);
  for (size_t i = 0; i < names.count && result == 0; i++)
    result = read_layer (reader, group, names.name[i]);
  names_free (&names);
  return result;
}
