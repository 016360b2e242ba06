/* Reading images where they lie.  */
#include <config.h>

#include "../src/image/source.h"

#include "support.h"

static void *
read_image (const struct source *source, const char *path, size_t *length)
{
  return source_read (source, &(struct image){ .path = path }, length);
}

START_TEST (files_of_a_folder)
{
  size_t length = 0;
  char *path = scratch_path ("image.jpg");
  struct source *source = source_open (scratch), *anywhere = source_open ("");
  ck_assert_int_eq (file_write (path, "bytes", 5), 0);
  char *data = read_image (source, "image.jpg", &length);
  ck_assert_uint_eq (length, 5);
  ck_assert_mem_eq (data, "bytes", 5);
  free (data);
  data = read_image (anywhere, path, &length);
  ck_assert_mem_eq (data, "bytes", 5);
  free (data);
  source_close (source);
  source_close (anywhere);
  free (path);
}
END_TEST

/* Reasons do not name the file, which stands beside them.  */
START_TEST (files_that_cannot_be_read)
{
  size_t length;
  struct source *source = source_open (scratch), *anywhere = source_open ("");
  ck_assert_ptr_null (read_image (source, "none.jpg", &length));
  ck_assert_str_eq (error_message (), "cannot be read: No such file or directory");
  ck_assert_ptr_null (read_image (anywhere, scratch, &length));
  ck_assert_str_eq (error_message (), "cannot be read: Is a directory");
  source_close (source);
  source_close (anywhere);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("source");
  tcase_add_test (cases, files_of_a_folder);
  tcase_add_test (cases, files_that_cannot_be_read);
  return run_cases (cases, "source");
}
