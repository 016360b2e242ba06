/* Both engines against the plain trainer on the tutorial's training: 3,000 rows of 100,352 features, 1,000 to validate,
   25 epochs.  Half an hour and 4 GB of memory: only where SLABFIT_SLOW is set.  */
#include <config.h>

#include "seed_shape.h"

START_TEST (engines_are_the_plain_trainer_on_the_tutorial)
{
  struct seed_shape shape = { .rows = { 3000, 1000 }, .epochs = 25 };
  double difference[25];
  seed_shape_compare (&shape, 2, difference);
  for (int i = 0; i < 25; i++)
    printf ("epoch %d: the losses differ by up to %.2g\n", i + 1, difference[i]);
  fflush (stdout);
  for (int i = 0; i < 25; i++)
    ck_assert_double_le (difference[i], i < 3 ? 1e-5 : 1e-4);
}
END_TEST

int
main (void)
{
  if (!getenv ("SLABFIT_SLOW"))
    {
      puts ("skipped: it takes half an hour and 4 GB of memory; SLABFIT_SLOW=1 runs it");
      return 77;
    }
  TCase *cases = new_cases ("slow_engines");
  tcase_set_timeout (cases, 0);
  tcase_add_test (cases, engines_are_the_plain_trainer_on_the_tutorial);
  return run_cases (cases, "slow_engines");
}
