# SLABFIT_MISSING(LIBRARY, DEBIAN, FEDORA, CONDA, SPACK, [REMEDY])
# Stops configure: LIBRARY was not found, and these are its packages.
AC_DEFUN([SLABFIT_MISSING],
  [AC_MSG_ERROR([$1 was not found. Debian: $2; Fedora: $3; conda: $4; Spack: $5[]m4_ifval([$6], [; $6])])])

# SLABFIT_TRY_LINK(NAME, PROLOGUE, BODY, [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
# Links a small C program with NAME_CFLAGS and NAME_LIBS.
AC_DEFUN([SLABFIT_TRY_LINK], [
  slabfit_saved_CPPFLAGS=$CPPFLAGS slabfit_saved_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $$1_CFLAGS"
  LIBS="$$1_LIBS $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([$2], [$3])], [slabfit_linked=yes], [slabfit_linked=no])
  CPPFLAGS=$slabfit_saved_CPPFLAGS LIBS=$slabfit_saved_LIBS
  AS_IF([test $slabfit_linked = yes], [$4], [$5])
])

# SLABFIT_COMMAND_FLAGS(NAME, COMMAND)
# NAME_CFLAGS and NAME_LIBS from the command of a compiler, as h5cc and mpicc show it: folders of headers and libraries,
# definitions, and libraries.
AC_DEFUN([SLABFIT_COMMAND_FLAGS], [
  $1_CFLAGS= $1_LIBS=
  for slabfit_word in $2; do
    AS_CASE([$slabfit_word],
      [-I*|-D*], [$1_CFLAGS="$$1_CFLAGS $slabfit_word"],
      [-L*|-l*|-Wl,*|*.a|*.so], [$1_LIBS="$$1_LIBS $slabfit_word"])
  done
])

# SLABFIT_LIBRARY(NAME, PKG-CONFIG-NAME, LIBS, PROLOGUE, BODY, ACTION-IF-NOT-FOUND)
# NAME_CFLAGS and NAME_LIBS as the caller of configure gives them, else from pkg-config, else LIBS alone; BODY has to
# link.
AC_DEFUN([SLABFIT_LIBRARY], [
  PKG_CHECK_MODULES([$1], [$2], [], [$1_LIBS="$3"])
  AC_MSG_CHECKING([whether $2 links])
  SLABFIT_TRY_LINK([$1], [$4], [$5], [AC_MSG_RESULT([yes])], [AC_MSG_RESULT([no])
    $6])
])

AC_DEFUN([SLABFIT_LIBARCHIVE],
  [SLABFIT_LIBRARY([LIBARCHIVE], [libarchive], [-larchive], [@%:@include <archive.h>],
    [archive_read_free (archive_read_new ());],
    [SLABFIT_MISSING([libarchive], [libarchive-dev], [libarchive-devel], [libarchive], [libarchive])])])

AC_DEFUN([SLABFIT_LIBCONFUSE],
  [SLABFIT_LIBRARY([LIBCONFUSE], [libconfuse], [-lconfuse], [@%:@include <confuse.h>], [cfg_free (cfg_init (0, 0));],
    [SLABFIT_MISSING([libConfuse], [libconfuse-dev], [libconfuse-devel], [libconfuse], [libconfuse])])])

AC_DEFUN([SLABFIT_LIBCRYPTO],
  [SLABFIT_LIBRARY([LIBCRYPTO], [libcrypto], [-lcrypto], [@%:@include <openssl/evp.h>],
    [return EVP_Digest ("", 0, 0, 0, EVP_sha256 (), 0);],
    [SLABFIT_MISSING([OpenSSL's libcrypto], [libssl-dev], [openssl-devel], [openssl], [openssl])])])

AC_DEFUN([SLABFIT_LIBDEFLATE],
  [SLABFIT_LIBRARY([LIBDEFLATE], [libdeflate], [-ldeflate], [@%:@include <libdeflate.h>],
    [libdeflate_free_compressor (libdeflate_alloc_compressor (1));],
    [SLABFIT_MISSING([libdeflate], [libdeflate-dev], [libdeflate-devel], [libdeflate], [libdeflate])])])

AC_DEFUN([SLABFIT_LIBJPEG],
  [SLABFIT_LIBRARY([LIBJPEG], [libjpeg], [-ljpeg], [@%:@include <stddef.h>
@%:@include <stdio.h>
@%:@include <jpeglib.h>], [jpeg_mem_src (NULL, NULL, LIBJPEG_TURBO_VERSION_NUMBER);],
    [SLABFIT_MISSING([libjpeg-turbo], [libjpeg62-turbo-dev (Ubuntu: libjpeg-turbo8-dev)], [libjpeg-turbo-devel],
      [libjpeg-turbo], [libjpeg-turbo])])])

AC_DEFUN([SLABFIT_LIBSPNG],
  [SLABFIT_LIBRARY([LIBSPNG], [spng], [-lspng], [@%:@include <spng.h>], [spng_ctx_free (spng_ctx_new (0));],
    [SLABFIT_MISSING([libspng], [libspng-dev], [libspng-devel], [libspng], [libspng])])])

AC_DEFUN([SLABFIT_JANSSON],
  [SLABFIT_LIBRARY([JANSSON], [jansson], [-ljansson], [@%:@include <jansson.h>], [json_decref (json_object ());],
    [SLABFIT_MISSING([Jansson], [libjansson-dev], [jansson-devel], [jansson], [jansson])])])

AC_DEFUN([SLABFIT_OPENBLAS],
  [SLABFIT_LIBRARY([OPENBLAS], [openblas], [-lopenblas], [@%:@include <cblas.h>],
    [openblas_set_num_threads (1); cblas_sscal (0, 1, 0, 1);],
    [SLABFIT_MISSING([OpenBLAS], [libopenblas-dev], [openblas-devel], [openblas], [openblas])])])

# SLABFIT_CHECK
# The unit tests' library, without which they are left out.
AC_DEFUN([SLABFIT_CHECK], [
  PKG_CHECK_MODULES([CHECK], [check], [slabfit_have_check=yes], [slabfit_have_check=no])
  AM_CONDITIONAL([HAVE_CHECK], [test $slabfit_have_check = yes])
])

# SLABFIT_PYTHON
# PYTHON is a Python that has h5py and NumPy, by which tests read our files, or "no".
AC_DEFUN([SLABFIT_PYTHON], [
  AC_ARG_VAR([PYTHON], [Python with h5py, for the tests])
  AC_MSG_CHECKING([for a Python with h5py])
  slabfit_python=no
  for slabfit_candidate in "$PYTHON" python3 /usr/bin/python3; do
    AS_IF([test $slabfit_python = no && "$slabfit_candidate" -c 'import h5py, numpy' >&AS_MESSAGE_LOG_FD 2>&1],
      [slabfit_python=$slabfit_candidate])
  done
  PYTHON=$slabfit_python
  AC_MSG_RESULT([$PYTHON])
])
