# SLABFIT_C_FLAGS
# Sets SLABFIT_CFLAGS to the C standard, the warnings that the compiler takes, and -pthread.
AC_DEFUN([SLABFIT_C_FLAGS], [
  SLABFIT_CFLAGS=
  m4_foreach_w([slabfit_flag], [-std=gnu11 -pthread -Wall -Wextra -Wshadow -Wconversion],
    [AC_MSG_CHECKING([whether $CC takes slabfit_flag])
     slabfit_saved_CFLAGS=$CFLAGS
     CFLAGS="$CFLAGS slabfit_flag -Werror"
     AC_COMPILE_IFELSE([AC_LANG_PROGRAM],
       [AC_MSG_RESULT([yes]); SLABFIT_CFLAGS="$SLABFIT_CFLAGS slabfit_flag"],
       [AC_MSG_RESULT([no])])
     CFLAGS=$slabfit_saved_CFLAGS
    ])
  AC_SUBST([SLABFIT_CFLAGS])
])
