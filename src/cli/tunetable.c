#include <config.h>

#include "tunetable.h"

#include "../base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 80 };

/* What stands beside the options that vary.  */
enum { SCORES = 7, COLUMNS = 1 + AXES + SCORES };

/* Of one column: its heading, and the text of each trial; owned.  */
struct column {
  const char *heading;
  char **text; /* (trials), or NULL where the column is left out */
  size_t width;
};

static const char *const axis_headings[AXES] = { "lr", "mom.", "l2", "drop.", "ep.", "batch", "hidden", "schedule" };
static const char *const score_headings[SCORES] = { "val_loss", "+-", "acc.", "AUC", "folds", "s", "" };

/* A number in the width that the table has for it.  */
static char *
number_text (double value)
{
  return isnan (value) ? text_new ("-") : text_new (fabs (value) < 1e4 ? "%.4f" : "%.2e", value);
}

static char *
score_text (const struct trial *trial, int score)
{
  switch (score)
    {
    case 0:
      return number_text (trial->mean.loss);
    case 1:
      return number_text (trial->folds > 1 ? trial->deviation.loss : NAN);
    case 2:
      return number_text (trial->mean.accuracy);
    case 3:
      return number_text (trial->mean.auc);
    case 4:
      return text_new ("%zu", trial->folds);
    case 5:
      return text_new ("%.1f", trial->mean.seconds);
    default:
      return text_new ("%s", trial->status == TRIAL_DIVERGED ? "diverged" : "");
    }
}

/* The text of COLUMN, counted over all that there are, for the trial of rank RANK.  */
static char *
cell_text (const struct trial *trial, size_t rank, int column)
{
  if (column == 0)
    return text_new ("%zu", rank + 1);
  return column <= AXES ? axis_text ((enum axis_name) (column - 1), &trial->options)
                        : score_text (trial, column - 1 - AXES);
}

/* Whether COLUMN says anything.  */
static bool
is_shown (const struct tune_report *report, const struct searchspace *space, int column)
{
  int score = column - 1 - AXES;
  bool shown = column == 0 || score >= 0 || axis_varies (&space->axis[column - 1]);
  for (size_t i = 0; score == 3; i++)
    if (i == report->trials || !isnan (report->trial[i].mean.auc))
      return i < report->trials;
  for (size_t i = 0; score == 6; i++)
    if (i == report->trials || report->trial[i].status == TRIAL_DIVERGED)
      return i < report->trials;
  return shown;
}

static int
fill_column (struct column *column, const struct tune_report *report, int index)
{
  column->heading = index == 0 ? "#" : index <= AXES ? axis_headings[index - 1] : score_headings[index - 1 - AXES];
  column->width = strlen (column->heading);
  column->text = calloc (report->trials, sizeof *column->text);
  if (!column->text)
    return error_set ("no memory left for the table of trials");
  for (size_t i = 0; i < report->trials; i++)
    {
      char *text = column->text[i] = cell_text (&report->trial[i], i, index);
      if (!text)
        return -1;
      column->width = strlen (text) > column->width ? strlen (text) : column->width;
    }
  return 0;
}

static void
free_columns (struct column *column, size_t rows)
{
  for (int i = 0; i < COLUMNS; i++)
    {
      for (size_t row = 0; column[i].text && row < rows; row++)
        free (column[i].text[row]);
      free (column[i].text);
    }
}

/* One line: the headings, or the trial of rank ROW.  */
static void
print_line (const struct column *column, const size_t *row, int gap, FILE *stream)
{
  int before = 0; /* spaces that are due: none are printed at the end of a line */
  for (int i = 0; i < COLUMNS; i++)
    if (column[i].text)
      {
        const char *text = row ? column[i].text[*row] : column[i].heading;
        int length = (int) strlen (text), width = (int) column[i].width;
        if (length > 0)
          fprintf (stream, "%*s%s", before + width - length, "", text);
        before = length > 0 ? gap : before + width + gap;
      }
  fputc ('\n', stream);
}

int
tunetable_print (const struct tune_report *report, const struct searchspace *space, FILE *stream)
{
  struct column column[COLUMNS] = { 0 };
  size_t width = 0, shown = 0;
  int result = 0;
  for (int i = 0; result == 0 && i < COLUMNS; i++)
    if (is_shown (report, space, i))
      {
        result = fill_column (&column[i], report, i);
        width += column[i].width;
        shown++;
      }
  int gap = width + 2 * (shown - 1) <= WIDTH ? 2 : 1;
  if (result == 0)
    print_line (column, NULL, gap, stream);
  for (size_t i = 0; result == 0 && i < report->trials; i++)
    print_line (column, &i, gap, stream);
  free_columns (column, report->trials);
  return result;
}

void
tunetable_time (double seconds, char text[32])
{
  if (seconds < 100)
    snprintf (text, 32, "%.1f s", seconds);
  else if (seconds < 100 * 60)
    snprintf (text, 32, "%.0f min", seconds / 60);
  else
    snprintf (text, 32, "%.1f h", seconds / 3600);
}
