#include <config.h>

#include "../learn/trainbench.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "../base/workers.h"
#include "../learn/blas.h"
#include "benchtable.h"
#include "command.h"
#include "decodebench.h"
#include "networkbench.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
  struct common common;
  struct storebench_options store;
  struct extractor_options extractor;
  int batch; /* of the network; 0 for several */
  const char *output;
  struct names images;                 /* that decode is measured on */
  bool decode, network, train, shaped; /* which benchmark; whether rows, columns or zeros were given */
};

enum {
  KEY_COLUMNS = 0x300,
  KEY_BACKBONE,
  KEY_COMPRESS,
  KEY_DEVICE,
  KEY_DTYPE,
  KEY_KEEP,
  KEY_LIKE,
  KEY_NETWORK_BATCH,
  KEY_PRECISION,
  KEY_PREPROCESS,
  KEY_REPEAT,
  KEY_ROWS,
  KEY_ZEROS
};

static const struct argp_option option_table[] = {
  { "backbone", KEY_BACKBONE, "FILE.ts", 0, "network: the one to run", 0 },
  { "columns", KEY_COLUMNS, "D", 0, "Features in a row (100352, ResNet-50's)", 0 },
  { "compress", KEY_COMPRESS, "LEVEL", 0, "Deflate level, 0 to 12 (1)", 0 },
  { "device", KEY_DEVICE, "NAME", 0, "network: cpu, cuda or cuda:N (cpu)", 0 },
  { "dtype", KEY_DTYPE, "TYPE", 0, "float32 or float16 in the file (float32)", 0 },
  { "keep", KEY_KEEP, 0, 0, "Leave the file, FOLDER/bench.h5, to measure other programs on it", 0 },
  { "like", KEY_LIKE, "FILE.h5", 0, "Take the rows of this feature file instead of made-up ones", 0 },
  { "network-batch", KEY_NETWORK_BATCH, "N", 0, "network: images in one run (several are tried)", 0 },
  { "output", 'o', "FOLDER", 0, "Where to write (the folder for temporary files); its file system is measured too", 0 },
  { "precision", KEY_PRECISION, "NAME", 0, "network: f32, tf32, bf16 or f16 (f32)", 0 },
  { "preprocess", KEY_PREPROCESS, "SPEC", 0, "network: of its images, as extract takes it (the backbone's own)", 0 },
  { "repeat", KEY_REPEAT, "N", 0, "Measure so often and give the best (3)", 0 },
  { "rows", KEY_ROWS, "N", 0, "Rows (2000)", 0 },
  { "zeros", KEY_ZEROS, "SHARE", 0, "Share of zeros among made-up values (0.88)", 0 },
  { 0 },
};

/* Options of the benchmark network; 1 where KEY is another's.  */
static int
parse_network (int key, const char *argument, struct options *options)
{
  struct extractor_options *extractor = &options->extractor;
  switch (key)
    {
    case KEY_BACKBONE:
      extractor->backbone = argument;
      return 0;
    case KEY_DEVICE:
      return extractor_parse_device (argument, &extractor->network.device);
    case KEY_NETWORK_BATCH:
      return options_parse_whole (argument, "--network-batch", 1, 512, &options->batch);
    case KEY_PRECISION:
      return extractor_parse_precision (argument, &extractor->network.precision);
    case KEY_PREPROCESS:
      extractor->preprocess = argument;
      return preprocess_parse (&(struct preprocess){ 0 }, argument);
    default:
      return 1;
    }
}

static int
parse_value (int key, const char *argument, struct storebench_options *store)
{
  int number = 0, result;
  switch (key)
    {
    case KEY_COLUMNS:
      result = options_parse_whole (argument, "--columns", 1, 1 << 30, &number);
      store->columns = (uint64_t) number;
      return result;
    case KEY_COMPRESS:
      return options_parse_whole (argument, "--compress", 0, 12, &store->compress);
    case KEY_DTYPE:
      return options_parse_dtype (argument, &store->half);
    case KEY_REPEAT:
      return options_parse_whole (argument, "--repeat", 1, 1000, &store->repeats);
    case KEY_ROWS:
      result = options_parse_whole (argument, "--rows", 1, 1 << 30, &number);
      store->rows = (uint64_t) number;
      return result;
    default:
      if (text_parse_number (argument, "--zeros", &store->zeros))
        return -1;
      return store->zeros >= 0 && store->zeros <= 1
               ? 0
               : error_usage ("--zeros takes a share from 0 to 1, not '%s'", argument);
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
      options->output = argument;
      return 0;
    case KEY_KEEP:
      options->store.keep = true;
      return 0;
    case KEY_LIKE:
      options->store.like = argument;
      options->shaped = true;
      return 0;
    case ARGP_KEY_ARG:
      if (options->decode)
        return names_add (&options->images, argument) ? ENOMEM : 0;
      if (state->arg_num >= 1)
        argp_error (state, "one benchmark, please; '%s' is too many", argument);
      options->decode = !strcmp (argument, "decode");
      options->network = !strcmp (argument, "network");
      options->train = !strcmp (argument, "train");
      if (!options->decode && !options->network && !options->train && strcmp (argument, "store"))
        argp_error (state, "there is no benchmark '%s'; there are 'decode', 'network', 'store' and 'train'", argument);
      return 0;
    case ARGP_KEY_END:
      if (options->network != (options->extractor.backbone != NULL))
        argp_error (state, options->network ? "give the network: --backbone FILE.ts"
                                            : "--backbone is an option of 'bench network'");
      if (options->train && options->store.keep)
        argp_error (state, "'bench train' keeps no file; leave --keep out, or use 'bench store'");
      return 0;
    default:
      if (key < KEY_COLUMNS || key > KEY_ZEROS)
        return ARGP_ERR_UNKNOWN;
      int parsed = parse_network (key, argument, options);
      if (parsed < 0 || (parsed > 0 && parse_value (key, argument, &options->store)))
        options_fail (state);
      options->shaped |= key == KEY_COLUMNS || key == KEY_ROWS || key == KEY_ZEROS;
      return 0;
    }
}

static const struct argp argp = {
  option_table,
  parse,
  "[network|store|train]\ndecode [FILE or FOLDER...]",
  "Measure this machine's rates. decode: the images that are named, or made-up photographs, are decoded, resized and "
  "cropped, on one thread and on all. network: a backbone in all ways that calibration tries, callers by threads by "
  "images "
  "in a run; extract takes the best one from then on. store: feature files are written in parts, merged and read, in "
  "bytes of float32 "
  "values a second; 'copy' moves the parts' compressed bytes with nothing done to them, the limit for 'merge'. "
  "train: both engines of 'train' on made-up features of some shapes, or of the one that is given, beside the times "
  "that --engine auto expects of them."
  "\vExample: slabfit bench store -o /scratch\n"
  "slabfit bench network --backbone resnet50.ts",
  options_children,
  0,
  0
};

static json_t *
result_new (const struct storebench_options *options, const struct storebench_report *report)
{
  json_t *rates = json_object ();
  for (size_t i = 0; i < STOREBENCH_STEPS; i++)
    json_object_set_new (rates, storebench_names[i], json_real (report->rate[i]));
  return json_pack ("{s:{s:o}, s:{s:I, s:I, s:I, s:I}, s:I}", "rates", "store", rates, "store", "rows",
                    (json_int_t) options->rows, "columns", (json_int_t) report->columns, "value_bytes",
                    (json_int_t) report->value_bytes, "file_bytes", (json_int_t) report->file_bytes, "peak_bytes",
                    (json_int_t) memory_peak_resident_bytes ());
}

static void
print (const struct storebench_options *options, const struct storebench_report *report, int threads)
{
  printf ("%" PRIu64 " rows x %" PRIu64 " features, %d thread%s: %.0f MB of values in %.0f MB, 1/%.2f\n", options->rows,
          report->columns, threads, threads == 1 ? "" : "s", (double) report->value_bytes / 1e6,
          (double) report->file_bytes / 1e6, (double) report->value_bytes / (double) report->file_bytes);
  for (size_t i = 0; i < STOREBENCH_STEPS; i++)
    printf ("%-8s %7.0f MB/s\n", storebench_names[i], report->rate[i] / 1e6);
}

static int
check_kept (const struct options *options, const char *folder)
{
  char *path = text_new ("%s/bench.h5", folder);
  int result = path ? output_check_new (path, options->common.force) : -1;
  free (path);
  return result;
}

/* The rates of the store, whose options are complete.  */
static int
bench_store (const struct options *options, json_t **result)
{
  const struct common *common = &options->common;
  struct storebench_report report;
  struct workers *workers = workers_new (common->threads);
  int status = workers && check_kept (options, options->store.folder) == 0
                 ? storebench_run (&options->store, workers, &report)
                 : -1;
  workers_free (workers);
  if (status)
    return -1;
  *result = result_new (&options->store, &report);
  if (!common->json)
    print (&options->store, &report, common->threads);
  return 0;
}

/* Trains in COUNT cases.  */
static int
run_cases (const struct options *options, const struct trainbench_case *measured, size_t count, json_t **result)
{
  const struct common *common = &options->common;
  const struct trainbench_options train = { options->store, common->memory_bytes, common->threads };
  struct trainbench_report *report = calloc (count, sizeof *report);
  int status = report ? 0 : error_set ("no memory left for the reports");
  for (size_t i = 0; i < count && status == 0; i++)
    status = trainbench_run (&measured[i], &train, &report[i]);
  if (status == 0)
    *result = benchtable_json (measured, report, count);
  if (status == 0 && !common->json)
    benchtable_print (measured, report, count);
  free (report);
  return status;
}

static int
bench_train (const struct options *options, json_t **result)
{
  const struct storebench_options *store = &options->store;
  const struct trainbench_case asked = { store->rows, store->columns, store->zeros, 2, { 256, 16 }, 5 };
  return options->shaped ? run_cases (options, &asked, 1, result)
                         : run_cases (options, trainbench_cases, trainbench_count, result);
}

/* Its files are in a folder of their own, or with --keep in FOLDER itself.  */
static int
bench (struct options *options, json_t **result)
{
  const char *base = options->output ? options->output : getenv ("TMPDIR");
  char *folder =
    text_new (options->store.keep ? "%s" : "%s/slabfit-bench.%ld", base && *base ? base : "/tmp", (long) getpid ());
  options->store.folder = folder;
  int status = folder ? file_make_directories (folder) : -1;
  if (status == 0)
    status = (options->train ? bench_train : bench_store) (options, result);
  if (folder && !options->store.keep)
    rmdir (folder);
  free (folder);
  return status;
}

static int
run (int argc, char **argv, struct common *common, json_t **result)
{
  struct options options = { .extractor = { .network = { .device = "cpu" } },
                             .store = { .rows = 2000, .columns = 100352, .zeros = 0.88, .compress = 1, .repeats = 3 } };
  if (arguments_parse (&command_bench, argc, argv, &options))
    return -1;
  *common = options.common;
  if (options.decode)
    {
      int status = decodebench_run (&options.images, common->threads, options.store.repeats, common->json, result);
      names_free (&options.images);
      return status;
    }
  if (options.network)
    return blas_prepare ()
             ? -1
             : networkbench_run (&options.extractor, common->threads, options.batch, common->json, result);
  options.store.seed = common->seed;
  return bench (&options, result);
}

const struct command command_bench = { "bench", "measure this machine's rates", &argp, run };
