#include <config.h>

#include "layout.h"

#include "../base/error.h"
#include "../base/memory.h"
#include "../base/progress.h"
#include "splitname.h"

#include <stdlib.h>
#include <string.h>

/* A folder of the first level.  */
struct top {
  bool images, deep; /* files named as images directly in it; a folder in one of its folders has a file */
  int32_t folders;   /* in it */
  int32_t folder;    /* the number of one of these in layout.classes */
};

struct layout {
  struct listing *listing;
  enum { SPLITS_OF_CLASSES, CLASSES_ALONE, IMAGES_ALONE } kind;
  struct nameset tops, classes; /* "training"; "training/food" */
  struct nameset names;         /* of the classes: "food" */
  struct top *top;              /* (room) of tops */
  int32_t room;
  bool images;       /* beside the first level's folders */
  size_t left_out;   /* images that lie in no class */
  const char *first; /* of these */
};

static bool
is_kind (const struct layout *layout, const char *kind)
{
  return !strcmp (source_kind (layout->listing->source), kind);
}

/* The first LENGTH bytes of PATH, to be freed.  */
static char *
cut (const char *path, size_t length)
{
  return text_new ("%.*s", (int) length, path);
}

/* *NUMBER in SET of the first LENGTH bytes of PATH.  */
static int
number_cut (struct nameset *set, const char *path, size_t length, int32_t *number)
{
  char *name = cut (path, length);
  int result = name ? nameset_number (set, name, number) : -1;
  free (name);
  return result;
}

static int
find_top (struct layout *layout, const char *path, size_t length, struct top **top)
{
  int32_t number;
  if (number_cut (&layout->tops, path, length, &number))
    return -1;
  if (number >= layout->room)
    {
      int32_t room = 2 * number + 16;
      struct top *larger = reallocarray (layout->top, (size_t) room, sizeof *larger);
      if (!larger)
        return error_set ("no memory left for the folders of '%s'; give the job more memory",
                          source_dataset (layout->listing->source));
      memset (larger + layout->room, 0, (size_t) (room - layout->room) * sizeof *larger);
      layout->top = larger;
      layout->room = room;
    }
  *top = &layout->top[number];
  return 0;
}

/* Notes that TOP, the first LENGTH bytes of PATH, has the folder that PATH goes on with.  */
static int
note_class (struct layout *layout, struct top *top, const char *path, size_t length)
{
  int32_t number, before = layout->classes.count;
  const char *name = path + length + 1;
  size_t name_length = strcspn (name, "/");
  if (number_cut (&layout->classes, path, length + 1 + name_length, &top->folder)
      || number_cut (&layout->names, name, name_length, &number))
    return -1;
  top->folders += layout->classes.count - before;
  return 0;
}

static int
note_entry (struct layout *layout, const struct entry *entry)
{
  const char *path = layout->listing->text + entry->path, *slash = strchr (path, '/');
  const char *second = slash ? strchr (slash + 1, '/') : NULL;
  bool folder = entry->kind == ITEM_FOLDER;
  size_t length = slash ? (size_t) (slash - path) : strlen (path);
  struct top *top;
  if (!slash && !folder)
    {
      layout->images |= source_is_image_name (path);
      return 0;
    }
  if (find_top (layout, path, length, &top))
    return -1;
  if (slash && !second && !folder)
    top->images |= source_is_image_name (path);
  top->deep |= second && !folder && strchr (second + 1, '/');
  return second || (slash && folder) ? note_class (layout, top, path, length) : 0;
}

static void
layout_free (struct layout *layout)
{
  nameset_free (&layout->tops);
  nameset_free (&layout->classes);
  nameset_free (&layout->names);
  free (layout->top);
}

static int
note_entries (struct layout *layout, struct listing *listing)
{
  *layout = (struct layout){ .listing = listing };
  for (size_t i = 0; i < listing->count; i++)
    if (note_entry (layout, &listing->entry[i]))
      return -1;
  return 0;
}

/* Whether all there is lies in the folders of one folder.  */
static bool
is_wrapped (const struct layout *layout)
{
  return layout->tops.count == 1 && !layout->images && !layout->top[0].images && layout->top[0].folders > 0;
}

/* Number of a folder of the second level that is known as a split and holds folders; -1 where there is none.  */
static int32_t
find_inner_split (const struct layout *layout)
{
  int32_t found = -1;
  for (int32_t i = layout->names.count; layout->top[0].deep && i-- > 0;)
    if (splitname_is_known (nameset_name (&layout->names, i)))
      found = i;
  return found;
}

/* The folder around all there is in a tar file.  */
static const char *
find_wrapper (const struct layout *layout)
{
  bool found = is_kind (layout, "tar") && is_wrapped (layout)
               && (!splitname_is_known (nameset_name (&layout->tops, 0)) || find_inner_split (layout) >= 0);
  return found ? nameset_name (&layout->tops, 0) : NULL;
}

/* The same of tar file NUMBER of a set, where a folder without folders is a class, unless it is called as the tar file
   is.  */
static const char *
find_inner_wrapper (const struct layout *layout, int32_t number)
{
  const struct top *top = &layout->top[number];
  const char *folder = top->folders == 1 && !top->images ? nameset_name (&layout->classes, top->folder) : NULL;
  bool same = folder && !strcmp (strchr (folder, '/') + 1, nameset_name (&layout->tops, number));
  return top->deep || same ? folder : NULL;
}

/* Takes the last folder of WRAPPER off the path of ENTRY, where it lies in it; false where it is that folder.  */
static bool
unwrap (struct listing *listing, struct entry *entry, const char *wrapper)
{
  const char *slash = strrchr (wrapper, '/');
  size_t length = strlen (wrapper), before = slash ? (size_t) (slash + 1 - wrapper) : 0;
  char *path = listing->text + entry->path;
  if (strncmp (path, wrapper, length) || (path[length] && path[length] != '/'))
    return true;
  if (!path[length])
    return false;
  entry->path += length + 1 - before;
  memmove (listing->text + entry->path, path, before);
  return true;
}

/* *FOUND where there is a folder to be passed over; it is then gone.  */
static int
unwrap_once (struct layout *layout, bool *found)
{
  struct listing *listing = layout->listing;
  const char *wrapper = find_wrapper (layout);
  bool set = is_kind (layout, "tars");
  size_t kept = 0;
  *found = false;
  if (!wrapper && !set)
    return 0;
  for (size_t i = 0; i < listing->count; i++)
    {
      struct entry *entry = &listing->entry[i];
      const char *path = listing->text + entry->path;
      int32_t top;
      if (set && number_cut (&layout->tops, path, strcspn (path, "/"), &top))
        return -1;
      if (set)
        wrapper = find_inner_wrapper (layout, top);
      *found |= wrapper != NULL;
      if (!wrapper || unwrap (listing, entry, wrapper))
        listing->entry[kept++] = *entry;
    }
  listing->count = kept;
  return 0;
}

static int
unwrap_all (struct layout *layout)
{
  struct listing *listing = layout->listing;
  bool found = true;
  while (found)
    {
      if (unwrap_once (layout, &found))
        return -1;
      if (found)
        layout_free (layout);
      if (found && note_entries (layout, listing))
        return -1;
    }
  return 0;
}

/* A folder around a dataset would make splits its classes.  */
static int
check_wrapper (const struct layout *layout)
{
  const char *dataset = source_dataset (layout->listing->source);
  int32_t split = is_wrapped (layout) ? find_inner_split (layout) : -1;
  return split < 0
           ? 0
           : error_set ("'%s/%s%s' looks like the dataset, since it has the folder '%s'; give it instead of '%s'",
                        dataset, nameset_name (&layout->tops, 0), is_kind (layout, "tars") ? ".tar" : "",
                        nameset_name (&layout->names, split), dataset);
}

/* Classes whose images lie in folders, but for one of the same name in each, may have been meant as splits.  */
static void
tell_classes (const struct layout *layout)
{
  progress_say ("none of the %d %s of '%s' is called as a split is (training, validation, evaluation): they are taken "
                "for classes, with all images in the folders below them",
                layout->tops.count, is_kind (layout, "tars") ? "tar files" : "folders",
                source_dataset (layout->listing->source));
}

static int
choose_kind (struct layout *layout)
{
  const char *dataset = source_dataset (layout->listing->source);
  int32_t tops = layout->tops.count, known = 0, folders = 0, images = 0;
  for (int32_t i = 0; i < tops; i++)
    {
      known += splitname_is_known (nameset_name (&layout->tops, i));
      folders += layout->top[i].folders > 0;
      images += layout->top[i].images;
    }
  if (tops == 0 && !layout->images)
    return error_set ("'%s' has no folders of splits; put images into '%s/training/CLASS/' and so on, or make a "
                      "dataset with slabfit organize",
                      dataset, dataset);
  bool mixed = folders > 0 && (folders < tops || images > 0);
  bool classes = known == 0 && tops > 1 && (folders == 0 || mixed || layout->names.count == 1);
  if (classes && mixed)
    tell_classes (layout);
  layout->kind = tops == 0 ? IMAGES_ALONE : classes ? CLASSES_ALONE : SPLITS_OF_CLASSES;
  return 0;
}

char *
layout_split_name (const struct source *source, bool labelled)
{
  const char *dataset = source_dataset (source), *end = dataset + strlen (dataset);
  while (end > dataset && end[-1] == '/')
    end--;
  const char *name = end;
  while (name > dataset && name[-1] != '/')
    name--;
  const char *point = memchr (name, '.', (size_t) (end - name));
  char *stem = cut (name, (size_t) ((point ? point : end) - name));
  if (!stem || splitname_is_known (stem))
    return stem;
  free (stem);
  return text_new ("%s", labelled ? "training" : "all");
}

/* Number of the split "" that is named here.  */
static int
number_only_split (struct layout *layout, int32_t *number)
{
  char *name = layout_split_name (layout->listing->source, layout->kind == CLASSES_ALONE);
  int result = name ? nameset_number (&layout->listing->split_set, name, number) : -1;
  free (name);
  return result;
}

static void
leave_out (struct layout *layout, const char *path)
{
  if (source_is_image_name (path) && layout->left_out++ == 0)
    layout->first = path;
}

/* SPLIT/FILE or SPLIT/CLASS/FILE.  */
static int
assign_in_split (struct layout *layout, struct entry *entry, const char *path, const char *slash)
{
  size_t length = (size_t) (slash - path);
  const char *name = slash + 1, *end = strchr (name, '/');
  struct top *top;
  if (find_top (layout, path, length, &top))
    return -1;
  if (!end && (top->folders || !source_is_image_name (path)))
    {
      leave_out (layout, path);
      return 0;
    }
  if (number_cut (&layout->listing->split_set, path, length, &entry->split))
    return -1;
  return end ? number_cut (&layout->listing->class_set, name, (size_t) (end - name), &entry->label) : 0;
}

static int
assign (struct layout *layout, struct entry *entry, int32_t only)
{
  const char *path = layout->listing->text + entry->path, *slash = strchr (path, '/');
  entry->split = entry->label = -1;
  if (entry->kind == ITEM_FOLDER)
    return 0;
  if (layout->kind == SPLITS_OF_CLASSES && slash)
    return assign_in_split (layout, entry, path, slash);
  if (layout->kind == CLASSES_ALONE && slash)
    {
      entry->split = only;
      return number_cut (&layout->listing->class_set, path, (size_t) (slash - path), &entry->label);
    }
  if (layout->kind == IMAGES_ALONE && source_is_image_name (path))
    entry->split = only;
  else
    leave_out (layout, path);
  return 0;
}

/* The numbers of splits: one alone, or one for each folder, an empty one too.  */
static int
number_splits (struct layout *layout, int32_t *only)
{
  struct nameset *splits = &layout->listing->split_set;
  nameset_free (splits);
  if (layout->kind != SPLITS_OF_CLASSES)
    return number_only_split (layout, only);
  for (int32_t i = 0; i < layout->tops.count; i++)
    if (nameset_number (splits, nameset_name (&layout->tops, i), only))
      return -1;
  return 0;
}

static int
assign_all (struct layout *layout)
{
  struct listing *listing = layout->listing;
  const char *dataset = source_dataset (listing->source);
  size_t images = 0;
  int32_t only = 0;
  if (number_splits (layout, &only))
    return -1;
  for (size_t i = 0; i < listing->count; i++)
    {
      if (assign (layout, &listing->entry[i], only))
        return -1;
      images += listing->entry[i].split >= 0;
    }
  if (images == 0 && layout->kind == CLASSES_ALONE)
    return error_set ("'%s' holds no images; put some into its folders, such as '%s/%s'", dataset, dataset,
                      nameset_name (&layout->tops, 0));
  if (layout->left_out > 0)
    progress_say ("left out: %zu image%s in '%s' beside the folders of images, the first '%s'", layout->left_out,
                  layout->left_out == 1 ? "" : "s", dataset, layout->first);
  return 0;
}

int
layout_no_images (const struct source *source, const char *split)
{
  const char *dataset = source_dataset (source);
  if (!strcmp (source_kind (source), "tars"))
    return error_set ("'%s/%s.tar' holds no images; make it again with some, or remove it", dataset, split);
  return error_set ("'%s/%s' holds no images; put some into '%s/%s/CLASS/' (slabfit organize does it), or remove the "
                    "folder",
                    dataset, split, dataset, split);
}

static int
missing_class (const struct layout *layout, const char *name, const char *with, const char *without)
{
  const char *dataset = source_dataset (layout->listing->source);
  return error_set ("class '%s' is in '%s/%s' but not in '%s/%s'; add the folder '%s/%s/%s' (empty, if there are no "
                    "such images) or remove the class",
                    name, dataset, with, dataset, without, dataset, without, name);
}

/* *HAS where SPLIT has a folder for CLASS_NAME.  */
static int
find_class (const struct layout *layout, const char *split, const char *class_name, bool *has)
{
  char *folder = text_new ("%s/%s", split, class_name);
  if (folder)
    *has = nameset_find (&layout->classes, folder) >= 0;
  free (folder);
  return folder ? 0 : -1;
}

/* The splits A and B have folders for the same classes.  */
static int
compare_splits (const struct layout *layout, const struct names *classes, const char *a, const char *b)
{
  bool in_a, in_b;
  for (size_t i = 0; i < classes->count; i++)
    if (find_class (layout, a, classes->name[i], &in_a) || find_class (layout, b, classes->name[i], &in_b))
      return -1;
    else if (in_a != in_b)
      return missing_class (layout, classes->name[i], in_a ? a : b, in_a ? b : a);
  return 0;
}

/* Every split has images, or folders for the same classes as the others.  */
static int
check_splits (const struct layout *layout, const struct names *splits, const struct names *classes)
{
  const char *first = NULL;
  for (size_t i = 0; i < splits->count; i++)
    {
      const char *split = splits->name[i];
      const struct top *top = &layout->top[nameset_find (&layout->tops, split)];
      if (!top->folders && !top->images)
        return layout_no_images (layout->listing->source, split);
      if (top->folders && first && compare_splits (layout, classes, first, split))
        return -1;
      first = first || !top->folders ? first : split;
    }
  return 0;
}

/* An empty folder of a class is one all the same.  */
static int
add_classes (struct layout *layout, const struct names *classes)
{
  int32_t number;
  for (size_t i = 0; i < classes->count; i++)
    if (nameset_number (&layout->listing->class_set, classes->name[i], &number))
      return -1;
  return 0;
}

static int
take_classes (struct layout *layout)
{
  struct names splits = { 0 }, classes = { 0 };
  int32_t *split_rank = NULL, *class_rank = NULL;
  bool alone = layout->kind == CLASSES_ALONE;
  int result = nameset_sort (&layout->tops, splitname_compare, &splits, &split_rank)
                   || nameset_sort (&layout->names, strcmp, &classes, &class_rank)
                   || (layout->kind == SPLITS_OF_CLASSES && check_splits (layout, &splits, &classes))
                   || add_classes (layout, alone ? &splits : &classes)
                 ? -1
                 : 0;
  names_free (&splits);
  names_free (&classes);
  free (split_rank);
  free (class_rank);
  return result;
}

int
layout_apply (struct listing *listing)
{
  struct layout layout;
  int result = note_entries (&layout, listing) || unwrap_all (&layout) || check_wrapper (&layout)
                   || choose_kind (&layout) || take_classes (&layout) || assign_all (&layout)
                 ? -1
                 : 0;
  layout_free (&layout);
  return result;
}
