/* Files: written whole or not at all, read within limits, and their checksums.  */
#include <config.h>

#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

START_TEST (paths)
{
  static const struct {
    const char *directory, *name, *path;
  } joined[] = {
    { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "", "b", "b" }, { "/", "b", "/b" }, { "a/b", "c", "a/b/c" }
  };
  for (size_t i = 0; i < sizeof joined / sizeof *joined; i++)
    {
      char *path = file_path (joined[i].directory, joined[i].name);
      ck_assert_str_eq (path, joined[i].path);
      free (path);
    }
}
END_TEST

START_TEST (directories)
{
  char *absolute = file_path (scratch, "x/y//z/");
  ck_assert_int_eq (file_make_directories ("a/b/c"), 0);
  ck_assert_int_eq (file_make_directories ("a/b/c"), 0);
  ck_assert_int_eq (file_make_directories (absolute), 0);
  ck_assert (file_is_directory ("a/b/c") && file_is_directory ("x/y/z") && file_exists ("a"));
  ck_assert (!file_exists ("c") && !file_is_directory ("c"));
  ck_assert_int_eq (file_write ("a/f", "", 0), 0);
  ck_assert (file_exists ("a/f") && !file_is_directory ("a/f"));
  ck_assert_int_eq (file_make_directories ("a/f"), -1);
  ck_assert_str_eq (error_message (), "cannot make the folder 'a/f': File exists; remove it or choose another name");
  ck_assert_int_eq (file_make_directories ("a/f/g"), -1);
  ck_assert_str_eq (error_message (), "cannot make the folder 'a/f': File exists; remove it or choose another name");
  free (absolute);
}
END_TEST

START_TEST (written_whole)
{
  struct stat before, after;
  ck_assert_int_eq (file_write ("x", "first", 5), 0);
  assert_contents ("x", "first");
  ck_assert_int_eq (stat ("x", &before), 0);
  ck_assert_int_eq (file_write ("x", "second", 6), 0);
  assert_contents ("x", "second");
  ck_assert_int_eq (stat ("x", &after), 0);
  ck_assert_uint_ne (before.st_ino, after.st_ino); /* replaced, not written over */
  ck_assert_int_eq (file_write ("empty", NULL, 0), 0);
  assert_contents ("empty", "");
  ck_assert_int_eq (count_entries ("."), 2);
}
END_TEST

/* Who has the file open keeps the old contents, so that no reader ever sees a part of the new ones.  */
START_TEST (readers_see_one_or_the_other)
{
  char data[6] = "";
  ck_assert_int_eq (file_write ("x", "first", 5), 0);
  int reader = open ("x", O_RDONLY);
  ck_assert_int_eq (file_write ("x", "again", 5), 0);
  ck_assert_int_eq (read (reader, data, 5), 5);
  ck_assert_str_eq (data, "first");
  close (reader);
}
END_TEST

START_TEST (not_written)
{
  ck_assert_int_eq (file_write ("none/x", "text", 4), -1);
  ck_assert_str_eq (error_message (), "cannot create 'none/x': No such file or directory; check the path");
  ck_assert_int_eq (file_make_directories ("folder/inside"), 0);
  ck_assert_int_eq (file_write ("folder", "text", 4), -1);
  ck_assert_str_eq (error_message (),
                    "cannot rename a finished file to 'folder': Is a directory; check the path and the file system");
  ck_assert_int_eq (count_entries ("."), 1);
}
END_TEST

/* A file that may not grow stands for a full disk.  */
START_TEST (no_room)
{
  char *data = calloc (1, 100000);
  ck_assert_int_eq (file_write ("x", "old", 3), 0);
  signal (SIGXFSZ, SIG_IGN);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &(struct rlimit){ 50000, RLIM_INFINITY }), 0);
  ck_assert_int_eq (file_write ("x", data, 100000), -1);
  ck_assert_str_eq (error_message (), "cannot write 'x': File too large; check the path and the file system");
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }), 0);
  assert_contents ("x", "old");
  ck_assert_int_eq (count_entries ("."), 1);
  free (data);
}
END_TEST

static void
write_plain (const char *path, const char *text)
{
  FILE *stream = fopen (path, "w");
  ck_assert_ptr_nonnull (stream);
  fputs (text, stream);
  fclose (stream);
}

START_TEST (commits)
{
  ck_assert_int_eq (file_write ("x", "old", 3), 0);
  write_plain ("x.tmp", "new");
  ck_assert_int_eq (file_commit ("x.tmp", "x"), 0);
  assert_contents ("x", "new");
  ck_assert_int_eq (count_entries ("."), 1);
  char *absolute = scratch_path ("y"), *temporary = file_temporary (absolute);
  write_plain (temporary, "far");
  ck_assert_int_eq (file_commit (temporary, absolute), 0);
  assert_contents ("y", "far");
  free (temporary);
  free (absolute);
}
END_TEST

START_TEST (commits_that_fail)
{
  write_plain ("x.tmp", "new");
  ck_assert_int_eq (file_commit ("x.tmp", "none/x"), -1);
  ck_assert_str_eq (error_message (),
                    "cannot rename a finished file to 'none/x': No such file or directory; check the path");
  ck_assert_int_eq (count_entries ("."), 0); /* the temporary file is gone */
  ck_assert_int_eq (file_write ("x", "old", 3), 0);
  ck_assert_int_eq (file_commit ("x.tmp", "x"), -1);
  ck_assert_str_eq (error_message (), "cannot open 'x.tmp': No such file or directory; check the path");
  assert_contents ("x", "old");
}
END_TEST

enum { NAMES = 500, THREADS = 4 };

static void *
make_names (void *argument)
{
  struct names *names = argument;
  for (int i = 0; i < NAMES; i++)
    {
      char *name = file_temporary ("folder/x.h5");
      names_add (names, name);
      free (name);
    }
  return NULL;
}

START_TEST (temporary_names_never_meet)
{
  pthread_t thread[THREADS];
  struct names made[THREADS] = { 0 }, all = { 0 };
  char host[256] = "", number[32];
  gethostname (host, sizeof host - 1);
  snprintf (number, sizeof number, ".%ld.", (long) getpid ());
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_create (&thread[i], NULL, make_names, &made[i]), 0);
  for (int i = 0; i < THREADS; i++)
    {
      ck_assert_int_eq (pthread_join (thread[i], NULL), 0);
      for (size_t j = 0; j < made[i].count; j++)
        ck_assert_int_eq (names_add (&all, made[i].name[j]), 0);
      names_free (&made[i]);
    }
  names_sort (&all);
  ck_assert_uint_eq (all.count, NAMES * THREADS);
  for (size_t i = 0; i < all.count; i++)
    {
      ck_assert (i == 0 || strcmp (all.name[i - 1], all.name[i]));
      ck_assert_mem_eq (all.name[i], "folder/x.h5.", 12); /* beside the file */
      ck_assert (strstr (all.name[i], host) && strstr (all.name[i], number));
    }
  names_free (&all);
}
END_TEST

START_TEST (read_within_limits)
{
  size_t length;
  ck_assert_int_eq (file_write ("x", "a\0b", 3), 0);
  char *data = file_read ("x", 3, &length);
  ck_assert_uint_eq (length, 3);
  ck_assert_mem_eq (data, "a\0b\0", 4);
  free (data);
  ck_assert_ptr_null (file_read ("x", 2, &length));
  ck_assert_str_eq (error_message (), "'x' has 3 bytes, more than the 2 expected; check that it is the right file");
  ck_assert_ptr_null (file_read ("none", 2, &length));
  ck_assert_str_eq (error_message (), "cannot open 'none': No such file or directory; check the path");
  ck_assert_ptr_null (file_read (".", 2, &length));
  ck_assert_str_eq (error_message (), "cannot read '.': Is a directory; check the path and the file system");
}
END_TEST

/* Examples of FIPS 180.  */
static const struct {
  const char *text, *sha256;
} vectors[] = {
  { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
  { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
  { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
};

START_TEST (sha256_of_examples)
{
  char of_file[FILE_SHA256_BYTES], of_bytes[FILE_SHA256_BYTES];
  const char *text = vectors[_i].text;
  ck_assert_int_eq (file_write ("x", text, strlen (text)), 0);
  ck_assert_int_eq (file_sha256 ("x", of_file), 0);
  ck_assert_str_eq (of_file, vectors[_i].sha256);
  struct digest digest = digest_begin ();
  for (const char *byte = text; *byte; byte++)
    digest_add (&digest, byte, 1);
  ck_assert_int_eq (digest_end (&digest, of_bytes), 0);
  ck_assert_str_eq (of_bytes, vectors[_i].sha256);
}
END_TEST

/* A million letters a, the last example, in pieces of growing length.  */
START_TEST (sha256_of_a_million)
{
  enum { LENGTH = 1000000 };
  static const char expected[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  char *data = malloc (LENGTH), sha256[FILE_SHA256_BYTES];
  memset (data, 'a', LENGTH);
  ck_assert_int_eq (file_write ("x", data, LENGTH), 0);
  ck_assert_int_eq (file_sha256 ("x", sha256), 0);
  ck_assert_str_eq (sha256, expected);
  struct digest digest = digest_begin ();
  for (size_t done = 0, piece = 0; done < LENGTH; done += piece)
    {
      piece = piece + 1 < LENGTH - done ? piece + 1 : LENGTH - done;
      digest_add (&digest, data + done, piece);
    }
  ck_assert_int_eq (digest_end (&digest, sha256), 0);
  ck_assert_str_eq (sha256, expected);
  free (data);
}
END_TEST

START_TEST (sha256_that_fails)
{
  char sha256[FILE_SHA256_BYTES];
  ck_assert_int_eq (file_sha256 ("none", sha256), -1);
  ck_assert_str_eq (error_message (), "cannot open 'none': No such file or directory; check the path");
  ck_assert_int_eq (file_sha256 (".", sha256), -1);
  ck_assert_str_eq (error_message (), "cannot read '.': Is a directory; check the path and the file system");
  struct digest digest = digest_begin ();
  digest_add (&digest, "abc", 3);
  digest_discard (&digest);
  digest_add (&digest, "abc", 3); /* as after a failure: it shows at the end */
  ck_assert_int_eq (digest_end (&digest, sha256), -1);
  ck_assert_str_eq (error_message (), "a SHA-256 could not be computed; check memory and the OpenSSL installation");
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("file");
  tcase_add_checked_fixture (cases, scratch_enter, scratch_leave);
  tcase_add_test (cases, paths);
  tcase_add_test (cases, directories);
  tcase_add_test (cases, written_whole);
  tcase_add_test (cases, readers_see_one_or_the_other);
  tcase_add_test (cases, not_written);
  tcase_add_test (cases, no_room);
  tcase_add_test (cases, commits);
  tcase_add_test (cases, commits_that_fail);
  tcase_add_test (cases, temporary_names_never_meet);
  tcase_add_test (cases, read_within_limits);
  tcase_add_loop_test (cases, sha256_of_examples, 0, sizeof vectors / sizeof *vectors);
  tcase_add_test (cases, sha256_of_a_million);
  tcase_add_test (cases, sha256_that_fails);
  return run_cases (cases, "file");
}
