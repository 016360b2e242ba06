/* What the tests of files of weights share.  */
#ifndef SLABFIT_TESTS_WEIGHTS_SUPPORT_H
#define SLABFIT_TESTS_WEIGHTS_SUPPORT_H

#include "../src/backbone/weights.h"
#include "support.h"

/* Reads PATH, which has to fail with the message of the form FORMAT, its one %s being PATH.  */
__attribute__ ((format (printf, 2, 0))) static inline void
assert_fails (const char *path, const char *format)
{
  struct weights weights;
  char expected[ERROR_MESSAGE_BYTES];
  snprintf (expected, sizeof expected, format, path);
  error_clear ();
  ck_assert_int_eq (weights_read (&weights, path), -1);
  ck_assert_str_eq (error_message (), expected);
  ck_assert_uint_eq (weights.count, 0);
  ck_assert_ptr_null (weights.weight);
}

/* A group at PATH in FILE, and those around it; to be closed.  */
static inline hid_t
make_group (hid_t file, const char *path)
{
  hid_t create = H5Pcreate (H5P_LINK_CREATE);
  H5Pset_create_intermediate_group (create, 1);
  hid_t group = H5Gcreate2 (file, path, create, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge (group, 0);
  H5Pclose (create);
  return group;
}

#endif
