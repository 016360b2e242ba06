#include <config.h>

#include "../src/backbone/pickle.h"

#include "../src/backbone/statedict.h"
#include "support.h"

/* The pickles are written by hand after Lib/pickletools.py of CPython.  */

static struct pyvalue_pool pool;

static const struct pyvalue *
read_bytes (const char *bytes, size_t length)
{
  struct pickle pickle = { (const unsigned char *) bytes, (const unsigned char *) bytes + length, &pool,
                           statedict_allows };
  pool = pyvalue_pool_new ("a.pth");
  error_clear ();
  const struct pyvalue *value = pickle_read (&pickle);
  ck_assert_msg (!value || pickle.at == pickle.end, "the pickle was not read to its end");
  return value;
}

#define READ(text) read_bytes (text, sizeof text - 1)

/* The pickle TEXT fails with MESSAGE.  */
#define ASSERT_FAILS(text, message)                                                                                    \
  do                                                                                                                   \
    {                                                                                                                  \
      ck_assert_ptr_null (READ (text));                                                                                \
      ck_assert_str_eq (error_message (), message);                                                                    \
      pyvalue_pool_free (&pool);                                                                                       \
    }                                                                                                                  \
  while (0)

static void
assert_integer (const struct pyvalue *value, int64_t integer)
{
  ck_assert_ptr_nonnull (value);
  ck_assert_int_eq (value->kind, PYVALUE_INTEGER);
  ck_assert_int_eq (value->integer, integer);
}

START_TEST (numbers)
{
  static const unsigned char magic[] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };
  const struct pyvalue *value = READ ("\x80\x02(K\xffM\xff\xffJ\xfe\xff\xff\xffJ\xff\xff\xff\x7f\x8a\x00\x8a\x01\x80"
                                      "\x8a\x05\x00\x00\x00\x00\x01\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"
                                      "\x8b\x02\x00\x00\x00\x00\x01\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19"
                                      "G\xbf\xf8\x00\x00\x00\x00\x00\x00\x88\x89Nt.");
  static const int64_t integers[] = { 255, 65535, -2, INT32_MAX, 0, -128, (int64_t) 1 << 32, INT64_MIN, 256 };
  ck_assert_msg (value != NULL, "%s", error_message ());
  ck_assert_int_eq (value->kind, PYVALUE_TUPLE);
  ck_assert_uint_eq (value->items.count, 14);
  for (size_t i = 0; i < 9; i++)
    assert_integer (pyvalue_item (value, i), integers[i]);
  ck_assert_int_eq (pyvalue_item (value, 9)->kind, PYVALUE_BYTES);
  ck_assert_uint_eq (pyvalue_item (value, 9)->length, sizeof magic);
  ck_assert_mem_eq (pyvalue_item (value, 9)->text, magic, sizeof magic);
  ck_assert_int_eq (pyvalue_item (value, 10)->kind, PYVALUE_NUMBER);
  ck_assert_double_eq (pyvalue_item (value, 10)->number, -1.5);
  ck_assert_int_eq (pyvalue_item (value, 11)->kind, PYVALUE_BOOL);
  ck_assert_int_eq (pyvalue_item (value, 11)->integer, 1);
  ck_assert_int_eq (pyvalue_item (value, 12)->integer, 0);
  ck_assert_int_eq (pyvalue_item (value, 13)->kind, PYVALUE_NONE);
  pyvalue_pool_free (&pool);
}
END_TEST

START_TEST (texts)
{
  const struct pyvalue *value = READ ("\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00(U\x01"
                                      "aT\x02\x00\x00\x00"
                                      "bbX\x01\x00\x00\x00"
                                      "c\x8c\x01"
                                      "d\x8d\x01\x00\x00\x00\x00\x00\x00\x00"
                                      "eC\x01"
                                      "fB\x01\x00\x00\x00"
                                      "g\x8e\x01\x00\x00\x00\x00\x00\x00\x00hl.");
  static const char *const expected[] = { "a", "bb", "c", "d", "e" };
  ck_assert_msg (value != NULL, "%s", error_message ());
  ck_assert_int_eq (value->kind, PYVALUE_LIST);
  ck_assert_uint_eq (value->items.count, 8);
  for (size_t i = 0; i < 5; i++)
    ck_assert (pyvalue_is_text (pyvalue_item (value, i), expected[i]));
  for (size_t i = 5; i < 8; i++)
    ck_assert_int_eq (pyvalue_item (value, i)->kind, PYVALUE_BYTES);
  ck_assert (!pyvalue_is_text (pyvalue_item (value, 5), "f"));
  ck_assert_int_eq (*pyvalue_item (value, 7)->text, 'h');
  pyvalue_pool_free (&pool);
}
END_TEST

/* {"a": (1,), "b": [1, 2, 3], "c": (1, 2), "d": (1, 2, 3), "a": {}}, with values taken off and kept.  */
START_TEST (containers)
{
  const struct pyvalue *value = READ ("\x80\x02}q\x00(U\x01"
                                      "aK\x01\x85q\x01U\x01"
                                      "b]K\x01"
                                      "a(K\x02K\x03"
                                      "eU\x01"
                                      "cK\x01K\x02\x86uU\x01"
                                      "dK\x01K\x02K\x03\x87sU\x01"
                                      "a}sN0(NN1."),
                       *list = pyvalue_find (value, "b");
  ck_assert_msg (value != NULL, "%s", error_message ());
  ck_assert_int_eq (value->kind, PYVALUE_DICT);
  ck_assert_uint_eq (value->items.count, 10);
  ck_assert_int_eq (list->kind, PYVALUE_LIST);
  ck_assert_uint_eq (list->items.count, 3);
  for (size_t i = 0; i < 3; i++)
    {
      assert_integer (pyvalue_item (list, i), (int64_t) i + 1);
      assert_integer (pyvalue_item (pyvalue_find (value, "d"), i), (int64_t) i + 1);
    }
  ck_assert_uint_eq (pyvalue_find (value, "c")->items.count, 2);
  ck_assert_int_eq (pyvalue_find (value, "a")->kind, PYVALUE_DICT); /* the last of two */
  ck_assert_ptr_null (pyvalue_find (value, "e"));
  ck_assert_ptr_null (pyvalue_find (list, "e"));
  pyvalue_pool_free (&pool);
}
END_TEST

/* OrderedDicts of Python 3, filled after they are made, and of Python 2, made of a list of pairs; their attributes are
   left out.  A list may contain itself.  */
START_TEST (objects)
{
  const struct pyvalue *value = READ ("\x80\x02(ccollections\nOrderedDict\nq\x00)R(U\x01"
                                      "aK\x01u}U\x09_metadataNsbh\x00](]U\x01"
                                      "aaK\x02"
                                      "aU\x01"
                                      "bK\x03\x86"
                                      "e\x85R\x8c\x05torch\x8c\x04Size\x93K\x04\x85\x85R\x94]r\x05\x00\x00\x00j\x05\x00"
                                      "\x00\x00"
                                      "a(U\x07storageU\x01"
                                      "0tQt.");
  ck_assert_msg (value != NULL, "%s", error_message ());
  ck_assert_uint_eq (value->items.count, 5);
  assert_integer (pyvalue_find (pyvalue_item (value, 0), "a"), 1);
  ck_assert_uint_eq (pyvalue_item (value, 0)->items.count, 2);
  assert_integer (pyvalue_find (pyvalue_item (value, 1), "a"), 2);
  assert_integer (pyvalue_find (pyvalue_item (value, 1), "b"), 3);
  ck_assert_int_eq (pyvalue_item (value, 2)->kind, PYVALUE_CALL);
  ck_assert (pyvalue_is_global (pyvalue_item (pyvalue_item (value, 2), 0), "torch", "Size"));
  ck_assert_ptr_eq (pyvalue_item (pyvalue_item (value, 3), 0), pyvalue_item (value, 3));
  ck_assert_int_eq (pyvalue_item (value, 4)->kind, PYVALUE_PERSISTENT);
  ck_assert (pyvalue_is_text (pyvalue_item (pyvalue_item (pyvalue_item (value, 4), 0), 0), "storage"));
  pyvalue_pool_free (&pool);
}
END_TEST

#define REFUSED(name)                                                                                                  \
  "'a.pth' refers to '" name                                                                                           \
  "', which no state dict needs: it holds a whole network or other objects, and nothing of "                           \
  "it was run; save the state dict alone, in Python: torch.save (network.state_dict (), 'weights.pth')"

/* What would run a command in Python is named, in either form; names that only look like known ones as well.  */
START_TEST (refused)
{
  ASSERT_FAILS ("cposix\nsystem\n(U\x04true\x85R.", REFUSED ("posix.system"));
  ASSERT_FAILS ("\x80\x04\x8c\x08"
                "builtins\x8c\x04"
                "eval\x93.",
                REFUSED ("builtins.eval"));
  ASSERT_FAILS ("ctorch\nload\n.", REFUSED ("torch.load"));
  ASSERT_FAILS ("ctorch\nStorage\n.", REFUSED ("torch.Storage"));
  ASSERT_FAILS ("cos\nFloatStorage\n.", REFUSED ("os.FloatStorage"));
  ASSERT_FAILS ("ctorch._utils\n_rebuild_xla_tensor\n.", REFUSED ("torch._utils._rebuild_xla_tensor"));
}
END_TEST

#define MALFORMED(what, place)                                                                                         \
  "'a.pth' is damaged or cut short: " what " at byte " place " of its pickle; copy or download it again"

START_TEST (malformed)
{
  ASSERT_FAILS ("", MALFORMED ("the end", "0"));
  ASSERT_FAILS ("N", MALFORMED ("the end", "1"));
  ASSERT_FAILS (".", MALFORMED ("a value is missing", "1"));
  ASSERT_FAILS ("(.", MALFORMED ("a value is missing", "2"));
  ASSERT_FAILS ("Nt.", MALFORMED ("a mark is missing", "2"));
  ASSERT_FAILS ("(N\x85\x85\x86.", MALFORMED ("a value is missing", "5"));
  ASSERT_FAILS ("}(Nu.", MALFORMED ("a key without a value", "4"));
  ASSERT_FAILS ("](NNu.", MALFORMED ("a value is missing", "5"));
  ASSERT_FAILS ("NNa.", MALFORMED ("a value is missing", "3"));
  ASSERT_FAILS ("N)R.", MALFORMED ("a value is missing", "3"));
  ASSERT_FAILS ("ccollections\nOrderedDict\n]N\x61\x85R.", MALFORMED ("an OrderedDict of what are no pairs", "30"));
  ASSERT_FAILS ("ctorch", MALFORMED ("a name without an end", "1"));
  ASSERT_FAILS ("h\x03.", MALFORMED ("a value that was never kept", "2"));
  ASSERT_FAILS ("Nq\x02h\x01.", MALFORMED ("a value that was never kept", "5"));
  ASSERT_FAILS ("Nr\xff\xff\xff\xff.", MALFORMED ("a number that no value can have", "6"));
  ASSERT_FAILS ("X\xff\xff\xff\xff"
                "a.",
                MALFORMED ("the end", "5"));
  ASSERT_FAILS ("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                "a.",
                MALFORMED ("the end", "9"));
  ASSERT_FAILS ("\x80\x06N.", MALFORMED ("a protocol that is not known", "2"));
  ASSERT_FAILS ("I1\n.",
                "'a.pth' holds what no state dict has, at byte 1 of its pickle; save network.state_dict () alone, or "
                "copy the file again if it is damaged");
}
END_TEST

/* A pickle that doubles its list at every step would grow without end; so would one of countless small values.  */
START_TEST (bounded)
{
  static const char start[] = "ccollections\nOrderedDict\nq\x00"
                              "0](NN\x86NN\x86NN\x86NN\x86NN\x86NN\x86NN\x86NN\x86"
                              "eq\x01";
  enum { BYTES = 8 << 20 };
  char *bytes = malloc (BYTES);
  memset (bytes, 'N', BYTES);
  ck_assert_ptr_null (read_bytes (bytes, BYTES));
  ck_assert_str_eq (error_message (), "'a.pth' holds more values than any state dict has; save the state dict alone");
  pyvalue_pool_free (&pool);
  memcpy (bytes, start, sizeof start - 1);
  for (size_t i = sizeof start - 1; i + 6 <= BYTES; i += 6) /* OrderedDict (list), again and again */
    memcpy (bytes + i, "h\0h\1\x85R", 6);
  ck_assert_ptr_null (read_bytes (bytes, BYTES));
  ck_assert_str_eq (error_message (), "'a.pth' holds more values than any state dict has; save the state dict alone");
  pyvalue_pool_free (&pool);
  free (bytes);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("pickle");
  tcase_add_test (cases, numbers);
  tcase_add_test (cases, texts);
  tcase_add_test (cases, containers);
  tcase_add_test (cases, objects);
  tcase_add_test (cases, refused);
  tcase_add_test (cases, malformed);
  tcase_add_test (cases, bounded);
  return run_cases (cases, "pickle");
}
