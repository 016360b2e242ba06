#include <config.h>

#include "../store/zeros.h"

#include "../base/error.h"
#include "../base/hdf.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "../extract/extractor.h"
#include "../learn/modelfile.h"
#include "../store/duplicates.h"
#include "command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
  struct common common;
  struct featnames names;
  const char *file;
};

static const struct argp_option option_table[] = { OPTIONS_DATASETS, { 0 } };

static error_t
parse (int key, char *argument, struct argp_state *state)
{
  struct options *options = state->input;
  switch (key)
    {
    case ARGP_KEY_INIT:
      state->child_inputs[0] = &options->common;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one FILE, please; '%s' is too many", argument);
      options->file = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->file)
        argp_error (state, "give a FILE: features, a model or a backbone");
      return 0;
    default:
      return options_parse_dataset (key, argument, state, &options->names);
    }
}

static const struct argp argp = { option_table,
                                  parse,
                                  "FILE",
                                  "What a feature file, a model or a backbone is and how it was made."
                                  "\vExample: slabfit info features/training.h5",
                                  options_children,
                                  0,
                                  0 };

static json_t *
names_json (const struct names *names)
{
  json_t *list = json_array ();
  for (size_t i = 0; i < names->count; i++)
    json_array_append_new (list, json_string (names->name[i]));
  return list;
}

/* Adds how features were made; nothing where the file does not say.  */
static void
add_provenance (json_t *info, const struct provenance *provenance)
{
  if (provenance->rank == 0)
    return;
  json_t *shape = json_array ();
  for (int i = 0; i < provenance->rank; i++)
    json_array_append_new (shape, json_integer ((json_int_t) provenance->shape[i]));
  json_object_update_new (info, json_pack ("{s:o, s:s, s:s, s:s, s:s, s:b, s:s}", "feature_shape", shape,
                                           "backbone_sha256", provenance->backbone_sha256, "layer", provenance->layer,
                                           "pool", provenance->pool, "preprocess", provenance->preprocess, "exif",
                                           provenance->exif, "precision", provenance->precision));
}

static void
add_origin (json_t *info, const struct origin *origin)
{
  if (!origin->version[0])
    return;
  if (origin->manifest_sha256[0])
    json_object_update_new (info, json_pack ("{s:I, s:s, s:I}", "seed", (json_int_t) origin->seed, "manifest_sha256",
                                             origin->manifest_sha256, "images", (json_int_t) origin->images));
  if (origin->parts > 0)
    json_object_update_new (
      info, json_pack ("{s:I, s:I}", "part", (json_int_t) origin->part, "parts", (json_int_t) origin->parts));
  json_object_update_new (info, json_pack ("{s:s, s:s?}", "version", origin->version, "command", origin->command));
}

/* Adds which images could not be read, and why.  */
static int
add_failures (json_t *info, struct featfile *file)
{
  struct failure *failures;
  size_t count;
  if (featfile_read_failures (file, &failures, &count))
    return -1;
  json_t *reasons = json_object ();
  for (size_t i = 0; i < count; i++)
    json_object_set_new (reasons, failures[i].image, json_string (failures[i].reason));
  failures_free (failures, count);
  json_object_set_new (info, "failures", reasons);
  return 0;
}

/* Counts each class's rows, COUNT (classes), a block of labels at a time.  */
static int
count_labels (struct featfile *file, json_int_t *count)
{
  enum { BLOCK = 1 << 20 };
  uint64_t total = featfile_info (file)->rows;
  int32_t *label = memory_new (total < BLOCK ? total : BLOCK, sizeof *label);
  int result = label ? 0 : -1;
  for (uint64_t row = 0, rows; result == 0 && row < total; row += rows)
    {
      rows = total - row < BLOCK ? total - row : BLOCK;
      result = featfile_read_labels (file, row, rows, label);
      for (uint64_t i = 0; result == 0 && i < rows; i++)
        count[label[i]]++;
    }
  memory_free (label);
  return result;
}

/* {CLASS: rows}; NULL with the error set.  */
static json_t *
count_classes (struct featfile *file)
{
  const struct names *classes = &featfile_info (file)->classes;
  json_int_t *count = memory_new (classes->count, sizeof *count);
  bool counted = count && (classes->count == 0 || !count_labels (file, count));
  json_t *counts = counted ? json_object () : NULL;
  for (size_t i = 0; counts && i < classes->count; i++)
    json_object_set_new (counts, classes->name[i], json_integer (count[i]));
  memory_free (count);
  return counts;
}

/* Adds the share of zeros.  What else is known of a file holds also where its rows cannot be read.  */
static void
add_zeros (json_t *info, struct featfile *file)
{
  struct zeros zeros;
  if (zeros_sample (file, &zeros) == 0)
    {
      json_object_update_new (
        info, json_pack ("{s:f, s:I}", "zeros", zeros.share, "values_sampled", (json_int_t) zeros.values));
      return;
    }
  progress_say ("%s; the share of zeros is not known", error_message ());
  error_clear ();
}

/* Adds how many images repeat another one, where the file has digests.  */
static int
add_duplicates (json_t *info, struct featfile *file)
{
  struct duplicates duplicates;
  if (!featfile_info (file)->digests)
    return 0;
  int result = duplicates_find (&file, 1, &duplicates);
  json_object_set_new (info, "duplicates", json_integer ((json_int_t) duplicates.within));
  duplicates_free (&duplicates);
  return result;
}

static json_t *
describe_features (const char *path, const struct featnames *names)
{
  struct stat status;
  struct featfile *file = featfile_open_named (path, names);
  json_t *counts = file ? count_classes (file) : NULL;
  if (!counts)
    {
      featfile_close (file);
      return NULL;
    }
  const struct featinfo *features = featfile_info (file);
  double bytes = (double) features->rows * (double) features->columns * (features->half ? 2 : 4);
  double stored = stat (path, &status) == 0 ? (double) status.st_size : 0;
  json_t *info =
    json_pack ("{s:s, s:s, s:I, s:I, s:s, s:[I, I], s:i, s:I, s:f, s:I, s:o}", "file", path, "kind", "features", "rows",
               (json_int_t) features->rows, "columns", (json_int_t) features->columns, "dtype",
               features->half ? "float16" : "float32", "chunk", (json_int_t) features->chunk_rows,
               (json_int_t) features->chunk_columns, "compress", features->compress, "file_bytes", (json_int_t) stored,
               "ratio", stored > 0 ? bytes / stored : 0, "failed", (json_int_t) features->failed, "classes", counts);
  add_zeros (info, file);
  add_provenance (info, &features->provenance);
  add_origin (info, &features->origin);
  if (add_duplicates (info, file) || add_failures (info, file))
    {
      json_decref (info);
      info = NULL;
    }
  featfile_close (file);
  return info;
}

static json_t *
describe_model (const char *path)
{
  struct model *model = modelfile_read (path);
  if (!model)
    return NULL;
  json_t *layers = json_array ();
  for (size_t i = 0; i < model->layers; i++)
    json_array_append_new (
      layers, json_pack ("[I, I]", (json_int_t) model->layer[i].inputs, (json_int_t) model->layer[i].outputs));
  json_t *training = model->training ? json_loads (model->training, 0, NULL) : NULL;
  json_t *info =
    json_pack ("{s:s, s:s, s:o, s:o, s:I, s:o*}", "file", path, "kind", "model", "layers", layers, "classes",
               names_json (&model->classes), "epochs", (json_int_t) model->history.count, "training", training);
  add_provenance (info, &model->provenance);
  json_object_update_new (info, json_pack ("{s:s, s:s?}", "version", model->version, "command", model->command));
  model_free (model);
  return info;
}

/* Of the open FILE, a training's checkpoint or the inner products that one kept; NULL with no error where it is
   neither.  */
static json_t *
describe_leavings (hid_t file, const char *path)
{
  int64_t checkpoint = 0, gram = 0;
  struct history history = { 0 };
  struct names sha256 = { 0 };
  char *recipe = NULL;
  json_t *info = NULL;
  if (hdf_read_integer (file, "checkpoint_format_version", &checkpoint, path)
      || hdf_read_integer (file, "gram_format_version", &gram, path))
    return NULL;
  if (checkpoint && !hdf_read_text_new (file, "training", &recipe, path) && !history_read (&history, file, path))
    info = json_pack ("{s:s, s:s, s:I, s:o*}", "file", path, "kind", "checkpoint of a training", "epochs",
                      (json_int_t) history.count, "training", recipe ? json_loads (recipe, 0, NULL) : NULL);
  if (gram && !hdf_read_names (file, "sha256", &sha256, path))
    info = json_pack ("{s:s, s:s, s:o}", "file", path, "kind", "inner products of feature files", "sha256",
                      names_json (&sha256));
  history_free (&history);
  names_free (&sha256);
  free (recipe);
  return info;
}

/* What lies beside models and features.  */
static json_t *
describe_other (const char *path)
{
  hid_t access = hdf_file_access (false), file = H5Fopen (path, H5F_ACC_RDONLY, access);
  json_t *info = file >= 0 ? describe_leavings (file, path) : NULL;
  if (file >= 0)
    H5Fclose (file);
  H5Pclose (access);
  return info;
}

static json_t *
describe_backbone (const char *path)
{
  const struct extractor_options options = { .backbone = path, .network.device = "cpu" };
  struct extractor extractor;
  if (extractor_open (&extractor, &options, 1, 1))
    return NULL;
  json_t *info = json_pack ("{s:s, s:s}", "file", path, "kind", "backbone");
  add_provenance (info, &extractor.provenance);
  if (extractor.assumed)
    json_object_set_new (info, "preprocess", json_string ("none"));
  json_t *metadata = json_loads (network_metadata (extractor.network), 0, NULL);
  if (metadata)
    json_object_update_missing_new (info, metadata);
  json_object_set_new (info, "library", json_string (network_library ()));
  extractor_close (&extractor);
  return info;
}

/* Whether PATH begins as TorchScript's archives do.  */
static bool
is_archive (const char *path)
{
  char start[4] = "";
  FILE *stream = fopen (path, "rbe");
  if (!stream)
    return false;
  size_t length = fread (start, 1, sizeof start, stream);
  fclose (stream);
  return length == sizeof start && !memcmp (start, "PK\3\4", sizeof start);
}

/* By its contents: HDF5 with or without a model's weights, else a backbone.  */
static json_t *
describe (const char *path, const struct featnames *names)
{
  if (access (path, R_OK))
    {
      error_system ("open", path);
      return NULL;
    }
  if (is_archive (path))
    return describe_backbone (path);
  if (file_is_directory (path) || H5Fis_hdf5 (path) == 0)
    {
      error_set ("'%s' is neither a feature file or model (HDF5) nor a backbone (TorchScript); check the path", path);
      return NULL;
    }
  if (modelfile_is_model (path))
    return describe_model (path);
  json_t *info = describe_other (path);
  return info ? info : describe_features (path, names);
}

static void
print_value (const json_t *value)
{
  json_t *entry;
  size_t i;
  if (json_is_string (value))
    printf (" %s", json_string_value (value));
  else if (json_is_array (value))
    json_array_foreach (value, i, entry) print_value (entry);
  else if (json_is_integer (value))
    printf (" %" JSON_INTEGER_FORMAT, json_integer_value (value));
  else if (json_is_real (value))
    printf (" %.6g", json_real_value (value));
  else
    printf (" %s", json_is_true (value) ? "yes" : json_is_false (value) ? "no" : "-");
}

/* A line for each entry; those of an entry of entries follow it, moved in.  */
static void
print (const json_t *info, int indent)
{
  const char *key;
  json_t *value;
  json_object_foreach ((json_t *) info, key, value)
  {
    if (json_is_object (value) && json_object_size (value) == 0)
      continue;
    printf ("%*s%-*s", indent, "", 16 - indent, key);
    if (!json_is_object (value))
      print_value (value);
    putchar ('\n');
    if (json_is_object (value))
      print (value, indent + 2);
  }
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { 0 };
  if (arguments_parse (&command_info, argc, argv, &options))
    return -1;
  *common = options.common;
  *result = describe (options.file, &options.names);
  if (*result && !common->json)
    print (*result, 0);
  return *result ? 0 : -1;
}

const struct command command_info = { "info", "what a file is and how it was made", &argp, run };
