#include <config.h>

#include "pyvalue.h"

#include "../base/error.h"

#include <stdlib.h>
#include <string.h>

/* Some 8 times as much as the state dict of the largest network and its optimiser have.  */
enum { VALUES_MOST = 1 << 22, ENTRIES_MOST = 1 << 24 };

struct pyvalue_pool
pyvalue_pool_new (const char *path)
{
  return (struct pyvalue_pool){ .entries_left = ENTRIES_MOST, .path = path };
}

void
pyvalue_pool_free (struct pyvalue_pool *pool)
{
  for (size_t i = 0; i < pool->values.count; i++)
    {
      free (pool->values.value[i]->items.value);
      free (pool->values.value[i]);
    }
  free (pool->values.value);
  *pool = (struct pyvalue_pool){ 0 };
}

static int
too_many (const struct pyvalue_pool *pool)
{
  return error_set ("'%s' holds more values than any state dict has; save the state dict alone", pool->path);
}

static int
no_memory (const struct pyvalue_pool *pool)
{
  return error_set ("no memory for the pickle in '%s'; give the job more memory", pool->path);
}

int
pyvalue_add (struct pyvalue_pool *pool, struct pyvalue_list *list, struct pyvalue *value)
{
  if (pool->entries_left == 0)
    return too_many (pool);
  if (list->count == list->room)
    {
      size_t room = list->room ? 2 * list->room : 4;
      struct pyvalue **larger = realloc (list->value, room * sizeof (struct pyvalue *));
      if (!larger)
        return no_memory (pool);
      list->value = larger;
      list->room = room;
    }
  pool->entries_left--;
  list->value[list->count++] = value;
  return 0;
}

struct pyvalue *
pyvalue_new (struct pyvalue_pool *pool, enum pyvalue_kind kind)
{
  struct pyvalue *value = pool->values.count < VALUES_MOST ? calloc (1, sizeof *value) : NULL;
  if (!value)
    {
      if (pool->values.count < VALUES_MOST)
        no_memory (pool);
      else
        too_many (pool);
      return NULL;
    }
  value->kind = kind;
  if (pyvalue_add (pool, &pool->values, value) == 0)
    return value;
  free (value);
  return NULL;
}

const struct pyvalue *
pyvalue_item (const struct pyvalue *value, size_t i)
{
  return value->items.value[i];
}

bool
pyvalue_is_text (const struct pyvalue *value, const char *text)
{
  return value->kind == PYVALUE_TEXT && value->length == strlen (text) && !memcmp (value->text, text, value->length);
}

bool
pyvalue_is_global (const struct pyvalue *value, const char *module, const char *name)
{
  return value->kind == PYVALUE_GLOBAL && pyvalue_is_text (pyvalue_item (value, 0), module)
         && pyvalue_is_text (pyvalue_item (value, 1), name);
}

const struct pyvalue *
pyvalue_find (const struct pyvalue *value, const char *key)
{
  for (size_t i = value->kind == PYVALUE_DICT ? value->items.count : 0; i >= 2; i -= 2)
    if (pyvalue_is_text (pyvalue_item (value, i - 2), key))
      return pyvalue_item (value, i - 1);
  return NULL;
}
