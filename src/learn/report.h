/* What evaluate says, for people and for programs.  */
#ifndef SLABFIT_REPORT_H
#define SLABFIT_REPORT_H

#include "metrics.h"
#include "scoring.h"

#include <jansson.h>
#include <stdio.h>

/* What sklearn.metrics.classification_report gives with its defaults and labels=all classes, character for
   character.  */
void report_classification (const struct metrics *metrics, FILE *stream);

/* The confusion matrix as a table with the names of the classes; of more than 20 classes instead the largest numbers
   beside its diagonal, of equals first those of the first class.  */
void report_confusion (const struct metrics *metrics, FILE *stream);

/* A line for each number of SCORING.  */
void report_scoring (const struct scoring *scoring, FILE *stream);

/* A new reference to what classification_report gives with output_dict=True: {CLASS: {"precision", "recall",
   "f1-score", "support"}, "accuracy", "macro avg", "weighted avg"}; "confusion_matrix", a list of rows; and of SCORING
   "loss", "brier", "roc_auc", "calibration" and, where K is not 0, "top_k", as doc/evaluation.md says.  NULL with the
   error set.  */
json_t *report_json (const struct metrics *metrics, const struct scoring *scoring);

#endif
