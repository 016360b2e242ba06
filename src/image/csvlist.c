/* A list of paths: a row for each image.  The first row may name the columns; without it there are one or two, the path
   and the class.  */
#include <config.h>

#include "sourcekind.h"

#include "../base/error.h"
#include "../base/file.h"
#include "../base/progress.h"
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH, CLASS, SPLIT, COLUMNS, NAMES_MOST = 8 };

struct list {
  const struct source *source;
  source_visitor *visit;
  void *context;
  char *path; /* of the list; owned */
  struct table *table;
  bool headless;                           /* its first row is an image's */
  size_t fields;                           /* of each row */
  size_t column[COLUMNS];                  /* SIZE_MAX where the list has none */
  uint64_t images, missing, first_missing; /* the last a line */
};

static const char *const column_names[COLUMNS][NAMES_MOST] = {
  { "path", "image", "file", "filename", "file_name", "filepath", "image_path" },
  { "label", "class", "category" },
  { "split", "set", "subset" },
};

static size_t
find_column (const struct table *table, int column)
{
  for (const char *const *names = column_names[column]; *names; names++)
    for (size_t i = 0; i < table_fields (table); i++)
      if (!strcasecmp (table_field (table, i), *names))
        return i;
  return SIZE_MAX;
}

/* Whether the first row names the columns.  */
static bool
take_header (struct list *list)
{
  for (int i = 0; i < COLUMNS; i++)
    list->column[i] = find_column (list->table, i);
  return list->column[PATH] != SIZE_MAX;
}

/* Which of two columns for WHAT is meant nobody can tell.  */
static int
check_column (const struct list *list, int column, const char *what)
{
  for (size_t i = list->column[column] == SIZE_MAX ? list->fields : 0; i < list->fields; i++)
    for (const char *const *names = column_names[column]; *names && i != list->column[column]; names++)
      if (!strcasecmp (table_field (list->table, i), *names))
        return error_set ("the first line of '%s' names two columns for the %s, '%s' and '%s'; rename the one that is "
                          "not meant",
                          list->path, what, table_field (list->table, list->column[column]),
                          table_field (list->table, i));
  return 0;
}

/* Further columns and none for the class: it may be misspelt, which only training would notice.  */
static int
tell_unlabelled (const struct list *list)
{
  struct names columns = { 0 };
  if (list->column[CLASS] != SIZE_MAX || list->fields == (list->column[SPLIT] == SIZE_MAX ? 1 : 2))
    return 0;
  int result = 0;
  for (size_t i = 0; i < list->fields && result == 0; i++)
    result = names_add (&columns, table_field (list->table, i));
  char *joined = result == 0 ? names_join (&columns) : NULL;
  if (joined)
    progress_say ("'%s' has no column label, class or category, so that its images have no classes; it has %s",
                  list->path, joined);
  free (joined);
  names_free (&columns);
  return joined ? 0 : -1;
}

static int
check_header (const struct list *list)
{
  return check_column (list, CLASS, "class") || check_column (list, SPLIT, "split") || tell_unlabelled (list) ? -1 : 0;
}

static int
take_columns (struct list *list)
{
  if (list->fields > 2)
    return error_set ("the first line of '%s' has %zu columns and names none of them 'path'; name the columns, as in "
                      "path,label,split",
                      list->path, list->fields);
  list->column[PATH] = 0;
  list->column[CLASS] = list->fields == 2 ? 1 : SIZE_MAX;
  list->column[SPLIT] = SIZE_MAX;
  return 0;
}

static const char *
get_field (const struct list *list, int column)
{
  return list->column[column] == SIZE_MAX ? NULL : table_field (list->table, list->column[column]);
}

static int
check_row (const struct list *list)
{
  const char *split = get_field (list, SPLIT);
  uint64_t line = table_line (list->table);
  if (table_fields (list->table) != list->fields)
    return error_set ("line %" PRIu64 " of '%s' has %zu column%s and the first line %zu; put fields that hold a "
                      "separator into quotes",
                      line, list->path, table_fields (list->table), table_fields (list->table) == 1 ? "" : "s",
                      list->fields);
  for (size_t i = 0; i < list->fields; i++)
    if (!text_is_utf8 (table_field (list->table, i)))
      return error_set ("line %" PRIu64
                        " of '%s' is not UTF-8; convert the list (iconv -t UTF-8), and rename its images "
                        "(convmv) where they are called so",
                        line, list->path);
  if (!*get_field (list, PATH))
    return error_set ("line %" PRIu64 " of '%s' has no path; add it or remove the line", line, list->path);
  if (split && (!*split || *split == '.' || strchr (split, '/')))
    return error_set ("line %" PRIu64 " of '%s' has '%s' for a split, which is to become a file's name; name one, such "
                      "as training",
                      line, list->path, split);
  return 0;
}

/* PATH without "./" and doubled slashes, as the same image in a folder is called; to be freed.  */
static char *
clean_path (const char *path)
{
  char *clean = text_new ("%s", path), *end = clean;
  for (const char *at = path; clean && *at; at++)
    if (at[0] == '/' && at[1] == '/')
      ;
    else if (at[0] == '.' && at[1] == '/' && (at == path || at[-1] == '/'))
      at += strspn (at + 1, "/");
    else
      *end++ = *at;
  if (clean)
    *end = '\0';
  return clean;
}

/* Whether the row of PATH, which is not there, names columns by words that are not known: it would be an image, and its
   class one more.  */
static bool
is_header (const struct list *list, const char *path)
{
  return list->headless && list->images == 0 && !strpbrk (path, "./");
}

static int
refuse_header (const struct list *list, const char *path)
{
  return error_set ("the first line of '%s' names no image, since '%s' is not there, and no column 'path'; name the "
                    "columns, as in path,label,split, or remove the line",
                    list->path, path);
}

/* The row's image, which the list calls PATH and which lies at FULL.  */
static int
visit_image (struct list *list, const char *path, const char *full)
{
  struct stat status;
  const char *class_name = get_field (list, CLASS);
  bool there = stat (full, &status) == 0;
  if (!there && is_header (list, path))
    return refuse_header (list, path);
  if (!there && list->missing++ == 0)
    list->first_missing = table_line (list->table);
  list->images++;
  return list->visit (list->context, &(struct item){ .kind = ITEM_IMAGE,
                                                     .path = path,
                                                     .bytes = there ? (uint64_t) status.st_size : 0,
                                                     .place = table_line (list->table),
                                                     .class_name = class_name && *class_name ? class_name : NULL,
                                                     .split = get_field (list, SPLIT) });
}

static int
visit_row (struct list *list)
{
  char *path = clean_path (get_field (list, PATH));
  char *full = path ? (*path == '/' ? text_new ("%s", path) : file_path (list->source->folder, path)) : NULL;
  int result = full ? visit_image (list, path, full) : -1;
  free (full);
  free (path);
  return result;
}

static int
visit_rows (struct list *list)
{
  int more = table_next (list->table);
  list->fields = table_fields (list->table);
  bool header = more == 1 && take_header (list);
  list->headless = !header;
  if (more == 1 && !header && take_columns (list))
    return -1;
  if (header && check_header (list))
    return -1;
  if (header)
    more = table_next (list->table);
  for (; more == 1; more = table_next (list->table))
    if (check_row (list) || visit_row (list))
      return -1;
  return more;
}

/* Images that are not there fail later, as such that cannot be read do; a list of which none is there is a mistake.  */
static int
tell_missing (const struct list *list)
{
  const char *folder = *list->source->folder ? list->source->folder : ".";
  if (list->images == 0)
    return error_set ("'%s' names no images; give a line for each", list->path);
  if (list->missing == list->images)
    return error_set ("none of the images that '%s' names is there, not that of line %" PRIu64
                      "; paths in it are taken from the folder '%s' on",
                      list->path, list->first_missing, folder);
  if (list->missing > 0)
    progress_say ("%" PRIu64 " of the %" PRIu64 " images that '%s' names %s not there, the first in line %" PRIu64,
                  list->missing, list->images, list->path, list->missing == 1 ? "is" : "are", list->first_missing);
  return 0;
}

static int
visit_open (struct list *list)
{
  struct stat status;
  if (stat (list->path, &status))
    return error_system ("open", list->path);
  struct item stamp = source_stamp (list->source->tars.name[0], &status);
  return list->visit (list->context, &stamp) || visit_rows (list) ? -1 : tell_missing (list);
}

static int
visit_list (const struct source *source, source_visitor *visit, void *context)
{
  struct list list = { .source = source, .visit = visit, .context = context, .path = text_new ("%s", source->dataset) };
  list.table = list.path ? table_open (list.path) : NULL;
  int result = list.table ? visit_open (&list) : -1;
  table_close (list.table);
  free (list.path);
  return result;
}

const struct source_kind source_of_list = { "list", visit_list, source_read_file };
