#include <config.h>

#include "calibration.h"

#include <math.h>

/* The product of a float and 15 is exact in double, and only of 0 and 1 is it a whole number: so no other confidence
   lies on the edge of two bins.  */
static size_t
find_bin (double confidence)
{
  size_t bin = (size_t) (confidence * CALIBRATION_BINS);
  return bin < CALIBRATION_BINS ? bin : CALIBRATION_BINS - 1;
}

void
calibration_measure (struct calibration *calibration, const float *probabilities, const int32_t *label,
                     const int32_t *predicted, size_t rows, size_t classes)
{
  *calibration = (struct calibration){ .error = 0 };
  for (size_t i = 0; i < rows; i++)
    {
      double confidence = (double) probabilities[i * classes + (size_t) predicted[i]];
      struct calibration_bin *bin = &calibration->bin[find_bin (confidence)];
      bin->rows++;
      bin->confidence += confidence;
      bin->accuracy += predicted[i] == label[i];
    }
  for (size_t i = 0; i < CALIBRATION_BINS; i++)
    {
      struct calibration_bin *bin = &calibration->bin[i];
      calibration->error += fabs (bin->accuracy - bin->confidence) / (double) rows;
      bin->confidence = bin->rows ? bin->confidence / (double) bin->rows : NAN;
      bin->accuracy = bin->rows ? bin->accuracy / (double) bin->rows : NAN;
    }
}

double
calibration_brier (const float *probabilities, const int32_t *label, size_t rows, size_t classes)
{
  double sum = 0;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = classes == 2 ? 1 : 0; j < classes; j++)
      {
        double difference = (double) probabilities[i * classes + j] - (j == (size_t) label[i]);
        sum += difference * difference;
      }
  return sum / (double) rows;
}
