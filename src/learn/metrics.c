#include <config.h>

#include "metrics.h"

#include "../base/error.h"
#include "../base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double
divide (double a, double b)
{
  return b == 0 ? 0 : a / b;
}

static uint64_t
count_row (const struct metrics *metrics, size_t class_number)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < metrics->classes->count; i++)
    sum += metrics->confusion[class_number * metrics->classes->count + i];
  return sum;
}

static uint64_t
count_column (const struct metrics *metrics, size_t class_number)
{
  uint64_t sum = 0;
  for (size_t i = 0; i < metrics->classes->count; i++)
    sum += metrics->confusion[i * metrics->classes->count + class_number];
  return sum;
}

static void
score_class (struct metrics *metrics, size_t class_number)
{
  uint64_t right = metrics->confusion[class_number * (metrics->classes->count + 1)];
  uint64_t true_count = count_row (metrics, class_number), predicted_count = count_column (metrics, class_number);
  metrics->score[class_number] = (struct score){
    .precision = divide ((double) right, (double) predicted_count),
    .recall = divide ((double) right, (double) true_count),
    .f1 = divide (2 * (double) right, (double) (true_count + predicted_count)),
    .support = true_count,
  };
}

/* NumPy's order of summing: eight sums side by side, and halves where there are more than 128 terms.  In another order
   the last bit may differ, and with it a rounded digit of the report.  */
static double
sum_pairwise (const double *term, size_t count)
{
  if (count > 128)
    {
      size_t half = count / 2 / 8 * 8;
      return sum_pairwise (term, half) + sum_pairwise (term + half, count - half);
    }
  double sum = 0, part[8];
  size_t i = 0;
  if (count >= 8)
    {
      memcpy (part, term, sizeof part);
      for (i = 8; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++)
          part[j] += term[i + j];
      sum = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    }
  for (; i < count; i++)
    sum += term[i];
  return sum;
}

enum quantity { PRECISION, RECALL, F1, QUANTITIES };

static double
quantity_of (const struct score *score, enum quantity quantity)
{
  return quantity == PRECISION ? score->precision : quantity == RECALL ? score->recall : score->f1;
}

static int
average (struct metrics *metrics)
{
  size_t classes = metrics->classes->count;
  double mean[2][QUANTITIES], *term = memory_new (classes, sizeof *term);
  if (!term)
    return -1;
  for (enum quantity quantity = 0; quantity < QUANTITIES; quantity++)
    for (int weighted = 0; weighted < 2; weighted++)
      {
        for (size_t i = 0; i < classes; i++)
          term[i] = quantity_of (&metrics->score[i], quantity) * (weighted ? (double) metrics->score[i].support : 1);
        mean[weighted][quantity] = divide (sum_pairwise (term, classes), (double) (weighted ? metrics->rows : classes));
      }
  metrics->macro = (struct score){ mean[0][PRECISION], mean[0][RECALL], mean[0][F1], metrics->rows };
  metrics->weighted = (struct score){ mean[1][PRECISION], mean[1][RECALL], mean[1][F1], metrics->rows };
  memory_free (term);
  return 0;
}

int
metrics_new (struct metrics *metrics, const struct names *classes, const int32_t *label, const int32_t *predicted,
             uint64_t rows)
{
  size_t count = classes->count, cells;
  uint64_t right = 0;
  *metrics = (struct metrics){ .classes = classes, .rows = rows };
  if (memory_multiply (count, count, "the confusion matrix's size", &cells))
    return -1;
  metrics->confusion = memory_new (cells, sizeof *metrics->confusion);
  metrics->score = memory_new (count, sizeof *metrics->score);
  if (!metrics->confusion || !metrics->score)
    {
      metrics_free (metrics);
      return -1;
    }
  for (uint64_t i = 0; i < rows; i++)
    {
      metrics->confusion[(size_t) label[i] * count + (size_t) predicted[i]]++;
      right += label[i] == predicted[i];
    }
  metrics->accuracy = divide ((double) right, (double) rows);
  for (size_t i = 0; i < count; i++)
    score_class (metrics, i);
  if (average (metrics) == 0)
    return 0;
  metrics_free (metrics);
  return -1;
}

void
metrics_free (struct metrics *metrics)
{
  memory_free (metrics->confusion);
  memory_free (metrics->score);
  *metrics = (struct metrics){ 0 };
}

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

/* Closes STREAM, made by open_memstream for *TEXT.  */
static char *
finish_text (FILE *stream, char **text)
{
  if (fclose (stream) == 0)
    return *text;
  free (*text);
  error_set ("no memory for a report; give the job more memory");
  return NULL;
}

static FILE *
open_text (char **text, size_t *length)
{
  *text = NULL;
  FILE *stream = open_memstream (text, length);
  if (!stream)
    error_set ("no memory for a report; give the job more memory");
  return stream;
}

char *
metrics_report (const struct metrics *metrics)
{
  char *text;
  size_t length, width = longest_name (metrics->classes, strlen ("weighted avg"));
  FILE *stream = open_text (&text, &length);
  if (!stream)
    return NULL;
  fprintf (stream, "%*s  %9s %9s %9s %9s\n\n", (int) width, "", "precision", "recall", "f1-score", "support");
  for (size_t i = 0; i < metrics->classes->count; i++)
    print_score (stream, metrics, metrics->classes->name[i], &metrics->score[i], width);
  fputc ('\n', stream);
  print_name (stream, "accuracy", width);
  fprintf (stream, "  %9s %9s %9.2f", "", "", metrics->accuracy);
  print_support (stream, metrics, metrics->rows);
  print_score (stream, metrics, "macro avg", &metrics->macro, width);
  print_score (stream, metrics, "weighted avg", &metrics->weighted, width);
  return finish_text (stream, &text);
}

static int
count_digits (uint64_t number)
{
  return snprintf (NULL, 0, "%" PRIu64, number);
}

char *
metrics_confusion_text (const struct metrics *metrics)
{
  char *text;
  size_t length, count = metrics->classes->count, width = longest_name (metrics->classes, 1);
  size_t cell = width, digits = (size_t) count_digits (metrics->rows);
  cell = digits > cell ? digits : cell;
  FILE *stream = open_text (&text, &length);
  if (!stream)
    return NULL;
  fprintf (stream, "%*s", (int) width, "");
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
  return finish_text (stream, &text);
}

static json_t *
score_json (const struct score *score)
{
  return json_pack ("{s:f, s:f, s:f, s:f}", "precision", score->precision, "recall", score->recall, "f1-score",
                    score->f1, "support", (double) score->support);
}

static json_t *
confusion_json (const struct metrics *metrics)
{
  size_t count = metrics->classes->count;
  json_t *matrix = json_array ();
  for (size_t i = 0; i < count; i++)
    {
      json_t *row = json_array ();
      for (size_t j = 0; j < count; j++)
        json_array_append_new (row, json_integer ((json_int_t) metrics->confusion[i * count + j]));
      if (json_array_append_new (matrix, row))
        {
          json_decref (matrix);
          return NULL;
        }
    }
  return matrix;
}

json_t *
metrics_json (const struct metrics *metrics)
{
  json_t *all = json_object ();
  int failed = !all;
  for (size_t i = 0; i < metrics->classes->count && !failed; i++)
    failed |= json_object_set_new (all, metrics->classes->name[i], score_json (&metrics->score[i]));
  failed |= json_object_set_new (all, "accuracy", json_real (metrics->accuracy));
  failed |= json_object_set_new (all, "macro avg", score_json (&metrics->macro));
  failed |= json_object_set_new (all, "weighted avg", score_json (&metrics->weighted));
  failed |= json_object_set_new (all, "confusion_matrix", confusion_json (metrics));
  if (!failed)
    return all;
  json_decref (all);
  error_set ("the report cannot be written as JSON; check that the class names are UTF-8");
  return NULL;
}
