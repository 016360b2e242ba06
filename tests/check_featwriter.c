#include <config.h>

#include "store_support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void
check_rows (const char *path, const struct featinfo *info, uint64_t rows)
{
  struct featfile *file = featfile_open (path);
  ck_assert_msg (file != NULL, "%s", error_message ());
  const struct featinfo *found = featfile_info (file);
  ck_assert_uint_eq (found->rows, rows);
  ck_assert_uint_eq (found->columns, info->columns);
  ck_assert_int_eq (found->half, info->half);
  ck_assert (found->tiled);
  ck_assert_uint_eq (found->chunk_rows, info->chunk_rows);
  ck_assert_uint_eq (found->chunk_columns, info->chunk_columns);
  ck_assert_uint_eq (found->path_bytes, info->path_bytes);
  ck_assert (names_equal (&found->classes, &info->classes));
  ck_assert_mem_eq (&found->provenance, &info->provenance, sizeof found->provenance);
  ck_assert_str_eq (found->origin.command, info->origin.command);
  float *values = memory_new (rows * info->columns, sizeof *values);
  int32_t *labels = memory_new (rows, sizeof *labels);
  size_t path_size = info->path_bytes + 1;
  char *paths = memory_new (rows, path_size), expected[64];
  ck_assert_int_eq (featfile_read (file, 0, rows, 0, info->columns, values), 0);
  ck_assert_int_eq (featfile_read_labels (file, 0, rows, labels), 0);
  ck_assert_int_eq (featfile_read_images (file, 0, rows, paths), 0);
  for (uint64_t row = 0; row < rows; row++)
    {
      for (uint64_t column = 0; column < info->columns; column++)
        ck_assert_float_eq (values[row * info->columns + column], sample_value (row, column));
      ck_assert_int_eq (labels[row], sample_label (row, info->classes.count));
      snprintf (expected, sizeof expected, "training/food/1_%05d.jpg", (int) row);
      ck_assert_str_eq (paths + row * path_size, info->path_bytes ? expected : "");
    }
  memory_free (values);
  memory_free (labels);
  memory_free (paths);
  featfile_close (file);
}

START_TEST (written_and_read)
{
  char *path = scratch_path ("x.h5");
  const uint64_t rooms[] = { 1, 4, 9, 32 };
  for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
    for (int half = 0; half < 2; half++)
      {
        struct featinfo info = sample_info (rooms[i]);
        info.half = half;
        info.compress = half ? 12 : 0;
        ck_assert_msg (sample_write (path, &info, 0, rooms[i], NULL, 0) == 0, "%s", error_message ());
        check_rows (path, &info, rooms[i]);
        featinfo_free (&info);
      }
  ck_assert_int_eq (count_entries (scratch), 1);
  free (path);
}
END_TEST

START_TEST (fewer_rows_than_room)
{
  char *path = scratch_path ("x.h5");
  struct failure failures[2] = { { (char *) "training/food/\303\274.jpg", (char *) "not a JPEG file" },
                                 { (char *) "b", (char *) "truncated after row 80 of 360" } };
  const uint64_t rows[] = { 30, 7, 4, 0 };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    {
      struct featinfo info = sample_info (32);
      struct failure *found;
      size_t count;
      ck_assert_int_eq (sample_write (path, &info, 0, rows[i], failures, 2), 0);
      check_rows (path, &info, rows[i]);
      struct featfile *file = featfile_open (path);
      ck_assert_uint_eq (featfile_info (file)->failed, 2);
      ck_assert_int_eq (featfile_read_failures (file, &found, &count), 0);
      ck_assert_uint_eq (count, 2);
      for (size_t k = 0; k < 2; k++)
        {
          ck_assert_str_eq (found[k].image, failures[k].image);
          ck_assert_str_eq (found[k].reason, failures[k].reason);
        }
      failures_free (found, count);
      featfile_close (file);
      featinfo_free (&info);
    }
  free (path);
}
END_TEST

START_TEST (many_classes)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (64);
  names_free (&info.classes);
  for (int i = 0; i < 5000; i++) /* more than one of HDF5's datatypes holds */
    {
      char name[32];
      snprintf (name, sizeof name, "class number %04d", i);
      ck_assert_int_eq (names_add (&info.classes, name), 0);
    }
  info.path_bytes = 0;
  ck_assert_msg (sample_write (path, &info, 0, 64, NULL, 0) == 0, "%s", error_message ());
  check_rows (path, &info, 64);
  featinfo_free (&info);
  free (path);
}
END_TEST

START_TEST (same_bits_again)
{
  char *path = scratch_path ("x.h5"), first[FILE_SHA256_BYTES], second[FILE_SHA256_BYTES];
  struct featinfo info = sample_info (32);
  ck_assert_int_eq (sample_write (path, &info, 0, 32, NULL, 0), 0);
  ck_assert_int_eq (file_sha256 (path, first), 0);
  sleep (1); /* HDF5 would store the second in which an object was made */
  ck_assert_int_eq (sample_write (path, &info, 0, 32, NULL, 0), 0);
  ck_assert_int_eq (file_sha256 (path, second), 0);
  ck_assert_str_eq (first, second);
  featinfo_free (&info);
  free (path);
}
END_TEST

START_TEST (nothing_stands)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (32);
  struct featwriter *writer = featwriter_new (path, &info);
  ck_assert_int_eq (sample_put (writer, &info, 0, 8), 0);
  ck_assert_int_eq (count_entries (scratch), 1); /* the temporary file */
  const struct chunk chunk = { .data = (unsigned char[1]){ 0 }, .room = 1, .length = 1 };
  ck_assert_int_eq (featwriter_put_tile (writer, 8, 0, &chunk), -1);
  ck_assert_int_eq (featwriter_put_tile (writer, 0, 2, &chunk), -1);
  ck_assert_int_eq (featwriter_put_rows (writer, 32, 1, NULL, NULL), -1);
  featwriter_discard (writer);
  ck_assert_int_eq (count_entries (scratch), 0);
  writer = featwriter_new (path, &info);
  ck_assert_int_eq (sample_put (writer, &info, 0, 8), 0);
  ck_assert_int_eq (featwriter_commit (writer, 9, NULL, 0), -1); /* the third row of tiles was never put */
  ck_assert_int_eq (count_entries (scratch), 0);
  featwriter_discard (NULL);
  info.chunk_columns = 11;
  ck_assert_ptr_null (featwriter_new (path, &info));
  featinfo_free (&info);
  free (path);
}
END_TEST

/* A file that may not grow stands for a full disk: the same calls fail.  */
START_TEST (no_room_on_disk)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (2000);
  info.columns = 1000;
  info.provenance.shape[2] = 1000;
  info.chunk_columns = 500;
  signal (SIGXFSZ, SIG_IGN);
  char *message = text_new ("cannot write '%s': File too large; check the path and the file system", path);
  const rlim_t limits[] = { 300000, 100000, 20000, 3000 };
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
    {
      ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &(struct rlimit){ limits[i], RLIM_INFINITY }), 0);
      ck_assert_int_eq (sample_write (path, &info, 0, 2000, NULL, 0), -1);
      ck_assert_str_eq (error_message (), message);
      ck_assert_int_eq (count_entries (scratch), 0);
    }
  setrlimit (RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
  ck_assert_int_eq (sample_write (path, &info, 0, 2000, NULL, 0), 0);
  featinfo_free (&info);
  free (message);
  free (path);
}
END_TEST

START_TEST (read_only_folder)
{
  char *path = scratch_path ("x.h5");
  struct featinfo info = sample_info (9);
  ck_assert_int_eq (chmod (scratch, 0555), 0);
  uid_t user = geteuid ();
  if (user == 0) /* root may write everywhere */
    ck_assert_int_eq (seteuid (65534), 0);
  char *message = text_new ("cannot create '%s': Permission denied; check its permissions and its folder's", path);
  ck_assert_ptr_null (featwriter_new (path, &info));
  ck_assert_str_eq (error_message (), message);
  ck_assert_int_eq (seteuid (user), 0);
  ck_assert_int_eq (chmod (scratch, 0755), 0);
  free (message);
  free (path);
  path = scratch_path ("none/x.h5");
  ck_assert_ptr_null (featwriter_new (path, &info));
  message = text_new ("cannot create '%s': No such file or directory; check the path", path);
  ck_assert_str_eq (error_message (), message);
  free (message);
  featinfo_free (&info);
  free (path);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("featwriter");
  tcase_add_test (cases, written_and_read);
  tcase_add_test (cases, fewer_rows_than_room);
  tcase_add_test (cases, many_classes);
  tcase_add_test (cases, same_bits_again);
  tcase_add_test (cases, nothing_stands);
  tcase_add_test (cases, no_room_on_disk);
  tcase_add_test (cases, read_only_folder);
  return run_cases (cases, "featwriter");
}
