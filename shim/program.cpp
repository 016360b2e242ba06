#include "program.hpp"

#include <algorithm>

static memory::data_type
data_type (at::ScalarType type)
{
  return type == at::kBFloat16 ? memory::data_type::bf16 : memory::data_type::f32;
}

static memory::dims
shape_of (const at::Tensor &tensor)
{
  return tensor.sizes ().vec ();
}

static dnnl::error
refusal (const char *reason)
{
  return { dnnl_invalid_arguments, reason };
}

// How many windows there are along dimension I.
static int64_t
windows (int64_t length, int64_t window, const step &step, size_t i)
{
  int64_t room = length + step.padding[i] + step.padding_after[i] - (step.dilation[i] * (window - 1) + 1);
  if (room < 0)
    throw refusal ("a window larger than the map");
  return room / step.stride[i] + 1;
}

// oneDNN counts what lies between the values that a dilated window meets.
static memory::dims
gaps (const step &step)
{
  return { step.dilation[0] - 1, step.dilation[1] - 1 };
}

static dnnl::algorithm
algorithm (const activation &activation)
{
  using dnnl::algorithm;
  static const dnnl::algorithm algorithms[] = { algorithm::eltwise_clip,  algorithm::eltwise_linear,
                                                algorithm::eltwise_relu,  algorithm::eltwise_logistic,
                                                algorithm::eltwise_swish, algorithm::eltwise_hardswish };
  return algorithms[activation.kind];
}

static float
alpha (const activation &activation)
{
  return activation.kind == activation::SWISH        ? 1
         : activation.kind == activation::HARD_SWISH ? 1.0F / 6
                                                     : activation.low;
}

static float
beta (const activation &activation)
{
  return activation.kind == activation::HARD_SWISH ? 0.5F : activation.high;
}

static dnnl::primitive_attr
attributes_of (const step &step)
{
  dnnl::primitive_attr attributes;
  dnnl::post_ops operations;
  if (step.addend)
    operations.append_sum (1);
  for (const activation &activation : step.activations)
    APPEND_ELTWISE (operations, algorithm (activation), alpha (activation), beta (activation));
  attributes.set_post_ops (operations);
  attributes.set_scratchpad_mode (dnnl::scratchpad_mode::user);
  return attributes;
}

program::value &
program::input (const step &step, size_t i)
{
  return values_[static_cast<size_t> (step.inputs[i])];
}

// A descriptor of SHAPE in the layout that oneDNN chooses.
memory::desc
program::any (const memory::dims &shape)
{
  return { shape, type_, memory::format_tag::any };
}

memory
program::new_memory (const memory::desc &description, block *&held)
{
  held = blocks_.take (description.get_size ());
  return memory (description, place (), held->data);
}

// The output of STEP, whose values DESCRIPTION lays out.
memory
program::new_output (const step &step, const memory::dims &shape, const memory::desc &description)
{
  value &output = values_[static_cast<size_t> (step.output)];
  output.shape = shape;
  return output.where = new_memory (description, output.held);
}

bool
program::is_used_later (int number) const
{
  for (size_t i = index_ + 1; i < steps_.list.size (); i++)
    {
      const step &later = steps_.list[i];
      if (later.addend == number || std::count (later.inputs.begin (), later.inputs.end (), number))
        return true;
    }
  return false;
}

// Gives back the blocks of values that this step was the last to use.
void
program::release ()
{
  for (int number : steps_.list[index_].inputs)
    if (number != steps_.result && !is_used_later (number))
      {
        value &used = values_[static_cast<size_t> (number)];
        if (used.held)
          used.held->taken = false;
      }
}

template <typename Description>
void
program::add_call (const Description &description, arguments arguments)
{
  if (description.scratchpad_desc ().get_size () > 0)
    {
      block *held;
      arguments[DNNL_ARG_SCRATCHPAD] = new_memory (description.scratchpad_desc (), held);
      held->taken = false; // while this one runs no other does
    }
  calls_.emplace_back (dnnl::primitive (description.get ()), arguments);
}

// FROM as TO, by a call of its own where it is not so yet.
memory
program::reorder (const memory &from, const memory::desc &to, block *&held)
{
  if (from.get_desc () == to)
    return from;
  memory made = new_memory (to, held);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode (dnnl::scratchpad_mode::user);
  add_call (dnnl::reorder::primitive_desc (from, made, attributes), { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, made } });
  return made;
}

// Padding behind LENGTH values that makes room for a last window, cut off, unless it would begin in there.
static int64_t
padding_to_ceil (int64_t length, const step &step, size_t i)
{
  int64_t after = step.padding_after[i], room = length + step.padding[i] + after - step.window[i];
  int64_t past = room % step.stride[i], added = past > 0 ? after + step.stride[i] - past : after;
  return added < step.window[i] ? added : after;
}

// STEP with the window and the padding that it has on maps of SHAPE.
static step
place_window (const step &step, const memory::dims &shape)
{
  struct step placed = step;
  for (size_t i = 0; i < 2; i++)
    if (step.window[i] == 0)
      placed.window[i] = placed.stride[i] = shape[2 + i];
    else if (step.ceils)
      placed.padding_after[i] = padding_to_ceil (shape[2 + i], step, i);
  return placed;
}

// The shape of the values that STEP, of CHANNELS, makes of those of SHAPE.
static memory::dims
shape_after (const step &step, const memory::dims &shape, int64_t channels)
{
  return { shape[0], channels, windows (shape[2], step.window[0], step, 0),
           windows (shape[3], step.window[1], step, 1) };
}

// The shape of STEP's kernel for CHANNELS inputs.
static memory::dims
kernel_of (const step &step, int64_t channels)
{
  int64_t outputs = step.weight.size (0), height = step.window[0], width = step.window[1];
  int64_t inputs = channels / step.groups;
  if (step.weight.numel () != outputs * inputs * height * width)
    throw refusal ("a kernel for another number of channels");
  return step.groups > 1 ? memory::dims{ step.groups, outputs / step.groups, inputs, height, width }
                         : memory::dims{ outputs, inputs, height, width };
}

void
program::add_convolution (const step &unplaced)
{
  const value &source = input (unplaced);
  const step step = place_window (unplaced, source.shape);
  memory::dims shape = shape_after (step, source.shape, step.weight.size (0));
  memory::dims kernel = kernel_of (step, source.shape[1]);
  memory::desc biases (shape_of (step.bias), memory::data_type::f32, memory::format_tag::a);
  value *addend = step.addend ? &values_[static_cast<size_t> (*step.addend)] : nullptr;
  if (addend && addend->shape != shape)
    throw refusal ("a sum of different shapes");
  dnnl::primitive_attr attributes = attributes_of (step);
  auto description = DESCRIBE (dnnl::convolution_forward, inference, dnnl::algorithm::convolution_direct,
                               step.inputs[0] == 0 ? any (source.shape) : source.where.get_desc (), any (kernel),
                               biases, addend ? addend->where.get_desc () : any (shape), step.stride, gaps (step),
                               step.padding, step.padding_after);
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
program::add_pooling (const step &unplaced)
{
  const value &source = input (unplaced);
  const step step = place_window (unplaced, source.shape);
  memory::dims shape = shape_after (step, source.shape, source.shape[1]);
  dnnl::primitive_attr attributes = attributes_of (step);
  dnnl::algorithm how = step.kind == step::MAXIMUM ? dnnl::algorithm::pooling_max
                        : step.counts_padding      ? dnnl::algorithm::pooling_avg_include_padding
                                                   : dnnl::algorithm::pooling_avg_exclude_padding;
  auto description = DESCRIBE (pooling, inference, how, source.where.get_desc (), any (shape), step.stride, step.window,
                               gaps (step), step.padding, step.padding_after);
  memory to = new_output (step, shape, description.dst_desc ());
  add_call (description, { { DNNL_ARG_SRC, source.where }, { DNNL_ARG_DST, to } });
}

// Of two values the larger comes first: the other is spread over it.
void
program::add_pair (const step &step)
{
  const value *first = &input (step), *second = &input (step, 1);
  if (first->where.get_desc ().get_size () < second->where.get_desc ().get_size ())
    std::swap (first, second);
  dnnl::primitive_attr attributes = attributes_of (step);
  auto description =
    DESCRIBE (dnnl::binary, step.kind == step::SUM ? dnnl::algorithm::binary_add : dnnl::algorithm::binary_mul,
              first->where.get_desc (), second->where.get_desc (), any (first->shape));
  memory to = new_output (step, first->shape, description.dst_desc ());
  add_call (description, { { DNNL_ARG_SRC_0, first->where }, { DNNL_ARG_SRC_1, second->where }, { DNNL_ARG_DST, to } });
}

void
program::add_concatenation (const step &step)
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

// The first makes values anew, and those behind it change them in their place.
void
program::add_activation (const step &step)
{
  memory from = input (step).where;
  memory to = new_output (step, input (step).shape, from.get_desc ());
  struct step alone = step;
  alone.activations.clear ();
  dnnl::primitive_attr attributes = attributes_of (alone);
  for (const activation &activation : step.activations)
    {
      add_call (DESCRIBE_ELTWISE (algorithm (activation), from.get_desc (), alpha (activation), beta (activation)),
                { { DNNL_ARG_SRC, from }, { DNNL_ARG_DST, to } });
      from = to;
    }
}

void
program::add (const step &step)
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

program::program (const steps &steps, at::ScalarType type, arrays &arrays, const memory::dims &images)
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
  if (steps.flat && (result.shape[2] > 1 || result.shape[3] > 1))
    throw refusal ("a map as a vector");
  rows_ = memory ({ result.shape, memory::data_type::f32, memory::format_tag::nhwc }, place (), nullptr);
  add_call (dnnl::reorder::primitive_desc (result.where, rows_),
            { { DNNL_ARG_FROM, result.where }, { DNNL_ARG_TO, rows_ } });
}

at::Tensor
program::run (const at::Tensor &images)
{
  const memory::dims &shape = values_[static_cast<size_t> (steps_.result)].shape;
  at::Tensor rows = at::empty ({ shape[0], shape[2], shape[3], shape[1] });
  values_[0].where.set_data_handle (images.data_ptr ());
  rows_.set_data_handle (rows.data_ptr ());
  for (auto &call : calls_)
    call.first.execute (stream_, call.second);
  stream_.wait ();
  return steps_.flat ? rows.view ({ shape[0], shape[1] }) : rows.permute ({ 0, 3, 1, 2 });
}
