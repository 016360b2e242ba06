#include <config.h>

#include "metrics.h"

#include "../base/memory.h"

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
