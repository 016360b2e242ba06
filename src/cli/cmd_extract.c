#include <config.h>

#include "../extract/extract.h"

#include "../base/error.h"
#include "../base/machine.h"
#include "../base/memory.h"
#include "../learn/blas.h"
#include "command.h"
#include "duplicatetable.h"
#include "stalltable.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
  struct common common;
  struct extract_options extract;
  struct names splits;
};

enum {
  KEY_BACKBONE = 0x300,
  KEY_COMPRESS,
  KEY_DEVICE,
  KEY_DTYPE,
  KEY_EXIF,
  KEY_MAX_FAILURES,
  KEY_NETWORK_BATCH,
  KEY_POOL,
  KEY_PRECISION,
  KEY_PREPROCESS,
  KEY_ROWS_PER_PART,
  KEY_SCALED_DECODE,
  KEY_SPLIT,
  KEY_TASK,
};

static const struct argp_option option_table[] = {
  { "backbone", KEY_BACKBONE, "FILE.ts", 0, "The TorchScript network that makes the features", 0 },
  { "compress", KEY_COMPRESS, "LEVEL", 0, "Deflate level, 0 to 12 (1)", 0 },
  { "device", KEY_DEVICE, "NAME", 0, "cpu, cuda or cuda:N, a GPU, which runs the network (cpu)", 0 },
  { "dtype", KEY_DTYPE, "TYPE", 0, "float32 or float16 in the file (float32)", 0 },
  { "exif", KEY_EXIF, 0, 0, "Turn photographs as their EXIF orientation says (Keras does not)", 0 },
  { "max-failures", KEY_MAX_FAILURES, "N|P%", 0, "Allow so many unreadable images in a split (1%, rounded up)", 0 },
  { "network-batch", KEY_NETWORK_BATCH, "N", 0, "Images in one run of the network (what is fastest here)", 0 },
  { "output", 'o', "FEATURES", 0, "The folder for SPLIT.h5", 0 },
  { "pool", KEY_POOL, "KIND", 0, "none, avg or max over a map's height and width (none)", 0 },
  { "precision", KEY_PRECISION, "KIND", 0, "f32 or bf16 numbers in the network, on a GPU tf32 or f16 as well (f32)",
    0 },
  { "preprocess", KEY_PREPROCESS, "SPEC", 0, "keras, torchvision or key=value,... (the backbone's own, else keras)",
    0 },
  { "rows-per-part", KEY_ROWS_PER_PART, "N", 0,
    "Images in a part, the unit that is kept or made again, rounded up to whole chunks (512)", 0 },
  { "scaled-decode", KEY_SCALED_DECODE, 0, 0,
    "Decode JPEG photographs no larger than the resize needs: faster, other pixels; the same as decode=scaled in SPEC",
    0 },
  { "split", KEY_SPLIT, "NAME,NAME...", 0, "Only these splits (all)", 0 },
  { "task", KEY_TASK, "I/N", 0, "Only every N-th part, from the I-th (what SLURM says, else 0/1)", 0 },
  { 0 },
};

static int
parse_task (const char *text, struct extract_options *options)
{
  const char *slash = strchr (text, '/');
  char *number = slash ? text_new ("%.*s", (int) (slash - text), text) : NULL;
  bool good = number && options_parse_whole (slash + 1, "--task", 1, INT_MAX, &options->tasks) == 0
              && options_parse_whole (number, "--task", 0, options->tasks - 1, &options->task) == 0;
  free (number);
  return good ? 0 : error_usage ("--task takes I/N with I from 0 to N - 1, not '%s'", text);
}

static int
parse_value (int key, char *argument, struct options *options)
{
  struct extract_options *extract = &options->extract;
  int64_t number;
  switch (key)
    {
    case KEY_COMPRESS:
      return options_parse_whole (argument, "--compress", 0, 12, &extract->compress);
    case KEY_DEVICE:
      return extractor_parse_device (argument, &extract->extractor.network.device);
    case KEY_DTYPE:
      return options_parse_dtype (argument, &extract->half);
    case KEY_MAX_FAILURES:
      return extract_parse_limit (argument, &extract->max_failures);
    case KEY_NETWORK_BATCH:
      return options_parse_whole (argument, "--network-batch", 1, 1024, &extract->batch);
    case KEY_POOL:
      return extractor_parse_pool (argument, &extract->extractor.network.pool);
    case KEY_PRECISION:
      return extractor_parse_precision (argument, &extract->extractor.network.precision);
    case KEY_PREPROCESS:
      extract->extractor.preprocess = argument;
      return preprocess_parse (&(struct preprocess){ 0 }, argument);
    case KEY_ROWS_PER_PART:
      if (text_parse_integer (argument, "--rows-per-part", 1, 1 << 20, &number))
        return -1;
      extract->rows_per_part = (uint64_t) number;
      return 0;
    case KEY_SPLIT:
      names_free (&options->splits);
      return options_split (argument, "--split", &options->splits);
    default:
      return parse_task (argument, extract);
    }
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
    case 'o':
      options->extract.features = argument;
      return 0;
    case KEY_BACKBONE:
      options->extract.extractor.backbone = argument;
      return 0;
    case KEY_EXIF:
      options->extract.extractor.exif = true;
      return 0;
    case KEY_SCALED_DECODE:
      options->extract.extractor.scaled = true;
      return 0;
    case ARGP_KEY_ARG:
      if (state->arg_num >= 1)
        argp_error (state, "one DATASET, please; '%s' is too many", argument);
      options->extract.dataset = argument;
      return 0;
    case ARGP_KEY_END:
      if (!options->extract.dataset)
        argp_error (state, "give the DATASET, a folder of images, a list of paths, or a tar file");
      if (!options->extract.features || !*options->extract.features)
        argp_error (state, "give the folder for the features: -o FEATURES");
      if (!options->extract.extractor.backbone)
        argp_error (state, "give the network: --backbone FILE.ts ('slabfit backbone' makes one)");
      return 0;
    default:
      if (key < KEY_BACKBONE || key > KEY_TASK)
        return ARGP_ERR_UNKNOWN;
      if (parse_value (key, argument, options))
        options_fail (state);
      return 0;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "DATASET",
  "Turn the images of DATASET into features, FEATURES/SPLIT.h5. DATASET is a folder of SPLIT/CLASS/ folders, of CLASS/ "
  "folders or of images, a list of paths (CSV: path,label,split), or a tar file. Finished parts are kept: after a "
  "stop, run the same command again."
  "\vSPEC is written in the order in which it is applied: decode=scaled|exact (exact), resize=256 (shorter side) or "
  "resize=224x224 (height x width), crop=224, interp=nearest|bilinear|bicubic (nearest), centre=round|floor (round), "
  "order=rgb|bgr (rgb), scale=1/255, mean=R:G:B, std=R:G:B. Without scale, values are from 0 to 255.\n"
  "keras: resize=224x224,order=bgr,mean=123.68:116.779:103.939\n"
  "torchvision: resize=256,crop=224,interp=bilinear,order=rgb,scale=1/255 and ImageNet's mean and std\n\n"
  "Example: slabfit extract dataset -o features --backbone resnet50.ts",
  options_children,
  0,
  0
};

/* {"splits": {SPLIT: {rows, failed, reused_rows, missing_parts}}, rates, times and memory}  */
static json_t *
result_new (const struct extract_report *report)
{
  json_t *splits = json_object ();
  for (size_t i = 0; i < report->count; i++)
    {
      const struct extract_split *split = &report->split[i];
      json_object_set_new (splits, split->name,
                           json_pack ("{s:I, s:I, s:I, s:I}", "rows", (json_int_t) split->rows, "failed",
                                      (json_int_t) split->failed, "reused_rows", (json_int_t) split->reused_rows,
                                      "missing_parts", (json_int_t) split->missing));
    }
  json_t *result = json_pack ("{s:o, s:o}", "splits", splits, "duplicates", duplicatetable_json (&report->duplicates));
  stalltable_add (report, result);
  json_object_set_new (result, "peak_bytes", json_integer ((json_int_t) memory_peak_resident_bytes ()));
  json_object_set_new (result, "buffer_bytes", json_integer ((json_int_t) memory_peak_bytes ()));
  return result;
}

static void
print (const json_t *result)
{
  const char *name;
  json_t *split;
  json_object_foreach (json_object_get (result, "splits"), name, split)
  {
    json_int_t missing = json_integer_value (json_object_get (split, "missing_parts"));
    printf ("%s: %" JSON_INTEGER_FORMAT " rows, %" JSON_INTEGER_FORMAT
            " of them kept from before, %" JSON_INTEGER_FORMAT " failed\n",
            name, json_integer_value (json_object_get (split, "rows")),
            json_integer_value (json_object_get (split, "reused_rows")),
            json_integer_value (json_object_get (split, "failed")));
    if (missing > 0)
      printf ("%s: %" JSON_INTEGER_FORMAT " part%s still missing; the last task to end merges them\n", name, missing,
              missing == 1 ? " is" : "s are");
  }
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .extract = { .extractor = { .network = { .device = "cpu" } },
                                          .compress = 1,
                                          .rows_per_part = 512,
                                          .max_failures = { 1, true } } };
  struct extract_report report;
  if (arguments_parse (&command_extract, argc, argv, &options))
    return -1;
  *common = options.common;
  if (!result)
    {
      names_free (&options.splits);
      return 0;
    }
  if (options.extract.tasks == 0 && machine_task (&options.extract.task, &options.extract.tasks))
    return -1;
  options.extract.splits = &options.splits;
  options.extract.force = common->force;
  options.extract.threads = common->threads;
  options.extract.memory_bytes = common->memory_bytes;
  options.extract.seed = common->seed;
  options.extract.command = common->command_line;
  if (blas_prepare ()) /* libtorch multiplies with the same OpenBLAS */
    return -1;
  int status = extract (&options.extract, &report);
  if (status == 0)
    *result = result_new (&report);
  if (*result && !common->json)
    {
      print (*result);
      duplicatetable_print (&report.duplicates);
      stalltable_print (&report);
    }
  extract_report_free (&report);
  names_free (&options.splits);
  return status;
}

const struct command command_extract = { "extract", "turn images into features (HDF5)", &argp, run };
