#include <config.h>

#include "duplicatetable.h"

#include <inttypes.h>
#include <stdio.h>

json_t *
duplicatetable_json (const struct duplicates *duplicates)
{
  return json_pack ("{s:I, s:I}", "within", (json_int_t) duplicates->within, "across", (json_int_t) duplicates->across);
}

static void
print_pairs (const struct duplicate *pair, size_t named, uint64_t count)
{
  for (size_t i = 0; i < named; i++)
    printf ("  %s = %s\n", pair[i].image, pair[i].other);
  if (count > named)
    printf ("  and %" PRIu64 " more\n", count - named);
}

void
duplicatetable_print (const struct duplicates *duplicates)
{
  uint64_t within = duplicates->within, across = duplicates->across;
  if (within > 0)
    printf ("%" PRIu64 " image%s of the same split, byte by byte:\n", within,
            within == 1 ? " repeats another" : "s repeat others");
  print_pairs (duplicates->within_pair, duplicates->within_named, within);
  if (across > 0)
    printf ("%" PRIu64
            " image%s in another split as well, a leak: what is trained on must not be evaluated on; remove %s from "
            "one of the splits and extract again:\n",
            across, across == 1 ? " is" : "s are", across == 1 ? "it" : "them");
  print_pairs (duplicates->across_pair, duplicates->across_named, across);
}
