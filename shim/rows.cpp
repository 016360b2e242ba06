// What a network takes and gives: the type of its images, its output as feature rows.
#include "runner.hpp"

#include <ATen/ATen.h>

#include <stdexcept>

at::ScalarType
input_type (network_precision precision)
{
  switch (precision)
    {
    case NETWORK_BF16:
      return at::kBFloat16;
    case NETWORK_F16:
      return at::kHalf;
    default:
      return at::kFloat;
    }
}

at::Tensor
arrange_rows (const at::Tensor &output, const at::Tensor &images, network_pool pool)
{
  if ((output.dim () != 2 && output.dim () != 4) || output.size (0) != images.size (0) || output[0].numel () == 0)
    throw std::runtime_error ("the network gives " + c10::str (output.sizes ()) + " for " + c10::str (images.sizes ())
                              + ", not (images, channels) or (images, channels, height, width)");
  at::Tensor rows = output.to (at::kFloat);
  if (rows.dim () == 2)
    return rows.contiguous ();
  if (pool == NETWORK_POOL_AVG)
    return rows.mean ({ 2, 3 });
  if (pool == NETWORK_POOL_MAX)
    return rows.amax ({ 2, 3 });
  return rows.permute ({ 0, 2, 3, 1 }).contiguous ();
}

void
check_rows (const at::Tensor &rows, int64_t count, int64_t row_values)
{
  if (rows.numel () != count * row_values)
    throw std::runtime_error ("the network gives " + std::to_string (rows.numel () / count)
                              + " values for an image, not " + std::to_string (row_values) + " as in its first run");
}
