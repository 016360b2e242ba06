/* Writes a feature file for tests/store-interop.sh: make_featfile FILE ROWS [half].  */
#include <config.h>

#include "store_support.h"

int
main (int count, char **argument)
{
  H5Eset_auto2 (H5E_DEFAULT, NULL, NULL);
  if (count < 3)
    return 2;
  uint64_t rows = strtoull (argument[2], NULL, 10);
  struct failure failure = { (char *) "training/food/1_broken.jpg", (char *) "not a JPEG file" };
  struct featinfo info = sample_info (rows + 1);
  info.half = count > 3 && !strcmp (argument[3], "half");
  info.columns = 1280;
  info.provenance.shape[2] = 1280;
  info.origin.images = rows + 1;
  featinfo_choose_tile (&info);
  int result = sample_write (argument[1], &info, 0, rows, &failure, 1);
  if (result)
    fprintf (stderr, "%s\n", error_message ());
  featinfo_free (&info);
  return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
