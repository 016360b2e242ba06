#include "blocks.hpp"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

static constexpr size_t huge = 2 << 20;

block::block (size_t wanted) : bytes ((wanted + huge - 1) / huge * huge), data (aligned_alloc (huge, bytes))
{
  if (!data)
    throw std::bad_alloc ();
  madvise (data, bytes, MADV_HUGEPAGE);
}

block::~block ()
{
  free (data);
}

block *
blocks::take (size_t bytes)
{
  block *best = nullptr;
  for (auto &one : all_)
    if (!one->taken && one->bytes >= bytes && (!best || one->bytes < best->bytes))
      best = one.get ();
  if (!best)
    {
      all_.push_back (std::make_unique<block> (bytes));
      best = all_.back ().get ();
    }
  best->taken = true;
  return best;
}
