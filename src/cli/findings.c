#include <config.h>

#include "findings.h"

#include "../base/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_ROWS = 6 }; /* shown of a group */

static const char *
plural (size_t count)
{
  return count == 1 ? "" : "s";
}

static const char *
class_of (const struct findings *findings, size_t row)
{
  return findings->collection->classes.name[findings->collection->label[row]];
}

static const char *
split_of (const struct findings *findings, size_t row)
{
  return findings->collection->names.name[findings->collection->origin[row]];
}

/* "training/food/1.jpg (food)"; a path that does not begin with its split has that in front.  */
static int
print_row (const struct findings *findings, size_t row)
{
  const char *split = split_of (findings, row);
  char *image = collection_describe (findings->collection, row);
  if (!image)
    return -1;
  bool named = strncmp (image, split, strlen (split)) == 0;
  printf ("    %s%s%s (%s)\n", named ? "" : split, named ? "" : ": ", image, class_of (findings, row));
  free (image);
  return 0;
}

static int
print_group (const struct findings *findings, const struct group *group)
{
  size_t shown = group->rows > GROUP_ROWS ? GROUP_ROWS - 1 : group->rows;
  printf ("  cosine %.4f", group->most);
  if (group->most - group->least >= 5e-5)
    printf (" to %.4f", group->least);
  printf ("%s%s\n", group->leaks ? ", across splits" : "", group->mixed ? ", LABELS DIFFER" : "");
  for (size_t i = 0; i < shown; i++)
    if (print_row (findings, group->row[i]))
      return -1;
  if (shown < group->rows)
    printf ("    and %zu more\n", group->rows - shown);
  return 0;
}

static int
print_duplicates (const struct findings *findings)
{
  const struct groups *groups = &findings->checkup->groups;
  size_t mixed = 0, shown = groups->count < findings->limit ? groups->count : findings->limit;
  for (size_t i = 0; i < groups->count; i++)
    mixed += groups->group[i].mixed;
  if (groups->count == 0)
    printf ("near-duplicates: none (cosine %g or more)\n", findings->options->similarity);
  else
    printf ("near-duplicates: %zu pair%s in %zu group%s (cosine %g or more)\n", groups->pairs, plural (groups->pairs),
            groups->count, plural (groups->count), findings->options->similarity);
  if (groups->leaks)
    printf ("leaks: %zu of the pairs lie%s across splits: take one row of each out\n", groups->leaks,
            groups->leaks == 1 ? "s" : "");
  if (mixed)
    printf ("labels: in %zu group%s they differ: look which one is right\n", mixed, plural (mixed));
  for (size_t i = 0; i < shown; i++)
    if (print_group (findings, &groups->group[i]))
      return -1;
  if (shown < groups->count)
    printf ("  and %zu more group%s: --limit shows more, --json all\n", groups->count - shown,
            plural (groups->count - shown));
  return 0;
}

static void
print_likeness (const struct findings *findings, const struct likeness *pair)
{
  const struct names *classes = &findings->collection->classes;
  printf ("  %s and %s: nearest neighbour of the other in %.1f %% (chance: 50 %%)\n", classes->name[pair->class[0]],
          classes->name[pair->class[1]], 100 * pair->error);
}

static void
print_classes (const struct findings *findings)
{
  const struct separability *separability = &findings->checkup->separability;
  size_t count = separability->count, shown = count < findings->limit ? count : findings->limit;
  if (separability->hardest.error < 0)
    {
      printf ("classes: too few to compare (two of %d rows or more are needed)\n", SEPARABILITY_ROWS);
      return;
    }
  printf ("classes: the nearest neighbour is of another class in %.1f %% of the rows\n", 100 * separability->error);
  if (count)
    printf ("alike: %zu pair%s of classes cannot be told apart: merge them, or look at\n"
            "their labels\n",
            count, plural (count));
  else
    printf ("alike: no two classes; hardest to tell apart:\n");
  for (size_t i = 0; i < shown; i++)
    print_likeness (findings, &separability->alike[i]);
  if (shown < count)
    printf ("  and %zu more pair%s\n", count - shown, plural (count - shown));
  if (!count)
    print_likeness (findings, &separability->hardest);
}

static int
print_columns (const struct findings *findings)
{
  const struct columns *columns = &findings->checkup->columns;
  uint64_t all = featfile_info (findings->collection->file[0])->columns;
  size_t zero = 0, shown = 0;
  printf ("columns: %" PRIu64 " of %" PRIu64 " are zero in all rows (%.1f %%), %" PRIu64 " constant, %" PRIu64
          " repeated%s\n",
          columns->zero, all, 100 * (double) columns->zero / (double) all, columns->constant, columns->repeated,
          columns->zero * 2 > all ? ":\n  are the backbone and its preprocessing the right ones?" : "");
  for (size_t i = 0; i < findings->collection->rows; i++)
    zero += columns->squares[i] <= 0;
  if (zero == 0)
    printf ("rows of zeros: none\n");
  else
    printf ("rows of zeros: %zu: look at their images\n", zero);
  for (size_t i = 0; zero && i < findings->collection->rows && shown < findings->limit; i++)
    if (columns->squares[i] <= 0 && (shown++, print_row (findings, i)))
      return -1;
  if (shown < zero)
    printf ("    and %zu more\n", zero - shown);
  return 0;
}

static void
print_verdict (const struct curve *curve)
{
  double loss = curve->point[CURVE_POINTS - 1].val_loss;
  printf ("fit: val_loss = %.3g + %.3g n^-%.2f; twice the rows take off %.4f +- %.4f\n", curve->law.a, curve->law.b,
          curve->law.c, curve->gain, curve->gain_error);
  if (curve->verdict == CURVE_WORTH)
    printf ("more data is worth collecting: twice the rows would take val_loss from %.4f\nto about %.4f\n", loss,
            loss - curve->gain);
  else if (curve->verdict == CURVE_FLAT)
    printf ("more data of this kind would bring less than 2 %% of val_loss\n");
  else
    printf ("the draws differ too much to tell whether more data would help\n");
}

static void
print_curve (const struct findings *findings)
{
  const struct curve *curve = &findings->checkup->curve;
  printf ("\nlearning curve, %d draws of each size, on %s:\n", CURVE_DRAWS,
          findings->checkup->held_out ? "a fifth of the training rows" : "the validation rows");
  printf ("%10s %8s %10s %10s %14s\n", "rows", "epochs", "val_loss", "+-", "val_accuracy");
  for (int i = 0; i < CURVE_POINTS; i++)
    {
      const struct curve_point *point = &curve->point[i];
      printf ("%10" PRIu64 " %8" PRIu64 " %10.4f %10.4f %14.4f\n", point->rows, point->epochs, point->val_loss,
              point->val_loss_deviation, point->val_accuracy);
    }
  print_verdict (curve);
}

int
findings_print (const struct findings *findings)
{
  const struct collection *collection = findings->collection;
  for (size_t i = 0; i < collection->files; i++)
    printf ("%s%s", i ? ", " : "", collection->names.name[i]);
  printf (": %zu row%s of %" PRIu64 " features, %zu class%s\n", collection->rows, plural (collection->rows),
          featfile_info (collection->file[0])->columns, collection->classes.count,
          collection->classes.count == 1 ? "" : "es");
  if (print_duplicates (findings))
    return -1;
  print_classes (findings);
  if (print_columns (findings))
    return -1;
  if (findings->options->curve)
    print_curve (findings);
  return 0;
}

/* {"split", "row", "image", "class"}; the image only where the file has paths.  */
static json_t *
row_new (const struct findings *findings, size_t row)
{
  const struct collection *collection = findings->collection;
  size_t file = collection->origin[row];
  json_t *entry =
    json_pack ("{s:s, s:I, s:s}", "split", split_of (findings, row), "row",
               (json_int_t) (row - collection_first (collection, file)), "class", class_of (findings, row));
  if (featfile_info (collection->file[file])->path_bytes == 0)
    return entry;
  char *image = collection_describe (collection, row);
  if (!image)
    {
      json_decref (entry);
      return NULL;
    }
  json_object_set_new (entry, "image", json_string (image));
  free (image);
  return entry;
}

/* Appends ROW; a JSON array that is borrowed.  */
static int
append_row (const struct findings *findings, json_t *rows, size_t row)
{
  json_t *entry = row_new (findings, row);
  return entry && json_array_append_new (rows, entry) == 0 ? 0 : -1;
}

static json_t *
groups_new (const struct findings *findings)
{
  const struct groups *groups = &findings->checkup->groups;
  json_t *entries = json_array ();
  for (size_t i = 0; i < groups->count; i++)
    {
      const struct group *group = &groups->group[i];
      json_t *rows = json_array ();
      for (size_t j = 0; j < group->rows; j++)
        if (append_row (findings, rows, group->row[j]))
          {
            json_decref (rows);
            json_decref (entries);
            return NULL;
          }
      json_array_append_new (entries,
                             json_pack ("{s:f, s:f, s:I, s:I, s:b, s:o}", "cosine", group->most, "least", group->least,
                                        "pairs", (json_int_t) group->pairs, "leaks", (json_int_t) group->leaks,
                                        "labels_differ", group->mixed, "rows", rows));
    }
  return entries;
}

static json_t *
likeness_new (const struct findings *findings, const struct likeness *pair)
{
  const struct names *classes = &findings->collection->classes;
  if (pair->error < 0)
    return json_null ();
  return json_pack ("{s:[s, s], s:[I, I], s:f}", "classes", classes->name[pair->class[0]],
                    classes->name[pair->class[1]], "rows", (json_int_t) pair->rows[0], (json_int_t) pair->rows[1],
                    "error", pair->error);
}

static json_t *
classes_new (const struct findings *findings)
{
  const struct separability *separability = &findings->checkup->separability;
  json_t *entries = json_array ();
  for (size_t i = 0; i < separability->count; i++)
    json_array_append_new (entries, likeness_new (findings, &separability->alike[i]));
  return entries;
}

/* The numbers of the columns, and the rows of zeros.  */
static json_t *
columns_new (const struct findings *findings)
{
  const struct columns *columns = &findings->checkup->columns;
  uint64_t all = featfile_info (findings->collection->file[0])->columns;
  json_t *rows = json_array ();
  for (size_t i = 0; i < findings->collection->rows; i++)
    if (columns->squares[i] <= 0 && append_row (findings, rows, i))
      {
        json_decref (rows);
        return NULL;
      }
  return json_pack ("{s:I, s:I, s:f, s:I, s:I, s:o}", "columns", (json_int_t) all, "zero", (json_int_t) columns->zero,
                    "share", (double) columns->zero / (double) all, "constant", (json_int_t) columns->constant,
                    "repeated", (json_int_t) columns->repeated, "zero_rows", rows);
}

static json_t *
curve_new (const struct curve *curve)
{
  json_t *points = json_array ();
  for (int i = 0; i < CURVE_POINTS; i++)
    {
      const struct curve_point *point = &curve->point[i];
      json_t *draws = json_array ();
      for (int j = 0; j < CURVE_DRAWS; j++)
        {
          const struct curve_draw *draw = &point->draw[j];
          json_array_append_new (draws,
                                 json_pack ("{s:f, s:f, s:f, s:f}", "loss", draw->loss, "accuracy", draw->accuracy,
                                            "val_loss", draw->val_loss, "val_accuracy", draw->val_accuracy));
        }
      json_array_append_new (points, json_pack ("{s:I, s:I, s:f, s:f, s:f, s:o}", "rows", (json_int_t) point->rows,
                                                "epochs", (json_int_t) point->epochs, "val_loss", point->val_loss,
                                                "deviation", point->val_loss_deviation, "val_accuracy",
                                                point->val_accuracy, "draws", draws));
    }
  return points;
}

static json_t *
law_new (const struct curve *curve)
{
  static const char *const verdicts[] = { "worth", "flat", "noisy" }; /* as enum curve_verdict */
  return json_pack ("{s:f, s:f, s:f, s:f, s:f, s:s}", "a", curve->law.a, "b", curve->law.b, "c", curve->law.c,
                    "gain_of_doubling", curve->gain, "gain_error", curve->gain_error, "verdict",
                    verdicts[curve->verdict]);
}

json_t *
findings_json (const struct findings *findings)
{
  const struct checkup *checkup = findings->checkup;
  const struct separability *separability = &checkup->separability;
  json_t *duplicates = groups_new (findings), *columns = duplicates ? columns_new (findings) : NULL;
  if (!columns)
    {
      json_decref (duplicates);
      return NULL;
    }
  json_t *result =
    json_pack ("{s:I, s:f, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:I, s:I}", "rows",
               (json_int_t) findings->collection->rows, "similarity", findings->options->similarity, "duplicates",
               duplicates, "pairs", (json_int_t) checkup->groups.pairs, "leaks", (json_int_t) checkup->groups.leaks,
               "classes", classes_new (findings), "hardest", likeness_new (findings, &separability->hardest), "error",
               isnan (separability->error) ? json_null () : json_real (separability->error), "dead_columns", columns,
               "panels", (json_int_t) checkup->panels, "walks", (json_int_t) checkup->walks);
  if (findings->options->curve)
    {
      json_object_set_new (result, "curve", curve_new (&checkup->curve));
      json_object_set_new (result, "law", law_new (&checkup->curve));
    }
  return result;
}
