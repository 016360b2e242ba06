/* Whether classes can be told apart: the leave-one-out error of the nearest neighbour by cosine (Cover and Hart 1967).
   Of two classes whose rows have the same distribution, half of the rows of either are taken for the other's, however
   unequal the classes are, on the average of the two; as rows become many this error is at most twice that of the best
   classifier there is.  */
#ifndef SLABFIT_SEPARABILITY_H
#define SLABFIT_SEPARABILITY_H

#include <stddef.h>
#include <stdint.h>

enum { SEPARABILITY_ROWS = 10 }; /* a class of fewer rows is not judged */

/* Two classes, where only their rows count.  */
struct likeness {
  size_t class[2]; /* ascending */
  uint64_t rows[2];
  double error; /* the mean of the two classes' shares of rows whose nearest neighbour is of the other */
};

struct separability {
  double error;           /* share of all rows whose nearest neighbour is of another class; NaN without rows */
  struct likeness *alike; /* (count) the pairs with an error of at least the threshold, largest first */
  size_t count;
  struct likeness hardest; /* the pair with the largest error; class[0] == class[1] where none was judged */
};

/* From BEST (N, C) as neighbours.h has it and LABEL (N).  An equally near neighbour of each class counts one half;
   rows without another row of their class do not count.  -1 with the error set; to be freed in any case.  */
int separability_judge (struct separability *separability, const float *best, const int32_t *label, size_t rows,
                        size_t classes, double threshold);
void separability_free (struct separability *separability);

#endif
