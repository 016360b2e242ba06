/* The thread's last error: its text, its status, and how it is carried.  */
#include <config.h>

#include "support.h"

#include <errno.h>
#include <pthread.h>

START_TEST (setters)
{
  ck_assert_int_eq (error_set ("'%s' has %d rows", "x.h5", 7), -1);
  ck_assert_str_eq (error_message (), "'x.h5' has 7 rows");
  ck_assert_int_eq (error_status (), ERROR_FAILED);
  ck_assert_int_eq (error_usage ("--batch takes %d", 1), -1);
  ck_assert_str_eq (error_message (), "--batch takes 1");
  ck_assert_int_eq (error_status (), ERROR_USAGE);
  ck_assert_int_eq (error_stopped ("stopped"), -1);
  ck_assert_str_eq (error_message (), "stopped");
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
  error_clear ();
  ck_assert_str_eq (error_message (), "");
  ck_assert_int_eq (error_status (), 0);
}
END_TEST

START_TEST (an_error_may_be_made_of_the_last_one)
{
  error_set ("truncated");
  error_set ("cannot read '%s': %s; %s again", "a.jpg", error_message (), error_message ());
  ck_assert_str_eq (error_message (), "cannot read 'a.jpg': truncated; truncated again");
}
END_TEST

START_TEST (a_long_message_is_cut)
{
  char text[2 * ERROR_MESSAGE_BYTES];
  memset (text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  error_set ("%s", text);
  ck_assert_uint_eq (strlen (error_message ()), ERROR_MESSAGE_BYTES - 1);
  ck_assert_mem_eq (error_message (), text, ERROR_MESSAGE_BYTES - 1);
}
END_TEST

static const struct {
  int number;
  const char *message;
} reasons[] = {
  { ENOENT, "cannot open 'x': No such file or directory; check the path" },
  { EACCES, "cannot open 'x': Permission denied; check its permissions and its folder's" },
  { EROFS, "cannot open 'x': Read-only file system; the file system is read-only: choose another place" },
  { ENOSPC, "cannot open 'x': No space left on device; free some space, then run the same command again" },
  { EEXIST, "cannot open 'x': File exists; remove it or choose another name" },
  { EMFILE, "cannot open 'x': Too many open files; raise the limit of open files (ulimit -n)" },
  { EIO, "cannot open 'x': Input/output error; the device failed: check the disk, then run the same command again" },
  { ENOTDIR, "cannot open 'x': Not a directory; check the path and the file system" },
};

START_TEST (system_calls)
{
  errno = reasons[_i].number;
  ck_assert_int_eq (error_system ("open", "x"), -1);
  ck_assert_str_eq (error_message (), reasons[_i].message);
  ck_assert_int_eq (error_status (), ERROR_FAILED);
}
END_TEST

START_TEST (a_remedy_may_be_another_one)
{
  error_set ("'a; b' is bad; copy it again");
  ck_assert_int_eq (error_remedy ("remove it"), -1);
  ck_assert_str_eq (error_message (), "'a; b' is bad; remove it");
  error_set ("'a' is bad");
  error_remedy ("remove it");
  ck_assert_str_eq (error_message (), "'a' is bad; remove it");
  ck_assert_int_eq (error_status (), ERROR_FAILED);
}
END_TEST

/* Fails in its own thread and hands the error out.  */
static void *
fail_apart (void *argument)
{
  bool clean = error_status () == 0;
  error_stopped ("%s", clean ? "of the other thread" : "not clean");
  error_get (argument);
  return NULL;
}

START_TEST (each_thread_has_its_own)
{
  struct error copy;
  pthread_t thread;
  error_set ("of this thread");
  ck_assert_int_eq (pthread_create (&thread, NULL, fail_apart, &copy), 0);
  ck_assert_int_eq (pthread_join (thread, NULL), 0);
  ck_assert_str_eq (error_message (), "of this thread");
  ck_assert_int_eq (error_put (&copy), -1);
  ck_assert_str_eq (error_message (), "of the other thread");
  ck_assert_int_eq (error_status (), ERROR_STOPPED);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("error");
  tcase_add_test (cases, setters);
  tcase_add_test (cases, an_error_may_be_made_of_the_last_one);
  tcase_add_test (cases, a_long_message_is_cut);
  tcase_add_loop_test (cases, system_calls, 0, sizeof reasons / sizeof *reasons);
  tcase_add_test (cases, a_remedy_may_be_another_one);
  tcase_add_test (cases, each_thread_has_its_own);
  return run_cases (cases, "error");
}
