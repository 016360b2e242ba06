#include <config.h>

#include "../src/learn/checkup.h"

#include "../src/base/memory.h"
#include "../src/base/progress.h"
#include "../src/base/random.h"
#include "../src/learn/cosine.h"
#include "../src/learn/panels.h"
#include "learning.h"

#include <math.h>

static double
number_of (const json_t *object, const char *key)
{
  return json_number_value (json_object_get (object, key));
}

static struct featfile *
open_file (const char *name)
{
  char *path = scratch_path (name);
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  free (path);
  return file;
}

static void
write_file (const char *name, const float *values, const int32_t *labels, size_t rows, size_t columns)
{
  char *path = scratch_path (name);
  write_features (path, values, labels, rows, columns, rows < 16 ? rows : 16);
  free (path);
}

static void
add (struct collection *collection, const char *name, const char *split)
{
  ck_assert_msg (collection_add (collection, open_file (name), split) == 0, "%s", error_message ());
}

static void
read_labels (struct collection *collection)
{
  ck_assert_msg (collection_read_labels (collection) == 0, "%s", error_message ());
}

/* The rows of checkup.json as training.h5 and evaluation.h5.  */
static struct collection
reference_collection (const json_t *reference)
{
  const json_t *row = json_object_get (reference, "row"), *label = json_object_get (reference, "label");
  size_t rows = json_array_size (row), training = (size_t) number_of (reference, "training");
  size_t columns = json_string_length (json_array_get (row, 0));
  float *values = memory_new (rows * columns, sizeof *values);
  int32_t *labels = memory_new (rows, sizeof *labels);
  struct collection collection = { 0 };
  for (size_t i = 0; i < rows; i++)
    {
      labels[i] = (int32_t) json_integer_value (json_array_get (label, i));
      for (size_t j = 0; j < columns; j++)
        values[i * columns + j] = (float) (json_string_value (json_array_get (row, i))[j] - '0');
    }
  write_file ("training.h5", values, labels, training, columns);
  write_file ("evaluation.h5", values + training * columns, labels + training, rows - training, columns);
  memory_free (values);
  memory_free (labels);
  add (&collection, "training.h5", "training");
  add (&collection, "evaluation.h5", "evaluation");
  read_labels (&collection);
  return collection;
}

static struct checkup
check (const struct collection *collection, const struct checkup_options *options, int threads)
{
  struct workers *workers = workers_new (threads);
  struct checkup checkup;
  ck_assert_msg (checkup_run (&checkup, collection, options, workers) == 0, "%s", error_message ());
  workers_free (workers);
  return checkup;
}

static bool
has (const struct group *group, uint32_t row)
{
  for (size_t i = 0; i < group->rows; i++)
    if (group->row[i] == row)
      return true;
  return false;
}

static const struct group *
find_group (const struct groups *groups, uint32_t row)
{
  for (size_t i = 0; i < groups->count; i++)
    if (has (&groups->group[i], row))
      return &groups->group[i];
  ck_abort_msg ("row %u is in no group", row);
  return NULL;
}

/* The planted pairs, and their cosines as NumPy computes them.  */
START_TEST (test_duplicates)
{
  json_t *reference = reference_json ("checkup.json"), *pairs = json_object_get (reference, "pairs"), *pair;
  struct collection collection = reference_collection (reference);
  struct checkup_options options = checkup_defaults ();
  options.similarity = number_of (reference, "threshold");
  struct checkup checkup = check (&collection, &options, 2);
  const struct groups *groups = &checkup.groups;
  size_t i;
  ck_assert_uint_eq (groups->pairs, json_array_size (pairs));
  ck_assert_uint_eq (groups->count, 5);
  ck_assert_uint_eq (groups->rows, 11);
  ck_assert_uint_eq (groups->leaks, 2);
  json_array_foreach (pairs, i, pair)
  {
    json_t *row = json_object_get (pair, "row");
    const struct group *group = find_group (groups, (uint32_t) json_integer_value (json_array_get (row, 0)));
    ck_assert (has (group, (uint32_t) json_integer_value (json_array_get (row, 1))));
    ck_assert_double_eq_tol (group->most, number_of (pair, "cosine"), 1e-14);
    ck_assert_double_eq_tol (group->least, number_of (pair, "cosine"), 1e-14);
  }
  /* Leaks first; the same rows have exactly 1; of the rest those of two labels come first.  */
  ck_assert (has (&groups->group[0], 3) && groups->group[0].leaks == 1 && !groups->group[0].mixed);
  ck_assert_double_eq (groups->group[0].most, 1);
  ck_assert (has (&groups->group[1], 12) && groups->group[1].leaks == 1);
  ck_assert (has (&groups->group[2], 20) && groups->group[2].mixed && groups->group[2].leaks == 0);
  ck_assert_double_eq (groups->group[2].most, 1);
  const struct group *three = find_group (groups, 46);
  ck_assert_uint_eq (three->rows, 3);
  ck_assert_uint_eq (three->pairs, 3);
  ck_assert_double_eq (three->least, 1);
  checkup_free (&checkup);

  /* A threshold between two representable neighbours of the disturbed pair's cosine is not blurred.  */
  double cosine = number_of (json_array_get (pairs, 2), "cosine");
  for (int below = 0; below < 2; below++)
    {
      options.similarity = cosine + (below ? -1e-14 : 1e-14);
      checkup = check (&collection, &options, 1);
      ck_assert_uint_eq (checkup.groups.leaks, below ? 2 : 1);
      ck_assert_uint_eq (checkup.groups.count, below ? 5 : 4);
      checkup_free (&checkup);
    }
  collection_free (&collection);
  json_decref (reference);
}
END_TEST

START_TEST (test_separability)
{
  json_t *reference = reference_json ("checkup.json"), *classes = json_object_get (reference, "classes"), *entry;
  struct collection collection = reference_collection (reference);
  struct checkup_options options = checkup_defaults ();
  options.alike = 0; /* all pairs */
  struct checkup checkup = check (&collection, &options, 2);
  const struct separability *found = &checkup.separability;
  size_t i;
  ck_assert_double_eq_tol (found->error, number_of (reference, "error"), 1e-14);
  ck_assert_uint_eq (found->count, 3);
  json_array_foreach (classes, i, entry) /* in the order of their errors, as it happens */
  {
    for (size_t j = 0; j < 2; j++)
      {
        ck_assert_int_eq ((int) found->alike[i].class[j],
                          json_integer_value (json_array_get (json_object_get (entry, "classes"), j)));
        ck_assert_int_eq ((int) found->alike[i].rows[j],
                          json_integer_value (json_array_get (json_object_get (entry, "rows"), j)));
      }
    ck_assert_double_eq_tol (found->alike[i].error, number_of (entry, "error"), 1e-14);
  }
  ck_assert_uint_eq (found->hardest.class[1], 1);
  checkup_free (&checkup);
  options.alike = 0.4;
  checkup = check (&collection, &options, 2);
  ck_assert_uint_eq (checkup.separability.count, 1);
  ck_assert_uint_eq (checkup.columns.zero, (uint64_t) number_of (reference, "zero_columns"));
  ck_assert_uint_eq (checkup.columns.repeated, (uint64_t) number_of (reference, "repeated_columns"));
  ck_assert_uint_eq (checkup.columns.constant, 0);
  checkup_free (&checkup);
  collection_free (&collection);
  json_decref (reference);
}
END_TEST

/* By hand: the first two rows differ by an angle whose cosine, 1 - 5e-7, is below the threshold by less than float
   sums may err.  They are no near-duplicates, and so each other's nearest neighbours; otherwise that would be the last
   row.  */
START_TEST (test_margin)
{
  static const float values[5][2] = { { 1000, 0 }, { 1000, 1 }, { 0, -1 }, { 0, 1 }, { 1, 3 } };
  static const int32_t labels[5] = { 0, 0, 0, 1, 1 };
  struct collection collection = { 0 };
  struct checkup_options options = checkup_defaults ();
  write_file ("a.h5", values[0], labels, 5, 2);
  add (&collection, "a.h5", "a");
  read_labels (&collection);
  for (int above = 0; above < 2; above++)
    {
      options.similarity = 1 - 5e-7 + (above ? 5e-8 : -5e-8);
      struct checkup checkup = check (&collection, &options, 1);
      ck_assert_uint_eq (checkup.groups.pairs, above ? 0 : 1);
      ck_assert_uint_eq (checkup.walks, 3);
      ck_assert_double_eq_tol (checkup.separability.error, above ? 0 : 0.4, 1e-15);
      ck_assert_double_eq (checkup.separability.hardest.error, -1); /* too few rows */
      checkup_free (&checkup);
    }
  collection_free (&collection);
}
END_TEST

/* A row is not its own neighbour, a row of zeros nobody's, and too many pairs are refused.  */
START_TEST (test_neighbours)
{
  static const double squares[3] = { 1, 4, 0 };
  static const float products[3][3] = { { 1, 1, 0 }, { 1, 4, 0 }, { 0, 0, 0 } };
  static const int32_t labels[3] = { 0, 1, 0 };
  struct neighbours neighbours;
  struct workers *workers = workers_new (2);
  struct table table;
  ck_assert_int_eq (table_new (&table, 3, 3), 0);
  for (size_t i = 0; i < 3; i++)
    memcpy (table.values + i * table.stride, products[i], sizeof products[i]);
  ck_assert_int_eq (neighbours_new (&neighbours, 3, 2, labels, squares, 2, 10, 2), 0);
  ck_assert_int_eq (neighbours_take (&neighbours, &table, 0, workers), 0);
  static const float best[6] = { -1, 0.5F, 0.5F, -1, -1, -1 };
  for (size_t i = 0; i < 6; i++)
    ck_assert_float_eq (neighbours.best[i], best[i]);
  neighbours_free (&neighbours);
  ck_assert_int_eq (neighbours_new (&neighbours, 3, 2, labels, squares, 0.1, 0, 2), 0);
  ck_assert_int_eq (neighbours_take (&neighbours, &table, 0, workers), -1);
  ck_assert_str_eq (error_message (),
                    "more than 0 pairs of rows may be as similar as --similarity says; give a larger one");
  neighbours_free (&neighbours);
  table_free (&table);
  workers_free (workers);
}
END_TEST

/* Whatever the length of rows that are the same, and never more than 1.  */
START_TEST (test_cosine)
{
  for (int i = 1; i < 1000; i++)
    {
      ck_assert_double_eq (cosine_of (i, i, i), 1);
      ck_assert_double_le (cosine_of (3.0 * i, i, 9.0 * i), 1);
      ck_assert_double_eq_tol (cosine_of (-3.0 * i, i, 36.0 * i), -0.5, 1e-15);
    }
}
END_TEST

static void
assert_same (const struct checkup *a, const struct checkup *b, size_t rows)
{
  ck_assert_mem_eq (a->columns.squares, b->columns.squares, rows * sizeof *a->columns.squares);
  ck_assert_uint_eq (a->columns.zero, b->columns.zero);
  ck_assert_uint_eq (a->columns.repeated, b->columns.repeated);
  ck_assert_uint_eq (a->groups.count, b->groups.count);
  ck_assert_uint_eq (a->groups.rows, b->groups.rows);
  ck_assert_mem_eq (a->groups.row, b->groups.row, a->groups.rows * sizeof *a->groups.row);
  for (size_t i = 0; i < a->groups.count; i++)
    {
      ck_assert_double_eq (a->groups.group[i].least, b->groups.group[i].least);
      ck_assert_double_eq (a->groups.group[i].most, b->groups.group[i].most);
      ck_assert_uint_eq (a->groups.group[i].leaks, b->groups.group[i].leaks);
    }
  ck_assert_double_eq (a->separability.error, b->separability.error);
  ck_assert_uint_eq (a->separability.count, b->separability.count);
  for (size_t i = 0; i < a->separability.count; i++)
    ck_assert_double_eq (a->separability.alike[i].error, b->separability.alike[i].error);
}

/* Columns of K that come from panels, and how often a column was there.  */
struct seen {
  const struct table *whole;
  size_t columns, panels;
};

static int
compare_panel (void *context, const struct table *panel, size_t first)
{
  struct seen *seen = context;
  ck_assert_uint_eq (panel->rows, seen->whole->rows);
  ck_assert_uint_eq (first, seen->columns);
  for (size_t row = 0; row < panel->rows; row++)
    ck_assert_mem_eq (panel->values + row * panel->stride, seen->whole->values + row * seen->whole->stride + first,
                      panel->columns * sizeof (float));
  seen->columns += panel->columns;
  seen->panels++;
  return 0;
}

/* 250 rows of three files, of numbers that no sum of floats has exactly.  */
static struct collection
random_collection (size_t columns)
{
  static const size_t rows[] = { 130, 90, 30 };
  static const char *const names[] = { "training", "validation", "evaluation" };
  struct random random = random_new (3, 0);
  struct collection collection = { 0 };
  for (size_t file = 0; file < 3; file++)
    {
      float *values = memory_new (rows[file] * columns, sizeof *values);
      int32_t *labels = memory_new (rows[file], sizeof *labels);
      for (size_t i = 0; i < rows[file] * columns; i++)
        values[i] = random_uniform (&random) < 0.7F ? 0 : random_normal (&random);
      for (size_t i = 0; i < rows[file]; i++)
        {
          labels[i] = (int32_t) (i % 3 % 2);
          values[i * columns] += 4.0F * (float) labels[i];
        }
      char *name = text_new ("%s.h5", names[file]);
      write_file (name, values, labels, rows[file], columns);
      add (&collection, name, names[file]);
      free (name);
      memory_free (values);
      memory_free (labels);
    }
  read_labels (&collection);
  return collection;
}

START_TEST (test_panels)
{
  struct collection collection = random_collection (700);
  struct slabs slabs = slabs_of (collection.file, 3, 0, 700, 0);
  struct workers *workers = workers_new (2);
  struct table whole;
  double waited = 0;
  ck_assert_int_eq (table_new (&whole, 250, 250), 0);
  ck_assert_int_eq (products_compute (&slabs, &whole, NULL, 0, workers, &waited), 0);
  for (int width = 64; width <= 192; width += 128)
    {
      struct panels panels = panels_of (&slabs, panels_bytes (&slabs, width, 2), 2);
      struct seen seen = { .whole = &whole };
      ck_assert_uint_eq (panels.width, (size_t) width);
      ck_assert_msg (panels_walk (&panels, compare_panel, &seen, workers, &waited) == 0, "%s", error_message ());
      ck_assert_uint_eq (seen.columns, 250);
      ck_assert_uint_eq (seen.panels, panels.count);
      ck_assert_uint_eq (panels.count, width == 64 ? 4 : 2);
    }
  ck_assert_uint_eq (panels_of (&slabs, panels_bytes (&slabs, 63, 2), 2).count, 0);
  table_free (&whole);
  workers_free (workers);
  collection_free (&collection);
}
END_TEST

/* In panels, with any number of threads, the findings are those of the whole.  */
START_TEST (test_memory)
{
  struct collection collection = random_collection (40);
  struct checkup_options options = checkup_defaults ();
  options.similarity = 0.4;
  options.alike = 0;
  progress_be_quiet ();
  struct checkup whole = check (&collection, &options, 2);
  ck_assert_uint_gt (whole.groups.pairs, 10);
  ck_assert_uint_eq (whole.panels, 1);
  ck_assert_uint_eq (whole.walks, 3);
  struct slabs slabs = slabs_of (collection.file, 3, 0, 40, 0);
  for (int threads = 1; threads <= 3; threads += 2)
    {
      struct checkup other = check (&collection, &options, threads);
      assert_same (&whole, &other, 250);
      checkup_free (&other);
      options.train.memory_bytes = memory_bytes () + (uint64_t) panels_bytes (&slabs, 64, threads) + 20000;
      memory_reset_peak ();
      other = check (&collection, &options, threads);
      ck_assert_uint_eq (other.panels, 4);
      ck_assert_uint_eq (other.walks, 7);
      ck_assert_uint_le (memory_peak_bytes (), options.train.memory_bytes + 100000); /* pairs */
      assert_same (&whole, &other, 250);
      checkup_free (&other);
      options.train.memory_bytes = 0;
    }
  options.train.memory_bytes = memory_bytes () + 100000;
  struct workers *workers = workers_new (1);
  struct checkup little;
  ck_assert_int_eq (checkup_run (&little, &collection, &options, workers), -1);
  ck_assert_ptr_nonnull (strstr (error_message (), "checking 250 rows of 40 features needs "));
  checkup_free (&little);
  workers_free (workers);
  checkup_free (&whole);
  collection_free (&collection);
}
END_TEST

/* Counted by hand: column 0 varies, 1 is zero (-0 too), 2 has one value, 3 is as 0, 4 is as 0 but for its sign.  */
START_TEST (test_columns)
{
  static const float values[4][5] = {
    { 1, 0, 2, 1, -1 }, { 3, -0.0F, 2, 3, -3 }, { 0, 0, 2, -0.0F, 0 }, { 5, 0, 2, 5, -5 }
  };
  static const int32_t labels[4] = { 0, 1, 0, 1 };
  static const double squares[4] = { 7, 31, 4, 79 };
  struct workers *workers = workers_new (2);
  struct columns columns;
  double waited = 0;
  write_file ("a.h5", values[0], labels, 4, 5);
  struct featfile *file = open_file ("a.h5");
  struct slabs slabs = slabs_of (&file, 1, 0, 5, 0);
  ck_assert_int_eq (columns_look (&slabs, &columns, workers, &waited), 0);
  ck_assert_uint_eq (columns.zero, 1);
  ck_assert_uint_eq (columns.constant, 1);
  ck_assert_uint_eq (columns.repeated, 1);
  for (size_t i = 0; i < 4; i++)
    ck_assert_double_eq (columns.squares[i], squares[i]);
  columns_free (&columns);
  featfile_close (file);
  workers_free (workers);
}
END_TEST

static void
refuse (struct collection *collection, const char *name, const char *split, const char *message)
{
  ck_assert_int_eq (collection_add (collection, open_file (name), split), -1);
  ck_assert_msg (strstr (error_message (), message) != NULL, "'%s' is not in '%s'", message, error_message ());
}

START_TEST (test_collection)
{
  static const float values[12] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
  static const int32_t few[3] = { 1, 0, 1 }, many[3] = { 2, 0, 3 };
  struct collection collection = { 0 };
  write_file ("a.h5", values, few, 3, 4);
  write_file ("b.h5", values, many, 3, 4);
  write_file ("c.h5", values, few, 3, 3);
  add (&collection, "a.h5", "a");
  refuse (&collection, "c.h5", "c", "a.h5' has 4 features in a row and '");
  refuse (&collection, "a.h5", "a", "' is given twice");
  add (&collection, "b.h5", "a");
  read_labels (&collection);
  ck_assert_uint_eq (collection.rows, 6);
  ck_assert_uint_eq (collection.classes.count, 4);
  for (size_t i = 0; i < 6; i++)
    ck_assert_int_eq (collection.label[i], i < 3 ? few[i] : many[i - 3]);
  ck_assert_uint_eq (collection.origin[2], 0);
  ck_assert_uint_eq (collection.origin[3], 1);
  ck_assert_ptr_nonnull (strstr (collection.names.name[0], "/a.h5")); /* both were called the same */
  ck_assert_ptr_nonnull (strstr (collection.names.name[1], "/b.h5"));
  char *text = collection_describe (&collection, 4);
  ck_assert_ptr_nonnull (strstr (text, "/b.h5 row 1"));
  free (text);
  collection_free (&collection);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("checkup");
  tcase_add_test (cases, test_duplicates);
  tcase_add_test (cases, test_separability);
  tcase_add_test (cases, test_margin);
  tcase_add_test (cases, test_neighbours);
  tcase_add_test (cases, test_cosine);
  tcase_add_test (cases, test_panels);
  tcase_add_test (cases, test_memory);
  tcase_add_test (cases, test_columns);
  tcase_add_test (cases, test_collection);
  return run_cases (cases, "checkup");
}
