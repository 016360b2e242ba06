#include <config.h>

#include "kerastree.h"

#include "../base/error.h"
#include "../base/hdf.h"

#include <stdlib.h>
#include <string.h>

/* A group that is a member of itself would never end.  */
enum { DEPTH_MOST = 32, GROUPS_MOST = 1 << 17 };

struct tree {
  struct kerasreader reader;
  size_t groups; /* visited */
};

static herr_t
collect (hid_t group, const char *name, const H5L_info_t *info, void *names)
{
  (void) group, (void) info;
  return names_add (names, name);
}

/* Behind the part of NAME that is no number: at the digits that stand alone or behind the last "_", else at its
   end.  */
static const char *
number_of (const char *name)
{
  const char *place = strrchr (name, '_'), *digits = place ? place + 1 : name;
  return *digits && digits[strspn (digits, "0123456789")] == '\0' ? digits : name + strlen (name);
}

/* By what stands before the number, then by the number: conv2d, conv2d_1, conv2d_2, conv2d_10.  */
static int
compare (const void *a, const void *b)
{
  const char *first = *(char *const *) a, *second = *(char *const *) b;
  const char *number = number_of (first), *other = number_of (second);
  size_t stem = (size_t) (number - first) - (*number && number > first),
         stem_of_other = (size_t) (other - second) - (*other && other > second);
  int order = strncmp (first, second, stem < stem_of_other ? stem : stem_of_other);
  if (order || stem != stem_of_other)
    return order ? order : stem < stem_of_other ? -1 : 1;
  unsigned long long value = strtoull (number, NULL, 10), value_of_other = strtoull (other, NULL, 10);
  return value != value_of_other ? (value < value_of_other ? -1 : 1) : strcmp (first, second);
}

/* What GROUP has, in the order of the numbers at the end of its names.  */
static int
list_members (const struct kerasreader *reader, hid_t group, struct names *names)
{
  hsize_t place = 0;
  error_clear ();
  if (H5Literate (group, H5_INDEX_NAME, H5_ITER_INC, &place, collect, names) < 0)
    return error_status () ? -1 : kerasreader_failed (reader, "the groups");
  if (names->count)
    qsort (names->name, names->count, sizeof *names->name, compare);
  return 0;
}

/* The parts that a layer of the class CLASS with COUNT arrays has, in Keras's order; NULL where that is not known.  */
static const char *const *
class_parts (const char *class, size_t count)
{
  static const char *const plain[] = { "kernel", "bias" };
  static const char *const separable[] = { "depthwise_kernel", "pointwise_kernel", "bias" };
  static const char *const normalization[] = { "gamma", "beta", "moving_mean", "moving_variance" };
  if (!strncmp (class, "batch_normalization", strlen ("batch_normalization")))
    return count == 4 ? normalization : NULL;
  if (!strncmp (class, "separable_conv", strlen ("separable_conv")))
    return count == 2 || count == 3 ? separable : NULL;
  if (!strncmp (class, "conv", strlen ("conv")) || !strncmp (class, "depthwise_conv", strlen ("depthwise_conv"))
      || !strncmp (class, "dense", strlen ("dense")))
    return count == 1 || count == 2 ? plain : NULL;
  return NULL;
}

/* The arrays of the layer LAYER, whose group in its network at PATH has the name CLASS, in the group VARIABLES.  */
static int
read_variables (struct kerasreader *reader, hid_t variables, const char *path, const char *class)
{
  struct names names = { 0 };
  char *layer = NULL;
  int result = list_members (reader, variables, &names);
  if (result == 0)
    result = hdf_read_text_new (variables, "name", &layer, reader->weights->path);
  const char *const *parts = class_parts (class, names.count);
  for (size_t i = 0; i < names.count && result == 0; i++)
    result = kerasreader_array (reader, variables, names.name[i], path, layer ? layer : class,
                                parts ? parts[i] : names.name[i]);
  free (layer);
  names_free (&names);
  return result;
}

static int read_group (struct tree *tree, hid_t group, const char *path, const char *class, int depth);

/* Whether NAME has no layers but the state of training, which only the outermost network has.  */
static bool
is_training (const char *name, int depth)
{
  return depth == 0 && (!strcmp (name, "optimizer") || !strcmp (name, "metrics"));
}

/* Whether a group's members are the layers of the network that it stands in.  */
static bool
is_list (const char *name)
{
  return !strcmp (name, "layers") || !strcmp (name, "_layer_checkpoint_dependencies");
}

/* The group NAME in the group CLASS, which lies in the networks PATH, DEPTH groups below the file's root.  */
static int
read_below (struct tree *tree, hid_t group, const char *name, const char *path, const char *class, int depth)
{
  if (!strcmp (name, "vars"))
    return read_variables (&tree->reader, group, path, class);
  if (!*class || is_list (class))
    return read_group (tree, group, path, name, depth + 1);
  char *below = text_new ("%s%s%s", path, *path ? "/" : "", class);
  int result = below ? read_group (tree, group, below, name, depth + 1) : -1;
  free (below);
  return result;
}

static int
read_member (struct tree *tree, hid_t group, const char *name, const char *path, const char *class, int depth)
{
  if (is_training (name, depth))
    return 0;
  hid_t member = H5Oopen (group, name, H5P_DEFAULT);
  if (member < 0)
    return kerasreader_failed (&tree->reader, name);
  int result = H5Iget_type (member) == H5I_GROUP ? read_below (tree, member, name, path, class, depth) : 0;
  H5Oclose (member);
  return result;
}

static int
read_group (struct tree *tree, hid_t group, const char *path, const char *class, int depth)
{
  struct names names = { 0 };
  if (depth > DEPTH_MOST || ++tree->groups > GROUPS_MOST)
    return weights_damaged (tree->reader.weights, "its groups lie in each other without end");
  int result = list_members (&tree->reader, group, &names);
  for (size_t i = 0; i < names.count && result == 0; i++)
    result = read_member (tree, group, names.name[i], path, class, depth);
  names_free (&names);
  return result;
}

int
kerastree_read (struct kerasreader *reader)
{
  struct tree tree = { .reader = *reader };
  return read_group (&tree, reader->file, "", "", 0);
}
