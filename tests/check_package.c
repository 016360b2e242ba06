/* The shim told of AOTInductor packages (.pt2), which are known by the names in them.  */
#include <config.h>

#include "../shim/network.h"
#include "support.h"

static char error[NETWORK_ERROR_BYTES];

/* Opens a file of the NAMES that a zip archive would have at its end.  */
static void
open_archive (const char *start, const char *names)
{
  struct network *network = NULL;
  const struct network_options options = { .device = "cpu" };
  char *path = scratch_path ("any.name"), *text = text_new ("%s%060d%s", start, 0, names);
  ck_assert_int_eq (file_write (path, text, strlen (text)), 0);
  ck_assert_int_eq (network_open (&network, path, &options, error), -1);
  ck_assert_ptr_null (network);
  ck_assert_ptr_null (strchr (error, '\n'));
  free (text);
  free (path);
}

static bool
loads_packages (void)
{
  int major = 0, minor = 0;
  ck_assert_int_eq (sscanf (network_library (), "libtorch %d.%d", &major, &minor), 2);
  return major * 100 + minor >= 208;
}

START_TEST (says_what_a_package_needs)
{
  open_archive ("PK\3\4", "net/data/aotinductor/model/c.wrapper.so");
  ck_assert_msg (!strstr (error, "give a TorchScript file, such as"), "%s", error);
  const char *found = strstr (error, "it is an AOTInductor package, which this libtorch ");
  ck_assert_msg ((found == error) == !loads_packages (), "%s", error);
  ck_assert_msg ((strstr (error, " cannot load; build slabfit with libtorch 2.8 or later") != NULL)
                   == !loads_packages (),
                 "%s", error);
}
END_TEST

START_TEST (says_how_to_compile)
{
  static const char expected[] =
    "it is an exported program that was not compiled; compile it in Python: torch._inductor.aoti_compile_and_package "
    "(torch.export.load (\"THIS.pt2\"), package_path=\"COMPILED.pt2\")";
  open_archive ("PK\3\4", "net/models/model.json");
  ck_assert_str_eq (error, expected);
  open_archive ("PK\3\4", "serialized_exported_program.json");
  ck_assert_str_eq (error, expected);
}
END_TEST

/* What no archive begins with is no package, whatever it says.  */
START_TEST (looks_at_the_start)
{
  open_archive ("HK\3\4", "net/models/model.json");
  ck_assert_msg (strstr (error, "; give a TorchScript file, such as 'slabfit backbone' writes") != NULL, "%s", error);
}
END_TEST

int
main (void)
{
  TCase *cases = new_cases ("package");
  tcase_add_test (cases, says_what_a_package_needs);
  tcase_add_test (cases, says_how_to_compile);
  tcase_add_test (cases, looks_at_the_start);
  return run_cases (cases, "package");
}
