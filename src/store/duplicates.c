#include <config.h>

#include "duplicates.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/memory.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum { BLOCK_ROWS = 1 << 16, FILE_SHIFT = 48 };

/* An image; its place is the file's number and the row in it.  */
struct entry {
  uint64_t digest, place;
};

/* Places of two images with the same contents.  */
struct pair {
  uint64_t first, second;
};

/* The pairs whose second images come first.  */
struct earliest {
  size_t count;
  struct pair pair[DUPLICATES_NAMED];
};

uint64_t
duplicates_digest (const void *data, size_t length)
{
  unsigned char sha256[EVP_MAX_MD_SIZE];
  uint64_t digest = 0;
  if (EVP_Digest (data, length, sha256, NULL, EVP_sha256 (), NULL) == 1)
    for (int i = 0; i < 8; i++)
      digest = digest << 8 | sha256[i];
  return digest;
}

static int
compare_entries (const void *a, const void *b)
{
  const struct entry *first = a, *second = b;
  if (first->digest != second->digest)
    return first->digest < second->digest ? -1 : 1;
  return first->place < second->place ? -1 : first->place > second->place;
}

/* Appends the images of FILE whose digests are known.  DIGEST (BLOCK_ROWS).  */
static int
gather (struct featfile *file, uint64_t number, uint64_t *digest, struct entry *entry, uint64_t *count)
{
  uint64_t total = featfile_info (file)->rows;
  for (uint64_t row = 0, rows; row < total; row += rows)
    {
      rows = total - row < BLOCK_ROWS ? total - row : BLOCK_ROWS;
      if (featfile_read_digests (file, row, rows, digest))
        return -1;
      for (uint64_t i = 0; i < rows; i++)
        if (digest[i])
          entry[(*count)++] = (struct entry){ digest[i], number << FILE_SHIFT | (row + i) };
    }
  return 0;
}

static void
insert (struct earliest *earliest, struct pair pair)
{
  size_t place = earliest->count;
  while (place > 0 && earliest->pair[place - 1].second > pair.second)
    place--;
  if (place == DUPLICATES_NAMED)
    return;
  earliest->count += earliest->count < DUPLICATES_NAMED;
  memmove (earliest->pair + place + 1, earliest->pair + place, (earliest->count - place - 1) * sizeof *earliest->pair);
  earliest->pair[place] = pair;
}

/* ENTRY (count) is sorted: images with the same contents lie together, those of a split too.  */
static void
count_pairs (const struct entry *entry, uint64_t count, struct duplicates *duplicates, struct earliest *within,
             struct earliest *across)
{
  for (uint64_t i = 1, first = 0; i < count; i++)
    if (entry[i].digest != entry[first].digest)
      first = i;
    else if (entry[i].place >> FILE_SHIFT == entry[i - 1].place >> FILE_SHIFT)
      {
        duplicates->within++;
        insert (within, (struct pair){ entry[i - 1].place, entry[i].place });
      }
    else
      {
        duplicates->across++;
        insert (across, (struct pair){ entry[first].place, entry[i].place });
      }
}

/* The path of the image at PLACE, to be freed by the caller; NULL with the error set.  */
static char *
name_image (struct featfile *const *files, uint64_t place)
{
  struct featfile *file = files[place >> FILE_SHIFT];
  uint64_t row = place & (((uint64_t) 1 << FILE_SHIFT) - 1);
  char *path = calloc (featfile_info (file)->path_bytes + 1, 1);
  if (!path)
    error_set ("no memory left to name the duplicates of '%s'", featfile_path (file));
  else if (featfile_read_images (file, row, 1, path))
    {
      free (path);
      path = NULL;
    }
  return path;
}

static int
name_pairs (struct featfile *const *files, const struct earliest *earliest, struct duplicate *pair, size_t *named)
{
  for (; *named < earliest->count; pair++)
    {
      ++*named;
      if (!(pair->image = name_image (files, earliest->pair[*named - 1].first))
          || !(pair->other = name_image (files, earliest->pair[*named - 1].second)))
        return -1;
    }
  return 0;
}

int
duplicates_find (struct featfile *const *files, size_t count, struct duplicates *duplicates)
{
  struct earliest within = { 0 }, across = { 0 };
  uint64_t rows = 0;
  *duplicates = (struct duplicates){ 0 };
  for (size_t i = 0; i < count; i++)
    rows += featfile_info (files[i])->digests ? featfile_info (files[i])->rows : 0;
  uint64_t *digest = memory_new (BLOCK_ROWS, sizeof *digest);
  struct entry *entry = memory_new (rows, sizeof *entry);
  int result = digest && entry ? 0 : -1;
  for (size_t i = 0; i < count && result == 0; i++)
    if (featfile_info (files[i])->digests)
      result = gather (files[i], i, digest, entry, &duplicates->images);
  if (result == 0)
    {
      qsort (entry, duplicates->images, sizeof *entry, compare_entries);
      count_pairs (entry, duplicates->images, duplicates, &within, &across);
      result = name_pairs (files, &within, duplicates->within_pair, &duplicates->within_named)
               || name_pairs (files, &across, duplicates->across_pair, &duplicates->across_named);
    }
  memory_free (digest);
  memory_free (entry);
  return result ? -1 : 0;
}

/* Opens those of SPLITS that are merged; *COUNT of them.  */
static int
open_merged (const char *features, const struct names *splits, struct featfile **files, size_t *count)
{
  for (size_t i = 0; i < splits->count; i++)
    {
      char *path = parts_merged_path (features, splits->name[i]);
      bool there = path && file_exists (path);
      if (there && (files[*count] = featfile_open (path)))
        ++*count;
      else if (there || !path)
        {
          free (path);
          return -1;
        }
      free (path);
    }
  return 0;
}

int
duplicates_find_in (const char *features, struct duplicates *duplicates)
{
  struct names splits;
  size_t count = 0;
  *duplicates = (struct duplicates){ 0 };
  if (parts_splits (features, &splits))
    return -1;
  struct featfile **files = memory_new (splits.count, sizeof *files);
  int result = files ? open_merged (features, &splits, files, &count) : -1;
  if (result == 0)
    result = duplicates_find (files, count, duplicates);
  for (size_t i = 0; i < count; i++)
    featfile_close (files[i]);
  memory_free (files);
  names_free (&splits);
  return result;
}

static void
free_pairs (struct duplicate *pair, size_t count)
{
  for (size_t i = 0; i < count; i++)
    {
      free (pair[i].image);
      free (pair[i].other);
    }
}

void
duplicates_free (struct duplicates *duplicates)
{
  free_pairs (duplicates->within_pair, duplicates->within_named);
  free_pairs (duplicates->across_pair, duplicates->across_named);
  *duplicates = (struct duplicates){ 0 };
}
