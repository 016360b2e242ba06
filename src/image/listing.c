#include <config.h>

#include "listing.h"

#include "../base/clock.h"
#include "../base/error.h"
#include "../base/progress.h"
#include "../base/stop.h"
#include "layout.h"
#include "splitname.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
append_text (struct listing *listing, const char *text, uint64_t *offset)
{
  *offset = spool_bytes (listing->texts);
  return spool_append (listing->texts, text, strlen (text) + 1);
}

/* A list says itself what an image's split and class are; "" stands for no split.  */
static int
number_names (struct listing *listing, const struct item *item, struct entry *entry)
{
  entry->label = -1;
  if (nameset_number (&listing->split_set, item->split ? item->split : "", &entry->split))
    return -1;
  return item->class_name ? nameset_number (&listing->class_set, item->class_name, &entry->label) : 0;
}

/* Says now and then how far a long list is, and stops where that is asked for.  */
static int
look_up (struct listing *listing)
{
  enum { EACH = 256, SECONDS = 10 };
  if (listing->found++ % EACH)
    return 0;
  if (clock_seconds () - listing->told > SECONDS)
    {
      progress_say ("listing '%s': %zu files and folders so far", source_dataset (listing->source), listing->found);
      listing->told = clock_seconds ();
    }
  return stop_requested ()
           ? error_stopped ("stopped while listing '%s'; run the same command again", source_dataset (listing->source))
           : 0;
}

static int
add_item (void *context, const struct item *item)
{
  struct listing *listing = context;
  if (look_up (listing))
    return -1;
  struct entry entry = { .bytes = item->bytes, .place = item->place, .kind = item->kind };
  if (append_text (listing, item->path, &entry.path))
    return -1;
  if (item->kind == ITEM_STAMP)
    {
      const struct stamp stamp = { entry.path, item->modified, item->inode };
      return spool_append (listing->stamps, &stamp, sizeof stamp);
    }
  if ((item->target && append_text (listing, item->target, &entry.target)) || number_names (listing, item, &entry))
    return -1;
  return spool_append (listing->entries, &entry, sizeof entry);
}

static int
map_spools (struct listing *listing)
{
  uint64_t bytes = spool_bytes (listing->entries);
  listing->entry = spool_map (listing->entries);
  listing->count = bytes / sizeof *listing->entry;
  listing->text = spool_map (listing->texts);
  return listing->entry && listing->text && spool_reserve (listing->sorted, bytes) == 0 && spool_map (listing->sorted)
           ? 0
           : -1;
}

typedef int entry_compare (const char *text, const struct entry *a, const struct entry *b);

static int
compare_paths (const char *text, const struct entry *a, const struct entry *b)
{
  int difference = strcmp (text + a->path, text + b->path);
  return difference ? difference : (a->split > b->split) - (a->split < b->split);
}

static int
compare_labels (const char *text, const struct entry *a, const struct entry *b)
{
  (void) text;
  return a->split != b->split ? (a->split > b->split) - (a->split < b->split)
                              : (a->label > b->label) - (a->label < b->label);
}

/* Merges the sorted runs [0, MIDDLE) and [MIDDLE, END) of FROM; equal ones keep their order.  */
static void
merge_runs (const char *text, const struct entry *from, size_t middle, size_t end, struct entry *to,
            entry_compare *compare)
{
  size_t left = 0, right = middle;
  while (left < middle && right < end)
    *to++ = compare (text, &from[left], &from[right]) <= 0 ? from[left++] : from[right++];
  memcpy (to, from + left, (middle - left) * sizeof *to);
  memcpy (to + middle - left, from + right, (end - right) * sizeof *to);
}

/* Merge sort from the bottom up, stable, from one file to the other and back: its memory access is in order.  */
static void
sort (struct listing *listing, entry_compare *compare)
{
  struct entry *from = listing->entry, *first = spool_map (listing->entries), *second = spool_map (listing->sorted);
  for (size_t width = 1, count = listing->count; width < count; width *= 2)
    {
      struct entry *to = from == first ? second : first;
      for (size_t start = 0; start < count; start += 2 * width)
        {
          size_t left = count - start, middle = width < left ? width : left, end = 2 * width < left ? 2 * width : left;
          merge_runs (listing->text, from + start, middle, end, to + start, compare);
        }
      from = to;
    }
  listing->entry = from;
}

/* The place of the first entry after PATH, or with BEFORE the first that is not before it.  */
static size_t
find_place (const struct listing *listing, const char *path, bool before)
{
  size_t low = 0, high = listing->count;
  while (low < high)
    {
      size_t middle = low + (high - low) / 2;
      int difference = strcmp (listing->text + listing->entry[middle].path, path);
      if (difference < 0 || (difference == 0 && !before))
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* The last entry of PATH, as that is what unpacking leaves; NULL where there is none.  */
static const struct entry *
find_path (const struct listing *listing, const char *path)
{
  size_t place = find_place (listing, path, false);
  const struct entry *found = place > 0 ? &listing->entry[place - 1] : NULL;
  return found && !strcmp (listing->text + found->path, path) ? found : NULL;
}

/* Whether something lies in the folder PATH: 1 or 0, -1 with the error set.  */
static int
is_folder (const struct listing *listing, const char *path)
{
  char *inside = text_new ("%s/", path);
  if (!inside)
    return -1;
  size_t place = find_place (listing, inside, true);
  int result = place < listing->count && !strncmp (listing->text + listing->entry[place].path, inside, strlen (inside));
  free (inside);
  return result;
}

/* Gives the links of a tar file what they lead to.  */
static int
resolve_link (struct listing *listing, struct entry *link)
{
  enum { LINKS_MOST = 40 };
  const char *text = listing->text, *target = text + link->path;
  const struct entry *found = link;
  for (int links = 0; found && found->kind == ITEM_LINK && links < LINKS_MOST; links++)
    {
      target = text + found->target;
      found = find_path (listing, target);
    }
  int folder = found ? found->kind == ITEM_FOLDER : is_folder (listing, target);
  if (folder)
    return folder < 0 ? -1
                      : error_set ("'%s' in '%s' is a link to the folder '%s'; make the tar file with --dereference",
                                   text + link->path, source_dataset (listing->source), target);
  bool there = found && found->kind == ITEM_IMAGE;
  link->place = there ? found->place : source_nowhere;
  link->bytes = there ? found->bytes : 0;
  return 0;
}

static int
resolve_links (struct listing *listing)
{
  for (size_t i = 0; i < listing->count; i++)
    if (listing->entry[i].kind == ITEM_LINK && resolve_link (listing, &listing->entry[i]))
      return -1;
  for (size_t i = 0; i < listing->count; i++)
    if (listing->entry[i].kind == ITEM_LINK)
      listing->entry[i].kind = ITEM_IMAGE;
  return 0;
}

static int
check_utf8 (const char *path)
{
  char shown[ERROR_MESSAGE_BYTES / 2], *end = shown;
  if (text_is_utf8 (path))
    return 0;
  for (const char *byte = path; *byte && end < shown + sizeof shown - 5; byte++)
    end += sprintf (end, (unsigned char) *byte < 0x80 ? "%c" : "\\x%02x", (unsigned char) *byte);
  return error_set ("the name '%s' is not UTF-8; rename it (convmv converts whole folders)", shown);
}

/* Takes out what is no image of a split.  */
static int
keep_images (struct listing *listing)
{
  size_t kept = 0;
  for (size_t i = 0; i < listing->count; i++)
    if (listing->entry[i].kind == ITEM_IMAGE && listing->entry[i].split >= 0)
      {
        listing->entry[kept++] = listing->entry[i];
        if (check_utf8 (listing->text + listing->entry[i].path))
          return -1;
      }
  listing->count = kept;
  for (int32_t i = 0; i < listing->class_set.count; i++)
    if (check_utf8 (nameset_name (&listing->class_set, i)))
      return -1;
  return 0;
}

static const char *
class_text (const struct listing *listing, const struct entry *entry)
{
  return entry->label < 0 ? "" : nameset_name (&listing->class_set, entry->label);
}

static int
two_classes (const struct listing *listing, const struct entry *a, const struct entry *b)
{
  return error_set ("'%s' has the class '%s' in line %" PRIu64 " of '%s' and '%s' in line %" PRIu64
                    "; an image has one",
                    listing->text + a->path, class_text (listing, a), a->place, source_dataset (listing->source),
                    class_text (listing, b), b->place);
}

struct repeats {
  size_t same, across;                   /* in a split; in two */
  const char *first_same, *first_across; /* paths */
};

static void
tell_repeats (const struct listing *listing, const struct repeats *repeats)
{
  const char *dataset = source_dataset (listing->source);
  if (repeats->same > 0)
    progress_say ("'%s' names %zu image%s again, the first '%s'; each is taken once, as named last", dataset,
                  repeats->same, repeats->same == 1 ? "" : "s", repeats->first_same);
  if (repeats->across > 0)
    progress_say ("'%s' has %zu image%s in two splits, the first '%s': what is learned from one will look right in the "
                  "other",
                  dataset, repeats->across, repeats->across == 1 ? "" : "s", repeats->first_across);
}

/* Takes each path once in a split: the entries are sorted by path and split.  */
static int
drop_repeats (struct listing *listing)
{
  struct repeats repeats = { 0 };
  size_t kept = 0;
  for (size_t i = 0; i < listing->count; i++)
    {
      const struct entry *entry = &listing->entry[i], *last = kept > 0 ? &listing->entry[kept - 1] : NULL;
      const char *path = listing->text + entry->path;
      bool repeated = last && !strcmp (listing->text + last->path, path),
           same = repeated && last->split == entry->split;
      if (same && last->label != entry->label)
        return two_classes (listing, last, entry);
      if (same && repeats.same++ == 0)
        repeats.first_same = path;
      if (repeated && !same && repeats.across++ == 0)
        repeats.first_across = path;
      kept -= same;
      listing->entry[kept++] = *entry;
    }
  listing->count = kept;
  tell_repeats (listing, &repeats);
  return 0;
}

/* A list without a column for splits has one split, named "" so far.  */
static int
name_split (struct listing *listing, struct names *splits)
{
  for (size_t i = 0; i < splits->count; i++)
    if (!*splits->name[i])
      {
        char *name = layout_split_name (listing->source, listing->class_set.count > 0);
        if (!name)
          return -1;
        free (splits->name[i]);
        splits->name[i] = name;
      }
  return 0;
}

/* Makes the numbers places in the sorted names.  */
static int
rank_names (struct listing *listing)
{
  int32_t *split_rank = NULL, *class_rank = NULL;
  int result = nameset_sort (&listing->split_set, splitname_compare, &listing->splits, &split_rank)
                   || nameset_sort (&listing->class_set, strcmp, &listing->classes, &class_rank)
                 ? -1
                 : name_split (listing, &listing->splits);
  for (size_t i = 0; i < listing->count && result == 0; i++)
    {
      struct entry *entry = &listing->entry[i];
      entry->split = split_rank[entry->split];
      entry->label = entry->label < 0 ? -1 : class_rank[entry->label];
    }
  free (split_rank);
  free (class_rank);
  return result;
}

/* In a split all images have a class, or none has; the entries are sorted by split and label.  */
static int
check_labels (const struct listing *listing)
{
  for (size_t i = 1; i < listing->count; i++)
    {
      const struct entry *before = &listing->entry[i - 1], *entry = &listing->entry[i];
      if (before->split == entry->split && before->label < 0 && entry->label >= 0)
        return error_set ("line %" PRIu64
                          " of '%s' has no class, and others of the split '%s' have; add it or remove the "
                          "line",
                          before->place, source_dataset (listing->source), listing->splits.name[entry->split]);
    }
  return 0;
}

static int
arrange (struct listing *listing)
{
  bool list = !strcmp (source_kind (listing->source), "list");
  sort (listing, compare_paths);
  if (!list && (resolve_links (listing) || layout_apply (listing)))
    return -1;
  if (keep_images (listing) || drop_repeats (listing) || rank_names (listing))
    return -1;
  sort (listing, compare_labels);
  return check_labels (listing);
}

int
listing_make (struct listing *listing, const struct source *source, const char *path)
{
  *listing = (struct listing){ .source = source, .told = clock_seconds () };
  if ((listing->entries = spool_new (path)) && (listing->sorted = spool_new (path))
      && (listing->stamps = spool_new (path)) && (listing->texts = spool_new (path))
      && source_visit (source, add_item, listing) == 0 && map_spools (listing) == 0 && arrange (listing) == 0)
    return 0;
  listing_free (listing);
  return -1;
}

void
listing_free (struct listing *listing)
{
  spool_free (listing->entries);
  spool_free (listing->sorted);
  spool_free (listing->stamps);
  spool_free (listing->texts);
  nameset_free (&listing->split_set);
  nameset_free (&listing->class_set);
  names_free (&listing->splits);
  names_free (&listing->classes);
  *listing = (struct listing){ 0 };
}
