// The memory of values: blocks that are used again and again.
#ifndef SLABFIT_BLOCKS_HPP
#define SLABFIT_BLOCKS_HPP

#include <cstddef>
#include <memory>
#include <vector>

// In huge pages: activations are gone through at every step, and small pages cost a tenth of the time.
class block
{
public:
  explicit block (size_t bytes);
  ~block ();
  block (const block &) = delete;
  block &operator= (const block &) = delete;

  const size_t bytes;
  void *const data;
  bool taken = false;
};

class blocks
{
public:
  // The smallest one that is free and has BYTES, or a new one; free again when its taken is false.
  block *take (size_t bytes);

private:
  std::vector<std::unique_ptr<block> > all_;
};

#endif
