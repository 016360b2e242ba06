/* Stratified folds for cross-validation: each fold is held out once, and has each class's share of the rows.  */
#ifndef SLABFIT_FOLDS_H
#define SLABFIT_FOLDS_H

#include <stddef.h>
#include <stdint.h>

/* FOLD (n) = the fold, below FOLDS, of each row: the rows of each class in an order drawn from SEED, class after class,
   dealt out in turn.  So every fold has each class's share to within one row, and their sizes differ by one at most;
   the counts are those of sklearn.model_selection.StratifiedKFold.  LABEL (n), below CLASSES.  -1 with the error set
   where memory is out.  */
int folds_deal (const int32_t *label, size_t rows, size_t classes, size_t folds, uint64_t seed, uint32_t *fold);

#endif
