# SLABFIT_ONEDNN
# oneDNN, which runs convolutions on the processor: --without-onednn leaves it out, and where it is not found libtorch's
# own copy does the work, somewhat slower.  Its headers must be of the library's version, which they are not where those
# of another libtorch come first; so what only one version has is linked.  Sets ONEDNN_CPPFLAGS and ONEDNN_LIBS.
AC_DEFUN([SLABFIT_ONEDNN], [
  AC_ARG_WITH([onednn], [AS_HELP_STRING([--without-onednn],
    [run convolutions by libtorch alone])], [], [with_onednn=check])
  ONEDNN_CPPFLAGS= ONEDNN_LIBS= slabfit_onednn=no
  AS_IF([test "$with_onednn" != no], [SLABFIT_ONEDNN_PROBE])
  AS_IF([test "$with_onednn$slabfit_onednn" = yesno],
    [AC_MSG_ERROR([oneDNN was not found, or its headers are not those of the library (config.log says which). Debian:
libdnnl-dev; Fedora: onednn-devel; conda: onednn; Spack: onednn; or leave --with-onednn out])])
  AM_CONDITIONAL([ONEDNN], [test "$slabfit_onednn" = yes])
  AC_SUBST([ONEDNN_CPPFLAGS])
  AC_SUBST([ONEDNN_LIBS])
])

AC_DEFUN([SLABFIT_ONEDNN_PROBE], [
  AC_LANG_PUSH([C++])
  slabfit_saved_CPPFLAGS=$CPPFLAGS slabfit_saved_CXXFLAGS=$CXXFLAGS slabfit_saved_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $LIBTORCH_CPPFLAGS"
  CXXFLAGS="$LIBTORCH_STANDARD $CXXFLAGS"
  LIBS="-ldnnl $LIBS"
  AC_MSG_CHECKING([for oneDNN])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <dnnl.h>
#if DNNL_VERSION_MAJOR < 3
#define create dnnl_convolution_forward_desc_init
#else
#define create dnnl_convolution_forward_primitive_desc_create
#endif
]], [void *volatile place = reinterpret_cast<void *> (create); return !place;])],
    [slabfit_onednn=yes
     ONEDNN_CPPFLAGS=-DHAVE_ONEDNN=1
     ONEDNN_LIBS=-ldnnl])
  AC_MSG_RESULT([$slabfit_onednn])
  CPPFLAGS=$slabfit_saved_CPPFLAGS CXXFLAGS=$slabfit_saved_CXXFLAGS LIBS=$slabfit_saved_LIBS
  AC_LANG_POP([C++])
])
