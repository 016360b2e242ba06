/* A frozen network behind a C interface: the only door to libtorch.  Compiles as C11.

   Functions return 0, or -1 with one line in ERROR (NETWORK_ERROR_BYTES) that says what is wrong, without the name of
   the file.  No exception leaves them.  A network may be run from several threads at once; each run uses
   network_plan.threads threads of its own.  */
#ifndef SLABFIT_NETWORK_H
#define SLABFIT_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { NETWORK_ERROR_BYTES = 1024, NETWORK_RANK = 4 };
enum { NETWORK_OUTPUTS = 64, NETWORK_OUTPUT_RANK = 8, NETWORK_KEY_BYTES = 64 };

enum network_pool { NETWORK_POOL_NONE, NETWORK_POOL_AVG, NETWORK_POOL_MAX };

/* The numbers that the network computes with; rows are float32 whatever it is.  TF32 is float32 whose products keep 10
   bits of a fraction: on GPUs only, as F16 is.  */
enum network_precision { NETWORK_F32, NETWORK_TF32, NETWORK_BF16, NETWORK_F16 };

struct network; /* opaque */

struct network_options {
  const char *device; /* "cpu", "cuda" or "cuda:N" */
  enum network_precision precision;
  enum network_pool pool; /* over a map's height and width; no effect on an output without them */
};

/* What a byte means: plane C of the network's input is TABLE[C][b] where an image has the byte b of the colour
   COLOUR[C], 0 for red, 1 for green and 2 for blue.  */
struct network_pixels {
  int colour[3];
  float table[3][256];
};

/* How a network is to be run.  */
struct network_plan {
  int height, width; /* of all images */
  int batch;         /* images in a run at the most; on a GPU shorter runs are padded to it */
  int threads;       /* in one run, at least 1 */
  struct network_pixels pixels;
};

/* The shape of one feature row: rank 3 (height, width, channels) for a map, 1 (channels) otherwise.  */
struct network_shape {
  int rank;
  int64_t size[NETWORK_RANK];
};

/* What a network has done since it was prepared.  */
struct network_usage {
  double busy_seconds; /* in which the device computed; 0 on a processor */
  int batch;           /* images in a run now: a GPU whose memory is short halves what was planned */
};

/* Opens the file PATH, frozen: TorchScript, or an AOTInductor package (.pt2) where libtorch
   loads them.  Fails for a device or precision that is not there.  *NETWORK is to be closed by network_close.  */
int network_open (struct network **network, const char *path, const struct network_options *options,
                  char error[NETWORK_ERROR_BYTES]);
void network_close (struct network *network); /* NULL is allowed */

/* The JSON text that network_build or network_draft_write stored in the file; "" where there is none.  Borrowed until
   network_close.  */
const char *network_metadata (const struct network *network);

/* Sets PLAN, which is copied, for the runs that follow, and gives the SHAPE of a feature row, found by one run.  Not
   while another thread runs the network.  */
int network_prepare (struct network *network, const struct network_plan *plan, struct network_shape *shape,
                     char error[NETWORK_ERROR_BYTES]);

/* FEATURES (count, width of a row) of PIXELS (count, height, width, 3), RGB bytes; COUNT is at most the plan's batch.
   A map (channels, height, width) becomes a row in the order (height, width, channels), as Keras flattens it.  */
int network_run (struct network *network, const unsigned char *pixels, int count, float *features,
                 char error[NETWORK_ERROR_BYTES]);

void network_use (const struct network *network, struct network_usage *usage);

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

/* One of a network's outputs for one image, as the network gives it.  */
struct network_output {
  char key[NETWORK_KEY_BYTES]; /* in a dict; "" elsewhere */
  int rank;                    /* -1 for what is no tensor; NETWORK_OUTPUT_RANK at the most */
  int64_t size[NETWORK_OUTPUT_RANK];
};

/* What a network was found to give for one image.  */
struct network_trial {
  struct network_shape shape; /* of a feature row */
  size_t outputs;             /* of a wrapped network: how many it has, and the first NETWORK_OUTPUTS of them */
  struct network_output output[NETWORK_OUTPUTS];
};

/* A network in the making.  Both functions run it once for an image of HEIGHT x WIDTH; TRIAL says what came, as far as
   it got where they fail.  *DRAFT is to be closed by network_draft_close.

   network_draft_build: as network_build; the values stay borrowed.
   network_draft_wrap: the TorchScript file PATH in another one whose forward gives output number OUTPUT (counted from
   0, of a tuple or list, or of a dict in its order; 0 of an only one), a map pooled by POOL.  */
struct network_draft; /* opaque */

int network_draft_build (struct network_draft **draft, const char *source, const struct network_tensor *tensors,
                         size_t count, int height, int width, struct network_trial *trial,
                         char error[NETWORK_ERROR_BYTES]);
int network_draft_wrap (struct network_draft **draft, const char *path, int output, enum network_pool pool, int height,
                        int width, struct network_trial *trial, char error[NETWORK_ERROR_BYTES]);

/* Writes PATH, with METADATA (JSON) inside: the same bytes for the same network.  */
int network_draft_write (const struct network_draft *draft, const char *path, const char *metadata,
                         char error[NETWORK_ERROR_BYTES]);
void network_draft_close (struct network_draft *draft); /* NULL is allowed */

/* "libtorch 1.13.1" and the like; static.  */
const char *network_library (void);

#ifdef __cplusplus
}
#endif

#endif
