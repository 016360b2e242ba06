#include <config.h>

#include "report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Code points of NAME, as Python's len and str.format count them.  */
static size_t
count_characters (const char *name)
{
  size_t count = 0;
  for (; *name; name++)
    count += ((unsigned char) *name & 0xc0) != 0x80;
  return count;
}

static size_t
longest_name (const struct names *names, size_t least)
{
  for (size_t i = 0; i < names->count; i++)
    {
      size_t length = count_characters (names->name[i]);
      least = length > least ? length : least;
    }
  return least;
}

/* NAME at the right edge of WIDTH characters.  */
static void
print_name (FILE *stream, const char *name, size_t width)
{
  size_t length = count_characters (name);
  fprintf (stream, "%*s%s", (int) (length < width ? width - length : 0), "", name);
}

/* The number of rows that ends a line.  Where not one prediction is right, scikit-learn counts in floats, and its
   report says 3.0 for 3.  */
static void
print_support (FILE *stream, const struct metrics *metrics, uint64_t support)
{
  if (metrics->accuracy > 0)
    fprintf (stream, " %9" PRIu64 "\n", support);
  else
    fprintf (stream, " %9.1f\n", (double) support);
}

static void
print_score (FILE *stream, const struct metrics *metrics, const char *name, const struct score *score, size_t width)
{
  print_name (stream, name, width);
  fprintf (stream, "  %9.2f %9.2f %9.2f", score->precision, score->recall, score->f1);
  print_support (stream, metrics, score->support);
}

void
report_classification (const struct metrics *metrics, FILE *stream)
{
  size_t width = longest_name (metrics->classes, strlen ("weighted avg"));
  fprintf (stream, "%*s  %9s %9s %9s %9s\n\n", (int) width, "", "precision", "recall", "f1-score", "support");
  for (size_t i = 0; i < metrics->classes->count; i++)
    print_score (stream, metrics, metrics->classes->name[i], &metrics->score[i], width);
  fputc ('\n', stream);
  print_name (stream, "accuracy", width);
  fprintf (stream, "  %9s %9s %9.2f", "", "", metrics->accuracy);
  print_support (stream, metrics, metrics->rows);
  print_score (stream, metrics, "macro avg", &metrics->macro, width);
  print_score (stream, metrics, "weighted avg", &metrics->weighted, width);
}

static size_t
count_digits (uint64_t number)
{
  return (size_t) snprintf (NULL, 0, "%" PRIu64, number);
}

static void
print_matrix (const struct metrics *metrics, FILE *stream)
{
  size_t count = metrics->classes->count, width = longest_name (metrics->classes, 1);
  size_t digits = count_digits (metrics->rows), cell = digits > width ? digits : width;
  fprintf (stream, "confusion matrix (rows: the class, columns: the prediction)\n\n%*s", (int) width, "");
  for (size_t i = 0; i < count; i++)
    {
      fputs ("  ", stream);
      print_name (stream, metrics->classes->name[i], cell);
    }
  fputc ('\n', stream);
  for (size_t i = 0; i < count; i++)
    {
      print_name (stream, metrics->classes->name[i], width);
      for (size_t j = 0; j < count; j++)
        fprintf (stream, "  %*" PRIu64, (int) cell, metrics->confusion[i * count + j]);
      fputc ('\n', stream);
    }
}

enum { LARGEST = 20 };

/* ROWS of the class number LABEL that were taken for PREDICTED.  */
struct confusion {
  size_t label, predicted;
  uint64_t rows;
};

/* Puts CONFUSION into LARGEST (*HELD), which falls from the first to the last, behind its equals.  */
static void
keep_largest (struct confusion *largest, size_t *held, struct confusion confusion)
{
  size_t place = *held;
  for (; place > 0 && largest[place - 1].rows < confusion.rows; place--)
    if (place < LARGEST)
      largest[place] = largest[place - 1];
  if (place < LARGEST)
    largest[place] = confusion;
  *held += *held < LARGEST;
}

static void
print_largest (const struct metrics *metrics, FILE *stream)
{
  size_t count = metrics->classes->count, held = 0, all = 0, width = longest_name (metrics->classes, 1);
  struct confusion largest[LARGEST];
  for (size_t i = 0; i < count; i++)
    for (size_t j = 0; j < count; j++)
      if (i != j && metrics->confusion[i * count + j] > 0)
        {
          all++;
          keep_largest (largest, &held, (struct confusion){ i, j, metrics->confusion[i * count + j] });
        }
  fprintf (stream, "largest confusions, %zu of %zu (the class, the prediction, rows)\n\n", held, all);
  for (size_t i = 0; i < held; i++)
    {
      print_name (stream, metrics->classes->name[largest[i].label], width);
      fputs ("  ", stream);
      print_name (stream, metrics->classes->name[largest[i].predicted], width);
      fprintf (stream, "  %*" PRIu64 "\n", (int) count_digits (largest[0].rows), largest[i].rows);
    }
}

void
report_confusion (const struct metrics *metrics, FILE *stream)
{
  enum { MATRIX_CLASSES = 20 };
  if (metrics->classes->count > MATRIX_CLASSES)
    print_largest (metrics, stream);
  else
    print_matrix (metrics, stream);
}

/* Which classes have no rows, and so no curve: their names, or how many where they are many.  */
static void
print_left_out (const struct scoring *scoring, FILE *stream)
{
  enum { NAMES = 5 };
  size_t count = 0, named = 0;
  for (size_t i = 0; i < scoring->classes->count; i++)
    count += isnan (scoring->auc[i]) != 0;
  if (count > NAMES)
    fprintf (stream, "; left out: %zu classes without rows", count);
  for (size_t i = 0; count <= NAMES && named < count; i++)
    if (isnan (scoring->auc[i]))
      fprintf (stream, "%s%s", named++ ? ", " : "; left out, without rows: ", scoring->classes->name[i]);
}

static void
print_auc (const struct scoring *scoring, FILE *stream)
{
  if (isnan (scoring->auc_macro))
    fputs ("ROC AUC: none, as all rows are of one class", stream);
  else if (scoring->classes->count == 2)
    fprintf (stream, "ROC AUC of %s: %.4f", scoring->classes->name[1], scoring->auc[1]);
  else
    {
      fprintf (stream, "ROC AUC, each class against the rest: %.4f macro, %.4f weighted", scoring->auc_macro,
               scoring->auc_weighted);
      print_left_out (scoring, stream);
    }
  fputc ('\n', stream);
}

void
report_scoring (const struct scoring *scoring, FILE *stream)
{
  if (scoring->k > 0)
    fprintf (stream, "top-%zu accuracy: %.4f\n", scoring->k, scoring->top_k);
  print_auc (scoring, stream);
  fprintf (stream, "log loss: %.4f\nBrier score: %.4f\nexpected calibration error: %.4f (%d bins)\n", scoring->log_loss,
           scoring->brier, scoring->calibration.error, CALIBRATION_BINS);
}
