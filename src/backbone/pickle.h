/* A Python pickle as a graph of values (pyvalue.h).  Nothing of it is run.

   Source of the format: Lib/pickletools.py of CPython.  Read are protocols 2 to 5 as far as plain data needs them:
   None, booleans, numbers, text, bytes, tuples, lists, dicts, OrderedDicts (which become dicts), globals, calls and
   persistent ids.  What sets an object's attributes is left out.  */
#ifndef SLABFIT_PICKLE_H
#define SLABFIT_PICKLE_H

#include "pyvalue.h"

/* Whether the global NAME of MODULE may stand in a pickle.  */
typedef bool pickle_allows (const char *module, const char *name);

/* Where pickles are read from.  */
struct pickle {
  const unsigned char *at, *end; /* what is still to be read; borrowed as long as the values are used */
  struct pyvalue_pool *pool;     /* of the values, borrowed */
  pickle_allows *allows;
};

/* The value of the pickle that stands at PICKLE->at, which moves behind it; the pool owns it.  NULL with the error set:
   where the pickle is malformed or cut short, uses what is not read, or names a global that is not allowed.  */
const struct pyvalue *pickle_read (struct pickle *pickle);

#endif
