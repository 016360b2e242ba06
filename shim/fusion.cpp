#include "fusion.hpp"

#include <algorithm>

namespace
{

// Merges steps of a list into convolutions before them.
class merger
{
public:
  explicit merger (steps &steps) : steps_ (steps)
  {
  }

  void
  merge ()
  {
    for (size_t i = 0; i < steps_.list.size ();)
      if (merge_activation (i) || merge_sum (i))
        steps_.list.erase (steps_.list.begin () + static_cast<ptrdiff_t> (i));
      else
        i++;
  }

private:
  // The last step that uses VALUE, their number where it is the result.
  size_t
  last_use (int value) const
  {
    if (value == steps_.result)
      return steps_.list.size ();
    size_t last = 0;
    for (size_t i = 0; i < steps_.list.size (); i++)
      if (uses (steps_.list[i], value))
        last = i;
    return last;
  }

  static bool
  uses (const step &step, int value)
  {
    return step.addend == value || std::count (step.inputs.begin (), step.inputs.end (), value);
  }

  // The convolution whose output VALUE goes to step USER alone; -1 where there is none.
  int
  convolution_for (int value, size_t user) const
  {
    int found = -1, count = value == steps_.result;
    for (size_t i = 0; i < steps_.list.size (); i++)
      {
        count += uses (steps_.list[i], value);
        if (steps_.list[i].output == value && steps_.list[i].kind == step::CONVOLUTION)
          found = static_cast<int> (i);
      }
    return count == 1 && static_cast<size_t> (found) < user ? found : -1;
  }

  bool
  merge_activation (size_t user)
  {
    step &activation = steps_.list[user];
    int i = activation.kind == step::ACTIVATION ? convolution_for (activation.inputs[0], user) : -1;
    if (i < 0)
      return false;
    step &convolution = steps_.list[static_cast<size_t> (i)];
    convolution.activations.insert (convolution.activations.end (), activation.activations.begin (),
                                    activation.activations.end ());
    convolution.output = activation.output;
    return true;
  }

  // The convolution adds its values to the other summand, in its place: it must be there before and used no more.
  bool
  merge_summand (size_t user, int value, int other)
  {
    int i = convolution_for (value, user);
    if (i < 0 || other == 0 || value == other || last_use (other) != user)
      return false;
    step &convolution = steps_.list[static_cast<size_t> (i)];
    if (convolution.addend || !convolution.activations.empty ())
      return false;
    bool there = false;
    for (size_t j = 0; j < user; j++)
      {
        there |= j < static_cast<size_t> (i) && steps_.list[j].output == other;
        if (j >= static_cast<size_t> (i) && uses (steps_.list[j], other))
          return false;
      }
    if (there)
      {
        convolution.addend = other;
        convolution.output = steps_.list[user].output;
      }
    return there;
  }

  bool
  merge_sum (size_t user)
  {
    const step &sum = steps_.list[user];
    if (sum.kind != step::SUM)
      return false;
    int first = sum.inputs[0], second = sum.inputs[1];
    return merge_summand (user, first, second) || merge_summand (user, second, first);
  }

  steps &steps_;
};

} // namespace

void
fuse_steps (steps &steps)
{
  merger (steps).merge ();
}
