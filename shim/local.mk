# The only C++ of the tree: a module with libtorch behind a C header, which loader.c opens when it is needed.
moduledir = $(pkglibdir)
module_PROGRAMS = network.so
network_so_SOURCES = \
  shim/build.cpp \
  shim/device.cpp \
  shim/engine.hpp \
  shim/fusion.cpp \
  shim/fusion.hpp \
  shim/gpu.cpp \
  shim/guard.cpp \
  shim/guard.hpp \
  shim/network.cpp \
  shim/network.h \
  shim/numbers.cpp \
  shim/numbers.hpp \
  shim/package.cpp \
  shim/primitives.cpp \
  shim/primitives.hpp \
  shim/processor.cpp \
  shim/rows.cpp \
  shim/runner.hpp \
  shim/script.cpp \
  shim/steps.cpp \
  shim/steps.hpp
if ONEDNN
network_so_SOURCES += \
  shim/arrays.cpp \
  shim/arrays.hpp \
  shim/blocks.cpp \
  shim/blocks.hpp \
  shim/onednn.hpp \
  shim/program.cpp \
  shim/program.hpp
endif
network_so_CPPFLAGS = $(AM_CPPFLAGS) $(LIBTORCH_CPPFLAGS) $(ONEDNN_CPPFLAGS)
network_so_CXXFLAGS = $(AM_CXXFLAGS) -fPIC -fvisibility=hidden
network_so_LDFLAGS = -shared -Wl,-z,defs
network_so_LDADD = $(LIBTORCH_LIBS) $(ONEDNN_LIBS)
