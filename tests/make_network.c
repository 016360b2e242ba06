/* make_network FILE.ts KIND [PREPROCESS]: a small TorchScript network for tests, for images of any size.

     mean    (n, 3): the mean of each plane
     map     (n, 2, h / 32, w / 32): means of 32 x 32 squares, of the first plane and of the second one times 10
     wide    (n, 96, h / 32, w / 32): 32 copies of the planes' means of squares
     pair    a tuple, which is no feature
     nan     (n, 3) that is not finite  */
#include "../shim/network.h"

#include <stdio.h>
#include <string.h>

struct kind {
  const char *name, *source;
};

static const struct kind kinds[] = {
  { "mean", "def forward(self, x: Tensor):\n    return x.mean([2, 3])\n" },
  { "map", "def forward(self, x: Tensor):\n"
           "    y = torch.avg_pool2d(x, [32, 32])\n"
           "    return torch.cat([y[:, 0:1], y[:, 1:2] * 10.0], 1)\n" },
  { "wide", "def forward(self, x: Tensor):\n    return torch.avg_pool2d(x, [32, 32]).repeat([1, 32, 1, 1])\n" },
  { "pair", "def forward(self, x: Tensor):\n    return (x, x)\n" },
  { "nan", "def forward(self, x: Tensor):\n    return torch.log(x.mean([2, 3]) * 0.0 - 1.0)\n" },
};

int
main (int argc, char **argv)
{
  char error[NETWORK_ERROR_BYTES], metadata[512] = "{}";
  if (argc < 3)
    {
      fputs ("usage: make_network FILE.ts KIND [PREPROCESS]\n", stderr);
      return 2;
    }
  if (argc > 3)
    snprintf (metadata, sizeof metadata, "{\"preprocess\": \"%s\"}", argv[3]);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (!strcmp (kinds[i].name, argv[2]))
      {
        if (network_build (argv[1], kinds[i].source, NULL, 0, metadata, error) == 0)
          return 0;
        fprintf (stderr, "make_network: %s\n", error);
        return 1;
      }
  fprintf (stderr, "make_network: no kind '%s'\n", argv[2]);
  return 2;
}
