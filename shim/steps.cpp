#include "steps.hpp"

#include "fusion.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/remove_mutation.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace
{

using torch::jit::Node;
using torch::jit::Value;
using sizes = std::vector<int64_t>;

// Reads a graph; throws where something is not among the steps.
class reader
{
public:
  explicit reader (const torch::jit::Graph &graph)
  {
    if (graph.inputs ().size () != 2 || graph.outputs ().size () != 1)
      throw std::runtime_error ("not one input and one output");
    number_[graph.inputs ()[1]] = steps_.values++;
    for (const Node *node : graph.nodes ())
      read (node);
    steps_.result = number_.at (graph.outputs ()[0]);
    steps_.flat = is_flat (graph.outputs ()[0]);
  }

  steps steps_;

private:
  static at::IValue
  constant (const Node *node, const char *name)
  {
    return torch::jit::toIValue (node->namedInput (name)).value ();
  }

  static sizes
  pair (const Node *node, const char *name)
  {
    sizes values = constant (node, name).toIntVector ();
    return values.size () == 1 ? sizes{ values[0], values[0] } : values;
  }

  static void
  require (bool condition)
  {
    if (!condition)
      throw std::runtime_error ("no step does this");
  }

  // Values, of which a NaN would be lost in oneDNN's ReLU.
  static at::Tensor
  finite (const Node *node, const char *name)
  {
    at::Tensor values = constant (node, name).toTensor ();
    require (at::isfinite (values).all ().item<bool> ());
    return values;
  }

  // Whether VALUE is (n, channels): a map of 1 x 1 to the steps.
  bool
  is_flat (const Value *value) const
  {
    return flat_.count (value) > 0;
  }

  // The output of NODE is the value of its first input in another form.
  void
  rename (const Node *node)
  {
    number_[node->output ()] = number_.at (node->inputs ()[0]);
    if (is_flat (node->inputs ()[0]))
      flat_.insert (node->output ());
  }

  // Of inputs that are all flat, or none.
  step &
  add (const Node *node, decltype (step::kind) kind, const std::vector<const Value *> &inputs)
  {
    step step;
    step.kind = kind;
    step.output = steps_.values;
    for (const Value *input : inputs)
      {
        step.inputs.push_back (number_.at (input));
        require (is_flat (input) == is_flat (inputs[0]));
      }
    if (is_flat (inputs[0]))
      flat_.insert (node->output ());
    number_[node->output ()] = steps_.values++;
    steps_.list.push_back (step);
    return steps_.list.back ();
  }

  void
  read (const Node *node)
  {
    const std::string name = node->kind ().toQualString ();
    if (name == "prim::Constant" || name == "prim::ListConstruct") // looked at by those that use them
      return;
    if (name == "aten::conv2d" || name == "aten::convolution" || name == "aten::_convolution")
      read_convolution (node, name);
    else if (name == "aten::pad" || name == "aten::constant_pad_nd")
      read_padding (node, name);
    else if (name == "aten::max_pool2d" || name == "aten::avg_pool2d")
      read_pooling (node, name == "aten::max_pool2d");
    else if (name == "aten::adaptive_avg_pool2d" || name == "aten::mean")
      read_average (node, name == "aten::mean");
    else if (name == "aten::batch_norm")
      read_normalisation (node);
    else if (name == "aten::flatten")
      read_flattening (node);
    else if (name == "aten::linear")
      read_linear (node);
    else if (name == "aten::add" || name == "aten::mul")
      read_pair (node, name == "aten::add");
    else if (name == "aten::cat")
      read_concatenation (node);
    else if (name == "aten::dropout" || name == "aten::to")
      read_nothing (node, name == "aten::dropout");
    else
      read_activation (node, name);
  }

  void
  read_convolution (const Node *node, const std::string &name)
  {
    require (name == "aten::conv2d" || !constant (node, "transposed").toBool ());
    const Value *input = node->namedInput ("input");
    auto padded = padding_.find (input);
    step &step = add (node, step::CONVOLUTION, { padded == padding_.end () ? input : padded->second.first });
    read_arrays (node, step);
    require (step.weight.dim () == 4);
    step.window = { step.weight.size (2), step.weight.size (3) };
    step.stride = pair (node, "stride");
    step.dilation = pair (node, "dilation");
    step.padding = step.padding_after = pair (node, "padding");
    step.groups = constant (node, "groups").toInt ();
    if (padded != padding_.end ()) // (left, right, top, bottom)
      for (size_t i = 0; i < 2; i++)
        {
          step.padding[i] += padded->second.second[2 - 2 * i];
          step.padding_after[i] += padded->second.second[3 - 2 * i];
        }
  }

  static void
  read_arrays (const Node *node, step &step)
  {
    step.weight = finite (node, "weight");
    step.bias = constant (node, "bias").isNone () ? at::zeros ({ step.weight.size (0) }) : finite (node, "bias");
  }

  // One that no convolution comes before: a convolution by itself, of one weight for each channel.
  void
  read_normalisation (const Node *node)
  {
    require (!constant (node, "training").toBool () && !is_flat (node->namedInput ("input")));
    at::Tensor mean = finite (node, "running_mean"), deviation = finite (node, "running_var");
    deviation = (deviation.to (at::kDouble) + constant (node, "eps").toDouble ()).sqrt ();
    at::Tensor weight = constant (node, "weight").isNone () ? at::ones_like (mean) : finite (node, "weight");
    at::Tensor bias = constant (node, "bias").isNone () ? at::zeros_like (mean) : finite (node, "bias");
    step &step = add (node, step::CONVOLUTION, { node->namedInput ("input") });
    step.groups = mean.size (0);
    step.weight = (weight / deviation).to (at::kFloat).view ({ step.groups, 1, 1, 1 });
    step.bias = (bias - mean * (weight / deviation)).to (at::kFloat);
    require (at::isfinite (step.weight).all ().item<bool> () && at::isfinite (step.bias).all ().item<bool> ());
    step.window = step.stride = { 1, 1 };
  }

  void
  read_flattening (const Node *node)
  {
    require (constant (node, "start_dim").toInt () == 1);
    int64_t end = constant (node, "end_dim").toInt ();
    require (end == -1 || end == (is_flat (node->inputs ()[0]) ? 1 : 3));
    rename (node);
    flat_.insert (node->output ());
  }

  // A convolution whose window is the whole map.
  void
  read_linear (const Node *node)
  {
    require (is_flat (node->namedInput ("input")));
    step &step = add (node, step::CONVOLUTION, { node->namedInput ("input") });
    read_arrays (node, step);
    step.window = step.stride = { 0, 0 };
  }

  // Padding by zeros that convolutions alone use becomes theirs.
  void
  read_padding (const Node *node, const std::string &name)
  {
    sizes padding = constant (node, "pad").toIntVector ();
    at::IValue value = constant (node, "value");
    require (padding.size () == 4 && *std::min_element (padding.begin (), padding.end ()) >= 0);
    require (value.isNone () || value.toScalar ().toDouble () == 0);
    require (name != "aten::pad" || constant (node, "mode").toStringRef () == "constant");
    for (const auto &use : node->output ()->uses ())
      {
        std::string user = use.user->kind ().toQualString ();
        require (user == "aten::conv2d" || user == "aten::convolution" || user == "aten::_convolution");
      }
    padding_[node->output ()] = { node->namedInput ("self"), padding };
  }

  void
  read_pooling (const Node *node, bool maximum)
  {
    step &step = add (node, maximum ? step::MAXIMUM : step::AVERAGE, { node->namedInput ("self") });
    step.window = pair (node, "kernel_size");
    step.stride = pair (node, "stride");
    if (step.stride.empty ())
      step.stride = step.window;
    step.padding = step.padding_after = pair (node, "padding");
    step.ceils = constant (node, "ceil_mode").toBool ();
    if (maximum)
      require (pair (node, "dilation") == sizes ({ 1, 1 }));
    else
      {
        require (!step.ceils);
        require (constant (node, "divisor_override").isNone ());
        step.counts_padding = constant (node, "count_include_pad").toBool ();
      }
  }

  // Along rows first: long sums lose fewer bits so.
  void
  read_average (const Node *node, bool mean)
  {
    if (mean)
      {
        sizes dimensions = constant (node, "dim").toIntVector ();
        std::sort (dimensions.begin (), dimensions.end ());
        require (dimensions == sizes ({ 2, 3 }) || dimensions == sizes ({ -2, -1 }));
      }
    else
      require (pair (node, "output_size") == sizes ({ 1, 1 }));
    require (!is_flat (node->namedInput ("self")));
    step &rows = add (node, step::AVERAGE, { node->namedInput ("self") });
    rows.window = rows.stride = { 1, 0 };
    step columns = rows;
    columns.inputs = { rows.output };
    columns.output = steps_.values;
    columns.window = columns.stride = { 0, 1 };
    number_[node->output ()] = steps_.values++;
    steps_.list.push_back (columns);
    if (mean && !constant (node, "keepdim").toBool ())
      flat_.insert (node->output ());
  }

  void
  read_pair (const Node *node, bool sum)
  {
    require (!sum || constant (node, "alpha").toScalar ().toDouble () == 1);
    add (node, sum ? step::SUM : step::PRODUCT, { node->namedInput ("self"), node->namedInput ("other") });
  }

  void
  read_concatenation (const Node *node)
  {
    const Node *list = node->namedInput ("tensors")->node ();
    require (list->kind () == torch::jit::prim::ListConstruct && constant (node, "dim").toInt () == 1);
    add (node, step::CONCATENATION, { list->inputs ().begin (), list->inputs ().end () });
  }

  // Dropout when it drops nothing; another type of float, since all steps compute in the precision that was asked for.
  void
  read_nothing (const Node *node, bool dropout)
  {
    if (dropout)
      require (!constant (node, "train").toBool ());
    else
      require (at::isFloatingType (constant (node, "dtype").toScalarType ()));
    rename (node);
  }

  void
  read_activation (const Node *node, const std::string &name)
  {
    static const std::unordered_map<std::string, std::vector<activation> > known{
      { "aten::relu", { { activation::RELU, 0, 0 } } },
      { "aten::relu6", { { activation::CLIP, 0, 6 } } },
      { "aten::sigmoid", { { activation::SIGMOID, 0, 0 } } },
      { "aten::silu", { { activation::SWISH, 0, 0 } } },
      { "aten::hardsigmoid", { { activation::LINEAR, 1.0F / 6, 0.5F }, { activation::CLIP, 0, 1 } } },
      { "aten::hardswish", { { activation::HARD_SWISH, 0, 0 } } },
    };
    std::vector<activation> activations;
    if (name == "aten::hardtanh")
      activations = { { activation::CLIP, constant (node, "min_val").toScalar ().to<float> (),
                        constant (node, "max_val").toScalar ().to<float> () } };
    else
      activations = known.at (name);
    add (node, step::ACTIVATION, { node->inputs ()[0] }).activations = activations;
  }

  std::unordered_map<const Value *, int> number_;
  std::unordered_set<const Value *> flat_;
  std::unordered_map<const Value *, std::pair<const Value *, sizes> > padding_; // of what, how much
};

} // namespace

std::optional<steps>
read_steps (const torch::jit::Module &frozen)
{
  auto graph = frozen.get_method ("forward").graph ()->copy ();
  torch::jit::RemoveTensorMutation (graph);
  torch::jit::EliminateDeadCode (graph);
  try
    {
      reader reader (*graph);
      fuse_steps (reader.steps_);
      return reader.steps_;
    }
  catch (const std::exception &)
    {
      return std::nullopt;
    }
}
