/* A frozen network behind a C interface: the only door to libtorch.  Compiles as C11.

   Functions return 0, or -1 with one line in ERROR (NETWORK_ERROR_BYTES) that says what is wrong, without the name of
   the file.  No exception leaves them.  A network may be run from several threads at once; each run uses
   network_options.threads threads of its own.  */
#ifndef SLABFIT_NETWORK_H
#define SLABFIT_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NETWORK_ERROR_BYTES = 1024, NETWORK_RANK = 4 };

enum network_pool { NETWORK_POOL_NONE, NETWORK_POOL_AVG, NETWORK_POOL_MAX };

struct network; /* opaque */

struct network_options {
  int threads;            /* in one run, at least 1 */
  enum network_pool pool; /* over a map's height and width; no effect on an output without them */
};

/* The shape of one feature row: rank 3 (height, width, channels) for a map, 1 (channels) otherwise.  */
struct network_shape {
  int rank;
  int64_t size[NETWORK_RANK];
};

/* Opens the TorchScript file PATH, frozen and optimised for inference.  *NETWORK is to be closed by network_close.  */
int network_open (struct network **network, const char *path, const struct network_options *options,
                  char error[NETWORK_ERROR_BYTES]);
void network_close (struct network *network); /* NULL is allowed */

/* The JSON text that network_build stored in the file; "" where there is none.  Borrowed until network_close.  */
const char *network_metadata (const struct network *network);

/* The shape of a feature row for images of HEIGHT x WIDTH, found by one run.  */
int network_describe (struct network *network, int height, int width, struct network_shape *shape,
                      char error[NETWORK_ERROR_BYTES]);

/* FEATURES (count, width of a row) of IMAGES (count, 3, height, width).  A map (channels, height, width) becomes a row
   in the order (height, width, channels), as Keras flattens it.  Fails where the output is not ROW_VALUES wide.  */
int network_run (struct network *network, const float *images, int count, int height, int width, float *features,
                 int64_t row_values, char error[NETWORK_ERROR_BYTES]);

/* A named array of a network to build: NAME is what SOURCE calls self.NAME.  */
struct network_tensor {
  const char *name;
  int rank;
  int64_t size[NETWORK_RANK];
  const float *values; /* borrowed */
};

/* Writes PATH: a TorchScript module whose methods are SOURCE (TorchScript text with "def forward(self, x: Tensor)") and
   whose parameters are TENSORS (count), with METADATA (JSON) inside.  */
int network_build (const char *path, const char *source, const struct network_tensor *tensors, size_t count,
                   const char *metadata, char error[NETWORK_ERROR_BYTES]);

/* "libtorch 1.13.1" and the like; static.  */
const char *network_library (void);

#ifdef __cplusplus
}
#endif

#endif
