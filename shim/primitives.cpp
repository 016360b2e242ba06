#include "primitives.hpp"

#if !HAVE_ONEDNN

std::unique_ptr<primitives>
new_primitives (const steps &steps, at::ScalarType type)
{
  (void) steps, (void) type;
  return nullptr;
}

#else

#include "program.hpp"

#include <atomic>
#include <mutex>

namespace
{

// As many programs as threads are at work.
class on_processor : public primitives
{
public:
  on_processor (const steps &steps, at::ScalarType type) : steps_ (steps), type_ (type)
  {
  }

  at::Tensor
  run (const at::Tensor &images) override
  {
    std::unique_ptr<program> program;
    at::Tensor rows;
    if (refused_)
      return rows;
    try
      {
        program = take (images.sizes ().vec ());
        rows = program->run (images);
      }
    catch (const dnnl::error &)
      {
        refused_ = true; // else each run would put a program together and fail
      }
    catch (...)
      {
        give_back (std::move (program));
        throw;
      }
    give_back (std::move (program));
    return rows;
  }

private:
  std::unique_ptr<program>
  take (const memory::dims &images)
  {
    {
      std::lock_guard<std::mutex> hold (lock_);
      most_ = std::max (most_, ++taken_);
      for (auto place = idle_.begin (); place != idle_.end (); place++)
        if ((*place)->images == images && (*place)->threads == at::get_num_threads ())
          {
            std::unique_ptr<program> found = std::move (*place);
            idle_.erase (place);
            return found;
          }
    }
    return std::make_unique<program> (steps_, type_, arrays_, images);
  }

  // Keeps as many programs as there were at work at once: the latest, and one for a last, shorter batch.
  void
  give_back (std::unique_ptr<program> program)
  {
    std::lock_guard<std::mutex> hold (lock_);
    taken_--;
    if (program)
      idle_.push_back (std::move (program));
    if (idle_.size () > most_ + 1)
      idle_.erase (idle_.begin ());
  }

  const steps steps_;
  const at::ScalarType type_;
  arrays arrays_;
  std::atomic<bool> refused_{ false };
  std::mutex lock_; // of all below
  std::vector<std::unique_ptr<program> > idle_;
  size_t taken_ = 0, most_ = 0;
};

} // namespace

std::unique_ptr<primitives>
new_primitives (const steps &steps, at::ScalarType type)
{
  return std::make_unique<on_processor> (steps, type);
}

#endif
