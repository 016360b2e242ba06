/* Training on made-up features of ResNet-50's shape, 7 x 7 x 2048 with 86 % zeros, by both engines and by the plain
   trainer.  */
#ifndef SLABFIT_TESTS_SEED_SHAPE_H
#define SLABFIT_TESTS_SEED_SHAPE_H

#include "matrices.h"
#include "plain_training.h"

#include <math.h>

enum { SEED_CHANNELS = 2048, SEED_POSITIONS = 49, SEED_COLUMNS = SEED_CHANNELS * SEED_POSITIONS };

struct seed_shape {
  uint64_t rows[2]; /* of training and of validation */
  uint64_t epochs;
};

/* One split while it is made.  */
struct seed_split {
  uint64_t number;
  float *values, *level, *shift; /* (rows, SEED_COLUMNS), (SEED_CHANNELS) both */
  int32_t *label;
};

/* A row: after ReLU, a channel's level, the same at all positions, another one in each image, and noise.  The classes
   differ by a little in each channel; one label of ten is wrong.  */
static inline int
seed_row (void *context, size_t row, int worker)
{
  (void) worker;
  const struct seed_split *split = context;
  struct random generator = random_new (100 + split->number, row);
  float image[SEED_CHANNELS], *value = split->values + row * SEED_COLUMNS;
  int32_t label = (int32_t) random_below (&generator, 2), seen = random_uniform (&generator) < 0.1F ? 1 - label : label;
  split->label[row] = label;
  for (size_t i = 0; i < SEED_CHANNELS; i++)
    image[i] = split->level[i] + 0.7F * random_normal (&generator) + (seen ? split->shift[i] : -split->shift[i]);
  for (size_t i = 0; i < SEED_COLUMNS; i++)
    value[i] = fmaxf (image[i % SEED_CHANNELS] + random_normal (&generator), 0);
  return 0;
}

/* ROWS rows of split NUMBER, and as the file NAME in tiles as extract writes them.  */
static inline struct featfile *
seed_make (const char *name, uint64_t number, uint64_t rows, struct workers *workers, struct plain_data *data)
{
  struct random generator = random_new (99, 0);
  struct seed_split split = { number, memory_new ((size_t) rows * SEED_COLUMNS, sizeof (float)),
                              memory_new (SEED_CHANNELS, sizeof (float)), memory_new (SEED_CHANNELS, sizeof (float)),
                              memory_new ((size_t) rows, sizeof (int32_t)) };
  for (size_t i = 0; i < SEED_CHANNELS; i++)
    {
      split.level[i] = 0.4F * random_normal (&generator) - 1.4F;
      split.shift[i] = 0.2F * random_normal (&generator);
    }
  ck_assert_int_eq (workers_run (workers, (size_t) rows, seed_row, &split), 0);
  struct featfile *file =
    make_matrix (name, split.values, split.label, rows, SEED_COLUMNS, (struct layout){ 32, 4096, false });
  ck_assert_int_eq (featfile_use_workers (file, workers), 0);
  memory_free (split.level);
  memory_free (split.shift);
  *data = (struct plain_data){ split.values, split.label, rows };
  return file;
}

static inline double
seed_largest (double largest, const struct epoch *found, const struct epoch *expected)
{
  double loss = fabs (found->loss - expected->loss) / expected->loss;
  double val_loss = fabs (found->val_loss - expected->val_loss) / expected->val_loss;
  return fmax (largest, fmax (loss, val_loss));
}

/* DIFFERENCE (epochs) becomes the larger relative difference of both engines' losses from the plain trainer's.  */
static inline void
seed_shape_compare (const struct seed_shape *shape, int threads, double *difference)
{
  struct train_options options = train_defaults ();
  struct workers *workers = workers_new (threads), *readers = workers_new (threads);
  struct plain_data data[2];
  struct featfile *file[2];
  struct train_report report;
  struct epoch *expected = memory_new ((size_t) shape->epochs, sizeof *expected);
  options.epochs = shape->epochs;
  options.shuffle = SHUFFLE_FULL;
  for (uint64_t i = 0; i < 2; i++)
    file[i] = seed_make (i ? "validation.h5" : "training.h5", i, shape->rows[i], readers, &data[i]);
  const struct featinfo *info = featfile_info (file[0]);
  struct model *initial =
    model_new ((const uint64_t[]){ SEED_COLUMNS, 256, 16, 2 }, 3, &info->classes, &info->provenance);
  model_initialise (initial, options.seed);
  struct plain plain = plain_new (&options, initial, data[0], data[1], 32, workers);
  model_free (initial);
  ck_assert_uint_eq (plain_run (&plain, expected), shape->epochs);
  plain_free (&plain);
  memset (difference, 0, (size_t) shape->epochs * sizeof *difference);
  for (options.engine = ENGINE_SWEEP; options.engine <= ENGINE_GRAM; options.engine++)
    {
      struct model *model = train (&options, file[0], file[1], workers, &report);
      ck_assert_msg (model != NULL, "%s", error_message ());
      for (size_t i = 0; i < model->history.count; i++)
        difference[i] = seed_largest (difference[i], &model->history.epoch[i], &expected[i]);
      model_free (model);
    }
  for (int i = 0; i < 2; i++)
    {
      featfile_close (file[i]);
      memory_free ((void *) data[i].values);
      memory_free ((void *) data[i].label);
    }
  memory_free (expected);
  workers_free (readers);
  workers_free (workers);
}

#endif
