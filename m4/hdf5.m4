# SLABFIT_HDF5
# HDF5, 1.10.5 or newer: --with-hdf5=DIR, else pkg-config, else what h5cc says.  Sets HDF5_CFLAGS and HDF5_LIBS.
AC_DEFUN([SLABFIT_HDF5], [
  AC_ARG_WITH([hdf5], [AS_HELP_STRING([--with-hdf5=DIR], [HDF5 lies in DIR/include and DIR/lib])], [], [with_hdf5=])
  AC_PATH_PROG([H5CC], [h5cc], [no])
  AS_CASE([$with_hdf5],
    [no], [AC_MSG_ERROR([slabfit keeps its data in HDF5, so --without-hdf5 cannot be; leave it out])],
    [''|yes], [SLABFIT_HDF5_SYSTEM],
    [HDF5_CFLAGS="-I$with_hdf5/include"
     HDF5_LIBS="-L$with_hdf5/lib -Wl,-rpath,$with_hdf5/lib -lhdf5"
     slabfit_hdf5_place=$with_hdf5])
  AC_SUBST([HDF5_CFLAGS])
  AC_SUBST([HDF5_LIBS])
  AC_MSG_CHECKING([whether HDF5 links and has H5Dwrite_chunk and H5Dget_chunk_info])
  SLABFIT_TRY_LINK([HDF5], [@%:@include <hdf5.h>],
    [H5Dwrite_chunk (0, 0, 0, 0, 0, 0); H5Dget_chunk_info (0, 0, 0, 0, 0, 0, 0);],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     SLABFIT_MISSING([HDF5 1.10.5 or newer], [libhdf5-dev], [hdf5-devel], [hdf5], [hdf5],
       [or give its place: --with-hdf5=DIR])])
])

# HDF5 as the system has it.
AC_DEFUN([SLABFIT_HDF5_SYSTEM], [
  PKG_CHECK_MODULES([HDF5], [hdf5], [slabfit_hdf5_place=`$PKG_CONFIG --modversion hdf5 2>/dev/null`],
    [PKG_CHECK_MODULES([HDF5_SERIAL], [hdf5-serial],
      [HDF5_CFLAGS=$HDF5_SERIAL_CFLAGS HDF5_LIBS=$HDF5_SERIAL_LIBS
       slabfit_hdf5_place=`$PKG_CONFIG --modversion hdf5-serial 2>/dev/null`],
      [slabfit_hdf5_place="as $H5CC says"
       AS_IF([test "$H5CC" = no], [HDF5_CFLAGS= HDF5_LIBS=-lhdf5 slabfit_hdf5_place=system],
         [SLABFIT_HDF5_H5CC])])])
])

# From the command that h5cc would run, in which -lhdf5 may be left to the end.
AC_DEFUN([SLABFIT_HDF5_H5CC], [
  SLABFIT_COMMAND_FLAGS([HDF5], [`$H5CC -show`])
  AS_CASE(["$HDF5_LIBS"], [*hdf5.*|*-lhdf5*], [], [HDF5_LIBS="$HDF5_LIBS -lhdf5"])
])
