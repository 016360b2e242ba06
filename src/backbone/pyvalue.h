/* Python's plain values, as a pickle describes them: a graph that runs nothing.  A call is kept as what would be called
   with what.  */
#ifndef SLABFIT_PYVALUE_H
#define SLABFIT_PYVALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pyvalue_kind {
  PYVALUE_NONE,
  PYVALUE_BOOL,       /* integer */
  PYVALUE_INTEGER,    /* integer */
  PYVALUE_NUMBER,     /* number */
  PYVALUE_TEXT,       /* text and length: not ended by a 0, borrowed from where it was read */
  PYVALUE_BYTES,      /* the same; also an integer of more than 64 bits, its lowest byte first */
  PYVALUE_TUPLE,      /* items */
  PYVALUE_LIST,       /* items */
  PYVALUE_DICT,       /* items: a key and its value by turns */
  PYVALUE_GLOBAL,     /* items: the texts of the module and of the name in it */
  PYVALUE_CALL,       /* items: the global that is called, and the tuple of its arguments */
  PYVALUE_PERSISTENT, /* items: the id of something outside */
  PYVALUE_MARK,       /* only while a pickle is read */
};

struct pyvalue_list {
  struct pyvalue **value; /* (count) */
  size_t count, room;
};

/* Values may be shared, and one may contain itself.  */
struct pyvalue {
  enum pyvalue_kind kind;
  union {
    int64_t integer;
    double number;
    size_t length;
  };
  const char *text;
  struct pyvalue_list items;
};

/* Values that are freed together, and how many entries all lists may still get.  */
struct pyvalue_pool {
  struct pyvalue_list values; /* owned */
  size_t entries_left;
  const char *path; /* of the file that they come from, for messages; borrowed */
};

struct pyvalue_pool pyvalue_pool_new (const char *path);
void pyvalue_pool_free (struct pyvalue_pool *pool);

/* A new value without contents, which POOL owns; VALUE (NULL is allowed) at the end of LIST.  NULL or -1 with the error
   set: where memory is out, or there would be more than the state dict of any network has.  */
struct pyvalue *pyvalue_new (struct pyvalue_pool *pool, enum pyvalue_kind kind);
int pyvalue_add (struct pyvalue_pool *pool, struct pyvalue_list *list, struct pyvalue *value);

/* The item number I of VALUE.  */
const struct pyvalue *pyvalue_item (const struct pyvalue *value, size_t i);

bool pyvalue_is_text (const struct pyvalue *value, const char *text);
bool pyvalue_is_global (const struct pyvalue *value, const char *module, const char *name);

/* The value of the last entry of the dict VALUE whose key is KEY; NULL, with no error set, where there is none or VALUE
   is no dict.  */
const struct pyvalue *pyvalue_find (const struct pyvalue *value, const char *key);

#endif
