# SLABFIT_LIBTORCH
# libtorch: --with-libtorch=DIR for an unpacked libtorch or the torch folder of a Python's site-packages, else the
# system's.  Sets LIBTORCH_CPPFLAGS, LIBTORCH_STANDARD (the C++ standard that its headers take) and LIBTORCH_LIBS.
AC_DEFUN([SLABFIT_LIBTORCH], [
  AC_ARG_WITH([libtorch], [AS_HELP_STRING([--with-libtorch=DIR],
    [libtorch lies in DIR/include and DIR/lib, as in an unpacked libtorch or in site-packages/torch])],
    [], [with_libtorch=])
  AS_CASE([$with_libtorch],
    [no], [AC_MSG_ERROR([slabfit runs its networks by libtorch, so --without-libtorch cannot be; leave it out])],
    [''|yes], [LIBTORCH_CPPFLAGS="-isystem /usr/include/torch/csrc/api/include"
      LIBTORCH_LIBS="-ltorch -ltorch_cpu -lc10"
      slabfit_libtorch_place=system],
    [SLABFIT_LIBTORCH_FOLDER])
  SLABFIT_LIBTORCH_PROBE
  AS_IF([test -z "$LIBTORCH_STANDARD"],
    [SLABFIT_MISSING([libtorch that works with $CXX], [libtorch-dev], [pytorch-devel], [pytorch], [py-torch],
      [or give its place: --with-libtorch=DIR (config.log says what the compiler found wrong)])])
  AC_SUBST([LIBTORCH_CPPFLAGS])
  AC_SUBST([LIBTORCH_STANDARD])
  AC_SUBST([LIBTORCH_LIBS])
])

# libtorch in a folder.  A CUDA build registers itself when torch_cuda is loaded, which the linker must not leave out.
AC_DEFUN([SLABFIT_LIBTORCH_FOLDER], [
  AS_CASE([$with_libtorch], [/*], [], [with_libtorch=`pwd`/$with_libtorch])
  AS_IF([test ! -f "$with_libtorch/include/torch/script.h"],
    [AC_MSG_ERROR([$with_libtorch/include/torch/script.h is not there; name the folder of an unpacked libtorch, or what
python3 -c 'import torch; print (torch.__path__@<:@0@:>@)' prints])])
  slabfit_libtorch_place=$with_libtorch
  LIBTORCH_CPPFLAGS="-isystem $with_libtorch/include -isystem $with_libtorch/include/torch/csrc/api/include"
  LIBTORCH_LIBS="-L$with_libtorch/lib -Wl,-rpath,$with_libtorch/lib -ltorch -ltorch_cpu -lc10"
  AS_IF([test -f "$with_libtorch/lib/libtorch_cuda.so"],
    [LIBTORCH_LIBS="$LIBTORCH_LIBS -Wl,--push-state,--no-as-needed -ltorch_cuda -lc10_cuda -Wl,--pop-state"
     LIBTORCH_LIBS="$LIBTORCH_LIBS -Wl,--allow-shlib-undefined" # CUDA's own libraries may be absent where we build
     slabfit_libtorch_place="$slabfit_libtorch_place (with CUDA)"])
])

# The first C++ standard, and the first form of libstdc++'s strings, with which a program that loads a network links.
AC_DEFUN([SLABFIT_LIBTORCH_PROBE], [
  AC_LANG_PUSH([C++])
  slabfit_saved_CPPFLAGS=$CPPFLAGS slabfit_saved_CXXFLAGS=$CXXFLAGS slabfit_saved_LIBS=$LIBS
  LIBTORCH_STANDARD=
  AC_MSG_CHECKING([how to compile and link with libtorch])
  LIBS="$LIBTORCH_LIBS $LIBS"
  for slabfit_define in '' -D_GLIBCXX_USE_CXX11_ABI=0 -D_GLIBCXX_USE_CXX11_ABI=1; do
    for slabfit_standard in -std=gnu++20 -std=gnu++17; do
      CPPFLAGS="$slabfit_saved_CPPFLAGS $LIBTORCH_CPPFLAGS $slabfit_define"
      CXXFLAGS="$slabfit_standard -O0"
      AC_LINK_IFELSE(
        [AC_LANG_PROGRAM([@%:@include <torch/script.h>], [torch::jit::load (std::string ("network.ts"));])],
        [LIBTORCH_STANDARD=$slabfit_standard
         LIBTORCH_CPPFLAGS="$LIBTORCH_CPPFLAGS $slabfit_define"
         break 2])
    done
  done
  AS_IF([test -n "$LIBTORCH_STANDARD"], [AC_MSG_RESULT([$LIBTORCH_STANDARD $slabfit_define])], [AC_MSG_RESULT([no])])
  CPPFLAGS=$slabfit_saved_CPPFLAGS CXXFLAGS=$slabfit_saved_CXXFLAGS LIBS=$slabfit_saved_LIBS
  AC_LANG_POP([C++])
])
