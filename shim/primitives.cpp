#include "primitives.hpp"

#if !HAVE_ONEDNN

std::unique_ptr<primitives>
new_primitives (const steps &steps, at::ScalarType type)
{
  (void) steps, (void) type;
  return nullptr;
}

#else

#include <ATen/ATen.h>
#include <dnnl.hpp>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_map>

using dnnl::memory;
using arguments = std::unordered_map<int, memory>;

// The two forms of oneDNN's interface, versions 2 and 3.
#if DNNL_VERSION_MAJOR < 3
#define DESCRIBE(operation, ...) operation::primitive_desc (operation::desc (__VA_ARGS__), attributes, place ())
#define APPEND_ELTWISE(operations, ...) operations.append_eltwise (1, __VA_ARGS__)
#define DESCRIBE_CONCATENATION(...) dnnl::concat::primitive_desc (__VA_ARGS__, place (), attributes)
using pooling = dnnl::pooling_v2_forward;
#else
#define DESCRIBE(operation, ...) operation::primitive_desc (place (), __VA_ARGS__, attributes)
#define APPEND_ELTWISE(operations, ...) operations.append_eltwise (__VA_ARGS__)
#define DESCRIBE_CONCATENATION(...) dnnl::concat::primitive_desc (place (), __VA_ARGS__, attributes)
using pooling = dnnl::pooling_forward;
#endif

namespace
{

dnnl::engine &
place ()
{
  static dnnl::engine engine (dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::data_type
data_type (at::ScalarType type)
{
  return type == at::kBFloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::dims
shape_of (const at::Tensor &tensor)
{
  return tensor.sizes ().vec ();
}

// Memory in huge pages: activations are gone through at every step, and small pages cost a tenth of the time.
class block
{
public:
  explicit block (size_t bytes) : bytes ((bytes + huge - 1) / huge * huge), data (aligned_alloc (huge, this->bytes))
  {
    if (!data)
      throw std::bad_alloc ();
    madvise (data, this->bytes, MADV_HUGEPAGE);
  }

  ~block ()
  {
    free (data);
  }

  block (const block &) = delete;
  block &operator= (const block &) = delete;

  static constexpr size_t huge = 2 << 20;
  const size_t bytes;
  void *const data;
  bool taken = false;
};

// Blocks that are used again and again while a program is put together.
class blocks
{
public:
  block *
  take (size_t bytes)
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

private:
  std::vector<std::unique_ptr<block> > all_;
};

// Arrays of the steps in the layouts that convolutions want, shared by programs for all sizes.
class arrays
{
public:
  // PLAIN, seen as SHAPE, as WANTED.
  memory
  get (const at::Tensor &plain, const memory::dims &shape, const memory::desc &wanted)
  {
    std::lock_guard<std::mutex> hold (lock_);
    std::vector<memory> &made = all_[plain.unsafeGetTensorImpl ()];
    for (const memory &one : made)
      if (one.get_desc () == wanted)
        return one;
    at::Tensor values = plain.to (at::kFloat).contiguous ();
    memory from ({ shape, memory::data_type::f32, plain_tag (shape) }, place (), values.data_ptr ());
    made.emplace_back (wanted, place ());
    dnnl::stream stream (place ());
    dnnl::reorder (from, made.back ()).execute (stream, from, made.back ());
    stream.wait ();
    return made.back ();
  }

private:
  static memory::format_tag
  plain_tag (const memory::dims &shape)
  {
    return shape.size () == 1   ? memory::format_tag::a
           : shape.size () == 4 ? memory::format_tag::abcd
                                : memory::format_tag::abcde;
  }

  std::mutex lock_;
  std::unordered_map<const void *, std::vector<memory> > all_;
};

struct value {
  memory::dims shape; // (n, channels, height, width)
  memory where;
  block *held = nullptr; // by it
};

// Steps for images of one size, and the memory that they need: for one thread at a time.
class program
{
public:
  program (const steps &steps, at::ScalarType type, arrays &arrays, const memory::dims &images)
      : images (images), steps_ (steps), type_ (data_type (type)), arrays_ (arrays),
        values_ (static_cast<size_t> (steps.values))
  {
    value &input = values_[0];
    input.shape = images;
    input.where = memory ({ images, type_, memory::format_tag::nchw }, place (), nullptr);
    for (index_ = 0; index_ < steps.list.size (); index_++)
      {
        add (steps.list[index_]);
        release ();
      }
    const value &result = values_[static_cast<size_t> (steps.result)];
    rows_ = memory ({ result.shape, memory::data_type::f32, memory::format_tag::nhwc }, place (), nullptr);
    add_call (dnnl::reorder::primitive_desc (result.where, rows_),
              { { DNNL_ARG_FROM, result.where }, { DNNL_ARG_TO, rows_ } });
  }

  at::Tensor
  run (const at::Tensor &images)
  {
    const memory::dims &shape = values_[static_cast<size_t> (steps_.result)].shape;
    at::Tensor rows = at::empty ({ shape[0], shape[2], shape[3], shape[1] });
    values_[0].where.set_data_handle (images.data_ptr ());
    rows_.set_data_handle (rows.data_ptr ());
    for (auto &call : calls_)
      call.first.execute (stream_, call.second);
    stream_.wait ();
    return rows.permute ({ 0, 3, 1, 2 });
  }

  const memory::dims images;

private:
  value &
  input (const step &step, size_t i = 0)
  {
    return values_[static_cast<size_t> (step.inputs[i])];
  }

  // A descriptor of SHAPE in the layout that oneDNN chooses.
  memory::desc
  any (const memory::dims &shape)
  {
    return { shape, type_, memory::format_tag::any };
  }

  memory
  new_memory (const memory::desc &description, block *&held)
  {
    held = blocks_.take (description.get_size ());
    return memory (description, place (), held->data);
  }

  template <typename Description>
  void
  add_call (const Description &description, arguments arguments)
  {
    if (description.scratchpad_desc ().get_size () > 0)
      {
        block *held;
        arguments[DNNL_ARG_SCRATCHPAD] = new_memory (description.scratchpad_desc (), held);
        held->taken = false; // while this one runs no other does
      }
    calls_.emplace_back (dnnl::primitive (description.get ()), arguments);
  }

  // The output of STEP, whose values DESCRIPTION lays out.
  memory
  new_output (const step &step, const memory::dims &shape, const memory::desc &description)
  {
    value &output = values_[static_cast<size_t> (step.output)];
    output.shape = shape;
    return output.where = new_memory (description, output.held);
  }

  // Gives back the blocks of values that this step was the last to use.
  void
  release ()
  {
    for (int number : steps_.list[index_].inputs)
      if (number != steps_.result && !is_used_later (number))
        {
          value &used = values_[static_cast<size_t> (number)];
          if (used.held)
            used.held->taken = false;
        }
  }

  bool
  is_used_later (int number) const
  {
    for (size_t i = index_ + 1; i < steps_.list.size (); i++)
      {
        const step &later = steps_.list[i];
        if (later.addend == number || std::count (later.inputs.begin (), later.inputs.end (), number))
          return true;
      }
    return false;
  }

  void
  add (const step &step)
  {
    switch (step.kind)
      {
      case step::CONVOLUTION:
        return add_convolution (step);
      case step::MAXIMUM:
      case step::AVERAGE:
        return add_pooling (step);
      case step::SUM:
      case step::PRODUCT:
        return add_pair (step);
      case step::CONCATENATION:
        return add_concatenation (step);
      default:
        return add_activation (step);
      }
  }

  static int64_t
  windows (int64_t length, int64_t window, const step &step, size_t i)
  {
    return (length + step.padding[i] + step.padding_after[i] - (step.dilation[i] * (window - 1) + 1)) / step.stride[i]
           + 1;
  }

  // oneDNN counts what lies between the values that a dilated window meets.
  static memory::dims
  gaps (const step &step)
  {
    return { step.dilation[0] - 1, step.dilation[1] - 1 };
  }

  static dnnl::primitive_attr
  attributes_of (const step &step)
  {
    dnnl::primitive_attr attributes;
    dnnl::post_ops operations;
    if (step.addend)
      operations.append_sum (1);
    if (step.activation)
      APPEND_ELTWISE (operations, algorithm (*step.activation), alpha (*step.activation), step.activation->high);
    attributes.set_post_ops (operations);
    attributes.set_scratchpad_mode (dnnl::scratchpad_mode::user);
    return attributes;
  }

  static dnnl::algorithm
  algorithm (const activation &activation)
  {
    static const dnnl::algorithm algorithms[] = { dnnl::algorithm::eltwise_clip, dnnl::algorithm::eltwise_relu,
                                                  dnnl::algorithm::eltwise_logistic, dnnl::algorithm::eltwise_swish };
    return algorithms[activation.kind];
  }

  static float
  alpha (const activation &activation)
  {
    return activation.kind == activation::SWISH ? 1 : activation.low;
  }

  // FROM as TO, by a call of its own where it is not so yet.
  memory
  reorder (const memory &from, const memory::desc &to, block *&held)
  {
    if (from.get_desc () == to)
      return from;
    memory made = new_memory (to, held);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode (dnnl::scratchpad_mode::user);
    add_call (dnnl::reorder::primitive_desc (from, made, attributes),
              { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, made } });
    return made;
  }

  void
  add_convolution (const step &step)
  {
    const value &source = input (step);
    memory::dims shape = { source.shape[0], step.weight.size (0), windows (source.shape[2], step.window[0], step, 0),
                           windows (source.shape[3], step.window[1], step, 1) };
    memory::dims kernel = shape_of (step.weight);
    if (step.groups > 1)
      kernel = { step.groups, kernel[0] / step.groups, kernel[1], kernel[2], kernel[3] };
    memory::desc biases (shape_of (step.bias), memory::data_type::f32, memory::format_tag::a);
    value *addend = step.addend ? &values_[static_cast<size_t> (*step.addend)] : nullptr;
    if (addend && addend->shape != shape)
      throw dnnl::error (dnnl_invalid_arguments, "a sum of different shapes");
    dnnl::primitive_attr attributes = attributes_of (step);
    auto description = DESCRIBE (
      dnnl::convolution_forward, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
      step.inputs[0] == 0 ? any (source.shape) : source.where.get_desc (), any (kernel), biases,
      addend ? addend->where.get_desc () : any (shape), step.stride, gaps (step), step.padding, step.padding_after);
    block *held = nullptr;
    memory from = reorder (source.where, description.src_desc (), held);
    value &output = values_[static_cast<size_t> (step.output)];
    if (addend)
      output = *addend;
    else
      new_output (step, shape, description.dst_desc ());
    add_call (description, { { DNNL_ARG_SRC, from },
                             { DNNL_ARG_WEIGHTS, arrays_.get (step.weight, kernel, description.weights_desc ()) },
                             { DNNL_ARG_BIAS, arrays_.get (step.bias, shape_of (step.bias), biases) },
                             { DNNL_ARG_DST, output.where } });
    if (held)
      held->taken = false;
  }

  void
  add_pooling (const step &step)
  {
    const value &source = input (step);
    memory::dims window = step.window, stride = step.stride;
    if (window.empty ())
      window = stride = { source.shape[2], source.shape[3] };
    struct step placed = step;
    placed.stride = stride;
    memory::dims shape = { source.shape[0], source.shape[1], windows (source.shape[2], window[0], placed, 0),
                           windows (source.shape[3], window[1], placed, 1) };
    dnnl::primitive_attr attributes = attributes_of (step);
    dnnl::algorithm how = step.kind == step::MAXIMUM ? dnnl::algorithm::pooling_max
                          : step.counts_padding      ? dnnl::algorithm::pooling_avg_include_padding
                                                     : dnnl::algorithm::pooling_avg_exclude_padding;
    auto description = DESCRIBE (pooling, dnnl::prop_kind::forward_inference, how, source.where.get_desc (),
                                 any (shape), stride, window, gaps (step), step.padding, step.padding_after);
    memory to = new_output (step, shape, description.dst_desc ());
    add_call (description, { { DNNL_ARG_SRC, source.where }, { DNNL_ARG_DST, to } });
  }

  // Of two values the larger comes first: the other is spread over it.
  void
  add_pair (const step &step)
  {
    const value *first = &input (step), *second = &input (step, 1);
    if (first->where.get_desc ().get_size () < second->where.get_desc ().get_size ())
      std::swap (first, second);
    dnnl::primitive_attr attributes = attributes_of (step);
    auto description =
      DESCRIBE (dnnl::binary, step.kind == step::SUM ? dnnl::algorithm::binary_add : dnnl::algorithm::binary_mul,
                first->where.get_desc (), second->where.get_desc (), any (first->shape));
    memory to = new_output (step, first->shape, description.dst_desc ());
    add_call (description,
              { { DNNL_ARG_SRC_0, first->where }, { DNNL_ARG_SRC_1, second->where }, { DNNL_ARG_DST, to } });
  }

  void
  add_concatenation (const step &step)
  {
    std::vector<memory::desc> sources;
    arguments arguments;
    memory::dims shape = input (step).shape;
    shape[1] = 0;
    for (size_t i = 0; i < step.inputs.size (); i++)
      {
        sources.push_back (input (step, i).where.get_desc ());
        arguments[DNNL_ARG_MULTIPLE_SRC + static_cast<int> (i)] = input (step, i).where;
        shape[1] += input (step, i).shape[1];
      }
    dnnl::primitive_attr attributes = attributes_of (step);
    auto description = DESCRIBE_CONCATENATION (1, sources);
    arguments[DNNL_ARG_DST] = new_output (step, shape, description.dst_desc ());
    add_call (description, arguments);
  }

  // The sum of nothing but the value itself, with the activation after it.
  void
  add_activation (const step &step)
  {
    const value &source = input (step);
    struct step alone = step;
    alone.activation.reset ();
    dnnl::primitive_attr attributes = attributes_of (alone);
#if DNNL_VERSION_MAJOR < 3
    auto description =
      DESCRIBE (dnnl::eltwise_forward, dnnl::prop_kind::forward_inference, algorithm (*step.activation),
                source.where.get_desc (), alpha (*step.activation), step.activation->high);
#else
    auto description =
      DESCRIBE (dnnl::eltwise_forward, dnnl::prop_kind::forward_inference, algorithm (*step.activation),
                source.where.get_desc (), source.where.get_desc (), alpha (*step.activation), step.activation->high);
#endif
    memory to = new_output (step, source.shape, description.dst_desc ());
    add_call (description, { { DNNL_ARG_SRC, source.where }, { DNNL_ARG_DST, to } });
  }

  const steps &steps_;
  memory::data_type type_;
  arrays &arrays_;
  blocks blocks_;
  std::vector<value> values_;
  std::vector<std::pair<dnnl::primitive, arguments> > calls_;
  memory rows_;
  dnnl::stream stream_{ place () };
  size_t index_ = 0;
};

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
    try
      {
        program = take (shape_of (images));
        rows = program->run (images);
      }
    catch (const dnnl::error &)
      {
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
        if ((*place)->images == images)
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
