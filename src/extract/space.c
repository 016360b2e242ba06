#include <config.h>

#include "space.h"

#include "../base/error.h"
#include "../base/progress.h"
#include "../store/parts.h"

#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* How many times smaller features become, at the very best; 1.3 to 7.5 were measured.  */
static const double best_ratio = 8;

/* A share of what the parts that are there let expect that is sure to be needed: images are shuffled, so parts are
   alike.  */
static const double sure_share = 0.9;

enum { SIZE_BYTES = 24 };

/* BYTES as "1.5 MB" in TEXT, which is returned.  */
static const char *
size_text (double bytes, char text[SIZE_BYTES])
{
  static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB" };
  int unit = 0;
  for (; bytes >= 1000 && unit < 5; unit++)
    bytes /= 1000;
  snprintf (text, SIZE_BYTES, "%.*f %s", unit > 0, bytes, units[unit]);
  return text;
}

/* Bytes that are free where the folder PATH is or will be; INFINITY where nobody says.  */
static double
free_bytes (const char *path)
{
  struct statvfs status;
  char *copy = text_new ("%s", path), *folder = copy;
  int result = copy ? statvfs (folder, &status) : -1;
  while (copy && result && strcmp (folder, "/") && strcmp (folder, "."))
    {
      folder = dirname (folder);
      result = statvfs (folder, &status);
    }
  free (copy);
  if (result || status.f_blocks == 0)
    return INFINITY;
  return (double) status.f_bavail * (double) status.f_frsize;
}

static double
part_bytes (const struct space *space, const struct space_split *split, uint64_t number)
{
  struct stat status;
  char *path = parts_path (space->features, split->name, number);
  double bytes = path && stat (path, &status) == 0 ? (double) status.st_size : 0;
  free (path);
  return bytes;
}

static bool
is_merged (const struct space *space, const struct space_split *split)
{
  char *path = parts_merged_path (space->features, split->name);
  bool merged = path && file_exists (path);
  free (path);
  return merged;
}

static void
survey (const struct space *space, struct space_split *split)
{
  split->missing = 0;
  split->found_bytes = 0;
  if (!space->force && is_merged (space, split))
    return;
  for (uint64_t first = 0; first < split->images; first += split->each)
    {
      uint64_t left = split->images - first;
      double bytes = space->force ? 0 : part_bytes (space, split, first / split->each);
      split->found_bytes += bytes;
      if (bytes == 0)
        split->missing += left < split->each ? left : split->each;
    }
}

/* Bytes of features before compression.  */
static double
plain_bytes (const struct space *space, uint64_t images)
{
  return (double) images * (double) space->columns * (space->half ? 2 : 4);
}

uint64_t
space_missing (const struct space *space)
{
  uint64_t missing = 0;
  for (size_t i = 0; i < space->count; i++)
    missing += space->split[i].missing;
  return missing;
}

/* How many times smaller the parts that are there became; 0 where there are none.  */
static double
find_ratio (const struct space *space)
{
  double plain = 0, found = 0;
  for (size_t i = 0; i < space->count; i++)
    if (space->split[i].found_bytes > 0)
      {
        found += space->split[i].found_bytes;
        plain += plain_bytes (space, space->split[i].images - space->split[i].missing);
      }
  return found > 0 ? plain / found : 0;
}

/* Bytes still to be written by the worst moment: the merged files of splits stay, and the parts of one are beside its
   own until that is whole.  */
static double
find_need (const struct space *space, double ratio)
{
  double before = 0, most = 0;
  for (size_t i = 0; i < space->count; i++)
    {
      double parts = plain_bytes (space, space->split[i].missing) / ratio;
      most = fmax (most, before + parts + (space->split[i].found_bytes + parts));
      before += parts;
    }
  return most;
}

/* Says what is to be made and what it takes.  RATIO is 0 where it is not known.  */
static void
tell (struct space *space, double ratio, double room)
{
  char plain[SIZE_BYTES], need[SIZE_BYTES], text[SIZE_BYTES], there[SIZE_BYTES + 8] = "", enough[64] = "";
  uint64_t missing = space_missing (space);
  double most = find_need (space, ratio > 0 ? ratio : 1);
  if (space->told || missing == 0)
    return;
  space->told = true;
  if (isfinite (room))
    snprintf (there, sizeof there, "; %s free", size_text (room, text));
  if (ratio == 0 && most > room)
    snprintf (enough, sizeof enough, ", enough if they become %.1f times smaller", most / fmax (room, 1));
  progress_say ("%" PRIu64 " x %" PRIu64
                " %s values to make in '%s': %s %s, %s while the merged file stands beside its "
                "parts%s%s",
                missing, space->columns, space->half ? "float16" : "float32", space->features,
                size_text (plain_bytes (space, missing) / (ratio > 0 ? ratio : 1), plain),
                ratio > 0 ? "if they are like the parts that are there" : "before compression", size_text (most, need),
                there, enough);
}

static int
refuse (const struct space *space, double ratio, double room)
{
  char need[SIZE_BYTES], text[SIZE_BYTES];
  uint64_t missing = space_missing (space);
  size_text (find_need (space, ratio > 0 ? ratio : 1), need);
  size_text (room, text);
  if (ratio == 0)
    return error_set ("%" PRIu64 " x %" PRIu64 " %s values need %s in '%s' before compression, parts and merged file "
                      "together, and %s are free, less than an eighth; free some space, choose another folder, make "
                      "them smaller with --dtype float16 or --pool avg, or try with --force, which makes all anew",
                      missing, space->columns, space->half ? "float16" : "float32", need, space->features, text);
  return error_set ("'%s' needs %s more, by the size of the parts that are there, for %" PRIu64 " images and for the "
                    "merged file beside its parts, and has %s free; make room, then run the same command again",
                    space->features, need, missing, text);
}

int
space_check (struct space *space)
{
  for (size_t i = 0; i < space->count; i++)
    survey (space, &space->split[i]);
  double room = free_bytes (space->features), ratio = find_ratio (space);
  double least = ratio > 0 ? find_need (space, ratio) * sure_share : find_need (space, best_ratio);
  space->measured = ratio > 0;
  if (least > room && !space->force)
    return refuse (space, ratio, room);
  tell (space, ratio, room);
  return 0;
}
